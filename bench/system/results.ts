// What a run found, as it is written to results.json.
import { execFileSync } from 'node:child_process';
import { cpus, release } from 'node:os';
import type { MeasureKey, VisitResult } from './measure.ts';
import type { Pace } from './pace.ts';
import { type Ratio, ratios } from './ratios.ts';
import { type Summary, summarize } from './summary.ts';

export type SystemResult = {
  name: string;
  measures: Partial<Record<MeasureKey, Summary>>;
  failures: { round: number; what: string; why: string }[];
};

export type Results = {
  started: string;
  commit: string;
  /** `busy`: the share of the processors that others used just before. */
  machine: { processor: string; count: number; kernel: string; busy: number };
  pace: Pace;
  roundsDone: number;
  systems: SystemResult[];
  ratios: Ratio[];
};

/** Collects what the rounds bring. */
export class Recorder {
  readonly #head: Pick<Results, 'started' | 'commit' | 'machine' | 'pace'>;
  readonly #systems: SystemResult[];
  #rounds = 0;

  constructor(names: readonly string[], pace: Pace, started: Date, busy: number) {
    const processors = cpus();
    this.#head = {
      started: started.toISOString(),
      commit: commit(),
      machine: { processor: processors[0].model, count: processors.length, kernel: release(), busy },
      pace,
    };
    this.#systems = names.map((name) => ({ name, measures: {}, failures: [] }));
  }

  add(name: string, round: number, { sample, failures }: VisitResult): void {
    const system = this.#systems.find((s) => s.name === name)!;
    for (const [key, value] of Object.entries(sample) as [MeasureKey, number][]) {
      system.measures[key] = summarize([...(system.measures[key]?.values ?? []), value]);
    }
    for (const [what, why] of Object.entries(failures)) system.failures.push({ round, what, why });
    this.#rounds = round;
  }

  results(): Results {
    const roundsDone = this.#rounds;
    return { ...this.#head, roundsDone, systems: this.#systems, ratios: ratios(this.#systems) };
  }
}

/** Of the sources that are measured; "+" when the working tree differs. */
export function commit(): string {
  try {
    const options = { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' } as const;
    return execFileSync('git', ['describe', '--always', '--dirty=+'], options).trim();
  } catch {
    return 'unknown'; // an archive without a repository
  }
}

/** 2026-01-31-235959, in UTC. */
export function stamp(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', '-').replaceAll(':', '');
}
