// Digital signatures of both versions (RFC 7296 3.8, RFC 4754, RFC 7427, RFC 8420; RFC 2409 5.1), by node:crypto.
import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  publicDecrypt,
  sign,
  verify,
} from 'node:crypto';
import { promisify } from 'node:util';
import { concat, equalConstantTime, fromHex } from '../../net/bytes.ts';
import type { Secret } from '../../net/secret.ts';
import { AUTH_V2 } from '../wire/numbers.ts';
import { rawRsa } from './raw-rsa.ts';

export type KeyKind = 'rsa' | 'ecp256' | 'ecp384' | 'ecp521' | 'ed25519' | 'ed448';

export type PrivateKey = {
  readonly kind: KeyKind;
  /** PKCS #8, DER. */
  readonly pkcs8: Secret;
};

/** Numbers of SIGNATURE_HASH_ALGORITHMS (RFC 7427 7, RFC 8420 2). */
export const SIGNATURE_HASH = { SHA1: 1, SHA256: 2, SHA384: 3, SHA512: 4, IDENTITY: 5 } as const;

type Scheme = {
  readonly kinds: readonly KeyKind[];
  readonly hashId: number;
  /** Node's name; null where the algorithm hashes by itself. */
  readonly hash: string | null;
  readonly pss?: true;
  /** AlgorithmIdentifier, DER (RFC 7427 A, RFC 8420 A). */
  readonly algorithm: Uint8Array;
};

const ECDSA: readonly KeyKind[] = ['ecp256', 'ecp384', 'ecp521'];

function pss(hashOid: string, salt: string): Uint8Array {
  const hash = `300d06096086480165030402${hashOid}0500`;
  return fromHex(
    `304106092a864886f70d01010a3034a00f${hash}a11c301a06092a864886f70d010108${hash}a2030201${salt}`,
  );
}

const SCHEMES = {
  'rsa-sha256': rsa(SIGNATURE_HASH.SHA256, 'sha256', '300d06092a864886f70d01010b0500'),
  'rsa-sha384': rsa(SIGNATURE_HASH.SHA384, 'sha384', '300d06092a864886f70d01010c0500'),
  'rsa-sha512': rsa(SIGNATURE_HASH.SHA512, 'sha512', '300d06092a864886f70d01010d0500'),
  'rsa-sha1': rsa(SIGNATURE_HASH.SHA1, 'sha1', '300d06092a864886f70d0101050500'),
  'rsa-pss-sha256': { ...rsa(SIGNATURE_HASH.SHA256, 'sha256'), pss: true, algorithm: pss('01', '20') },
  'rsa-pss-sha384': { ...rsa(SIGNATURE_HASH.SHA384, 'sha384'), pss: true, algorithm: pss('02', '30') },
  'rsa-pss-sha512': { ...rsa(SIGNATURE_HASH.SHA512, 'sha512'), pss: true, algorithm: pss('03', '40') },
  'ecdsa-sha256': ecdsa(SIGNATURE_HASH.SHA256, 'sha256', '300a06082a8648ce3d040302'),
  'ecdsa-sha384': ecdsa(SIGNATURE_HASH.SHA384, 'sha384', '300a06082a8648ce3d040303'),
  'ecdsa-sha512': ecdsa(SIGNATURE_HASH.SHA512, 'sha512', '300a06082a8648ce3d040304'),
  ed25519: edwards('ed25519', '300506032b6570'),
  ed448: edwards('ed448', '300506032b6571'),
} as const satisfies Record<string, Scheme>;

export type SchemeName = keyof typeof SCHEMES;

function rsa(hashId: number, hash: string, algorithm = ''): Scheme {
  return { kinds: ['rsa'], hashId, hash, algorithm: fromHex(algorithm) };
}

function ecdsa(hashId: number, hash: string, algorithm: string): Scheme {
  return { kinds: ECDSA, hashId, hash, algorithm: fromHex(algorithm) };
}

function edwards(kind: KeyKind, algorithm: string): Scheme {
  return { kinds: [kind], hashId: SIGNATURE_HASH.IDENTITY, hash: null, algorithm: fromHex(algorithm) };
}

/** The hashes that we can verify, as SIGNATURE_HASH_ALGORITHMS carries them; SHA-1 is not among them (RFC 8247 4.1). */
export const OUR_HASHES: readonly number[] = [
  SIGNATURE_HASH.SHA256,
  SIGNATURE_HASH.SHA384,
  SIGNATURE_HASH.SHA512,
  SIGNATURE_HASH.IDENTITY,
];

/** How a key signs: the method's number, the scheme, and whether an ECDSA signature is r | s or DER. */
export type Signing = { readonly method: number; readonly scheme: SchemeName };

/** Methods of one curve and one hash (RFC 4754 3). */
const FIXED: Partial<Record<KeyKind, Signing>> = {
  rsa: { method: AUTH_V2.RSA_SIGNATURE, scheme: 'rsa-sha1' },
  ecp256: { method: AUTH_V2.ECDSA_256, scheme: 'ecdsa-sha256' },
  ecp384: { method: AUTH_V2.ECDSA_384, scheme: 'ecdsa-sha384' },
  ecp521: { method: AUTH_V2.ECDSA_521, scheme: 'ecdsa-sha512' },
};

/** What we sign with. `hashes` is what the peer verifies (RFC 7427 4); without it only the older methods are left. */
export function signingOf(kind: KeyKind, hashes: readonly number[] | undefined): Signing | undefined {
  if (!hashes) return FIXED[kind];
  const own = FIXED[kind]?.scheme;
  const names = (Object.keys(SCHEMES) as SchemeName[]).filter((name) => {
    const s: Scheme = SCHEMES[name];
    // PKCS #1 v1.5 is what every client verifies; some stumble over PSS.
    return s.kinds.includes(kind) && !s.pss && name !== 'rsa-sha1' && hashes.includes(s.hashId);
  });
  const scheme = names.find((name) => name === own) ?? names[0];
  return scheme ? { method: AUTH_V2.DIGITAL_SIGNATURE, scheme } : undefined;
}

