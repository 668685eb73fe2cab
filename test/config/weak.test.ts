import { expect, test } from 'vitest';
import { WEAK as OF_CONFIGURATIONS } from '../../src/config/validate.ts';
import { WEAK, weakness } from '../../src/ike/crypto/algorithm.ts';

test('`check` and the log call the same algorithms weak', () => {
  expect([...OF_CONFIGURATIONS].sort()).toEqual([...WEAK].sort());
});

test('a suite says what is weak in it, once', () => {
  expect(weakness({ cipher: '3des', integrity: 'sha1', prf: 'sha1', group: 'modp1536' })).toBe(
    ' (weak: 3des, sha1, modp1536)',
  );
  expect(weakness({ cipher: 'aes256', hash: 'sha256', group: 'modp2048', lifetime: 60 })).toBe('');
});
