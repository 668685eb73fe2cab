// Thousands of random collisions under loss, duplication and reordering (RFC 7296 2.8, 2.25).
import { expect, test } from 'vitest';
import { interleave } from './interleavings.ts';

test('whatever crosses whatever, one IKE SA and one child are left, and renewals lose no packet', () => {
  for (let seed = 0; seed < 2000; seed++) expect(interleave(seed)).toEqual([]);
});
