// The algorithms, once: their name in a configuration, their numbers in both versions, their sizes.
// Numbers: RFC 2409 A, RFC 2407 4.4.4 and 4.5 (version 1); RFC 7296 3.3.2, RFC 4106, 7634, 8031 (version 2).

export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

export type CipherName =
  | 'aes128'
  | 'aes192'
  | 'aes256'
  | '3des'
  | 'aes128-gcm16'
  | 'aes256-gcm16'
  | 'chacha20-poly1305';

export type GroupName =
  | 'modp1024'
  | 'modp1536'
  | 'modp2048'
  | 'modp3072'
  | 'modp4096'
  | 'modp6144'
  | 'modp8192'
  | 'ecp256'
  | 'ecp384'
  | 'ecp521'
  | 'x25519'
  | 'x448';

export type Cipher = {
  readonly name: CipherName;
  readonly aead: boolean;
  /** Octets of the key proper, without an AEAD's salt. */
  readonly keyOctets: number;
  /** Salt that is taken from the key material (RFC 4106 8.1, RFC 7634 2). */
  readonly saltOctets: number;
  /** Explicit IV in each packet. */
  readonly ivOctets: number;
  readonly blockOctets: number;
  /** ICV of an AEAD; other ciphers get theirs from the integrity algorithm. */
  readonly icvOctets: number;
  /** Transform type 1 of version 2, and the ESP transform of version 1 (the registries agree here). */
  readonly espId: number;
  /** Key length attribute in bits, where the transform has one. */
  readonly keyLength?: number;
  /** Phase 1 encryption of version 1; absent where the cipher cannot protect ISAKMP. */
  readonly phase1Id?: number;
  /** Whether an ESP transform number for version 1 was assigned. */
  readonly espV1: boolean;
  /** Name in node:crypto. */
  readonly node: string;
};

function cbc(name: CipherName, bits: number): Cipher {
  return {
    name,
    aead: false,
    keyOctets: bits / 8,
    saltOctets: 0,
    ivOctets: 16,
    blockOctets: 16,
    icvOctets: 0,
    espId: 12,
    keyLength: bits,
    phase1Id: 7,
    espV1: true,
    node: `aes-${bits}-cbc`,
  };
}

function gcm(name: CipherName, bits: number): Cipher {
  return {
    name,
    aead: true,
    keyOctets: bits / 8,
    saltOctets: 4,
    ivOctets: 8,
    blockOctets: 1,
    icvOctets: 16,
    espId: 20,
    keyLength: bits,
    espV1: true,
    node: `aes-${bits}-gcm`,
  };
}

export const CIPHERS: Readonly<Record<CipherName, Cipher>> = {
  aes128: cbc('aes128', 128),
  aes192: cbc('aes192', 192),
  aes256: cbc('aes256', 256),
  '3des': {
    name: '3des',
    aead: false,
    keyOctets: 24,
    saltOctets: 0,
    ivOctets: 8,
    blockOctets: 8,
    icvOctets: 0,
    espId: 3,
    phase1Id: 5,
    espV1: true,
    node: 'des-ede3-cbc',
  },
  'aes128-gcm16': gcm('aes128-gcm16', 128),
  'aes256-gcm16': gcm('aes256-gcm16', 256),
  'chacha20-poly1305': {
    name: 'chacha20-poly1305',
    aead: true,
    keyOctets: 32,
    saltOctets: 4,
    ivOctets: 8,
    blockOctets: 1,
    icvOctets: 16,
    espId: 28,
    espV1: false,
    node: 'chacha20-poly1305',
  },
};

export type Hash = {
  readonly name: HashName;
  readonly octets: number;
  /** Truncated HMAC as integrity algorithm (RFC 2403, 2404, 4868). */
  readonly icvOctets: number;
  /** RFC 2409 A. */
  readonly phase1Id: number;
  /** Transform type 2. */
  readonly prfId: number;
  /** Transform type 3. */
  readonly integId: number;
  /** Authentication algorithm attribute of phase 2 (RFC 2407 4.5, RFC 4868 4). */
  readonly phase2Id: number;
};

export const HASHES: Readonly<Record<HashName, Hash>> = {
  md5: { name: 'md5', octets: 16, icvOctets: 12, phase1Id: 1, prfId: 1, integId: 1, phase2Id: 1 },
  sha1: { name: 'sha1', octets: 20, icvOctets: 12, phase1Id: 2, prfId: 2, integId: 2, phase2Id: 2 },
  sha256: { name: 'sha256', octets: 32, icvOctets: 16, phase1Id: 4, prfId: 5, integId: 12, phase2Id: 5 },
  sha384: { name: 'sha384', octets: 48, icvOctets: 24, phase1Id: 5, prfId: 6, integId: 13, phase2Id: 6 },
  sha512: { name: 'sha512', octets: 64, icvOctets: 32, phase1Id: 6, prfId: 7, integId: 14, phase2Id: 7 },
};

export type Group = {
  readonly name: GroupName;
  /** Transform type 4 and IKEv1's group description share one registry. */
  readonly id: number;
  /** Octets of the public value on the wire. */
  readonly publicOctets: number;
  /** Comparable strength: a group of the peer's choice is taken over ours only when it is no weaker. */
  readonly strength: number;
};

export const GROUPS: Readonly<Record<GroupName, Group>> = {
  modp1024: { name: 'modp1024', id: 2, publicOctets: 128, strength: 80 },
  modp1536: { name: 'modp1536', id: 5, publicOctets: 192, strength: 90 },
  modp2048: { name: 'modp2048', id: 14, publicOctets: 256, strength: 112 },
  modp3072: { name: 'modp3072', id: 15, publicOctets: 384, strength: 128 },
  modp4096: { name: 'modp4096', id: 16, publicOctets: 512, strength: 128 },
  modp6144: { name: 'modp6144', id: 17, publicOctets: 768, strength: 128 },
  modp8192: { name: 'modp8192', id: 18, publicOctets: 1024, strength: 192 },
  ecp256: { name: 'ecp256', id: 19, publicOctets: 64, strength: 128 },
  ecp384: { name: 'ecp384', id: 20, publicOctets: 96, strength: 192 },
  ecp521: { name: 'ecp521', id: 21, publicOctets: 132, strength: 256 },
  x25519: { name: 'x25519', id: 31, publicOctets: 32, strength: 128 },
  x448: { name: 'x448', id: 32, publicOctets: 56, strength: 192 },
};

export function groupById(id: number): Group | undefined {
  return Object.values(GROUPS).find((g) => g.id === id);
}
