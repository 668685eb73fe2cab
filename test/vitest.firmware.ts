// `npm run test:firmware`: images that start in emulated machines. One at a time: two processors, and time is part of it.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.firmware.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 1_800_000,
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    // A step that fails leaves the box where the next one does not expect it: nothing more is tried then.
    bail: 1,
    reporters: ['verbose'],
  },
});
