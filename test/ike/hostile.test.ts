// Hostile input at the codecs and at the engine: nothing throws, nothing hangs, what stands keeps standing.
import { describe, expect, test, vi } from 'vitest';
import type { Decoded } from '../../src/ike/wire/codec.ts';
import { EXCHANGE, FLAG, NOTIFY_V2 } from '../../src/ike/wire/numbers.ts';
import * as v1 from '../../src/ike/wire/v1.ts';
import * as v2 from '../../src/ike/wire/v2.ts';
import { u32Bytes } from '../../src/net/bytes.ts';
import { fuzzCodecs } from '../fuzz/codec.ts';
import { fuzzEngine, SCENES } from '../fuzz/engine.ts';
import { A, B, live, pair, policy } from './simulation.ts';

vi.setConfig({ testTimeout: 120_000 });

test('a million mutated messages through both codecs', { timeout: 300_000 }, () => {
  const { accepted } = fuzzCodecs(1_000_000, 1);
  for (const count of Object.values(accepted)) expect(count).toBeGreaterThan(10_000);
});

describe('hostile datagrams at two engines', () => {
  test.each(SCENES)('$name', (scene) => {
    fuzzEngine(scene, 2500, 1);
  });
});

/** A message of the most octets that its length field can state, filled with one thing over and over. */
function stuffed(major: 1 | 2, first: number, unit: number[], head: number[] = []): Uint8Array {
  const bytes = new Uint8Array(65_507);
  bytes.fill(9, 0, 8);
  bytes.set([first, major << 4, major === 1 ? 2 : 34, major === 1 ? 0 : 8], 16);
  bytes.set(u32Bytes(bytes.length), 24);
  bytes.set(head, 28);
  for (let at = 28 + head.length; at + unit.length <= bytes.length; at += unit.length) bytes.set(unit, at);
  return bytes;
}

describe('the longest datagrams cost milliseconds', () => {
  /** Generic header of a payload that fills the rest. */
  const PAYLOAD = [0, 0, 0xff, 0xc7];
  const SITUATION = [0, 0, 0, 1, 0, 0, 0, 1];
  test.each([
    ['Vendor IDs of no octets', stuffed(1, 13, [13, 0, 0, 4]), stuffed(2, 43, [43, 0, 0, 4])],
    [
      'proposals of no transforms',
      stuffed(1, 1, [2, 0, 0, 8, 1, 1, 0, 0], [...PAYLOAD, ...SITUATION]),
      stuffed(2, 33, [2, 0, 0, 8, 1, 1, 0, 0], PAYLOAD),
    ],
    [
      'transforms of one attribute',
      stuffed(
        1,
        1,
        [2, 0, 0, 20, 1, 1, 0, 1, 0, 0, 0, 12, 1, 1, 0, 0, 0x80, 1, 0, 7],
        [...PAYLOAD, ...SITUATION],
      ),
      stuffed(2, 33, [2, 0, 0, 20, 1, 1, 0, 1, 0, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0], PAYLOAD),
    ],
    [
      'attributes of no octets',
      stuffed(
        1,
        1,
        [0, 1, 0, 0],
        [...PAYLOAD, ...SITUATION, 0, 0, 0xff, 0xb7, 1, 1, 0, 1, 0, 0, 0xff, 0xaf, 1, 1, 0, 0],
      ),
      stuffed(2, 33, [0, 1, 0, 0], [...PAYLOAD, 0, 0, 0xff, 0xbf, 1, 1, 0, 1, 0, 0, 0xff, 0xb7, 1, 0, 0, 12]),
    ],
    [
      'selectors',
      stuffed(1, 44, [7, 0, 0, 8, 0, 0, 0, 0]),
      stuffed(2, 44, [7, 0, 0, 8, 0, 0, 0, 0], [...PAYLOAD, 255, 0, 0, 0]),
    ],
  ])('%s', (_, one, two) => {
    const decoders: [Uint8Array, (b: Uint8Array) => Decoded<unknown>][] = [
      [one, v1.decode],
      [two, v2.decode],
    ];
    const { b } = pair(1, { initiate: 'never' });
    for (const [bytes, decode] of decoders) {
      const start = performance.now();
      for (let i = 0; i < 10; i++) decode(bytes);
      b.input({
        ...{
          kind: 'datagram',
          local: { address: B, port: 500 },
          remote: { address: A, port: 500 },
          data: bytes,
        },
      });
      // Each takes one to fifteen; the margin is for a busy machine.
      expect((performance.now() - start) / 11).toBeLessThan(500);
    }
    expect([...b.engine.connections.get('ipsec0')!.sas]).toEqual([]);
  });
});

