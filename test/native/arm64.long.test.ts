// The native tests and the module itself built for arm64, on an emulated CPU: its own kernels against OpenSSL's.
import { arch } from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { exec } from '../interop/proc.ts';
import { Scope } from '../interop/scope.ts';

const SCRIPT = fileURLToPath(new URL('../../.ci/arm64', import.meta.url));

test.skipIf(arch !== 'x64')(
  'arm64: native tests, and the module under the arm64 Node',
  async () => {
    const scope = new Scope();
    try {
      const { stdout } = await exec(scope, [SCRIPT], {
        timeoutMs: 1_500_000,
        env: { SEKISHO_TEST_SECONDS: '2' },
      });
      expect(stdout).toMatch(/, 0 failed/);
      expect(stdout).toMatch(/kernels on arm64: armv8-aes-pmull, neon-chacha, openssl/);
    } finally {
      await scope.close();
    }
  },
  1_600_000,
);
