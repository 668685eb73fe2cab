// The log as a SEIL writes it.
import type { LogEntry } from './entry.ts';

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
