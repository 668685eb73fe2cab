// The log's last lines on the disk, so that a restart does not take them: two files, the older of which goes when the newer is
// full. Written seldom, for cards that wear.
import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs';
import type { LogEntry } from '../show/log/entry.ts';

const WRITE_MS = 3000;
const MOST_OCTETS = 512 << 10;

export class LogFile {
  readonly #path: string;
  #waiting: LogEntry[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string) {
    this.#path = path;
    process.on('exit', () => this.flush());
  }

  /** What was kept, oldest first; lines that cannot be read are left out. */
  read(): LogEntry[] {
    return [`${this.#path}.old`, this.#path].flatMap((path) => {
      try {
        return readFileSync(path, 'utf8').split('\n').flatMap(entryOf);
      } catch {
        return [];
      }
    });
  }

  /** Kept soon. Debugging is not. */
  add(entry: LogEntry): void {
    if (entry.level === 'debug') return;
    this.#waiting.push(entry);
    this.#timer ??= setTimeout(() => this.flush(), WRITE_MS).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#waiting.map((e) => `${JSON.stringify(e)}\n`).join('');
    this.#waiting = [];
    if (text === '') return;
    try {
      if ((statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) > MOST_OCTETS)
        renameSync(this.#path, `${this.#path}.old`);
      appendFileSync(this.#path, text, { mode: 0o600 });
    } catch {
      // A disk that is full keeps the router from nothing.
    }
  }
}

function entryOf(line: string): LogEntry[] {
  try {
    const e = JSON.parse(line) as LogEntry & { time: string };
    const whole =
      typeof e.sequence === 'number' && typeof e.text === 'string' && typeof e.function === 'string';
    return whole ? [{ ...e, time: new Date(e.time) }] : [];
  } catch {
    return [];
  }
}
