import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addressBytes,
  familyOf,
  formatAddress,
  maskBytes,
  maskLength,
  networkOf,
  parseAddress,
  parseCidr,
  prefixOfRange,
  rangeOf,
  splitCidr,
} from '../../src/net/address.ts';

const octets = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Mostly zeros: the addresses that "::" shortens.
  fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }).map((a) => Uint8Array.from(a)),
);
const cidr = octets.chain((bytes) =>
  fc.nat(bytes.length * 8).map((length) => `${formatAddress(bytes)}/${length}`),
);

describe('addresses', () => {
  test.each([
    ['2001:0db8::0001', '2001:db8::1', '4.1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1', '4.2.1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1', '4.2.2'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1', '4.2.2'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1', '4.2.3'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1', '4.2.3'],
    ['2001:DB8::AAAA', '2001:db8::aaaa', '4.3'],
    ['0:0:0:0:0:0:0:0', '::', '4.2'],
    ['1:0:0:0:0:0:0:0', '1::', '4.2'],
    ['::ffff:192.0.2.1', '::ffff:c000:201', '4.2'],
  ])('%s is written %s (RFC 5952 %s)', (typed, canonical) => {
    expect(parseAddress(typed)).toBe(canonical);
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1.2.3.4 ',
    '1.2.3.-4',
    '1::2::3',
    ':::',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.4:5',
    '1.2.3.4::',
    '1.2.3.4::5',
    'fe80::1%eth0',
    '[::1]',
    '::1/64',
  ])('%j is no address (RFC 4291 2.2)', (typed) => {
    expect(parseAddress(typed)).toBeUndefined();
  });

  test('the family can be asked for', () => {
    expect(parseAddress('192.0.2.1', 4)).toBe('192.0.2.1');
    expect(parseAddress('192.0.2.1', 6)).toBeUndefined();
    expect(parseAddress('::1', 6)).toBe('::1');
    expect(parseAddress('::1', 4)).toBeUndefined();
    expect([familyOf('192.0.2.1'), familyOf('::1')]).toEqual([4, 6]);
  });

  test('octets, text and octets again are the same, and the text is canonical', () => {
    fc.assert(
      fc.property(octets, (bytes) => {
        const text = formatAddress(bytes);
        expect(isIP(text)).toBe(bytes.length === 4 ? 4 : 6);
        expect(addressBytes(text)).toEqual(bytes);
        expect(parseAddress(text)).toBe(text);
      }),
    );
  });

  test('what is an address is what Node takes for one', () => {
    const almost = fc.string({ unit: fc.constantFrom(...'0123456789abcdef::::..'), maxLength: 24 });
    fc.assert(
      fc.property(fc.oneof(almost, fc.ipV4Extended(), fc.ipV6()), (text) => {
        expect(parseAddress(text) !== undefined).toBe(isIP(text) !== 0);
      }),
      { numRuns: 500 },
    );
  });

  test('octets of what is no address are a programming error', () => {
    expect(() => addressBytes('nowhere')).toThrow(TypeError);
  });
});

describe('prefixes', () => {
  test('host bits are kept, the address becomes canonical', () => {
    expect(parseCidr('10.0.0.1/24')).toBe('10.0.0.1/24');
    expect(parseCidr('2001:DB8:0::1/64')).toBe('2001:db8::1/64');
    expect(splitCidr('2001:db8::1/64')).toEqual({ address: '2001:db8::1', length: 64 });
  });

  test.each([
    '10.0.0.1',
    '10.0.0.1/',
    '10.0.0.1/33',
    '10.0.0.1/024',
    '10.0.0.1/-1',
    '::/129',
    '/24',
    '10/8/8',
  ])('%j is no prefix', (typed) => expect(parseCidr(typed)).toBeUndefined());

  test('the family can be asked for', () => {
    expect(parseCidr('10.0.0.0/8', 6)).toBeUndefined();
    expect(parseCidr('::/0', 4)).toBeUndefined();
  });

  test('a network has no host bits, also when the length is no multiple of eight', () => {
    expect(networkOf('192.168.2.77/24')).toBe('192.168.2.0/24');
    expect(networkOf('10.255.255.255/9')).toBe('10.128.0.0/9');
    expect(networkOf('2001:db8::ffff/127')).toBe('2001:db8::fffe/127');
    expect(networkOf('10.1.2.3/0')).toBe('0.0.0.0/0');
  });

  test('first and last address of a Traffic Selector (RFC 7296 3.13.1)', () => {
    const { first, last } = rangeOf('192.168.2.77/23');
    expect([formatAddress(first), formatAddress(last)]).toEqual(['192.168.2.0', '192.168.3.255']);
  });

  test('prefix to range to prefix gives the network', () => {
    fc.assert(
      fc.property(cidr, (c) => {
        const { first, last } = rangeOf(c);
        expect(prefixOfRange(first, last)).toBe(networkOf(c));
        expect(networkOf(networkOf(c))).toBe(networkOf(c));
      }),
    );
  });

  test.each([
    ['10.0.0.0', '10.0.0.2'],
    ['10.0.0.1', '10.0.0.2'],
    ['10.0.0.1', '10.0.0.255'],
    ['0.0.0.0', '255.255.255.254'],
  ])('%s to %s is no prefix', (a, b) => {
    expect(prefixOfRange(addressBytes(a), addressBytes(b))).toBeUndefined();
  });

  test('masks and lengths are each other, and a mask with a hole has no length', () => {
    for (let n = 0; n <= 32; n++) expect(maskLength(maskBytes(n, 4))).toBe(n);
    for (let n = 0; n <= 128; n++) expect(maskLength(maskBytes(n, 6))).toBe(n);
    expect(formatAddress(maskBytes(23, 4))).toBe('255.255.254.0');
    expect(maskLength(Uint8Array.of(255, 0, 255, 0))).toBeUndefined();
    expect(maskLength(Uint8Array.of(255, 253, 0, 0))).toBeUndefined();
  });
});
