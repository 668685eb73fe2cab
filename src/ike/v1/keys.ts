// Key derivation and hashes of IKEv1 with a preshared key or signatures (RFC 2409 5, 5.5, B).
import { addressBytes } from '../../net/address.ts';
import { concat, u32Bytes } from '../../net/bytes.ts';
import type { Endpoint } from '../../net/endpoint.ts';
import { type ChildKeys, keyOctets } from '../child.ts';
import { CIPHERS } from '../crypto/algorithm.ts';
import { hash, prf } from '../crypto/prf.ts';
import type { IsakmpSuite } from '../proposal/v1.ts';
import type { EspSuite } from '../proposal/v2.ts';
import { PROTOCOL } from '../wire/numbers.ts';

export type IsakmpKeys = {
  readonly skeyid: Uint8Array;
  readonly d: Uint8Array;
  readonly a: Uint8Array;
  /** The cipher key made of SKEYID_e. */
  readonly cipher: Uint8Array;
};

export type Phase1Inputs = {
  /** Undefined where signatures prove the peers. */
  readonly psk: Uint8Array | undefined;
  readonly ni: Uint8Array;
  readonly nr: Uint8Array;
  readonly shared: Uint8Array;
  readonly cookieI: Uint8Array;
  readonly cookieR: Uint8Array;
};

export function isakmpKeys(suite: IsakmpSuite, i: Phase1Inputs): IsakmpKeys {
  // RFC 2409 5: of the preshared key, or of the nonces and g^xy for signatures.
  const skeyid = i.psk ? prf(suite.hash, i.psk, i.ni, i.nr) : prf(suite.hash, concat(i.ni, i.nr), i.shared);
  const tail = (n: number) => [i.shared, i.cookieI, i.cookieR, Uint8Array.of(n)];
  const d = prf(suite.hash, skeyid, ...tail(0));
  const a = prf(suite.hash, skeyid, d, ...tail(1));
  const e = prf(suite.hash, skeyid, a, ...tail(2));
  return { skeyid, d, a, cipher: cipherKey(suite, e) };
}

/** SKEYID_e, stretched when the cipher needs more: K1 = prf(SKEYID_e, 0), K2 = prf(SKEYID_e, K1) … (Appendix B). */
function cipherKey(suite: IsakmpSuite, e: Uint8Array): Uint8Array {
  const need = CIPHERS[suite.cipher].keyOctets;
  if (e.length >= need) return e.subarray(0, need);
  const blocks: Uint8Array[] = [];
  let last: Uint8Array = Uint8Array.of(0);
  for (let n = 0; n < need; n += last.length) {
    last = prf(suite.hash, e, last);
    blocks.push(last);
  }
  return concat(...blocks).subarray(0, need);
}

/** HASH_I and HASH_R: prf(SKEYID, g^x own | g^x other | CKY own | CKY other | SAi_b | ID own). */
export function phase1Hash(
  suite: IsakmpSuite,
  keys: IsakmpKeys,
  own: { readonly public: Uint8Array; readonly cookie: Uint8Array; readonly id: Uint8Array },
  other: { readonly public: Uint8Array; readonly cookie: Uint8Array },
  saBody: Uint8Array,
): Uint8Array {
  return prf(suite.hash, keys.skeyid, own.public, other.public, own.cookie, other.cookie, saBody, own.id);
}

/** First IV of phase 1: hash(g^xi | g^xr), cut to a block (Appendix B). */
export function phase1Iv(suite: IsakmpSuite, gxi: Uint8Array, gxr: Uint8Array): Uint8Array {
  return hash(suite.hash, gxi, gxr).subarray(0, CIPHERS[suite.cipher].blockOctets);
}

/** First IV of a phase 2 or informational exchange: hash(last block of phase 1 | M-ID). */
export function phase2Iv(suite: IsakmpSuite, lastBlock: Uint8Array, messageId: number): Uint8Array {
  return hash(suite.hash, lastBlock, u32Bytes(messageId)).subarray(0, CIPHERS[suite.cipher].blockOctets);
}

/** KEYMAT of one SPI: K1 = prf(SKEYID_d, seed), K2 = prf(SKEYID_d, K1 | seed) … (5.5). */
function keymat(
  suite: IsakmpSuite,
  keys: IsakmpKeys,
  octets: number,
  spi: number,
  ni: Uint8Array,
  nr: Uint8Array,
  shared: Uint8Array | undefined,
): Uint8Array {
  const seed = concat(shared ?? new Uint8Array(0), Uint8Array.of(PROTOCOL.ESP), u32Bytes(spi), ni, nr);
  const blocks: Uint8Array[] = [];
  let last: Uint8Array = new Uint8Array(0);
  for (let n = 0; n < octets; n += last.length) {
    last = prf(suite.hash, keys.d, last, seed);
    blocks.push(last);
  }
  return concat(...blocks).subarray(0, octets);
}

export function quickModeKeys(
  suite: IsakmpSuite,
  keys: IsakmpKeys,
  esp: EspSuite,
  spis: { readonly in: number; readonly out: number },
  ni: Uint8Array,
  nr: Uint8Array,
  shared: Uint8Array | undefined,
): ChildKeys {
  const one = keyOctets(esp);
  return {
    inbound: keymat(suite, keys, one, spis.in, ni, nr, shared),
    outbound: keymat(suite, keys, one, spis.out, ni, nr, shared),
  };
}

/** HASH(CKY-I | CKY-R | IP | port) of NAT-D (RFC 3947 3.2). */
export function natD(
  suite: Pick<IsakmpSuite, 'hash'>,
  cookieI: Uint8Array,
  cookieR: Uint8Array,
  e: Endpoint,
): Uint8Array {
  const port = Uint8Array.of(e.port >> 8, e.port & 255);
  return hash(suite.hash, cookieI, cookieR, addressBytes(e.address), port);
}
