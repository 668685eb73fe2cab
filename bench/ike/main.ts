// `npm run bench -- ike`: how fast IKE SAs with their Child SAs come up at a responder, ours and charon, and what 10,000 of
// them take while nothing happens.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { busyShare } from '../system/cpu.ts';
import { commit, stamp } from '../system/results.ts';
import { KINDS } from './kinds.ts';
import { measureHolds } from './loop.ts';
import { measureIdle, measureRate } from './measure.ts';
import { type Results, report } from './report.ts';
import type { ResponderName } from './responders.ts';

const USAGE = `usage: npm run bench -- ike [OPTIONS]   about ten minutes
  --rounds N    rounds over both responders (3)
  --seconds N   of each measurement (8)
  --only REGEX  only kinds of set-up whose name matches
  --no-idle     without the memory of idle SAs
  --out DIR     folder for ike.json and ike.txt (bench/results/<time>)
`;

const RESPONDERS: readonly ResponderName[] = ['sekisho', 'charon'];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '8' },
      only: { type: 'string', default: '' },
      idle: { type: 'boolean', default: true },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(USAGE.trimEnd());
  const [rounds, seconds] = [values.rounds, values.seconds].map(positive);
  if (cpus().length < 2)
    throw new Error('a processor for the responder and one for the initiator are needed');
  const started = new Date();
  const out = resolve(values.out ?? join(import.meta.dirname, '../results', stamp(started)));
  const kinds = KINDS.filter((k) => new RegExp(values.only).test(k.name));
  const results: Results = {
    started: started.toISOString(),
    commit: commit(),
    machine: {
      processor: cpus()[0].model,
      count: cpus().length,
      kernel: release(),
      busy: await busyShare(),
    },
    rows: kinds.flatMap((kind) => RESPONDERS.map((responder) => ({ kind: kind.name, responder, rates: [] }))),
    idle: [],
    holds: [],
    failures: [],
  };
  const attempt = async (what: string, work: () => Promise<string>) => {
    try {
      say(`${what}: ${await work()}`);
    } catch (e) {
      results.failures.push({ what, why: (e as Error).message });
      say(`${what}: FAILED`);
    }
  };
  for (let round = 1; round <= rounds; round++) {
    for (const kind of kinds) {
      for (const responder of RESPONDERS) {
        await attempt(`[${round}/${rounds}] ${kind.name}, ${responder}`, async () => {
          const rate = await measureRate(responder, kind, seconds);
          results.rows.find((r) => r.kind === kind.name && r.responder === responder)!.rates.push(rate);
          const cost = (rate.responderCpu / rate.setups) * 1e6;
          return `${(rate.setups / rate.seconds).toFixed(0)} a second, ${cost.toFixed(0)} µs of CPU each`;
        });
      }
    }
  }
  for (const responder of values.idle ? RESPONDERS : []) {
    await attempt(`idle SAs, ${responder}`, async () => {
      const result = await measureIdle(responder, KINDS[0]);
      results.idle.push({ responder, result });
      return `${result.made} SAs, ${result.after.toFixed(0)} MB`;
    });
  }
  await attempt('public-key work in the event loop', async () => {
    results.holds = await measureHolds();
    return `${Math.max(...results.holds.map((h) => h.ms)).toFixed(1)} ms at most`;
  });
  results.rows = results.rows.filter((r) => r.rates.length > 0);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'ike.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(out, 'ike.txt'), report(results));
  say(`\n${report(results)}`);
  say(`In ${out}: ike.json, ike.txt`);
  if (results.failures.length > 0) process.exitCode = 1;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${text} is no positive whole number`);
  return value;
}

main().catch((error: Error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exit(1);
});
