// Hash, HMAC and the PRFs made of it. IKE's inputs are short: what counts is what a call costs, and node:crypto's hash of one
// call, with its result as text, costs the least by far (no stream, no buffer of its own).
import { hash as digest } from 'node:crypto';
import { concat } from '../../net/bytes.ts';
import { HASHES, type HashName } from './algorithm.ts';

/** Octets of the block that HMAC fills with its key (RFC 2104 2). */
const BLOCK: Readonly<Record<HashName, number>> = { md5: 64, sha1: 64, sha256: 64, sha384: 128, sha512: 128 };

export function hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const out = Buffer.alloc(HASHES[name].octets);
  out.write(digest(name, concat(...parts), 'hex'), 'hex');
  return new Uint8Array(out.buffer);
}

/** HMAC (RFC 2104) with a key that serves several times. */
class Hmac {
  readonly #name: HashName;
  readonly #inner: Uint8Array;
  /** The outer block, and behind it room for the inner hash. */
  readonly #outer: Buffer;

  constructor(name: HashName, key: Uint8Array) {
    const block = BLOCK[name];
    const short = key.length > block ? hash(name, key) : key;
    this.#name = name;
    this.#inner = new Uint8Array(block).fill(0x36);
    this.#outer = Buffer.alloc(block + HASHES[name].octets);
    this.#outer.fill(0x5c, 0, block);
    for (let i = 0; i < short.length; i++) {
      this.#inner[i] ^= short[i];
      this.#outer[i] ^= short[i];
    }
  }

  of(...parts: readonly Uint8Array[]): Uint8Array {
    const name = this.#name;
    this.#outer.write(digest(name, concat(this.#inner, ...parts), 'hex'), BLOCK[name], 'hex');
    return hash(name, this.#outer);
  }
}

/** prf(key, parts…) is HMAC (RFC 2409 3.2, RFC 7296 2.13). */
export function prf(name: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return new Hmac(name, key).of(...parts);
}

/** prf+ (RFC 7296 2.13): `octets` of key material; the counter is one octet, so at most 255 blocks. */
export function prfPlus(name: HashName, key: Uint8Array, seed: Uint8Array, octets: number): Uint8Array {
  const blocks = Math.ceil(octets / HASHES[name].octets);
  if (blocks > 255) throw new RangeError(`prf+ of ${name} cannot give ${octets} octets`);
  const hmac = new Hmac(name, key);
  const out: Uint8Array[] = [];
  let last: Uint8Array = new Uint8Array(0);
  for (let i = 1; i <= blocks; i++) {
    last = hmac.of(last, seed, Uint8Array.of(i));
    out.push(last);
  }
  return concat(...out).subarray(0, octets);
}

/** The truncated HMAC that is an integrity algorithm (RFC 2404, RFC 4868 2). */
export function integrity(name: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return prf(name, key, ...parts).subarray(0, HASHES[name].icvOctets);
}
