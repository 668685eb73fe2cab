// `show system` and `show environment`: the box, and how it is.
import { ago } from './overview.ts';

/** Sizes in octets. */
export type MachineView = {
  readonly version: string;
  /** The slot that a box of ours was started from. */
  readonly slot?: string;
  readonly kernel: string;
  /** Node's. */
  readonly node: string;
  /** "" where nobody says. */
  readonly model: string;
  readonly processors: number;
  /** Over the last 1, 5 and 15 minutes. */
  readonly load: readonly number[];
  /** `router`: of what is used. */
  readonly memory: { readonly total: number; readonly used: number; readonly router: number };
  readonly storage?: { readonly total: number; readonly used: number };
  readonly celsius?: number;
  /** ISO 8601. */
  readonly time: string;
  /** Absent where the configuration names no time server; `follows` as long as none has answered. */
  readonly clock?: { readonly follows?: string; readonly seconds: number } | { readonly trouble: string };
  /** Seconds. */
  readonly uptime: number;
};

const MB = 1e6;

export function showMachine(v: MachineView): string {
  const { memory, storage, load } = v;
  const of = (used: number, total: number) =>
    `${(used / MB).toFixed(0)} of ${(total / MB).toFixed(0)} MB used`;
  const rows: [string, string][] = [
    [
      'version',
      `Sekisho ${v.version}${v.slot === undefined ? '' : `, slot ${v.slot}`}; Linux ${v.kernel}; Node ${v.node}`,
    ],
    [
      'machine',
      `${v.model || 'unknown'}, ${v.processors} ${v.processors === 1 ? 'processor' : 'processors'}`,
    ],
    ['load', `${load.map((n) => n.toFixed(2)).join(' ')} (1, 5, 15 minutes)`],
    [
      'memory',
      `${of(memory.used, memory.total)}, ${(memory.router / MB).toFixed(0)} MB of them by the router`,
    ],
    ...(storage ? [['storage', of(storage.used, storage.total)] as [string, string]] : []),
    ...(v.celsius === undefined ? [] : [['temperature', `${v.celsius.toFixed(1)} °C`] as [string, string]]),
    ['clock', `${new Date(v.time).toLocaleString('sv-SE')}, ${clockText(v.clock)}`],
    ['up', ago(v.uptime * 1000)],
  ];
  return rows.map(([name, text]) => `${name.padEnd(12)}${text}\n`).join('');
}

function clockText(clock: MachineView['clock']): string {
  if (!clock) return 'which follows nobody: see ntp.client';
  if ('trouble' in clock) return `about which nothing is known: ${clock.trouble}`;
  if (clock.follows === undefined) return 'which no time server has answered for yet';
  return `as ${clock.follows} says, within ${(clock.seconds * 1000).toFixed(1)} ms`;
}
