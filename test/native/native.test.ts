// The native tests as they are shipped and under AddressSanitizer, and some seconds of every fuzz target.
import { expect, test } from 'vitest';
import { nativeTest } from './run.ts';

test('the data path, as it is shipped', async () => {
  expect(await nativeTest(['plain'], 110_000, { SEKISHO_TEST_SECONDS: '1' })).toMatch(/, 0 failed/);
});

test('the data path, under AddressSanitizer and UndefinedBehaviorSanitizer', async () => {
  expect(await nativeTest(['asan'], 110_000, { SEKISHO_TEST_SECONDS: '1' })).toMatch(/, 0 failed/);
});

test('some seconds of every fuzz target, from the corpus on', async () => {
  expect(await nativeTest(['fuzz', '6'], 110_000)).toMatch(/^ok/);
});