test('a proposal of thousands of transforms that we do not know is refused in milliseconds', () => {
  const { network, b } = pair(1, { version: 2, initiate: 'never' });
  const proposals = Array.from({ length: 30 }, (_, n) => ({
    ...{ number: n + 1, protocol: 1, spi: new Uint8Array(0) },
    transforms: Array.from({ length: 250 }, (_, t) => ({ type: 1 + (t % 4), id: 1000 + n * 250 + t })),
  }));
  const header = { ...{ spiI: new Uint8Array(8).fill(9), spiR: new Uint8Array(8), major: 2, minor: 0 } };
  const data = v2.encode({ ...header, exchange: EXCHANGE.IKE_SA_INIT, flags: FLAG.INITIATOR, messageId: 0 }, [
    { type: 'sa', proposals },
    { type: 'ke', group: 5, data: new Uint8Array(192) },
    { type: 'nonce', data: new Uint8Array(16) },
  ]);
  const start = performance.now();
  b.input({ kind: 'datagram', local: { address: B, port: 500 }, remote: { address: A, port: 500 }, data });
  expect(performance.now() - start).toBeLessThan(1000);
  const [answer] = network.log
    .filter((entry) => entry.from.address === B)
    .map((entry) => v2.decode(entry.data));
  expect(answer).toMatchObject({ value: { payloads: [{ notify: NOTIFY_V2.NO_PROPOSAL_CHOSEN }] } });
});

describe.each([1, 2] as const)('a flood of good first messages, IKEv%i', (version) => {
  const { network, a, b } = pair(version, { version });
  network.run(60);
  const [first] = network.log.map((entry) => entry.data);
  const [child] = live(b);
  const flood = (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      const data = first.slice();
      data.set(u32Bytes(n), 0);
      b.input({
        kind: 'datagram',
        local: { address: B, port: 500 },
        remote: { address: A, port: 500 },
        data,
      });
    }
  };
  const sas = () => [...b.engine.connections.get('ipsec0')!.sas];

  test('leaves few half-open SAs, which end by themselves, and the tunnel as it was', () => {
    const sent = network.log.length;
    flood(1, 2001);
    network.run(1);
    const halfOpen = sas().filter((sa) => sa.state !== 'established');
    expect(halfOpen).toHaveLength(version === 1 ? 32 : 8);
    const replies = network.log.slice(sent).filter((entry) => entry.from.address === B);
    const chosen = replies.filter(({ data }) => data[18] === EXCHANGE.IDENTITY_PROTECTION);
    expect(chosen).toHaveLength(version === 1 ? 2000 : 0);
    const cookies = replies.filter(({ data }) => {
      const decoded = v2.decode(data);
      return decoded.ok && v2.findNotify(decoded.value.payloads, NOTIFY_V2.COOKIE);
    });
    if (version === 2) expect(cookies).toHaveLength(2000 - 8);
    network.run(120);
    expect(sas().map((sa) => sa.state)).toEqual(['established']);
    flood(2001, 2011);
    expect(sas()).toHaveLength(version === 1 ? 11 : 9);
    network.run(120);
    expect(live(b)).toEqual([child]);
    a.dataplane.transmit('ipsec0', Uint8Array.of(0x45));
    network.run(1);
    expect(b.received.at(-1)?.inner).toEqual(Uint8Array.of(0x45));
  });

  test('while it lasts, from anywhere, a real peer comes in, and memory stays flat', () => {
    const { remote: _, ...anywhere } = policy(B, A, { version, initiate: 'never' });
    b.configure([{ ...anywhere, peerId: { type: 'fqdn', value: 'a.example' } }]);
    network.run(120);
    // 1,000 forged first messages a second, of as many addresses.
    let n = 0;
    const forge = () => {
      if (n >= 15_000) return;
      const data = first.slice();
      data.set(u32Bytes(0x7000_0000 + n), 0);
      const address = `198.51.${(n >> 8) % 256}.${n % 256}`;
      n++;
      b.input({ kind: 'datagram', local: { address: B, port: 500 }, remote: { address, port: 500 }, data });
      network.after(1, forge);
    };
    forge();
    a.configure([policy(A, B, { version, myId: { type: 'fqdn', value: 'a.example' } })]);
    expect(network.runUntil(() => live(a).length > 0 && live(b).length > 0, 14)).toBe(true);
    expect(n).toBeLessThan(15_000);
    expect(sas().length).toBeLessThan(300);
    network.run(120);
    expect(sas().filter((sa) => sa.state !== 'established')).toEqual([]);
  });

  test('requests under an unknown SPI are told so at most, stray responses get no answer (RFC 7296 2.21.4)', () => {
    const sent = network.log.length;
    const known = network.log.map((entry) => entry.data);
    for (const data of known.slice(0, 12)) {
      const stray = data.slice();
      stray.set([1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1]);
      stray[19] |= version === 2 && stray[18] === EXCHANGE.IKE_SA_INIT ? FLAG.RESPONSE : 0;
      b.input({
        ...{
          kind: 'datagram',
          local: { address: B, port: 500 },
          remote: { address: A, port: 500 },
          data: stray,
        },
      });
    }
    const answers = network.log.slice(sent);
    if (version === 1) return expect(answers).toEqual([]);
    // Nothing is kept of them, and nothing that is longer than what came.
    for (const { data } of answers) {
      expect(data).toHaveLength(36);
      expect(data[31 + 4]).toBe(NOTIFY_V2.INVALID_IKE_SPI);
    }
  });
});
