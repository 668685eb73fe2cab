// Child processes of the harness: each is tracked in a scope and ended by its own pid, never by name.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import type { Scope } from './scope.ts';

export type ExecOptions = {
  /** Default 30,000; 0 waits for ever. */
  timeoutMs?: number;
  input?: string | Uint8Array;
  env?: Record<string, string>;
  /** Resolve with whatever exit code instead of rejecting. A timeout still rejects. */
  allowFail?: boolean;
};
export type ExecResult = { code: number; stdout: string; stderr: string };
export type SpawnOptions = {
  env?: Record<string, string>;
  /** A file that stdout and stderr are appended to; without it they are kept in `stdout` and `stderr`. */
  log?: string;
};

/**
 * A child that outlives us would keep its namespace; the kernel kills it should we be killed without a
 * chance to.
 */
const GUARD = ['setpriv', '--pdeathsig', 'KILL', '--'];

/** A running process. It is gone when the scope it was started in closes. */
export class Proc {
  readonly pid: number;
  readonly command: string;
  /** The exit code, 128 + signal number when a signal ended it. Never rejects. */
  readonly exited: Promise<number>;
  stdout = '';
  stderr = '';
  #child: ChildProcess;

  private constructor(child: ChildProcess, command: string[]) {
    this.#child = child;
    this.pid = child.pid!;
    this.command = command.join(' ');
    this.exited = new Promise((resolve) => {
      // 'close' rather than 'exit': the output is complete by then.
      child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  static start(scope: Scope, command: string[], options: SpawnOptions & { stdin?: 'pipe' } = {}): Proc {
    const log = options.log === undefined ? undefined : openSync(options.log, 'a');
    const argv = [...GUARD, ...command];
    const child = spawn(argv[0], argv.slice(1), {
      stdio: [options.stdin ?? 'ignore', log ?? 'pipe', log ?? 'pipe'],
      env: { ...process.env, LC_ALL: 'C', ...options.env },
    });
    child.on('error', () => {}); // setpriv missing; reported just below through the missing pid
    if (log !== undefined) closeSync(log);
    if (child.pid === undefined) throw new Error(`cannot start ${argv[0]} (package util-linux)`);
    const proc = new Proc(child, command);
    const forget = scope.defer(
      () => proc.stop('SIGTERM', 2000),
      () => proc.signal('SIGKILL'),
    );
    proc.exited.then(forget);
    return proc;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Does nothing once it has ended: its pid may belong to somebody else by then. */
  signal(signal: NodeJS.Signals): void {
    if (this.running) process.kill(this.pid, signal);
  }

  /** One line of input; more may follow. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** The whole input. */
  write(input: string | Uint8Array): void {
    this.#child.stdin?.on('error', () => {}); // a child that does not read its input is no error of ours
    this.#child.stdin?.end(input);
  }

  /** Sends `signal`, and SIGKILL after `graceMs`. Resolves with the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 5000): Promise<number> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** Waits until stdout or stderr matches (not with a log file). */
  async waitOutput(pattern: RegExp, timeoutMs = 10_000): Promise<void> {
    await until(
      () => pattern.test(this.stdout) || pattern.test(this.stderr) || !this.running,
      timeoutMs,
      () => `${this.command}: no ${pattern} within ${timeoutMs} ms`,
    );
    if (pattern.test(this.stdout) || pattern.test(this.stderr)) return;
    await this.exited;
    throw failure(this.command, 'ended early', this.stdout, this.stderr);
  }
}

/** Runs a command to its end. */
export async function exec(scope: Scope, command: string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { timeoutMs = 30_000, input, env, allowFail = false } = options;
  const proc = Proc.start(scope, command, { env, stdin: input === undefined ? undefined : 'pipe' });
  if (input !== undefined) proc.write(input);
  let late = false;
  const timer = timeoutMs > 0 ? setTimeout(kill, timeoutMs) : undefined;
  function kill(): void {
    late = true;
    proc.signal('SIGKILL');
  }
  const code = await proc.exited;
  clearTimeout(timer);
  const { stdout, stderr } = proc;
  if (late) throw failure(proc.command, `no end within ${timeoutMs} ms`, stdout, stderr);
  if (code !== 0 && !allowFail) throw failure(proc.command, `exit code ${code}`, stdout, stderr);
  return { code, stdout, stderr };
}

/** Polls until `done` says yes. */
export async function until(
  done: () => boolean | Promise<boolean>,
  timeoutMs: number,
  complaint: () => string,
  everyMs = 50,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(complaint());
    await sleep(everyMs);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The last `chars` of a text, cut at a line. */
export function tail(text: string, chars = 3000): string {
  const end = text.trimEnd();
  return end.length <= chars ? end : `…${end.slice(end.indexOf('\n', end.length - chars))}`;
}

function failure(command: string, what: string, stdout: string, stderr: string): Error {
  const said = [tail(stdout, 2000), tail(stderr, 2000)].filter((text) => text !== '');
  return new Error([`${command}: ${what}`, ...said].join('\n'));
}
