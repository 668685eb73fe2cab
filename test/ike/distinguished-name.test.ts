// Distinguished names: to text, compared as people write them, and total on hostile octets.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameText, sameName } from '../../src/ike/distinguished-name.ts';
import { concat, fromHex, utf8 } from '../../src/net/bytes.ts';

const tlv = (tag: number, ...parts: Uint8Array[]): Uint8Array => {
  const body = concat(...parts);
  const head = body.length < 128 ? [tag, body.length] : [tag, 0x81, body.length];
  return concat(Uint8Array.from(head), body);
};
const part = (oid: string, tag: number, value: Uint8Array) =>
  tlv(0x31, tlv(0x30, tlv(0x06, fromHex(oid)), tlv(tag, value)));

describe('nameText', () => {
  test('the usual types, printable and UTF-8, in the order of the octets', () => {
    const name = tlv(
      0x30,
      ...[part('550406', 0x13, utf8('JP')), part('55040a', 0x0c, utf8('例'))],
      ...[part('0992268993f22c640119', 0x16, utf8('example')), part('550403', 0x0c, utf8('vpn'))],
    );
    expect(nameText(name)).toBe('C=JP, O=例, DC=example, CN=vpn');
  });

  test('what separates is escaped, what a terminal obeys replaced, what has no name keeps its number', () => {
    const name = tlv(0x30, part('550403', 0x0c, utf8('a,b=c\u001b[2J')), part('2a03', 0x0c, utf8('x')));
    expect(nameText(name)).toBe('CN=a\\,b\\=c?[2J, OID.2a03=x');
  });

  test('whatever the octets, it is a text or nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        const text = nameText(octets);
        expect(text === undefined || text.length > 0).toBe(true);
      }),
      { numRuns: 20_000 },
    );
    const good = tlv(0x30, part('550406', 0x13, utf8('JP')), part('550403', 0x0c, utf8('a')));
    for (let at = 0; at < good.length; at++)
      for (const value of [0, 0x7f, 0x80, 0x84, 0xff])
        expect(() => nameText(good.with(at, value))).not.toThrow();
  });
});

test('names are the same however people write them', () => {
  expect(sameName('C=JP, O=Example, CN=a', 'c = JP,o=example,  cn=A')).toBe(true);
  expect(sameName('C=JP, O=Example, CN=a', 'CN=a, O=Example, C=JP')).toBe(true);
  expect(sameName('C=JP, CN=a', '/C=JP/CN=a')).toBe(true);
  expect(sameName('C=JP, CN=a', 'C=JP, CN=b')).toBe(false);
  expect(sameName('C=JP, CN=a', 'C=JP, CN=a, CN=a')).toBe(false);
  expect(sameName('CN=a\\,b', 'CN=a, CN=b')).toBe(false);
});
