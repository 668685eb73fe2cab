// What a probe asks for: every algorithm worth knowing of, ours and others', strongest first.
import { CIPHERS, GROUPS, HASHES } from '../ike/crypto/algorithm.ts';
import type { Dimension } from '../ike/proposal/match.ts';
import { cipherName, groupName, integrityName, phase1CipherName, prfName } from '../ike/proposal/names.ts';
import {
  AUTH_V1,
  FOREIGN_ENCRYPTION as FE,
  FOREIGN_GROUP as FG,
  FOREIGN_AUTH_V1,
  FOREIGN_ENCRYPTION_P1,
  FOREIGN_INTEGRITY,
  FOREIGN_PRF,
} from '../ike/wire/numbers.ts';

export type Candidate = {
  readonly name: string;
  readonly id: number;
  readonly keyLength?: number;
  /** IKEv2: goes into the proposal without integrity (RFC 5282 8). */
  readonly aead?: boolean;
};

export type Candidates = Partial<Record<Dimension, readonly Candidate[]>>;

const AEAD_FOREIGN = [
  [20, 192],
  [FE['aes-ccm16'], 256],
  [FE['aes-ccm16'], 128],
] as const;
const FOREIGN = [
  [FE['aes-ctr'], 256],
  [FE['aes-ctr'], 128],
  [FE.camellia, 256],
  [FE.camellia, 128],
  [FE.des, undefined],
] as const;

const foreignCipher = (aead: boolean) => (entry: readonly [number, number | undefined]) => {
  const [id, keyLength] = entry;
  return {
    name: cipherName(id, keyLength),
    id,
    ...(keyLength ? { keyLength } : {}),
    ...(aead ? { aead } : {}),
  };
};

const HASH_ORDER = ['sha256', 'sha384', 'sha512', 'sha1', 'md5'] as const;
const GROUP_ORDER = [
  ...(['x25519', 'ecp256', 'ecp384', 'ecp521', 'x448', 'modp2048', 'modp3072', 'modp4096'] as const),
  ...(['modp6144', 'modp8192', 'modp1536', 'modp1024'] as const),
];

/** Groups that we cannot compute: a peer names them when it wants them. */
const FOREIGN_GROUPS: readonly Candidate[] = [
  ...[FG.brainpool256, FG.brainpool384, FG.brainpool512, FG.ecp224, FG.ecp192, FG['modp2048-256']],
  ...[FG['modp2048-224'], FG['modp1024-160'], FG.modp768],
].map((id) => ({ name: groupName(id), id }));

const groups: readonly Candidate[] = [
  ...GROUP_ORDER.map((name) => ({ name, id: GROUPS[name].id })),
  ...FOREIGN_GROUPS,
];

export const CANDIDATES_V2: Candidates = {
  encryption: [
    ...Object.values(CIPHERS)
      .toSorted(
        (a, b) =>
          Number(b.aead) - Number(a.aead) || b.keyOctets * b.blockOctets - a.keyOctets * a.blockOctets,
      )
      .map(({ name, espId, keyLength, aead }) => ({
        ...{ name, id: espId, aead },
        ...(keyLength ? { keyLength } : {}),
      })),
    ...AEAD_FOREIGN.map(foreignCipher(true)),
    ...FOREIGN.map(foreignCipher(false)),
  ],
  integrity: [
    ...HASH_ORDER.map((name) => ({ name, id: HASHES[name].integId })),
    ...[FOREIGN_INTEGRITY['aes-xcbc'], FOREIGN_INTEGRITY['aes-cmac']].map((id) => ({
      ...{ name: integrityName(id), id },
    })),
  ],
  prf: [
    ...HASH_ORDER.map((name) => ({ name, id: HASHES[name].prfId })),
    ...[FOREIGN_PRF['aes-xcbc'], FOREIGN_PRF['aes-cmac']].map((id) => ({ name: prfName(id), id })),
  ],
  group: groups,
};

export const CANDIDATES_V1: Candidates = {
  encryption: [
    ...(['aes256', 'aes192', 'aes128', '3des'] as const).map((name) => ({
      ...{ name, id: CIPHERS[name].phase1Id! },
      ...(CIPHERS[name].keyLength ? { keyLength: CIPHERS[name].keyLength } : {}),
    })),
    { name: phase1CipherName(FOREIGN_ENCRYPTION_P1.camellia, 256), id: 8, keyLength: 256 },
    { name: phase1CipherName(FOREIGN_ENCRYPTION_P1.des, undefined), id: FOREIGN_ENCRYPTION_P1.des },
  ],
  hash: HASH_ORDER.map((name) => ({ name, id: HASHES[name].phase1Id })),
  group: groups,
  authentication: [
    { name: 'preshared-key', id: AUTH_V1.PRESHARED_KEY },
    { name: 'rsa-signature', id: AUTH_V1.RSA_SIGNATURE },
    ...(['ecdsa-256', 'ecdsa-384', 'xauth-preshared-key', 'xauth-rsa', 'hybrid-rsa'] as const).map(
      (name) => ({
        ...{ name, id: FOREIGN_AUTH_V1[name] },
      }),
    ),
  ],
};

export function named(candidates: Candidates, d: Dimension, names: readonly string[]): Candidate[] {
  return (candidates[d] ?? []).filter((c) => names.includes(c.name));
}

/** Without those names in that dimension. */
export function without(candidates: Candidates, d: Dimension, names: readonly string[]): Candidates {
  return { ...candidates, [d]: (candidates[d] ?? []).filter((c) => !names.includes(c.name)) };
}
