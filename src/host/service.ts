// A program of the system that runs as long as it is wanted: begun again when it ends by itself.
import { type ChildProcess, spawn } from 'node:child_process';

/** Between its end and its next beginning: longer each time, short again once it has run for a while. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
const STEADY_MS = 60_000;

/** Who does not go when asked is made to. */
const PATIENCE_MS = 3000;

/** A line that is longer says nothing more. */
const LONGEST_LINE = 1000;

export type Listener = {
  /** Lines of its standard output. */
  readonly out?: (line: string) => void;
  /** Of its standard error. */
  readonly err?: (line: string) => void;
  /** It ended by itself, or could not begin: one sentence. */
  readonly ended: (why: string) => void;
};

export class Service {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #listener: Listener;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wait = FIRST_WAIT_MS;
  #stopped = false;

  constructor(command: string, args: readonly string[], listener: Listener) {
    this.#command = command;
    this.#args = args;
    this.#listener = listener;
    this.#begin();
  }

  #begin(): void {
    const began = performance.now();
    const child = spawn(this.#command, this.#args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    lines(child.stdout, this.#listener.out);
    lines(child.stderr, this.#listener.err);
    let complaint: string | undefined;
    child.on('error', (e: NodeJS.ErrnoException) => {
      complaint = e.code === 'ENOENT' ? `${this.#command} is not installed` : e.message;
      if (child.pid === undefined) this.#ended(complaint, began);
    });
    child.on('exit', (code, signal) =>
      this.#ended(complaint ?? `${this.#command} ended by ${signal ?? `itself with ${code}`}`, began),
    );
  }

  #ended(why: string, began: number): void {
    this.#child = undefined;
    if (this.#stopped) return;
    if (performance.now() - began > STEADY_MS) this.#wait = FIRST_WAIT_MS;
    this.#listener.ended(`${why}: tried again in ${this.#wait / 1000} s`);
    this.#timer = setTimeout(() => this.#begin(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  /** Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (!child) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const last = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    await gone;
    clearTimeout(last);
  }
}

function lines(stream: NodeJS.ReadableStream | null, each: ((line: string) => void) | undefined): void {
  let rest = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (part: string) => {
    const all = (rest + part).split('\n');
    rest = (all.pop() ?? '').slice(-LONGEST_LINE);
    for (const line of all) each?.(line.slice(0, LONGEST_LINE));
  });
}
