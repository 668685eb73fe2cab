// A run's results as text, and what is to be reached: ratios within one run, since absolute numbers belong to a machine.
import { number, table } from '../system/report.ts';
import { summarize } from '../system/summary.ts';
import type { Rate } from './initiator.ts';
import type { Hold } from './loop.ts';
import { IDLE, type Idle } from './measure.ts';
import type { ResponderName } from './responders.ts';

export type Row = { kind: string; responder: ResponderName; rates: Rate[] };

export type Results = {
  started: string;
  commit: string;
  machine: { processor: string; count: number; kernel: string; busy: number };
  rows: Row[];
  idle: { responder: ResponderName; result: Idle }[];
  holds: Hold[];
  failures: { what: string; why: string }[];
};

/** Ours against charon's: at least `must`, better `aim`. */
const RATIO = { must: 0.5, aim: 1 };
const MEMORY_MB = 400;
/** What public-key work may hold the event loop. */
const HOLD_MS = 20;
/** Below this share of its processor a responder waited for the initiator or for other work on the machine. */
const SATURATED = 0.9;

const MEASURES = [
  ['set-ups a second', (r: Rate) => r.setups / r.seconds],
  // What a set-up costs does not depend on whether the machine had time for it.
  ['and of its CPU time', (r: Rate) => r.setups / r.responderCpu],
  ['CPU a set-up, µs', (r: Rate) => (r.responderCpu / r.setups) * 1e6],
  ['of its processor, %', (r: Rate) => (r.responderCpu / r.seconds) * 100],
  ['latency, ms', (r: Rate) => r.latency],
  ['initiator, µs', (r: Rate) => (r.initiatorCpu / r.setups) * 1e6],
] as const;

export function report(results: Results): string {
  const { machine, rows, idle, holds, failures } = results;
  const rounds = Math.max(0, ...rows.map((r) => r.rates.length));
  return [
    `${machine.processor}, ${machine.count} processors, Linux ${machine.kernel}; ${results.commit}`,
    `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}. Before, other work took ${(100 * machine.busy).toFixed(0)} % of the processors.`,
    'A set-up: IKE_SA_INIT, IKE_AUTH with a Child SA, and their Delete, aes256-sha256 and aes128gcm16 in UDP; the responder has one',
    'processor, the initiator another.',
    '',
    ...table([
      ['responder', ...MEASURES.map(([title]) => title)],
      ...rows.map((r) => [`${r.kind}: ${r.responder}`, ...MEASURES.map(([, f]) => spread(r.rates.map(f)))]),
    ]),
    '',
    ...ratios(rows),
    ...(idle.length > 0 ? ['', ...idleTable(idle)] : []),
    ...(holds.length > 0 ? ['', ...holdsTable(holds)] : []),
    ...(failures.length > 0 ? ['', 'Failed:', ...failures.map((f) => `  ${f.what}: ${f.why}`)] : []),
    '',
  ].join('\n');
}

function ratios(rows: readonly Row[]): string[] {
  const kinds = [...new Set(rows.map((r) => r.kind))];
  const body = kinds.flatMap((kind) => {
    const of = (name: ResponderName) => rows.find((r) => r.kind === kind && r.responder === name)?.rates;
    const [ours, theirs] = [of('sekisho'), of('charon')];
    if (!ours?.length || !theirs?.length) return [];
    const share = Math.min(...[ours, theirs].map((rates) => median(rates.map(MEASURES[3][1])) / 100));
    return MEASURES.slice(0, 2).map(([title, f], i) => {
      const reached = median(ours.map(f)) / median(theirs.map(f));
      const waited = i === 0 && share < SATURATED ? ', but a responder was not saturated' : '';
      const goals = [`≥ ${RATIO.must}`, `≥ ${RATIO.aim}`];
      return [`${kind}: ${title}`, ...goals, number(reached), verdict(reached) + waited];
    });
  });
  return table([['ours against charon', 'must', 'aim', 'reached', 'verdict'], ...body]);
}

function verdict(reached: number): string {
  if (reached >= RATIO.aim) return 'aim reached';
  return reached >= RATIO.must ? 'must reached' : 'missed';
}

function idleTable(idle: Results['idle']): string[] {
  const head = [
    `idle: ${IDLE.peers} tunnels × ${IDLE.each} IKE SAs`,
    'tunnels alone, MB',
    'with SAs, MB',
    'an SA, kB',
  ];
  const rows = idle.map(({ responder, result: { before, made, after, busy } }) => [
    responder,
    number(before),
    number(after),
    number(((after - before) / made) * 1000),
    (100 * busy).toFixed(0),
    `≤ ${MEMORY_MB}`,
    responder === 'sekisho' ? (after <= MEMORY_MB ? 'reached' : 'missed') : '',
  ]);
  return table([[...head, 'of a processor, %', 'must, MB', 'verdict'], ...rows]);
}

/** The longest only: the others say no more. */
function holdsTable(holds: readonly Hold[]): string[] {
  const longest = [...holds].sort((a, b) => b.ms - a.ms).slice(0, 5);
  const rows = longest.map(({ work, ms }) => [
    work,
    number(ms),
    `≤ ${HOLD_MS}`,
    ms <= HOLD_MS ? 'reached' : 'missed',
  ]);
  return table([['public-key work, longest first', 'holds the event loop, ms', 'must', 'verdict'], ...rows]);
}

function spread(values: number[]): string {
  const { median, min, max } = summarize(values);
  return values.length === 1 ? number(median) : `${number(median)} (${number(min)}–${number(max)})`;
}

const median = (values: number[]) => summarize(values).median;
