// Every group against an implementation that shares no code with ours: the RFCs' vectors, @noble/curves, and BigInt
// exponentiation modulo the RFCs' primes.
import { createPrivateKey } from 'node:crypto';
import { x448 } from '@noble/curves/ed448.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { describe, expect, test, vi } from 'vitest';
import { GROUPS, type GroupName, groupById } from '../../../src/ike/crypto/algorithm.ts';
import { type KeyPair, runKeyExchange } from '../../../src/ike/crypto/key-exchange.ts';
import { concat, fromHex, hex } from '../../../src/net/bytes.ts';
import { title, vectors } from '../samples.ts';
import { modexp, octetsOf } from './modexp.ts';

vi.setConfig({ testTimeout: 120_000 });

const CURVES = { ecp256: p256, ecp384: p384, ecp521: p521 };
const MONTGOMERY = { x25519, x448 };

async function fresh(group: GroupName): Promise<KeyPair> {
  const result = await runKeyExchange({ group });
  if (!result.ok) throw new Error(result.error);
  expect(result.keyPair.publicValue).toHaveLength(GROUPS[group].publicOctets);
  return result.keyPair;
}

async function shared(group: GroupName, keyPair: KeyPair, peerPublic: Uint8Array): Promise<Uint8Array> {
  const result = await runKeyExchange({ group, keyPair, peerPublic });
  if (!result.ok) throw new Error(result.error);
  expect(result.keyPair).toBe(keyPair);
  return result.shared!;
}

/** A private key of a vector as the runner keeps it. */
function imported(group: string, secret: string, publicValue: string): KeyPair {
  const value = fromHex(publicValue);
  const base64 = (b: Uint8Array) => Buffer.from(b).toString('base64url');
  const half = value.length / 2;
  const jwk = group.startsWith('ecp')
    ? {
        kty: 'EC',
        crv: `P-${group.slice(3)}`,
        x: base64(value.subarray(0, half)),
        y: base64(value.subarray(half)),
      }
    : { kty: 'OKP', crv: group.toUpperCase(), x: base64(value) };
  const key = createPrivateKey({ key: { ...jwk, d: base64(fromHex(secret)) }, format: 'jwk' });
  return { publicValue: value, secret: key };
}

describe('known answers', () => {
  test.each(vectors('groups').map((v) => [title(v), v] as const))('%s', async (_, v) => {
    const group = v.group as GroupName;
    expect(GROUPS[group].id).toBe(v.number);
    const [i, r] = [imported(group, v.privateI, v.publicI), imported(group, v.privateR, v.publicR)];
    expect(hex(await shared(group, i, r.publicValue))).toBe(v.shared);
    expect(hex(await shared(group, r, i.publicValue))).toBe(v.shared);
  });
});

describe.each(Object.entries(CURVES))('%s against noble', (name, curve) => {
  const group = name as GroupName;

  test('the same secret from both sides', async () => {
    const ours = await fresh(group);
    const secret = curve.utils.randomSecretKey();
    const theirs = curve.getPublicKey(secret, false).subarray(1);
    const [x] = [curve.getSharedSecret(secret, concat(Uint8Array.of(4), ours.publicValue), false)];
    // RFC 5903 7: the secret is the x coordinate alone.
    expect(hex(await shared(group, ours, theirs))).toBe(hex(x.subarray(1, 1 + theirs.length / 2)));
  });

  test('a secret or a public value with leading zeros keeps them', async () => {
    const ours = await fresh(group);
    const half = ours.publicValue.length / 2;
    const point = curve.Point.fromBytes(concat(Uint8Array.of(4), ours.publicValue));
    // Multiples of a point, until one of them has an x that begins with eight zero bits more than the field's own.
    const spare = 8 * half - Number(group.slice(3));
    const begins = (p: typeof point) => p.toAffine().x >> BigInt(8 * half - spare - 8) === 0n;
    let [k, s] = [1n, point];
    while (!begins(s)) [k, s] = [k + 1n, s.add(point)];
    const value = curve.Point.BASE.multiply(k).toBytes(false).subarray(1);
    const expected = octetsOf(s.toAffine().x, half);
    expect(expected[0]).toBe(0);
    expect(hex(await shared(group, ours, value))).toBe(hex(expected));
    [k, s] = [1n, curve.Point.BASE];
    while (!begins(s)) [k, s] = [k + 1n, s.add(curve.Point.BASE)];
    const short = s.toBytes(false).subarray(1);
    expect(hex(await shared(group, ours, short))).toBe(hex(octetsOf(point.multiply(k).toAffine().x, half)));
  });
});

describe.each(Object.entries(MONTGOMERY))('%s against noble', (name, curve) => {
  test('the same secret from both sides', async () => {
    const ours = await fresh(name as GroupName);
    const secret = curve.utils.randomSecretKey();
    const expected = curve.getSharedSecret(secret, ours.publicValue);
    expect(hex(await shared(name as GroupName, ours, curve.getPublicKey(secret)))).toBe(hex(expected));
  });
});

describe.each(vectors('modp').map((v) => ({ name: title(v), v })))('$name', ({ v }) => {
  const group = v.group as GroupName;
  const { publicOctets, id } = GROUPS[group];
  const p = BigInt(`0x${v.prime}`);

  test('is numbered and sized as its RFC says', () => {
    expect([id, publicOctets * 2, groupById(id)?.name]).toEqual([v.number, v.prime.length, group]);
  });

  test('the same secret as BigInt computes, twice with fresh keys', async () => {
    for (const x of [0x7fff_ffff_ffff_ffff_ffff_ffff_ffff_ffffn, 3n]) {
      const ours = await fresh(group);
      const theirs = octetsOf(modexp(BigInt(v.generator), x, p), publicOctets);
      const y = BigInt(`0x${hex(ours.publicValue)}`);
      expect(y > 1n && y < p - 1n).toBe(true);
      expect(hex(await shared(group, ours, theirs))).toBe(hex(octetsOf(modexp(y, x, p), publicOctets)));
    }
  });

  test('a secret with a leading zero octet keeps it (RFC 7296 2.14)', async () => {
    const ours = await fresh(group);
    const y = BigInt(`0x${hex(ours.publicValue)}`);
    let [x, s] = [2n, (y * y) % p];
    while (s >> BigInt(8 * publicOctets - 8)) [x, s] = [x + 1n, (s * y) % p];
    const value = octetsOf(modexp(BigInt(v.generator), x, p), publicOctets);
    const got = await shared(group, ours, value);
    expect([got.length, got[0]]).toEqual([publicOctets, 0]);
    expect(hex(got)).toBe(hex(octetsOf(s, publicOctets)));
  });
});

test('every group is tested here', () => {
  const tested = [...Object.keys(CURVES), ...Object.keys(MONTGOMERY), ...vectors('modp').map((v) => v.group)];
  expect(new Set(tested)).toEqual(new Set(Object.keys(GROUPS)));
});

test.each(Object.keys(GROUPS) as GroupName[])(
  '%s: two of ours agree, fresh keys each time',
  async (group) => {
    const [a, b] = [await fresh(group), await fresh(group)];
    expect(a.publicValue).not.toEqual(b.publicValue);
    expect(await shared(group, a, b.publicValue)).toEqual(await shared(group, b, a.publicValue));
    const answered = await runKeyExchange({ group, peerPublic: a.publicValue });
    if (!answered.ok) throw new Error(answered.error);
    expect(answered.shared).toEqual(await shared(group, a, answered.keyPair.publicValue));
  },
);
