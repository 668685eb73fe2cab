// A run's results as text.
import { MEASURES, type MeasureKey } from './measure.ts';
import type { Results } from './results.ts';
import type { Summary } from './summary.ts';
import { DESTINATIONS } from './tunnels.ts';

/** Tables that fit on a screen. */
const TABLES: readonly (readonly MeasureKey[])[] = [
  ['tcp1', 'tcp4', 'wire1', 'wire4'],
  ['udp1', 'udp256', 'spread64', 'spread1400', 'bursts1400'],
  ['pingIdle', 'pingLoaded', 'cpuMachine', 'cpuRouters'],
  ['packet'],
];

/** Characters of a failure; results.json has it whole. */
const WHY = 300;

export function report(results: Results): string {
  const { machine, roundsDone, pace } = results;
  const rounds = `${roundsDone} of ${pace.rounds} ${pace.rounds === 1 ? 'round' : 'rounds'}`;
  return [
    `${machine.processor}, ${machine.count} processors, Linux ${machine.kernel}; ${results.commit}`,
    `Medians${roundsDone > 1 ? ' (min–max)' : ''} of ${rounds}. Before, other work took ${(100 * machine.busy).toFixed(0)} % of the processors.`,
    'Wire-like: no segmentation offload on the WAN. kpps: packets that arrived, 64 B is the UDP payload; spread: to as',
    `many destinations in turn as the larger number of tunnels (${DESTINATIONS}), 1,400 B with headers; bursts: of 64 KB to each.`,
    'Ping loaded: beside four TCP streams. CPU: with one TCP stream, the whole machine (iperf3 and all else included) and',
    "the routers' processes.",
    ...TABLES.flatMap((keys) => measuresTable(results, keys)),
    '',
    ...ratiosTable(results),
    ...failures(results),
    '',
  ].join('\n');
}

function measuresTable({ systems }: Results, all: readonly MeasureKey[]): string[] {
  const rows = systems.filter((s) => all.some((key) => s.measures[key]));
  const keys = all.filter((key) => rows.some((s) => s.measures[key]));
  if (keys.length === 0) return [];
  const head = ['', ...keys.map((key) => `${MEASURES[key].title}, ${MEASURES[key].unit}`)];
  return ['', ...table([head, ...rows.map((s) => [s.name, ...keys.map((key) => cell(s.measures[key]))])])];
}

function ratiosTable({ ratios }: Results): string[] {
  const head = ['ratio', 'must', 'aim', 'reached', 'verdict'];
  const rows = ratios.map(({ title, must, aim, less, reached, verdict }) => {
    const bound = less ? '≤ ' : '≥ ';
    return [
      title,
      `${bound}${must}`,
      `${bound}${aim}`,
      reached === undefined ? '–' : number(reached),
      verdict,
    ];
  });
  return table([head, ...rows]);
}

function failures({ systems }: Results): string[] {
  const lines = systems.flatMap(({ name, failures }) =>
    failures.map(
      ({ round, what, why }) =>
        `  ${name}, round ${round}, ${what}: ${why.replace(/\s+/g, ' ').slice(0, WHY)}`,
    ),
  );
  return lines.length === 0 ? [] : ['', 'Failed:', ...lines];
}

function cell(summary?: Summary): string {
  if (summary === undefined) return '–';
  const { median, min, max, values } = summary;
  return values.length === 1 ? number(median) : `${number(median)} (${number(min)}–${number(max)})`;
}

/** Three significant digits; more than that is noise. */
export function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The first column is text, the others are right-aligned. */
export function table(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row: string[]) =>
    row.map((text, n) => (n === 0 ? text.padEnd(widths[n]) : text.padStart(widths[n]))).join('  ');
  return [line(rows[0]), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.slice(1).map(line)];
}
