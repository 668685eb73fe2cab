// `npm run test:long`: what takes minutes by its nature.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.long.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    // A machine shared with others may lose a packet for us once; a defect of ours fails twice.
    retry: process.env.CI ? 1 : 0,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
  },
});
