// IKEv1 fragments: what is cut comes together again in any order, and what is held of strangers is little.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cut, type Fragments, gather } from '../../../src/ike/v1/fragments.ts';
import { EXCHANGE } from '../../../src/ike/wire/numbers.ts';
import { decode, encode, type PayloadOf } from '../../../src/ike/wire/v1.ts';

const header = {
  ...{ spiI: new Uint8Array(8).fill(1), spiR: new Uint8Array(8).fill(2), major: 1, minor: 0, flags: 0 },
  ...{ exchange: EXCHANGE.IDENTITY_PROTECTION, messageId: 0, next: 0, length: 0 },
};

function piecesOf(data: Uint8Array, limit: number): PayloadOf<'fragment'>[] {
  return cut(data, header, 7, limit).map((datagram) => {
    expect(datagram.length).toBeLessThanOrEqual(limit);
    const decoded = decode(datagram);
    const piece = decoded.ok ? decoded.value.payloads?.[0] : undefined;
    if (piece?.type !== 'fragment') throw new Error('no fragment');
    return piece;
  });
}

test('what was cut comes together in any order, repeated or not', () => {
  const lengths = fc.tuple(fc.integer({ min: 600, max: 4000 }), fc.integer({ min: 300, max: 590 }), fc.nat());
  fc.assert(
    fc.property(lengths, ([octets, limit, seed]) => {
      const data = encode(header, [
        { type: 'vendor', data: Uint8Array.from({ length: octets }, (_, i) => i) },
      ]);
      const list = piecesOf(data, limit);
      const shuffled = [...list, ...list].sort(
        (a, b) => ((a.number * 7919 + seed) % 31) - ((b.number * 7919 + seed) % 31),
      );
      let held: Fragments | undefined;
      let whole: Uint8Array | undefined;
      for (const piece of shuffled) {
        if (whole) break;
        ({ held, whole } = gather(held, piece));
      }
      expect(whole).toEqual(data);
    }),
    { numRuns: 200 },
  );
});

test('a short message is left whole', () => {
  const data = encode(header, [{ type: 'vendor', data: new Uint8Array(16) }]);
  expect(cut(data, header, 1, 500)).toEqual([data]);
});

test('a stranger cannot make us hold more than 32 KB or 32 pieces', () => {
  let held: Fragments | undefined;
  for (let number = 1; number <= 255; number++) {
    const data = new Uint8Array(4000);
    ({ held } = gather(held, { type: 'fragment', id: 1, number, last: false, data }));
  }
  const sizes = [...(held?.parts.values() ?? [])].map((p) => p.length);
  expect(sizes.length).toBeLessThanOrEqual(32);
  expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(32_768);
});
