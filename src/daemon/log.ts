// The log: every fact as a line on standard error, and the last ones in memory for `show log`; beside them the engine's
// single steps.

import type { Event } from '../ike/event.ts';
import type { Fact } from '../ike/io.ts';
import type { LogEntry, TraceEntry } from '../show/log/entry.ts';
import { logLine } from '../show/log/seil.ts';

const RING = 2000;

export class Log {
  readonly #ring: LogEntry[] = [];
  readonly #trace: TraceEntry[] = [];
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

  event(event: Event): void {
    this.#trace.push({ sequence: ++this.#sequence, time: new Date(), event });
    if (this.#trace.length > RING) this.#trace.shift();
  }

  trace(): readonly TraceEntry[] {
    return this.#trace;
  }

  entries(): readonly LogEntry[] {
    return this.#ring;
  }
}
