// A run's results as an SVG: one panel a measure, one bar a system, a thin line for the spread.
// Charting libraries of npm want a browser's DOM or bring dozens of packages; bars need neither.
import { MEASURES, type MeasureKey } from './measure.ts';
import { number } from './report.ts';
import type { Results, SystemResult } from './results.ts';

const BAR = 16;
const GAP = 6;
const TITLE = 34;
const LABELS = 230;
const BARS = 420;
const VALUES = 70;
const WIDTH = LABELS + BARS + VALUES;
/** Ours, the measure of all things, and the others. */
const COLOURS: readonly [RegExp, string][] = [
  [/^sekisho/, '#2f7d4f'],
  [/^no tunnel/, '#8a8f98'],
  [/^libipsec/, '#b5562f'],
  [/^wireguard/, '#5a55a3'],
];

export function chart(results: Results): string {
  let y = TITLE + GAP;
  let panels = '';
  for (const key of Object.keys(MEASURES) as MeasureKey[]) {
    const systems = results.systems.filter((s) => s.measures[key]);
    if (systems.length === 0) continue;
    panels += panel(key, systems, y);
    y += TITLE + systems.length * (BAR + GAP) + GAP;
  }
  const { machine, roundsDone, started, commit } = results;
  const head = `Sekisho ${commit}, ${started.slice(0, 10)}: medians of ${roundsDone}, lines from min to max; ${machine.count} × ${machine.processor}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    text(GAP, TITLE - 12, head),
    panels,
    '</svg>',
    '',
  ].join('\n');
}

function panel(key: MeasureKey, systems: SystemResult[], top: number): string {
  const { title, unit } = MEASURES[key];
  const scale = BARS / Math.max(...systems.map((s) => s.measures[key]!.max));
  const bars = systems.map((system, row) => {
    const { median, min, max } = system.measures[key]!;
    const y = top + TITLE + row * (BAR + GAP);
    const middle = y + BAR / 2;
    const x = (value: number) => (LABELS + value * scale).toFixed(1);
    return [
      text(LABELS - GAP, middle + 4, system.name, 'text-anchor="end"'),
      `<rect x="${LABELS}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR}" fill="${colour(system.name)}"/>`,
      `<path d="M${x(min)} ${middle}H${x(max)}" stroke="#000" stroke-width="1.5"/>`,
      text(LABELS + max * scale + GAP, middle + 4, number(median)),
    ].join('\n');
  });
  return [text(GAP, top + TITLE - 12, `${title}, ${unit}`, 'font-weight="bold"'), ...bars, ''].join('\n');
}

function text(x: number, y: number, content: string, more = ''): string {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" ${more}>${escaped}</text>`;
}

function colour(name: string): string {
  return COLOURS.find(([pattern]) => pattern.test(name))?.[1] ?? '#444';
}
