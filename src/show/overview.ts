// Everything at a glance: the ways out, every tunnel in words, how much it carries and loses, and what happened last.
import type { Link } from '../plan/desired.ts';
import type { LogEntry } from './log/entry.ts';
import type { TunnelView } from './view.ts';

/** Of a tunnel, over the time between two readings. */
export type Rates = {
  /** Bit/s of inner packets. */
  readonly in: number;
  readonly out: number;
};

export type Overview = {
  readonly hostname: string;
  readonly links: readonly Pick<Link, 'name' | 'device' | 'addresses'>[];
  readonly tunnels: readonly (TunnelView & { readonly rates: Rates })[];
  readonly events: readonly LogEntry[];
};

/** Two readings, `seconds` apart. */
export function withRates(
  before: readonly TunnelView[],
  after: readonly TunnelView[],
  seconds: number,
): Overview['tunnels'] {
  return after.map((view) => {
    const old = before.find((v) => v.connection === view.connection)?.counters;
    const rate = (of: 'rxOctets' | 'txOctets') =>
      old && view.counters ? Math.max(0, ((view.counters[of] - old[of]) * 8) / seconds) : 0;
    return { ...view, rates: { in: rate('rxOctets'), out: rate('txOctets') } };
  });
}

export function showOverview({ hostname, links, tunnels, events }: Overview, now: Date): string {
  const up = tunnels.filter((t) => t.state === 'up').length;
  const lines = [
    `${hostname}: ${up} of ${tunnels.length} tunnels up`,
    '',
    ...links.map(
      (l) =>
        `  ${l.name.padEnd(6)} ${l.device === l.name ? '' : `(${l.device}) `}${l.addresses.join(', ') || '-'}`,
    ),
    ...(links.length > 0 && tunnels.length > 0 ? [''] : []),
    ...table(tunnels, now),
    ...(events.length > 0 ? ['', ...events.map(eventLine)] : []),
  ];
  return lines.map((l) => `${l}\n`.replace(/ +\n$/, '\n')).join('');
}

const HEAD = ['tunnel', 'state', 'peer', 'since', 'in', 'out', 'loss', 'rekey in'];

function table(tunnels: Overview['tunnels'], now: Date): string[] {
  if (tunnels.length === 0) return [];
  const rows = [HEAD, ...tunnels.map((t) => row(t, now))];
  const widths = HEAD.map((_, i) => Math.max(...rows.map((r) => r[i].length)));
  const lines = rows.map((r) => `  ${r.map((cell, i) => cell.padEnd(widths[i])).join('  ')}`);
  const why = tunnels.flatMap((t) =>
    t.state !== 'up' && t.reason ? [`  ${t.connection}: ${t.reason.text}`] : [],
  );
  return [...lines, ...why];
}

function row(t: Overview['tunnels'][number], now: Date): string[] {
  const live = t.children.filter((c) => c.state === 'live');
  const left = live.map((c) => c.lifetime - c.age);
  const [came, lost] = [t.children, t.children].map((list, i) =>
    list.reduce((sum, c) => sum + (i === 0 ? c.in.packets : c.in.lost), 0),
  );
  return [
    t.connection,
    t.state,
    t.remote,
    t.since ? ago(now.getTime() - Date.parse(t.since)) : '-',
    bits(t.rates.in),
    bits(t.rates.out),
    came + lost === 0 ? '-' : `${((100 * lost) / (came + lost)).toFixed(lost === 0 ? 0 : 2)} %`,
    left.length > 0 ? ago(Math.max(0, Math.min(...left)) * 1000) : '-',
  ];
}

/** 3d 4h, 2h 5m, 7m 3s, 9s. */
export function ago(ms: number): string {
  const s = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(s / 86_400), 'd'],
    [Math.floor(s / 3600) % 24, 'h'],
    [Math.floor(s / 60) % 60, 'm'],
    [s % 60, 's'],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return '0s';
  return parts
    .slice(first, first + 2)
    .map(([n, unit]) => `${n}${unit}`)
    .join(' ');
}

export function bits(perSecond: number): string {
  for (const [unit, size] of [
    ['Gbit/s', 1e9],
    ['Mbit/s', 1e6],
    ['kbit/s', 1e3],
  ] as const)
    if (perSecond >= size) return `${(perSecond / size).toFixed(perSecond < 10 * size ? 1 : 0)} ${unit}`;
  return perSecond === 0 ? '0' : `${Math.round(perSecond)} bit/s`;
}

function eventLine(e: LogEntry): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const clock = [e.time.getHours(), e.time.getMinutes(), e.time.getSeconds()].map(two).join(':');
  return `  ${clock} ${e.level === 'info' ? '' : `${e.level}: `}${e.connection ? `${e.connection}: ` : ''}${e.text}`;
}
