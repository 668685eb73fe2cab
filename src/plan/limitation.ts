// Beyond the lists: all that we can, best first, where a proposal is not limited to what is configured.
import { BROKEN } from '../config/negotiation-rules.ts';
import type { Tree } from '../config/tree.ts';
import { CIPHERS, type CipherName, type GroupName, type HashName } from '../ike/crypto/algorithm.ts';
import { type ChildPolicy, type IkePolicy, keyOf } from '../ike/policy.ts';

const EVERY_CIPHER: readonly CipherName[] = [
  'aes256-gcm16',
  'chacha20-poly1305',
  'aes256',
  'aes192',
  'aes128-gcm16',
  'aes128',
  '3des',
];
const EVERY_HASH: readonly HashName[] = ['sha512', 'sha384', 'sha256', 'sha1', 'md5'];

/** As strong as the ciphers need first; of the primes those that cost more than they are worth come late. */
const EVERY_GROUP: readonly GroupName[] = [
  ...(['x25519', 'ecp384', 'ecp256', 'ecp521', 'x448'] as const),
  ...(['modp4096', 'modp3072', 'modp2048', 'modp6144', 'modp8192', 'modp1536', 'modp1024'] as const),
];

type All = {
  readonly ike: Pick<IkePolicy, 'ciphers' | 'hashes' | 'groups'>;
  readonly esp: Pick<ChildPolicy, 'ciphers' | 'hashes'>;
};

/** What is offered and what is accepted where that is everything; undefined where the lists hold. `at`: as of keyOf. */
export function limitation(tree: Tree, at: string): { readonly offers?: All; readonly accepts?: All } {
  // Security policies have no such keys: their lists hold.
  if (at.startsWith('ipsec.')) return {};
  const version = tree.number(keyOf(at, 'ike.version'));
  const all = everything(version, tree.enabled(keyOf(at, 'ike.legacy')));
  const offers = version === 2 && tree.text(keyOf(at, 'ike.proposal.offer')) === 'all';
  const accepts = tree.text(keyOf(at, 'ike.proposal.accept')) === 'all';
  return { ...(offers ? { offers: all } : {}), ...(accepts ? { accepts: all } : {}) };
}

/** IKEv1 has numbers for less; what is broken is left out under IKEv2 unless it is allowed, as in the lists. */
function everything(version: number, legacy: boolean): All {
  const sound = (name: string) => version === 1 || legacy || !BROKEN.includes(name);
  const hashes = EVERY_HASH.filter(sound);
  const of = (takes: (c: CipherName) => boolean) => EVERY_CIPHER.filter((c) => version === 2 || takes(c));
  return {
    ike: {
      ciphers: of((c) => CIPHERS[c].phase1Id !== undefined),
      hashes,
      groups: EVERY_GROUP.filter(sound),
    },
    esp: { ciphers: of((c) => CIPHERS[c].espV1 === true), hashes },
  };
}
