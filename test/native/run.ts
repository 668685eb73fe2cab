// `.ci/native-test` from a test: what it printed last is what a failure shows.
import { fileURLToPath } from 'node:url';
import { exec } from '../interop/proc.ts';
import { Scope } from '../interop/scope.ts';

const SCRIPT = fileURLToPath(new URL('../../.ci/native-test', import.meta.url));

/** Rejects with the end of the output where something failed. */
export async function nativeTest(
  args: string[],
  timeoutMs: number,
  env: Record<string, string> = {},
): Promise<string> {
  const scope = new Scope();
  try {
    const { stdout } = await exec(scope, [SCRIPT, ...args], { timeoutMs, env });
    return stdout;
  } finally {
    await scope.close();
  }
}
