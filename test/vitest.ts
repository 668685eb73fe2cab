// `npm test`: unit tests, the simulated network, and real peers in namespaces, two files at a time.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/**/*.{long,firmware}.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A machine shared with others may lose a packet for us once; a defect of ours fails twice.
    retry: process.env.CI ? 1 : 0,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
  },
});
