// `npm run bench`: the whole system beside its peers, in rounds over all of them, so that the machine's moods hit everybody.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './chart.ts';
import { busyShare } from './cpu.ts';
import { MEASURES, type MeasureKey, measure, type VisitResult } from './measure.ts';
import { FULL, type Pace, QUICK } from './pace.ts';
import { number, report } from './report.ts';
import { Recorder, type Results, stamp } from './results.ts';
import { SYSTEMS, type System } from './systems.ts';

const USAGE = `usage: npm run bench [-- OPTIONS]        about three quarters of an hour
       npm run bench -- ike             IKE SAs a second beside strongSwan's, memory of idle ones
       npm run bench -- control-plane   the control plane alone
       npm run bench -- instructions    instructions a packet, beside the Linux kernel's ESP
  --quick       under three minutes: fewer systems, one round, shorter runs
  --rounds N    rounds over all systems (${FULL.rounds}; with --quick ${QUICK.rounds})
  --only REGEX  only systems whose name matches
  --out DIR     folder for results.json, report.txt and chart.svg (bench/results/<time>)
  --list        the systems' names
`;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string' },
      out: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(USAGE.trimEnd());
  const base = values.quick ? QUICK : FULL;
  const pace: Pace = { ...base, rounds: Number(values.rounds ?? base.rounds) };
  if (!Number.isInteger(pace.rounds) || pace.rounds < 1) throw new Error(`--rounds ${values.rounds}?`);
  const systems = chosen(values.only, values.quick);
  if (values.list) return say(systems.map((s) => s.name).join('\n'));
  if (systems.length === 0) throw new Error(`no system matches ${values.only}: --list tells their names`);
  const started = new Date();
  const out = resolve(values.out ?? join(import.meta.dirname, '../results', stamp(started)));
  mkdirSync(out, { recursive: true });
  await run(systems, pace, started, out);
}

/** `--only` chooses among all systems, also with `--quick`. */
function chosen(only: string | undefined, quick: boolean): System[] {
  if (only !== undefined) return SYSTEMS.filter((s) => new RegExp(only).test(s.name));
  return SYSTEMS.filter((s) => !quick || s.quick);
}

async function run(systems: System[], pace: Pace, started: Date, out: string): Promise<void> {
  const busy = await busyShare();
  const recorder = new Recorder(
    systems.map((s) => s.name),
    pace,
    started,
    busy,
  );
  const visits = systems.length * pace.rounds;
  for (let round = 1; round <= pace.rounds; round++) {
    for (const [index, system] of systems.entries()) {
      const visit = (round - 1) * systems.length + index + 1;
      const result = await measure(system, `bench${index}`, pace);
      recorder.add(system.name, round, result);
      say(`[${visit}/${visits} ${clock(started)}] ${system.name}: ${line(result)}`);
    }
    // After each round: an interrupted run leaves what it has.
    save(recorder.results(), out);
  }
  say(`\n${report(recorder.results())}`);
  say(`In ${out}: results.json, report.txt, chart.svg`);
}

function save(results: Results, out: string): void {
  writeFileSync(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(out, 'report.txt'), report(results));
  writeFileSync(join(out, 'chart.svg'), chart(results));
}

function line({ sample, failures }: VisitResult): string {
  const values = (Object.entries(sample) as [MeasureKey, number][]).map(
    ([key, value]) => `${MEASURES[key].title} ${number(value)}`,
  );
  const failed = Object.keys(failures).map((what) => `${what} FAILED`);
  return [...values, ...failed].join(' · ');
}

function clock(since: Date): string {
  const seconds = Math.round((Date.now() - since.getTime()) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

main().catch((error: Error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exit(1);
});
