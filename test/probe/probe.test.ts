// The probe's questions against peers made of lists: what it finds is what they accept, within its packets.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GROUPS } from '../../src/ike/crypto/algorithm.ts';
import { type Alternatives, match } from '../../src/ike/proposal/match.ts';
import { phase1Names } from '../../src/ike/proposal/v1.ts';
import { fromWire } from '../../src/ike/proposal/v2.ts';
import { EXCHANGE, FLAG, FOREIGN_GROUP, NOTIFY_V1, NOTIFY_V2 } from '../../src/ike/wire/numbers.ts';
import * as v1 from '../../src/ike/wire/v1.ts';
import * as v2 from '../../src/ike/wire/v2.ts';
import { CANDIDATES_V1, CANDIDATES_V2 } from '../../src/probe/candidates.ts';
import type { Answer, Exchange } from '../../src/probe/exchange.ts';
import { probe } from '../../src/probe/probe.ts';
import type { VersionReport } from '../../src/probe/report.ts';
import { probeText } from '../../src/probe/text.ts';
import { probeV1 } from '../../src/probe/v1.ts';
import { probeV2 } from '../../src/probe/v2.ts';
import { generator } from '../ike/simulation.ts';

type Peer = {
  /** Suites that it takes, in its order. */
  readonly accepts: readonly Alternatives[];
  /** Asks for a cookie first. */
  readonly cookies?: boolean;
  /** Falls silent when so many SAs are half-open. */
  readonly limit?: number;
};

type Answering = Exchange & { sent: number; halfOpen: number };

function exchange(packets: number, answers: (data: Uint8Array, x: Answering) => Uint8Array | undefined) {
  const next = generator(5);
  const x: Answering = {
    ...{ sent: 0, halfOpen: 0 },
    local: { address: '192.0.2.1', port: 40000 },
    remote: { address: '192.0.2.2', port: 500 },
    random: (n) => Uint8Array.from({ length: n }, () => 1 + Math.floor(next() * 255)),
    left: () => packets - x.sent,
    ask: async (data, fits): Promise<Answer> => {
      x.sent++;
      const answer = answers(data, x);
      return answer && fits(answer) ? { kind: 'answer', data: answer, milliseconds: 1 } : { kind: 'silence' };
    },
  };
  return x;
}

const groupId = (name: string): number =>
  Object.values(GROUPS).find((g) => g.name === name)?.id ??
  Object.entries(FOREIGN_GROUP).find(([n]) => n === name)?.[1] ??
  0;

/** A responder of IKEv2 that keeps nothing but a count. */
function responder(peer: Peer, packets = 1000): Answering {
  return exchange(packets, (data, x) => {
    if (peer.limit !== undefined && x.halfOpen >= peer.limit) return undefined;
    const decoded = v2.decode(data);
    if (!decoded.ok) throw new Error(decoded.error.rule);
    const { header, payloads } = decoded.value;
    const reply = (spiR: number, list: v2.Payload[]) =>
      v2.encode({ ...header, spiR: new Uint8Array(8).fill(spiR), flags: FLAG.RESPONSE }, list);
    if (peer.cookies && !v2.findNotify(payloads, NOTIFY_V2.COOKIE))
      return reply(0, [v2.notify(NOTIFY_V2.COOKIE, Uint8Array.of(1, 2, 3))]);
    const offers = v2.find(payloads, 'sa')!.proposals;
    const found = match(peer.accepts, offers.map(fromWire));
    if (!found.ok) return reply(0, [v2.notify(NOTIFY_V2.NO_PROPOSAL_CHOSEN)]);
    const group = groupId(found.choice.group ?? '');
    const ke = v2.find(payloads, 'ke')!;
    // RFC 7296 1.2: the group of the public value is one of those offered.
    expect(fromWire(offers[0]).group?.map(groupId)).toContain(ke.group);
    if (ke.group !== group)
      return reply(0, [v2.notify(NOTIFY_V2.INVALID_KE_PAYLOAD, Uint8Array.of(0, group))]);
    x.halfOpen++;
    const offer = offers[found.offer];
    const transforms = offer.transforms.filter((t) => {
      const [[d, [name]]] = Object.entries(fromWire({ ...offer, transforms: [t] }));
      return found.choice[d as keyof Alternatives] === name;
    });
    return reply(9, [{ type: 'sa', proposals: [{ ...offer, transforms }] }, ke, v2.find(payloads, 'nonce')!]);
  });
}

