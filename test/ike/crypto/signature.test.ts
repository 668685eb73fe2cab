// Signatures of IKEv2 (RFC 7296 3.8, RFC 4754, RFC 7427, RFC 8420) and IKEv1 (RFC 2409 5.1): what we sign verifies, and
// nothing else does.
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type KeyKind,
  OUR_HASHES,
  type PrivateKey,
  runSign,
  SIGNATURE_HASH,
  signingOf,
  verifies,
  verifiesRaw,
} from '../../../src/ike/crypto/signature.ts';
import { AUTH_V2 } from '../../../src/ike/wire/numbers.ts';
import { concat, fromHex, hex, utf8 } from '../../../src/net/bytes.ts';
import { Secret } from '../../../src/net/secret.ts';

const MAKERS: Record<KeyKind, () => { privateKey: KeyObject }> = {
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ecp256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ecp384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ecp521: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed25519: () => generateKeyPairSync('ed25519'),
  ed448: () => generateKeyPairSync('ed448'),
};

function keyOf(kind: KeyKind): { key: PrivateKey; object: KeyObject; publicKey: KeyObject } {
  const { privateKey } = MAKERS[kind]();
  const pkcs8 = new Secret(new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' })));
  return { key: { kind, pkcs8 }, object: privateKey, publicKey: createPublicKey(privateKey) };
}

const data = utf8('what AUTH covers');

describe.each(Object.keys(MAKERS) as KeyKind[])('%s', (kind) => {
  const { key, publicKey } = keyOf(kind);
  const other = keyOf(kind).publicKey;

  test.each([
    ['with the hashes of RFC 7427', OUR_HASHES],
    ['without', undefined],
  ])('%s', async (_, hashes) => {
    const signing = signingOf(kind, hashes);
    if (!signing) return expect([kind, hashes]).toEqual([expect.stringMatching(/^ed/), undefined]);
    const signed = await runSign({ kind: 'sign', key, signing, data });
    if (!signed.ok) throw new Error(signed.error);
    expect(await verifies(publicKey, signing.method, signed.data, data)).toBe(true);
    expect(await verifies(other, signing.method, signed.data, data)).toBe(false);
    expect(await verifies(publicKey, signing.method, signed.data, utf8('something else'))).toBe(false);
    for (const at of [0, 1, 3, signed.data.length - 1]) {
      const broken = signed.data.with(at, signed.data[at] ^ 1);
      expect(await verifies(publicKey, signing.method, broken, data)).toBe(false);
    }
    expect(await verifies(publicKey, signing.method, new Uint8Array(0), data)).toBe(false);
  });
});

test('the older methods carry r | s of a fixed length (RFC 4754 7)', async () => {
  for (const [kind, octets, method] of [
    ['ecp256', 64, AUTH_V2.ECDSA_256],
    ['ecp384', 96, AUTH_V2.ECDSA_384],
    ['ecp521', 132, AUTH_V2.ECDSA_521],
  ] as const) {
    const signing = signingOf(kind, undefined)!;
    expect(signing.method).toBe(method);
    const signed = await runSign({ kind: 'sign', key: keyOf(kind).key, signing, data });
    expect(signed.ok && signed.data.length).toBe(octets);
  }
});

test('RFC 7427: the algorithm stands before the signature, with its length', async () => {
  const { key } = keyOf('rsa');
  const signed = await runSign({
    kind: 'sign',
    key,
    signing: signingOf('rsa', [SIGNATURE_HASH.SHA256])!,
    data,
  });
  expect(signed.ok && hex(signed.data.subarray(0, 16))).toBe('0f300d06092a864886f70d01010b0500');
});

test('PSS verifies in both spellings (RFC 7427 A.4), SHA-1 does not under method 14', async () => {
  const { object, publicKey } = keyOf('rsa');
  const hash = '300d06096086480165030402010500';
  const mgf = `a11c301a06092a864886f70d010108${hash}`;
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const signature = sign('sha256', data, { key: object, padding, saltLength: 32 });
  for (const [octets, tail] of [
    ['41', 'a203020120'],
    ['46', 'a203020120a303020101'],
  ]) {
    const inner = fromHex(`06092a864886f70d01010a30${octets === '41' ? '34' : '39'}a00f${hash}${mgf}${tail}`);
    const algorithm = concat(fromHex(`30${octets}`), inner);
    const auth = concat(Uint8Array.of(algorithm.length), algorithm, signature);
    expect(await verifies(publicKey, AUTH_V2.DIGITAL_SIGNATURE, auth, data)).toBe(true);
  }
  const sha1 = fromHex('300d06092a864886f70d0101050500');
  const weak = concat(Uint8Array.of(sha1.length), sha1, sign('sha1', data, object));
  expect(await verifies(publicKey, AUTH_V2.DIGITAL_SIGNATURE, weak, data)).toBe(false);
});

test('IKEv1 signs the bare hash, PKCS #1 padded', async () => {
  const { key, publicKey } = keyOf('rsa');
  const hash = new Uint8Array(32).fill(7);
  const signed = await runSign({ kind: 'sign', key, signing: 'raw-rsa', data: hash });
  if (!signed.ok) throw new Error(signed.error);
  expect(verifiesRaw(publicKey, signed.data, hash)).toBe(true);
  expect(verifiesRaw(publicKey, signed.data, hash.with(0, 8))).toBe(false);
  expect(verifiesRaw(publicKey, signed.data.with(5, signed.data[5] ^ 1), hash)).toBe(false);
  expect(verifiesRaw(keyOf('ecp256').publicKey, signed.data, hash)).toBe(false);
});
