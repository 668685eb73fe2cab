// Hash, HMAC and the PRFs made of it. @noble/hashes beats node:crypto on IKE's short inputs.
import { hmac } from '@noble/hashes/hmac.js';
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { concat } from '../../net/bytes.ts';
import { HASHES, type HashName } from './algorithm.ts';

const FUNCTIONS = { md5, sha1, sha256, sha384, sha512 };

export function hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const h = FUNCTIONS[name].create();
  for (const part of parts) h.update(part);
  return h.digest();
}

/** prf(key, parts…) is HMAC (RFC 2409 3.2, RFC 7296 2.13). */
export function prf(name: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const h = hmac.create(FUNCTIONS[name], key);
  for (const part of parts) h.update(part);
  return h.digest();
}

/** prf+ (RFC 7296 2.13): `octets` of key material; the counter is one octet, so at most 255 blocks. */
export function prfPlus(name: HashName, key: Uint8Array, seed: Uint8Array, octets: number): Uint8Array {
  const blocks = Math.ceil(octets / HASHES[name].octets);
  if (blocks > 255) throw new RangeError(`prf+ of ${name} cannot give ${octets} octets`);
  const out: Uint8Array[] = [];
  let last: Uint8Array = new Uint8Array(0);
  for (let i = 1; i <= blocks; i++) {
    last = prf(name, key, last, seed, Uint8Array.of(i));
    out.push(last);
  }
  return concat(...out).subarray(0, octets);
}

/** The truncated HMAC that is an integrity algorithm (RFC 2404, RFC 4868 2). */
export function integrity(name: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return prf(name, key, ...parts).subarray(0, HASHES[name].icvOctets);
}
