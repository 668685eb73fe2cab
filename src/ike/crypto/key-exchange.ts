// Diffie-Hellman through node:crypto's thread pool, so that public-key work never holds the event loop.
import { createPublicKey, diffieHellman, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { concat, hex, isZero } from '../../net/bytes.ts';
import { GROUPS, type GroupName } from './algorithm.ts';

/** One public-key task: a fresh key pair unless one is given, and the shared secret when the peer's value is. */
export type KeyExchangeJob = {
  readonly group: GroupName;
  readonly keyPair?: KeyPair;
  readonly peerPublic?: Uint8Array;
};

export type KeyPair = {
  /** On the wire: RFC 7296 3.4 (modp, left-padded), RFC 5903 7 (x | y), RFC 8031 3. */
  readonly publicValue: Uint8Array;
  /** Opaque to the engine; only the runner that made it looks inside. */
  readonly secret: unknown;
};

export type KeyExchangeResult =
  | { readonly ok: true; readonly keyPair: KeyPair; readonly shared?: Uint8Array }
  /** The peer's public value is not one of the group. */
  | { readonly ok: false; readonly error: string };

const generate = promisify(generateKeyPair) as (
  type: string,
  options: object,
) => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>;

const derive = promisify(
  (options: { privateKey: KeyObject; publicKey: KeyObject }, done: (e: Error | null, s: Buffer) => void) =>
    diffieHellman(options, (e, s) => done(e, s ?? Buffer.alloc(0))),
);

const CURVES: Partial<Record<GroupName, { type: string; curve?: string }>> = {
  ecp256: { type: 'ec', curve: 'P-256' },
  ecp384: { type: 'ec', curve: 'P-384' },
  ecp521: { type: 'ec', curve: 'P-521' },
  x25519: { type: 'x25519' },
  x448: { type: 'x448' },
};

/** Node's names of the groups of RFC 2409 6.2 and RFC 3526. */
const MODP: Partial<Record<GroupName, string>> = {
  modp1024: 'modp2',
  modp1536: 'modp5',
  modp2048: 'modp14',
  modp3072: 'modp15',
  modp4096: 'modp16',
  modp6144: 'modp17',
  modp8192: 'modp18',
};

export async function runKeyExchange(job: KeyExchangeJob): Promise<KeyExchangeResult> {
  const { group, peerPublic } = job;
  if (peerPublic && peerPublic.length !== GROUPS[group].publicOctets) {
    return {
      ok: false,
      error: `the public value has ${peerPublic.length} octets, ${group} needs ${GROUPS[group].publicOctets}`,
    };
  }
  const keyPair = job.keyPair ?? (await newKeyPair(group));
  if (!peerPublic) return { ok: true, keyPair };
  try {
    const publicKey = importPublic(group, peerPublic, keyPair.secret as KeyObject);
    const shared = new Uint8Array(await derive({ privateKey: keyPair.secret as KeyObject, publicKey }));
    // RFC 7748 6: a shared secret of zeros means a public value of small order.
    if (isZero(shared)) return { ok: false, error: `the public value is not valid for ${group}` };
    return { ok: true, keyPair, shared: MODP[group] ? leftPad(shared, GROUPS[group].publicOctets) : shared };
  } catch {
    return { ok: false, error: `the public value is not valid for ${group}` };
  }
}

async function newKeyPair(group: GroupName): Promise<KeyPair> {
  const curve = CURVES[group];
  const { publicKey, privateKey } = curve
    ? await generate(curve.type, curve.curve ? { namedCurve: curve.curve } : {})
    : await generate('dh', { group: MODP[group] });
  return { publicValue: exportPublic(group, publicKey), secret: privateKey };
}

function exportPublic(group: GroupName, key: KeyObject): Uint8Array {
  const curve = CURVES[group];
  if (!curve)
    return leftPad(lastInteger(key.export({ type: 'spki', format: 'der' })), GROUPS[group].publicOctets);
  const jwk = key.export({ format: 'jwk' });
  const x = new Uint8Array(Buffer.from(String(jwk.x), 'base64url'));
  return jwk.y === undefined ? x : concat(x, new Uint8Array(Buffer.from(jwk.y, 'base64url')));
}

type Parameters = {
  /** AlgorithmIdentifier with the group's parameters, as OpenSSL writes it. */
  readonly algorithm: Uint8Array;
  /** The prime of a modp group (PKCS #3). */
  readonly prime?: bigint;
};

const parameters = new Map<GroupName, Parameters>();

function parametersOf(group: GroupName, own: KeyObject): Parameters {
  let found = parameters.get(group);
  if (!found) {
    const spki = new Uint8Array(createPublicKey(own).export({ type: 'spki', format: 'der' }));
    const algorithm = element(spki, element(spki, 0).body);
    found = {
      algorithm: spki.slice(algorithm.start, algorithm.end),
      ...(MODP[group] ? { prime: primeOf(spki, algorithm.body) } : {}),
    };
    parameters.set(group, found);
  }
  return found;
}

function primeOf(spki: Uint8Array, oidAt: number): bigint {
  const oid = element(spki, oidAt);
  const prime = element(spki, element(spki, oid.end).body);
  return BigInt(`0x${hex(spki.subarray(prime.body, prime.end))}`);
}

/**
 * SubjectPublicKeyInfo is the form in which OpenSSL takes the value of every group. It goes in as a PEM text: of objects
 * Node first tries whether they are keys, by exceptions that it throws and catches, which costs more than the import.
 */
function importPublic(group: GroupName, value: Uint8Array, own: KeyObject): KeyObject {
  const { algorithm, prime } = parametersOf(group, own);
  const key = der(0x03, Uint8Array.of(0), prime ? modpKey(value, prime) : curveKey(group, value));
  const spki = Buffer.from(der(0x30, algorithm, key)).toString('base64');
  return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`);
}

/** An uncompressed point (SEC 1 2.3.3), or a Montgomery curve's octets as they are (RFC 8410 4). */
function curveKey(group: GroupName, value: Uint8Array): Uint8Array {
  return CURVES[group]?.type === 'ec' ? concat(Uint8Array.of(4), value) : value;
}

function modpKey(value: Uint8Array, prime: bigint): Uint8Array {
  const y = BigInt(`0x${hex(value)}`);
  // RFC 2412 E, RFC 7919 5.1: 0, 1 and p-1 give a secret that anybody knows.
  if (y <= 1n || y >= prime - 1n) throw new RangeError('public value out of range');
  return integer(value);
}

/** Where a DER element begins, where its contents do, and where it ends. */
function element(bytes: Uint8Array, start: number): { start: number; body: number; end: number } {
  const first = bytes[start + 1];
  if (first < 0x80) return { start, body: start + 2, end: start + 2 + first };
  const n = first & 0x7f;
  let length = 0;
  for (let i = 0; i < n; i++) length = length * 256 + bytes[start + 2 + i];
  return { start, body: start + 2 + n, end: start + 2 + n + length };
}

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(...parts);
  const n = body.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return concat(Uint8Array.of(tag, ...length), body);
}

function integer(value: Uint8Array): Uint8Array {
  let at = 0;
  while (at < value.length - 1 && value[at] === 0) at++;
  const body = value.subarray(at);
  return der(0x02, body[0] & 0x80 ? concat(Uint8Array.of(0), body) : body);
}

/** The INTEGER in the BIT STRING at the end of a SubjectPublicKeyInfo of a DH key. */
function lastInteger(spki: Uint8Array): Uint8Array {
  const algorithm = element(spki, element(spki, 0).body);
  const y = element(spki, element(spki, algorithm.end).body + 1);
  const octets = spki.subarray(y.body, y.end);
  return octets[0] === 0 ? octets.subarray(1) : octets;
}

function leftPad(value: Uint8Array, octets: number): Uint8Array {
  if (value.length >= octets) return new Uint8Array(value);
  const out = new Uint8Array(octets);
  out.set(value, octets - value.length);
  return out;
}
