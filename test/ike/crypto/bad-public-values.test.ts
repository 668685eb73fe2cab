// Public values that would give a secret anybody knows, or that are none of the group, are refused (RFC 2412 E,
// RFC 6989 2, RFC 7748 6): a result with a sentence, never a throw.
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { describe, expect, test, vi } from 'vitest';
import { GROUPS, type GroupName } from '../../../src/ike/crypto/algorithm.ts';
import { runKeyExchange } from '../../../src/ike/crypto/key-exchange.ts';
import { fromHex } from '../../../src/net/bytes.ts';
import { vectors } from '../samples.ts';
import { octetsOf } from './modexp.ts';

vi.setConfig({ testTimeout: 120_000 });

async function refusal(group: GroupName, peerPublic: Uint8Array): Promise<string> {
  const asResponder = await runKeyExchange({ group, peerPublic });
  const own = await runKeyExchange({ group });
  if (!own.ok) throw new Error(own.error);
  const asInitiator = await runKeyExchange({ group, keyPair: own.keyPair, peerPublic });
  const [verdict, again] = [asResponder, asInitiator].map((r) => (r.ok ? 'accepted' : r.error));
  expect(again).toBe(verdict);
  return verdict;
}

describe.each(Object.values(GROUPS))('$name', ({ name, publicOctets }) => {
  test.each([0, 1, publicOctets - 1, publicOctets + 1, 2 * publicOctets, 65_000])('%i octets', async (n) => {
    expect(await refusal(name, new Uint8Array(n).fill(2))).toBe(
      `the public value has ${n} octets, ${name} needs ${publicOctets}`,
    );
  });

  test('nothing but zeros, nothing but ones', async () => {
    expect(await refusal(name, new Uint8Array(publicOctets))).toBe(
      `the public value is not valid for ${name}`,
    );
    // All ones is above every prime here but those of X25519 and X448, which reduce it (RFC 7748 5).
    const ones = await refusal(name, new Uint8Array(publicOctets).fill(0xff));
    if (!name.startsWith('x')) expect(ones).toBe(`the public value is not valid for ${name}`);
  });
});

describe.each(vectors('modp').map((v) => ({ group: v.group as GroupName, p: BigInt(`0x${v.prime}`) })))(
  '$group',
  ({ group, p }) => {
    const { publicOctets } = GROUPS[group];

    test.each([
      ['0', 0n],
      ['1', 1n],
      ['p - 1', p - 1n],
      ['p', p],
      ['p + 1', p + 1n],
      ['p + 2', p + 2n],
    ])('%s', async (_, y) => {
      expect(await refusal(group, octetsOf(y, publicOctets))).toBe(
        `the public value is not valid for ${group}`,
      );
    });

    test('2 and p - 2 are the ends of the range (RFC 6989 2.1)', async () => {
      expect(await refusal(group, octetsOf(2n, publicOctets))).toBe('accepted');
      // p - 2 is no residue, and so outside the subgroup of order q: either verdict is safe, a throw is not.
      await refusal(group, octetsOf(p - 2n, publicOctets));
    });
  },
);

describe.each(Object.entries({ ecp256: p256, ecp384: p384, ecp521: p521 }))('%s', (name, curve) => {
  const group = name as GroupName;
  const half = GROUPS[group].publicOctets / 2;
  const p = curve.Point.Fp.ORDER;
  const { x, y } = curve.Point.BASE.multiply(7n).toAffine();
  const pair = (a: bigint, b: bigint) => {
    return Uint8Array.from([...octetsOf(a, half), ...octetsOf(b, half)]);
  };

  test('a point of the curve is accepted', async () => {
    expect(await refusal(group, pair(x, y))).toBe('accepted');
    expect(await refusal(group, pair(x, p - y))).toBe('accepted');
  });

  test.each([
    ['y + 1', x, y + 1n],
    ['x + 1', x + 1n, y],
    ['x and y changed over', y, x],
    ['(0, 0), the point at infinity as some write it', 0n, 0n],
    ['(p, y)', p, y],
    ['(x, p)', x, p],
    ['(x, 0)', x, 0n],
  ])('%s is refused (RFC 6989 2.3)', async (_, a, b) => {
    expect(await refusal(group, pair(a, b))).toBe(`the public value is not valid for ${group}`);
  });
});

describe('points of small order (RFC 7748 6)', () => {
  const P25519 = 2n ** 255n - 19n;
  const little = (v: bigint, n: number) => octetsOf(v, n).reverse();
  test.each([
    ['0', little(0n, 32)],
    ['1', little(1n, 32)],
    ['order 8', fromHex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800')],
    ['order 8', fromHex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157')],
    ['p - 1', little(P25519 - 1n, 32)],
    ['p', little(P25519, 32)],
    ['p + 1', little(P25519 + 1n, 32)],
    ['0 with the unused bit', little(2n ** 255n, 32)],
  ])('x25519: %s', async (_, value) => {
    expect(await refusal('x25519', value)).toBe('the public value is not valid for x25519');
  });

  const P448 = 2n ** 448n - 2n ** 224n - 1n;
  test.each([
    ['0', 0n],
    ['1', 1n],
    ['p - 1', P448 - 1n],
    ['p', P448],
    ['p + 1', P448 + 1n],
  ])('x448: %s', async (_, value) => {
    expect(await refusal('x448', little(value, 56))).toBe('the public value is not valid for x448');
  });
});
