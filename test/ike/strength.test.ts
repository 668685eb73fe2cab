// Weak algorithms by name: those that the configuration warns of are the same here.
import { expect, test } from 'vitest';
import { CIPHERS, GROUPS, HASHES } from '../../src/ike/crypto/algorithm.ts';
import { cipherName, groupName } from '../../src/ike/proposal/names.ts';
import { weaknessOf } from '../../src/ike/proposal/strength.ts';

test('of our own algorithms these are weak, and these broken', () => {
  const names = [CIPHERS, HASHES, GROUPS].flatMap((table) => Object.keys(table));
  const graded = (grade: string) => names.filter((name) => weaknessOf(name)?.grade === grade).toSorted();
  expect(graded('broken')).toEqual(['md5', 'modp1024']);
  expect(graded('weak')).toEqual(['3des', 'modp1536', 'sha1']);
});

test('others are known by their names, with or without a key length', () => {
  expect(weaknessOf(cipherName(2, undefined))?.grade).toBe('broken');
  expect(weaknessOf(cipherName(7, 128))?.why).toBe('64-bit blocks');
  expect(weaknessOf(groupName(24))?.grade).toBe('weak');
  expect(weaknessOf(groupName(1))?.grade).toBe('broken');
  for (const name of ['camellia/256', 'brainpool256', 'group 999', 'constructor', ''])
    expect(weaknessOf(name)).toBeUndefined();
});
