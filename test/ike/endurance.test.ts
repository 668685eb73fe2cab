// Lost and altered copies in quick mode, and first messages made to cost: each was a defect once.
import { describe, expect, test } from 'vitest';
import { encode } from '../../src/ike/wire/v1.ts';
import { encode as encode2 } from '../../src/ike/wire/v2.ts';
import { A, B, live, pair } from './simulation.ts';

const NOTHING = new Uint8Array(0);

describe('quick mode message 3', () => {
  test('lost for good: the initiator’s first packet is as good as it', () => {
    const { network, a, b } = pair(1, { version: 1 });
    let n = 0;
    network.filter = () => ++n < 11;
    network.run(70);
    network.filter = () => true;
    a.dataplane.transmit('ipsec0', Uint8Array.of(0x45, 0));
    network.run(5);
    b.dataplane.transmit('ipsec0', Uint8Array.of(0x45, 0));
    network.run(5);
    expect([a.received.length, b.received.length]).toEqual([1, 1]);
    expect(live(a).map((c) => c.spiOut)).toEqual(live(b).map((c) => c.spiIn));
  });

  test('is repeated although the first copy of message 2 had an octet more behind it', () => {
    const { network, a, b } = pair(1, { version: 1 });
    let n = 0;
    network.filter = (from, to, data) => {
      n++;
      if (n !== 10) return n !== 11;
      const longer = new Uint8Array([...data, 0]);
      network.after(5, () => a.input({ kind: 'datagram', local: to, remote: from, data: longer }));
      return false;
    };
    network.run(200);
    expect([live(a).length, live(b).length]).toEqual([1, 1]);
  });
});

describe('a first message of thousands of proposals', () => {
  const header = { spiI: new Uint8Array(8).fill(9), spiR: new Uint8Array(8), minor: 0, messageId: 0 };
  const many = <T>(proposals: number, transforms: number, transform: (n: number) => T) =>
    Array.from({ length: proposals }, (_, p) => ({
      ...{ number: p, protocol: 1, spi: NOTHING },
      transforms: Array.from({ length: transforms }, (_, t) => transform(p * transforms + t)),
    }));
  test.each([
    [
      1,
      encode({ ...header, major: 1, exchange: 2, flags: 0 }, [
        {
          ...{ type: 'sa', doi: 1, situation: 1 },
          proposals: many(21, 255, (n) => ({ number: 1, id: 1, attributes: [{ type: 1, value: n }] })),
        },
      ]),
    ],
    [
      2,
      encode2({ ...header, major: 2, exchange: 34, flags: 8 }, [
        { type: 'sa', proposals: many(30, 250, (n) => ({ type: 1 + (n % 4), id: 1000 + n })) },
        { type: 'ke', group: 5, data: new Uint8Array(192) },
        { type: 'nonce', data: new Uint8Array(16) },
      ]),
    ],
  ] as const)('IKEv%i: the log gets a line, not a book', (version, data) => {
    const { b } = pair(1, { version, initiate: 'never' });
    b.input({ kind: 'datagram', local: { address: B, port: 500 }, remote: { address: A, port: 500 }, data });
    expect(b.facts.at(-1)!.text.length).toBeLessThan(8192);
  });
});