const names = (r: VersionReport) => Object.fromEntries(r.accepted.map((a) => [a.dimension, a.names]));

const SUITE: Alternatives = {
  encryption: ['aes256', 'aes128', '3des'],
  integrity: ['sha1', 'md5'],
  prf: ['sha384', 'sha256'],
  group: ['modp1024', 'ecp384', 'modp2048'],
};

describe('IKEv2', () => {
  test('lists in the order of the peer as long as half-open SAs allow', async () => {
    const x = responder({ accepts: [SUITE] });
    const r = await probeV2(x, 20);
    expect(names(r)).toEqual(SUITE);
    expect(r.accepted.every((a) => a.ordered === a.names.length && !a.incomplete)).toBe(true);
    expect(r.preferred?.names).toEqual({
      encryption: ['aes256'],
      integrity: ['sha1'],
      prf: ['sha384'],
      group: ['modp1024'],
    });
    expect(x.sent).toBeLessThanOrEqual(40);
  });

  test('one half-open SA is enough for what is accepted, and for the order of groups', async () => {
    const x = responder({ accepts: [SUITE], limit: 1 });
    // The limit counts before the answer: with one half-open it would keep silent for good.
    const free = responder({ accepts: [SUITE] });
    const r = await probeV2(free, 1);
    expect(free.halfOpen).toBe(1);
    expect(names(r).group).toEqual(SUITE.group);
    expect(new Set(names(r).encryption)).toEqual(new Set(SUITE.encryption));
    expect(free.sent).toBeLessThanOrEqual(40);
    const limited = await probeV2(x, 1);
    expect(limited.findings.map((f) => f.code)).toContain('PARTIAL');
    expect(limited.accepted.every((a) => a.incomplete)).toBe(true);
  });

  test('cookies, and a group of choice that we cannot compute', async () => {
    const group = ['brainpool256', 'modp2048-256', 'ecp256'];
    const r = await probeV2(responder({ accepts: [{ ...SUITE, group }], cookies: true }), 4);
    expect(r.state).toBe('accepted');
    expect(names(r).group).toEqual(group);
  });

  test('a peer that takes the decoy itself', async () => {
    const group = ['modp768', 'modp1024-160', 'ecp256'];
    const r = await probeV2(responder({ accepts: [{ ...SUITE, group }] }), 4);
    expect(names(r).group?.toSorted()).toEqual(group.toSorted());
  });

  test('any peer: nothing is missed, nothing is made up, and packets are counted', async () => {
    const some = (d: keyof Alternatives, only = (_: { aead?: boolean }) => true) =>
      fc.shuffledSubarray(
        (CANDIDATES_V2[d] ?? []).filter(only).map((c) => c.name),
        {
          ...{ minLength: 1, maxLength: 6 },
        },
      );
    const own = fc.constantFrom(...Object.keys(GROUPS));
    const suite = fc.record({
      encryption: some('encryption', (c) => !c.aead),
      integrity: some('integrity'),
      prf: some('prf'),
      group: fc.tuple(some('group'), own).map(([list, g]) => [...new Set([...list, g])]),
    });
    await fc.assert(
      fc.asyncProperty(suite, fc.integer({ min: 1, max: 4 }), async (accepts, halfOpen) => {
        const x = responder({ accepts: [accepts] });
        const r = await probeV2(x, halfOpen);
        for (const d of ['encryption', 'integrity', 'prf', 'group'] as const)
          expect(names(r)[d]?.toSorted(), d).toEqual(accepts[d].toSorted());
        expect(x.halfOpen).toBeLessThanOrEqual(halfOpen + 3);
        expect(r.accepted.some((a) => a.incomplete)).toBe(false);
        const just = await probeV2(responder({ accepts: [accepts] }, x.sent), halfOpen);
        expect(just.accepted).toEqual(r.accepted);
        const less = await probeV2(responder({ accepts: [accepts] }, x.sent - 1), halfOpen);
        expect(less.accepted.some((a) => a.incomplete)).toBe(true);
        const poor = responder({ accepts: [accepts] }, 12);
        const part = await probeV2(poor, halfOpen);
        expect(poor.sent).toBeLessThanOrEqual(12);
        for (const a of part.accepted)
          for (const name of a.names) expect(accepts[a.dimension as 'prf']).toContain(name);
      }),
      { numRuns: 60 },
    );
  });
});

