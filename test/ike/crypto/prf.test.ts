// HMAC, its truncations and prf+ against the vectors of RFC 2202, 4231 and 4868, and against node:crypto.
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { HASHES, type HashName } from '../../../src/ike/crypto/algorithm.ts';
import { hash, integrity, prf, prfPlus } from '../../../src/ike/crypto/prf.ts';
import { concat, fromHex, hex } from '../../../src/net/bytes.ts';
import { title, vectors } from '../samples.ts';
import { generator } from '../simulation.ts';

const NAMES = Object.keys(HASHES) as HashName[];

describe('known answers', () => {
  test.each(vectors('hmac').map((v) => [title(v), v] as const))('%s', (_, v) => {
    const name = v.hash as HashName;
    const [key, data] = [fromHex(v.key), fromHex(v.data)];
    expect(createHmac(name, key).update(data).digest('hex').startsWith(v.mac)).toBe(true);
    if (!v.truncated) return expect(hex(prf(name, key, data))).toBe(v.mac);
    expect(hex(prf(name, key, data)).startsWith(v.mac)).toBe(true);
    // RFC 4231 4.6 cuts SHA-2 to 128 bits throughout: no integrity algorithm of SHA-384 or SHA-512.
    if (v.mac.length === HASHES[name].icvOctets * 2) {
      expect(hex(integrity(name, key, data))).toBe(v.mac);
    }
  });

  test('the truncations of RFC 2403, 2404 and 4868 are all among them', () => {
    const seen = vectors('hmac').filter(
      (v) => v.truncated && v.mac.length === HASHES[v.hash as HashName].icvOctets * 2,
    );
    expect(new Set(seen.map((v) => v.hash))).toEqual(new Set(NAMES));
  });

  test.each(vectors('prfplus').filter((v) => v.prfPlus))('prf+ $name', (v) => {
    const name = v.hash as HashName;
    const seed = fromHex(v.ni + v.nr + v.spii + v.spir);
    const octets = v.prfPlus.length / 2;
    expect(hex(prfPlus(name, fromHex(v.skeyseed), seed, octets))).toBe(v.prfPlus);
    for (const n of [0, 1, HASHES[name].octets, HASHES[name].octets + 1]) {
      expect(hex(prfPlus(name, fromHex(v.skeyseed), seed, n))).toBe(v.prfPlus.slice(0, 2 * n));
    }
  });
});

describe.each(NAMES)('%s', (name) => {
  const random = generator(HASHES[name].octets);
  const bytes = (n: number) => Uint8Array.from({ length: n }, () => random() * 256);

  test('hash and HMAC agree with node:crypto at every length around a block', () => {
    expect(createHash(name).digest().length).toBe(HASHES[name].octets);
    for (let n = 0; n < 300; n += n < 140 ? 1 : 13) {
      const [key, data] = [bytes(n), bytes(299 - n)];
      expect(hex(hash(name, data))).toBe(createHash(name).update(data).digest('hex'));
      expect(hex(prf(name, key, data))).toBe(createHmac(name, key).update(data).digest('hex'));
    }
  });

  test('parts are hashed as if they were one', () => {
    const parts = [bytes(0), bytes(7), bytes(200), bytes(0), bytes(64)];
    expect(hash(name, ...parts)).toEqual(hash(name, concat(...parts)));
    expect(prf(name, parts[1], ...parts)).toEqual(prf(name, parts[1], concat(...parts)));
    expect(integrity(name, parts[1], ...parts)).toEqual(integrity(name, parts[1], concat(...parts)));
    expect(integrity(name, parts[1])).toHaveLength(HASHES[name].icvOctets);
  });

  test('prf+ ends after 255 blocks (RFC 7296 2.13)', () => {
    const most = 255 * HASHES[name].octets;
    expect(prfPlus(name, bytes(20), bytes(20), most)).toHaveLength(most);
    expect(() => prfPlus(name, bytes(20), bytes(20), most + 1)).toThrow(RangeError);
  });
});
