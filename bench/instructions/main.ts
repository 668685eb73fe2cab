// `npm run bench -- instructions`: what ESP costs in instructions, ours beside the Linux kernel's. Emulators count them, so
// neither the machine nor what else runs on it matters.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Lab } from '../../test/interop/netns.ts';
import { commit, stamp } from '../system/results.ts';
import { runOnArm64 } from './arm64.ts';
import { emulatorVersion, Guest, parsePath } from './guest.ts';
import { type Results, report, type SuiteResult } from './report.ts';

const USAGE = `usage: npm run bench -- instructions [OPTIONS]   about seven minutes
  --only REGEX  only suites whose name matches
  --no-arm64    without our path on arm64
  --out DIR     folder for instructions.json and instructions.txt (bench/results/<time>)
`;

/** As .ci/bench builds them. */
const built = (path: string) => join(import.meta.dirname, '../..', path);
const PROGRAM = built('native/build-bench/instructions');
const ARM64_PROGRAM = built('native/build-bench/aarch64/instructions');
const PLUGIN = built('bench/.cache/counter.so');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      only: { type: 'string', default: '' },
      arm64: { type: 'boolean', default: true },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(USAGE.trimEnd());
  const started = new Date();
  const out = resolve(values.out ?? join(import.meta.dirname, '../results', stamp(started)));
  mkdirSync(out, { recursive: true });
  const lab = await Lab.open('insn');
  try {
    const results = await count(lab, new RegExp(values.only), values.arm64, started);
    writeFileSync(join(out, 'instructions.json'), `${JSON.stringify(results, null, 2)}\n`);
    writeFileSync(join(out, 'instructions.txt'), report(results));
    say(`\n${report(results)}`);
    say(`In ${out}: instructions.json, instructions.txt`);
    if (results.failures.length > 0) process.exitCode = 1;
  } finally {
    await lab.close();
  }
}

async function count(lab: Lab, only: RegExp, arm64: boolean, started: Date): Promise<Results> {
  say('booting the emulated machine (its first image takes some minutes)');
  const guest = await Guest.boot(lab, PROGRAM, PLUGIN);
  const [linux, extensions] = [await guest.linux(), await guest.extensions()];
  const [plain, paths] = [await guest.plain(), await guest.path()];
  const suites: SuiteResult[] = [...paths]
    .filter(([name]) => only.test(name))
    .map(([name, x64]) => ({ name, path: { x64 } }));
  if (suites.length === 0) throw new Error(`no suite matches ${only}: ${[...paths.keys()].join(', ')}`);
  const failures: Results['failures'] = [];
  for (const [index, suite] of suites.entries()) {
    const attempt = async <T>(what: string, work: Promise<T>) =>
      work.catch(
        (error: Error) => void failures.push({ what: `${suite.name}, ${what}`, why: error.message }),
      );
    suite.kernel = (await attempt('kernel', guest.kernel(suite.name))) ?? undefined;
    suite.ours = (await attempt('ours', guest.ours(suite.name))) ?? undefined;
    const over = (what: string, of?: { single: number }) =>
      `${what} ${of ? Math.round(of.single - plain.single) : 'FAILED'}`;
    const line = [
      over('kernel', suite.kernel),
      over('native', suite.ours?.native),
      over('UDP', suite.ours?.udp),
    ];
    say(`[${index + 1}/${suites.length}] ${suite.name}: ${line.join(' · ')}`);
  }
  if (arm64) {
    await countOnArm64(lab, suites).catch((error: Error) =>
      failures.push({ what: 'arm64', why: error.message }),
    );
  }
  return {
    started: started.toISOString(),
    commit: commit(),
    emulator: emulatorVersion(),
    linux,
    extensions,
    plain,
    suites,
    failures,
  };
}

/** The whole of it in one go: starting costs more than a suite. */
async function countOnArm64(lab: Lab, suites: SuiteResult[]): Promise<void> {
  say('our path on arm64');
  await runOnArm64(lab.scope, ARM64_PROGRAM, (line) => {
    const [name, path] = parsePath(line);
    const suite = suites.find((s) => s.name === name);
    if (!suite) return;
    suite.path.arm64 = path;
    say(`[arm64] ${name}: ${Math.round(path.encapsulate)} out, ${Math.round(path.decapsulate)} in`);
  });
}

main().catch((error: Error) => {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exit(1);
});
