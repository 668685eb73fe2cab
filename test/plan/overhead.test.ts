import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CIPHERS, type CipherName, HASHES, type HashName } from '../../src/ike/crypto/algorithm.ts';
import type { ChildPolicy } from '../../src/ike/policy.ts';
import { innerMtu, mssOf } from '../../src/plan/overhead.ts';

function policy(ciphers: CipherName[], hashes: HashName[]): ChildPolicy {
  return {
    name: 'ipsec0',
    at: 'interface.ipsec0',
    mode: 'tunnel',
    ciphers,
    hashes,
    seconds: 28800,
    esn: false,
    replayWindow: 4096,
    selectors: { local: ['0.0.0.0/0'], remote: ['0.0.0.0/0'] },
    anySelectors: true,
    protocol: 0,
    ports: { local: 0, remote: 0 },
    named: true,
    loose: false,
  };
}

/** IV, padding unit and ICV in octets (RFC 3602, 2451, 4106, 7634; RFC 2403, 2404, 4868). */
const CIPHER: Record<CipherName, [iv: number, unit: number, icv?: number]> = {
  aes128: [16, 16],
  aes192: [16, 16],
  aes256: [16, 16],
  '3des': [8, 8],
  'aes128-gcm16': [8, 4, 16],
  'aes256-gcm16': [8, 4, 16],
  'chacha20-poly1305': [8, 4, 16],
};
const ICV: Record<HashName, number> = { md5: 12, sha1: 12, sha256: 16, sha384: 24, sha512: 32 };

/** The outer packet: IPv4, UDP (RFC 3948 2.1), SPI and sequence number, IV, padded inner packet, ICV (RFC 4303 2). */
function outerSize(inner: number, cipher: CipherName, hash: HashName): number {
  const [iv, unit, icv = ICV[hash]] = CIPHER[cipher];
  return 20 + 8 + 8 + iv + Math.ceil((inner + 2) / unit) * unit + icv;
}

describe('the inner MTU', () => {
  test.each([
    ['aes256', 'sha256', 1422],
    ['aes256', 'sha1', 1422],
    ['aes256', 'sha512', 1406],
    ['3des', 'md5', 1438],
    ['aes128-gcm16', 'sha1', 1438],
    ['chacha20-poly1305', 'sha1', 1438],
  ] as const)('%s with %s on 1500 octets is %d', (cipher, hash, mtu) => {
    expect(innerMtu(1500, policy([cipher], [hash]))).toBe(mtu);
  });

  test('fits whatever suite is chosen, and one octet more does not', () => {
    const ciphers = fc.subarray(Object.keys(CIPHERS) as CipherName[], { minLength: 1 });
    const hashes = fc.subarray(Object.keys(HASHES) as HashName[], { minLength: 1 });
    fc.assert(
      fc.property(fc.integer({ min: 576, max: 9216 }), ciphers, hashes, (outer, cs, hs) => {
        const inner = innerMtu(outer, policy(cs, hs));
        const largest = (size: number) =>
          Math.max(...cs.flatMap((c) => hs.map((h) => outerSize(size, c, h))));
        expect(largest(inner)).toBeLessThanOrEqual(outer);
        expect(largest(inner + 1)).toBeGreaterThan(outer);
      }),
    );
  });

  test('the MSS leaves room for the IP and TCP headers (RFC 9293 3.7.1)', () => {
    expect([mssOf(1500, 4), mssOf(1500, 6)]).toEqual([1460, 1440]);
  });
});
