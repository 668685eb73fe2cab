// A journal of everything that an engine was told: each input with its time, and what it drew of chance. Played to
// another engine it gives the same effects octet for octet, so a run that went wrong anywhere can be looked at
// anywhere. It holds keys: whoever has it reads the traffic.
import { isDeepStrictEqual } from 'node:util';
import { Secret } from '../net/secret.ts';
import { Engine } from './engine.ts';
import type { Effect, Env, Input } from './io.ts';
import type { Settings } from './policy.ts';

export type Beginning = { readonly settings: Settings; readonly crashSecret?: Uint8Array };

export type Entry = {
  readonly now: number;
  readonly input: Input;
  /** What random() gave, in order. */
  readonly drawn: readonly Uint8Array[];
  /** What allocateSpi() gave, in order. */
  readonly spis: readonly number[];
};

/** An engine that keeps its journal: a line of text for the beginning and for every step. */
export class Recorder {
  readonly #engine: Engine;
  readonly #write: (line: string) => void;

  constructor(engine: Engine, beginning: Beginning, write: (line: string) => void) {
    this.#engine = engine;
    this.#write = write;
    write(toText(beginning));
  }

  step(input: Input, env: Env): Effect[] {
    const [drawn, spis]: [Uint8Array[], number[]] = [[], []];
    const recording: Env = {
      now: env.now,
      random: (octets) => keep(drawn, env.random(octets)),
      allocateSpi: () => keep(spis, env.allocateSpi()),
    };
    const effects = this.#engine.step(input, recording);
    this.#write(toText({ now: env.now, input, drawn, spis } satisfies Entry));
    return effects;
  }
}

function keep<T>(list: T[], value: T): T {
  list.push(value);
  return value;
}

/** Plays a journal's lines to a new engine and hands on what each step gave. Throws where the journal does not fit. */
export function replay(lines: Iterable<string>, each: (entry: Entry, effects: Effect[]) => void): Engine {
  let engine: Engine | undefined;
  let number = 0;
  for (const line of lines) {
    number++;
    if (!engine) {
      const { settings, crashSecret } = fromText(line) as Beginning;
      engine = new Engine(settings, crashSecret);
      continue;
    }
    const entry = fromText(line) as Entry;
    const [drawn, spis] = [[...entry.drawn], [...entry.spis]];
    const env: Env = {
      now: entry.now,
      random: (octets) => {
        const next = drawn.shift();
        if (next?.length !== octets) throw new RangeError(`line ${number} of the journal drew otherwise`);
        return next;
      },
      allocateSpi: () => spis.shift() ?? 0,
    };
    each(entry, engine.step(entry.input, env));
  }
  if (!engine) throw new RangeError('the journal is empty');
  return engine;
}

/** One line of JSON: octets as base64, and what only its maker can use (key objects) left out. */
function toText(value: unknown): string {
  return JSON.stringify(pack(value));
}

function pack(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $octets: Buffer.from(value).toString('base64') };
  if (value instanceof Secret) return { $secret: Buffer.from(value.reveal()).toString('base64') };
  if (Array.isArray(value)) return value.map(pack);
  if (typeof value !== 'object' || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return null;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, pack(v)]));
}

function fromText(line: string): unknown {
  return JSON.parse(line, (_key, value) => {
    if (typeof value?.$octets === 'string') return new Uint8Array(Buffer.from(value.$octets, 'base64'));
    if (typeof value?.$secret === 'string')
      return new Secret(new Uint8Array(Buffer.from(value.$secret, 'base64')));
    return value;
  });
}

/** Whether two lists of effects are the same to the octet. */
export function sameEffects(a: readonly Effect[], b: readonly Effect[]): boolean {
  return isDeepStrictEqual(pack(a), pack(b));
}
