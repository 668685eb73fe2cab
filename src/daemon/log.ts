// The log: every fact as a line on standard error, and the last ones in memory for `show log`; beside them the engine's
// single steps.

import type { Event } from '../ike/event.ts';
import type { Fact } from '../ike/io.ts';
import type { LogEntry, TraceEntry } from '../show/log/entry.ts';
import { logLine } from '../show/log/seil.ts';
import type { LogFile } from './log-file.ts';
import { Syslog } from './syslog.ts';

const RING = 2000;

export class Log {
  readonly syslog = new Syslog();
  readonly #ring: LogEntry[] = [];
  #file: LogFile | undefined;
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
    this.#file?.add(full);
    this.syslog.send(full);
  }

  /** What was kept before this start comes first, and what comes is kept from here on. */
  keepIn(file: LogFile): void {
    const before = file.read().slice(-RING);
    const shift = before.at(-1)?.sequence ?? 0;
    const since = this.#ring.splice(0).map((e) => ({ ...e, sequence: e.sequence + shift }));
    this.#ring.push(...before, ...since);
    this.#sequence += shift;
    this.#file = file;
    for (const entry of since) file.add(entry);
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
