// IKEv2 message fragmentation (RFC 7383): what is cut fits, and is whole again; nobody but the peer can disturb it.
import { describe, expect, test } from 'vitest';
import { gather, wanted, whole } from '../../../src/ike/v2/fragments.ts';
import { ikeKeys } from '../../../src/ike/v2/keys.ts';
import { decrypt, type Protection, payloadsOf, seal } from '../../../src/ike/v2/protect.ts';
import { EXCHANGE, NOTIFY_V2, PAYLOAD_V2 } from '../../../src/ike/wire/numbers.ts';
import { decode, find, type Message, notify, type PayloadOf } from '../../../src/ike/wire/v2.ts';
import { A, B, generator, live, pair, policy, SETTINGS } from '../simulation.ts';

const next = generator(7383);
const random = (n: number) => Uint8Array.from({ length: n }, () => next() * 256);
const HEADER = {
  ...{ spiI: random(8), spiR: random(8), major: 2, minor: 0 },
  ...{ exchange: EXCHANGE.CREATE_CHILD_SA, flags: 0, messageId: 3 },
};

/** Octets around an IKE message in an IPv6 packet on port 4500. */
const AROUND = 52;

const isFragment = (data: Uint8Array) => data[16] === PAYLOAD_V2.SKF;

describe.each([
  { cipher: 'aes128-gcm16', prf: 'sha256', group: 'modp2048' },
  { cipher: 'aes256', prf: 'sha256', integrity: 'sha256', group: 'modp2048' },
  { cipher: '3des', prf: 'sha1', integrity: 'sha1', group: 'modp2048' },
] as const)('$cipher', (suite) => {
  const keys = ikeKeys(suite, random(32), random(16), random(16), HEADER.spiI, HEADER.spiR);
  const p: Protection = { suite, keys };
  const payloads = [notify(NOTIFY_V2.COOKIE, random(700)), notify(NOTIFY_V2.COOKIE, random(333))];
  const open = (data: Uint8Array) => {
    const message = (decode(data) as { ok: true; value: Message }).value;
    const skf = find(message.payloads, 'skf') as PayloadOf<'skf'>;
    return { message, skf, opened: decrypt(p, true, data, message, skf) };
  };
  const refit = (fragments: Uint8Array[]) => {
    let held: ReturnType<typeof gather> | undefined;
    for (const data of fragments) {
      const { message, skf, opened } = open(data);
      if (!opened.ok || !wanted(held, message, skf, false)) continue;
      held = gather(held, message, skf, false, opened.text);
    }
    const complete = held && whole(held);
    const opened = complete && payloadsOf(complete.text, complete.first);
    return opened?.ok ? { ok: true, payloads: opened.payloads } : opened;
  };

  test('no fragment is longer than the limit, and in any order they are the message', () => {
    for (let limit = 120; limit < 1200; limit += 7) {
      const fragments = seal(p, true, HEADER, payloads, random, limit);
      if (!isFragment(fragments[0])) {
        expect(fragments).toHaveLength(1);
        continue;
      }
      expect(Math.max(...fragments.map((f) => f.length))).toBeLessThanOrEqual(limit);
      const twice = [...fragments, ...fragments].sort(() => next() - 0.5);
      expect(refit(twice)).toEqual({ ok: true, payloads });
      expect(refit(fragments.slice(1))).toBeUndefined();
    }
  });

  test('a finer cut takes the place of a coarser one, a coarser one that comes late is let go (2.6)', () => {
    const [coarse, fine] = [600, 300].map((limit) => seal(p, true, HEADER, payloads, random, limit));
    expect(coarse.length).toBeLessThan(fine.length);
    expect(refit([...coarse.slice(1), ...fine])).toEqual({ ok: true, payloads });
    expect(refit([fine[0], ...coarse, ...fine.slice(1)])).toEqual({ ok: true, payloads });
  });

  test('number and total are authenticated', () => {
    const [first] = seal(p, true, HEADER, payloads, random, 300);
    for (const at of [28, 33, 35]) {
      const { opened } = open(first.with(at, first[at] + 1));
      expect(opened).toMatchObject({ ok: false, authentic: false });
    }
  });
});

