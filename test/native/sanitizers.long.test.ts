// The native tests with three times the rounds under each sanitizer, SAs that come and go for a minute, a minute of every
// fuzz target. The seed is another one each day: what fails names it.
import { describe, expect, test, vi } from 'vitest';
import { nativeTest } from './run.ts';

vi.setConfig({ testTimeout: 900_000 });

const SEKISHO_TEST_SEED = String(Math.floor(Date.now() / 86_400_000));

describe.each(['plain', 'asan', 'tsan'])('%s', (kind) => {
  test('three times the rounds', async () => {
    const env = { SEKISHO_TEST_ROUNDS: '3', SEKISHO_TEST_SEED };
    expect(await nativeTest([kind], 880_000, env)).toMatch(/, 0 failed/);
  });

  test('SAs renewed at full load for a minute', async () => {
    const env = { SEKISHO_TEST_SECONDS: '60', SEKISHO_TEST_SEED };
    expect(await nativeTest([kind, 'churn'], 300_000, env)).toMatch(/, 0 failed/);
  });
});

test('fuzz targets, a minute each', async () => {
  expect(await nativeTest(['fuzz', '60'], 600_000)).toMatch(/^ok/);
});