describe('IKEv1', () => {
  function main(accepts: readonly Alternatives[], packets = 1000): Answering {
    return exchange(packets, (data) => {
      // One packet on every path.
      expect(data.length).toBeLessThan(1472);
      const decoded = v1.decode(data);
      if (!decoded.ok) throw new Error(decoded.error.rule);
      const { header, payloads } = decoded.value;
      const sa = v1.find(payloads!, 'sa')!;
      const [proposal] = sa.proposals;
      const found = match(accepts, proposal.transforms.map(phase1Names));
      const answer = { ...header, spiR: new Uint8Array(8).fill(3) };
      if (found.ok) {
        const transforms = [proposal.transforms[found.offer]];
        return v1.encode(answer, [{ ...sa, proposals: [{ ...proposal, transforms }] }]);
      }
      const refusal = { type: 'notify', doi: 1, protocol: 1, spi: new Uint8Array(0) } as const;
      return v1.encode({ ...answer, exchange: EXCHANGE.INFORMATIONAL_V1 }, [
        { ...refusal, notify: NOTIFY_V1.NO_PROPOSAL_CHOSEN, data: new Uint8Array(0) },
      ]);
    });
  }

  test.each([
    ['common', { encryption: ['aes128', '3des'], hash: ['sha1', 'sha256'], group: ['modp1024', 'ecp521'] }],
    ['strange', { encryption: ['des', 'aes192'], hash: ['md5'], group: ['modp768'] }],
    ['new', { encryption: ['aes256'], hash: ['sha384', 'sha512'], group: ['ecp384'] }],
  ])('%s lists', async (_, accepts) => {
    const x = main([{ ...accepts, authentication: ['preshared-key'] }]);
    const r = await probeV1(x);
    expect(r.state).toBe('accepted');
    for (const d of ['encryption', 'hash', 'group'] as const)
      expect(names(r)[d]?.toSorted()).toEqual(accepts[d].toSorted());
    expect(x.sent).toBeLessThanOrEqual(40);
  });

  test('a suite that shares nothing with the preferred one', async () => {
    const suite = (e: string, h: string, g: string): Alternatives => ({
      ...{ encryption: [e], hash: [h], group: [g], authentication: ['preshared-key'] },
    });
    const x = main([suite('aes256', 'sha256', 'modp2048'), suite('3des', 'sha1', 'modp1024')]);
    const r = await probeV1(x);
    expect(r.others?.map((o) => o.names)).toEqual([suite('3des', 'sha1', 'modp1024')]);
    expect(names(r)).toEqual({
      encryption: ['aes256', '3des'],
      hash: ['sha256', 'sha1'],
      group: ['modp2048', 'modp1024'],
    });
    expect(r.accepted.map((a) => a.ordered)).toEqual([1, 1, 1]);
    expect(x.sent).toBeLessThanOrEqual(8);
  });

  test('nothing is taken', async () => {
    const r = await probeV1(main([]));
    expect([r.state, r.findings[0].code]).toEqual(['refused', 'NO_CONNECTION_FOR_PEER']);
    expect(r.findings[0].text).toMatch(/no connection for 192\.0\.2\.1 or for IKEv1/);
  });

  test('candidates have names of their own', () => {
    for (const list of [CANDIDATES_V1, CANDIDATES_V2].flatMap((c) => Object.values(c))) {
      expect(new Set(list.map((c) => c.name)).size).toBe(list.length);
      expect(list.filter((c) => /^\w+ \d+$/.test(c.name))).toEqual([]);
    }
  });
});

test('the report in words', async () => {
  const x = responder({ accepts: [SUITE] });
  const silent = exchange(40, () => undefined);
  const open = [x, silent];
  const wishes = { host: 'peer.example', versions: [2, 1] as const };
  const report = await probe(
    wishes,
    async () => open.shift()!,
    () => x.sent + silent.sent,
  );
  const text = probeText(report);
  expect(text).toMatch(
    /^192\.0\.2\.2\[500\] \(peer\.example\) from 192\.0\.2\.1\[40000\]: an IKE daemon answers\n/,
  );
  expect(text).toMatch(/group +modp1024 \(weak: a 1024-bit prime .*\) > ecp384 > modp2048\n/);
  expect(text).toMatch(/IKEv1: no answer\n +ERROR: no answer to IKEv1: the peer does not speak it/);
});