test.each([
  ['number 0', 0, 2],
  ['a number above the total', 3, 2],
  ['nothing of nothing', 0, 0],
])('%s is malformed', (_, number, total) => {
  const suite = { cipher: 'aes128-gcm16', prf: 'sha256', group: 'modp2048' } as const;
  const keys = ikeKeys(suite, random(32), random(16), random(16), HEADER.spiI, HEADER.spiR);
  const payloads = [notify(NOTIFY_V2.COOKIE, random(600))];
  const [message] = seal({ suite, keys }, true, HEADER, payloads, random, 300);
  const broken = message.with(33, number).with(35, total);
  expect(decode(broken).ok).toBe(false);
});

describe('two engines with fragments of 512 octets', () => {
  const settings = { ...SETTINGS, fragmentSize: 512 };
  const long = {
    version: 2 as const,
    ike: { ...policy(A, B).ike, groups: ['modp4096' as const], lifetime: 900 },
    child: { ...policy(A, B).children[0], group: 'modp4096' as const, seconds: 600 },
  };

  test('renewals travel in fragments, IKE_SA_INIT never', () => {
    const { network, a, b } = pair(1, long, settings);
    network.run(1500);
    const fragments = network.log.filter(({ data }) => isFragment(data));
    expect(fragments.length).toBeGreaterThan(4);
    expect(new Set(fragments.map(({ from }) => from.address)).size).toBe(2);
    for (const { data } of network.log) {
      if (data[18] === EXCHANGE.IKE_SA_INIT) expect(isFragment(data)).toBe(false);
      else expect(data.length).toBeLessThanOrEqual(settings.fragmentSize - AROUND);
    }
    for (const node of [a, b]) expect(node.codes()).toContain('child-rekeyed');
    for (const node of [a, b]) expect(node.codes()).toContain('ike-rekeyed');
    expect(live(a)).toHaveLength(1);
  });

  test('loss, duplication and reordering of fragments: every seed goes on', () => {
    for (let seed = 1; seed <= 15; seed++) {
      const { network, a, b } = pair(seed, long, settings);
      network.run(10);
      network.faults = { loss: 0.1, duplication: 0.2, jitter: 300 };
      network.run(3000);
      network.faults = {};
      network.run(60);
      expect(a.codes().filter((c) => c === 'child-rekeyed').length, `seed ${seed}`).toBeGreaterThan(2);
      expect(live(a).length, `seed ${seed}`).toBeGreaterThan(0);
      expect(live(b).length, `seed ${seed}`).toBeGreaterThan(0);
    }
  });

  test('forged fragments before the true ones change nothing', () => {
    const { network, a, b } = pair(3, long, settings);
    let forged = 0;
    network.filter = (from, to, data) => {
      if (!isFragment(data)) return true;
      // The same place in the message, other octets; and a total that would make the receiver start over.
      for (const copy of [data.with(data.length - 1, data[data.length - 1] ^ 1), data.with(35, 60)]) {
        forged++;
        network.node(to.address)!.input({ kind: 'datagram', local: to, remote: from, data: copy });
      }
      return true;
    };
    network.run(1500);
    expect(forged).toBeGreaterThan(10);
    for (const node of [a, b]) expect(node.codes()).toContain('child-rekeyed');
    for (const node of [a, b]) expect(node.codes()).toContain('ike-rekeyed');
  });
});

test('more than 64 fragments, or 64 KB, nobody gathers', () => {
  const message = { header: { messageId: 1 } } as Message;
  const skf = (number: number, total: number, length: number) => ({
    ...{ type: 'skf' as const, first: 0, number, total, body: new Uint8Array(length) },
  });
  expect(wanted(undefined, message, skf(1, 64, 1000), false)).toBe(true);
  expect(wanted(undefined, message, skf(1, 65, 1000), false)).toBe(false);
  let held: ReturnType<typeof gather> | undefined;
  for (const number of [1, 2]) {
    const next = skf(number, 3, 30_000);
    expect(wanted(held, message, next, false)).toBe(true);
    held = gather(held, message, next, false, next.body);
  }
  expect(wanted(held, message, skf(3, 3, 30_000), false)).toBe(false);
  expect(wanted(held, message, skf(3, 3, 5_000), false)).toBe(true);
  // What is left of another message counts nothing.
  const later = { header: { messageId: 2 } } as Message;
  expect(wanted(held, later, skf(1, 3, 30_000), false)).toBe(true);
});
