// Hostile input at the codecs and at the engine: nothing throws, nothing hangs, what stands keeps standing.
import { expect, test } from 'vitest';
import { fuzzCodecs } from '../fuzz/codec.ts';

test('a million mutated messages through both codecs', () => {
  const { accepted, cases } = fuzzCodecs(1_000_000, 1);
  expect(cases).toBe(1_000_000);
  for (const count of Object.values(accepted)) expect(count).toBeGreaterThan(10_000);
}, 300_000);
