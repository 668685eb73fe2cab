// The path alone on an emulated arm64 processor. Its user-mode emulator takes no plugins in every Debian, but logs each
// instruction that it executes: one line each, so counting is counting lines.
import { spawn } from 'node:child_process';
import type { Scope } from '../../test/interop/scope.ts';

const EMULATOR = 'qemu-aarch64-static';
const [QUESTION, NEWLINE] = [1, 10];

/** Runs `program path ask` and answers it; resolves with its output, of which `onLine` gets each line when it comes. */
export function runOnArm64(scope: Scope, program: string, onLine: (line: string) => void): Promise<void> {
  const emulator = ['nice', EMULATOR, '-cpu', 'max', '-d', 'exec,nochain', program, 'path', 'ask'];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...emulator], {
    // One instruction a block, and so a line: its name until QEMU 8.0 and from 8.1 on.
    env: { ...process.env, QEMU_SINGLESTEP: '1', QEMU_ONE_INSN_PER_TB: '1' },
  });
  scope.defer(() => child.kill('SIGKILL'));
  let lines = 0n;
  let last = '';
  child.stdin.on('error', () => {}); // it ended; the exit code says why
  child.stderr.on('data', (chunk: Buffer) => {
    const question = chunk.indexOf(QUESTION);
    lines += newlines(question < 0 ? chunk : chunk.subarray(0, question));
    if (question >= 0) {
      const answer = Buffer.alloc(8);
      answer.writeBigUInt64LE(lines);
      child.stdin.write(answer);
      lines += newlines(chunk.subarray(question));
    }
    last = chunk.toString('latin1', Math.max(0, chunk.length - 300));
  });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const complete = (rest + text).split('\n');
    rest = complete.pop()!;
    complete.forEach(onLine);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${EMULATOR}: ${signal ?? `exit code ${code}`}\n${last}`));
    });
  });
}

function newlines(chunk: Buffer): bigint {
  let n = 0;
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) n++;
  return BigInt(n);
}
