// The log for syslog servers, in three forms.
import type { LogEntry } from './entry.ts';

export type SyslogFormat = 'rfc3164' | 'rfc5424' | 'yamaha';

/** RFC 5424 6.2.1. */
const SEVERITY: Readonly<Record<LogEntry['level'], number>> = { error: 3, warning: 4, info: 6, debug: 7 };

/** Least first. */
export const LEVELS: readonly LogEntry['level'][] = ['debug', 'info', 'warning', 'error'];

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** One datagram. `facility`: RFC 5424 6.2.1. */
export function syslogLine(e: LogEntry, format: SyslogFormat, facility: number, hostname: string): string {
  const priority = `<${facility * 8 + SEVERITY[e.level]}>`;
  const message = `${e.connection ? `${e.connection}: ` : ''}${e.text}`;
  if (format === 'yamaha') return `${priority}[${e.function.toUpperCase()}] ${message}`;
  if (format === 'rfc5424') {
    // Without structured data; the kind of message is its code.
    return `${priority}1 ${e.time.toISOString()} ${hostname} sekisho ${process.pid} ${e.code} - ${message}`;
  }
  const two = (n: number) => String(n).padStart(2, '0');
  const t = e.time;
  const clock = [t.getHours(), t.getMinutes(), t.getSeconds()].map(two).join(':');
  const day = `${MONTHS[t.getMonth()]} ${String(t.getDate()).padStart(2, ' ')}`;
  return `${priority}${day} ${clock} ${hostname} sekisho[${process.pid}]: ${e.function}: ${message}`;
}
