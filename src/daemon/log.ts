// The log: every fact as a line on standard error, and the last ones in memory for `show log`.
import type { Fact } from '../ike/io.ts';
import type { Reason } from '../ike/reason.ts';

export type LogEntry = {
  readonly sequence: number;
  readonly time: Date;
  readonly level: Fact['level'];
  /** Which part speaks: ike, host, dataplane, router. */
  readonly function: string;
  readonly connection?: string;
  readonly code: string;
  readonly text: string;
  readonly reason?: Reason;
};

const RING = 2000;

export class Log {
  readonly #ring: LogEntry[] = [];
  readonly #write: (line: string) => void;
  #sequence = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  add(entry: Omit<LogEntry, 'sequence' | 'time'>): void {
    const full: LogEntry = { ...entry, sequence: ++this.#sequence, time: new Date() };
    this.#ring.push(full);
    if (this.#ring.length > RING) this.#ring.shift();
    this.#write(logLine(full));
  }

  fact(fact: Fact): void {
    this.add({ ...fact, function: 'ike' });
  }

  entries(): readonly LogEntry[] {
    return this.#ring;
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** SEIL's form: sequence number, time, level, function, process, message (dialects.md A.7). */
export function logLine(e: LogEntry): string {
  const t = e.time;
  const two = (n: number) => String(n).padStart(2, '0');
  const clock = [t.getHours(), t.getMinutes(), t.getSeconds()].map(two).join(':');
  const day = `${MONTHS[t.getMonth()]} ${String(t.getDate()).padStart(2, ' ')}`;
  const who = e.connection ? `${e.connection}: ` : '';
  return `${e.sequence} ${day} ${clock} ${e.level.padEnd(7)} ${e.function.padEnd(5)} sekisho[-]: ${who}${e.text}`;
}
