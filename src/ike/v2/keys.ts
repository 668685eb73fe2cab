// Key derivation of IKEv2 (RFC 7296 2.13 to 2.18).
import { addressBytes } from '../../net/address.ts';
import { concat, utf8 } from '../../net/bytes.ts';
import type { Endpoint } from '../../net/endpoint.ts';
import { type ChildKeys, keyOctets } from '../child.ts';
import { CIPHERS, HASHES } from '../crypto/algorithm.ts';
import { hash, prf, prfPlus } from '../crypto/prf.ts';
import type { EspSuite, IkeSuite } from '../proposal/v2.ts';

/** The seven SK_ keys; an AEAD has no SK_a, and its SK_e end with the salt (RFC 5282 7.1). */
export type IkeKeys = {
  readonly d: Uint8Array;
  readonly ai: Uint8Array;
  readonly ar: Uint8Array;
  readonly ei: Uint8Array;
  readonly er: Uint8Array;
  readonly pi: Uint8Array;
  readonly pr: Uint8Array;
};

/** SKEYSEED = prf(Ni | Nr, g^ir) (2.14). */
export function skeyseed(suite: IkeSuite, ni: Uint8Array, nr: Uint8Array, shared: Uint8Array): Uint8Array {
  return prf(suite.prf, concat(ni, nr), shared);
}

/** SKEYSEED of a renewed IKE SA: prf(SK_d (old), g^ir (new) | Ni | Nr) with the old SA's PRF (2.18). */
export function rekeySkeyseed(
  old: { readonly suite: IkeSuite; readonly keys: IkeKeys },
  ni: Uint8Array,
  nr: Uint8Array,
  shared: Uint8Array,
): Uint8Array {
  return prf(old.suite.prf, old.keys.d, shared, ni, nr);
}

export function ikeKeys(
  suite: IkeSuite,
  seed: Uint8Array,
  ni: Uint8Array,
  nr: Uint8Array,
  spiI: Uint8Array,
  spiR: Uint8Array,
): IkeKeys {
  const cipher = CIPHERS[suite.cipher];
  const d = HASHES[suite.prf].octets;
  const a = suite.integrity ? HASHES[suite.integrity].octets : 0;
  const e = cipher.keyOctets + cipher.saltOctets;
  const material = prfPlus(suite.prf, seed, concat(ni, nr, spiI, spiR), d + 2 * a + 2 * e + 2 * d);
  let at = 0;
  const take = (n: number) => {
    at += n;
    return material.slice(at - n, at);
  };
  return { d: take(d), ai: take(a), ar: take(a), ei: take(e), er: take(e), pi: take(d), pr: take(d) };
}

/** KEYMAT of a Child SA (2.17): the initiator's outbound keys come first. */
export function childKeys(
  sa: { readonly suite: IkeSuite; readonly keys: IkeKeys },
  suite: EspSuite,
  ni: Uint8Array,
  nr: Uint8Array,
  shared: Uint8Array | undefined,
  weInitiate: boolean,
): ChildKeys {
  const one = keyOctets(suite);
  const seed = concat(shared ?? new Uint8Array(0), ni, nr);
  const material = prfPlus(sa.suite.prf, sa.keys.d, seed, 2 * one);
  const [first, second] = [material.slice(0, one), material.slice(one)];
  return weInitiate ? { outbound: first, inbound: second } : { outbound: second, inbound: first };
}

/** What AUTH covers: message | nonce | prf(SK_p, ID') (2.15). */
export function signedOctets(
  suite: IkeSuite,
  message: Uint8Array,
  nonce: Uint8Array,
  skp: Uint8Array,
  idBody: Uint8Array,
): Uint8Array {
  return concat(message, nonce, prf(suite.prf, skp, idBody));
}

/** AUTH by shared key: prf(prf(secret, "Key Pad for IKEv2"), what AUTH covers) (2.15). */
export function pskAuth(psk: Uint8Array, ...inputs: Parameters<typeof signedOctets>): Uint8Array {
  const [suite] = inputs;
  const key = prf(suite.prf, psk, utf8('Key Pad for IKEv2'));
  return prf(suite.prf, key, signedOctets(...inputs));
}

/** ID' of AUTH: the ID payload without its generic header. */
export function idBody(id: { readonly idType: number; readonly data: Uint8Array }): Uint8Array {
  return concat(Uint8Array.of(id.idType, 0, 0, 0), id.data);
}

/** SHA-1 over SPIs, address and port (2.23), both versions of NAT detection notifies. */
export function natDetection(spiI: Uint8Array, spiR: Uint8Array, e: Endpoint): Uint8Array {
  return hash('sha1', spiI, spiR, addressBytes(e.address), Uint8Array.of(e.port >> 8, e.port & 255));
}
