import { expect, test } from 'vitest';
import { WEAK } from '../../src/config/negotiation-rules.ts';
import { CIPHERS, GROUPS, HASHES } from '../../src/ike/crypto/algorithm.ts';
import { weakness, weaknessOf } from '../../src/ike/proposal/strength.ts';

test('`check` and the log call the same of our algorithms weak', () => {
  const all = [CIPHERS, HASHES, GROUPS].flatMap((table) => Object.keys(table));
  expect([...WEAK].sort()).toEqual(all.filter((name) => weaknessOf(name) !== undefined).sort());
});

test('a suite says what is weak in it, once', () => {
  expect(weakness({ cipher: '3des', integrity: 'sha1', prf: 'sha1', group: 'modp1536' })).toBe(
    ' (weak: 3des, sha1, modp1536)',
  );
  expect(weakness({ cipher: 'aes256', hash: 'sha256', group: 'modp2048', lifetime: 60 })).toBe('');
});
