// The random collisions of collisions-random.test.ts, many more.
import { expect, test } from 'vitest';
import { interleave } from './interleavings.ts';

test.each([0, 1, 2, 3])('random collisions, part %i of four', (part) => {
  for (let seed = 0; seed < 5000; seed++) expect(interleave(2000 + part * 5000 + seed)).toEqual([]);
});
