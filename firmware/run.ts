// Other people's programs, with what they said when they fail.
import { spawnSync } from 'node:child_process';

export type Surroundings = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
};

/** How much of its last words a failure quotes. */
const LAST_WORDS = 3000;

/** Returns what the program printed. Throws with the end of what it complained of. */
export function run(command: string, args: readonly string[], around: Surroundings = {}): string {
  const { cwd, env, input } = around;
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? {} : { input }),
    env: { ...process.env, LC_ALL: 'C', ...env },
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  });
  if (error)
    throw new Error(
      `${command}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not installed' : error.message}`,
    );
  if (status !== 0) {
    const words = `${stderr}\n${stdout}`.trim().slice(-LAST_WORDS);
    throw new Error(`${command} ended with ${status ?? signal}:\n${words}`);
  }
  return stdout;
}