export type SignJob = {
  readonly kind: 'sign';
  readonly key: PrivateKey;
  /** 'raw-rsa' is IKEv1's: the hash itself, PKCS #1 padded (RFC 2409 5.1). */
  readonly signing: Signing | 'raw-rsa';
  readonly data: Uint8Array;
};

export type SignResult =
  /** What stands in the AUTH or SIG payload. */
  { readonly ok: true; readonly data: Uint8Array } | { readonly ok: false; readonly error: string };

const signAsync = promisify(sign);
const verifyAsync = promisify(verify);

/** Keys as OpenSSL wants them, made once. */
const privateKeys = new WeakMap<PrivateKey, KeyObject>();

function keyObject(key: PrivateKey): KeyObject {
  let object = privateKeys.get(key);
  if (!object) {
    object = createPrivateKey({ key: Buffer.from(key.pkcs8.reveal()), format: 'der', type: 'pkcs8' });
    privateKeys.set(key, object);
  }
  return object;
}

/**
 * A key with OpenSSL's options for a scheme; methods 9 to 11 carry r | s, method 14 DER (RFC 4754 3, RFC 7427 3). Where the
 * defaults do, the key alone: an object with options Node first tries as a key, by an exception that costs more than the
 * verification.
 */
function keyWith(key: KeyObject, scheme: Scheme, fixed: boolean) {
  if (scheme.pss) {
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
    return { key, padding, saltLength };
  }
  const pair = fixed && scheme.kinds === ECDSA;
  return pair ? { key, dsaEncoding: 'ieee-p1363' as const } : key;
}

export async function runSign({ key, signing, data }: SignJob): Promise<SignResult> {
  const object = keyObject(key);
  if (signing === 'raw-rsa') return { ok: true, data: await rawRsa(object, data) };
  const scheme: Scheme = SCHEMES[signing.scheme];
  const fixed = signing.method !== AUTH_V2.DIGITAL_SIGNATURE;
  const signature = new Uint8Array(await signAsync(scheme.hash, data, keyWith(object, scheme, fixed)));
  if (fixed) return { ok: true, data: signature };
  return { ok: true, data: concat(Uint8Array.of(scheme.algorithm.length), scheme.algorithm, signature) };
}

/** RSASSA-PSS-params with the default trailer field written out, as RFC 7427 A.4.3 has it. */
function withTrailer(algorithm: Uint8Array): Uint8Array {
  const longer = concat(algorithm, fromHex('a303020101'));
  // Both sequences that hold it grow: the outer one, and the parameters behind the OID.
  return longer.with(1, algorithm[1] + 5).with(14, algorithm[14] + 5);
}

/** Whether a peer's AUTH of `method` over `data` is its key's; false for everything that we do not know. */
export async function verifies(
  publicKey: KeyObject,
  method: number,
  auth: Uint8Array,
  data: Uint8Array,
): Promise<boolean> {
  const kind = kindOf(publicKey);
  if (method !== AUTH_V2.DIGITAL_SIGNATURE) {
    const fixed = kind && FIXED[kind];
    if (fixed?.method !== method) return false;
    // Method 1 names no hash: its DigestInfo does, and peers use better ones than SHA-1 (RFC 7296 3.8).
    const names: SchemeName[] =
      method === AUTH_V2.RSA_SIGNATURE
        ? ['rsa-sha256', 'rsa-sha1', 'rsa-sha384', 'rsa-sha512']
        : [fixed.scheme];
    for (const name of names) if (await one(publicKey, SCHEMES[name], true, auth, data)) return true;
    return false;
  }
  const octets = auth[0] ?? 0;
  const algorithm = auth.subarray(1, 1 + octets);
  const scheme: Scheme | undefined = Object.values(SCHEMES).find((s: Scheme) =>
    [s.algorithm, ...(s.pss ? [withTrailer(s.algorithm)] : [])].some((a) => equalConstantTime(a, algorithm)),
  );
  if (!scheme || !kind || !scheme.kinds.includes(kind) || !OUR_HASHES.includes(scheme.hashId)) return false;
  return one(publicKey, scheme, false, auth.subarray(1 + octets), data);
}

async function one(key: KeyObject, scheme: Scheme, fixed: boolean, signature: Uint8Array, data: Uint8Array) {
  try {
    return await verifyAsync(scheme.hash, data, keyWith(key, scheme, fixed), signature);
  } catch {
    return false; // OpenSSL throws on signatures that cannot be one.
  }
}

/** IKEv1: whether the padded hash under the signature is `hash`. */
export function verifiesRaw(publicKey: KeyObject, signature: Uint8Array, hash: Uint8Array): boolean {
  if (kindOf(publicKey) !== 'rsa') return false;
  try {
    const opened = publicDecrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, signature);
    return equalConstantTime(new Uint8Array(opened), hash);
  } catch {
    return false;
  }
}

/** Undefined for keys that IKE has no signature for. */
export function kindOf(key: KeyObject): KeyKind | undefined {
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return 'rsa';
    case 'ed25519':
    case 'ed448':
      return key.asymmetricKeyType;
    case 'ec':
      return ({ prime256v1: 'ecp256', secp384r1: 'ecp384', secp521r1: 'ecp521' } as Record<string, KeyKind>)[
        key.asymmetricKeyDetails?.namedCurve ?? ''
      ];
    default:
      return undefined;
  }
}

/** The public key of a SubjectPublicKeyInfo, or undefined. */
export function publicKeyOf(spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}
