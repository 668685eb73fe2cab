// The two dialects: which of them a text is in, and the way in and out of each.
import type { PlacedMistake } from '../config/mistake.ts';
import type { Tree } from '../config/tree.ts';
import type { Language } from './grammar/pattern.ts';
import { explainMistake } from './seil/explain.ts';
import { parseLine } from './seil/line.ts';
import { parseSeil } from './seil/parse.ts';
import { printSeil } from './seil/print.ts';
import { hideSecret } from './yamaha/hide.ts';
import { parseYamaha } from './yamaha/parse.ts';
import { printYamaha } from './yamaha/print.ts';

export type Dialect = 'seil' | 'yamaha';

export const DIALECTS: readonly Dialect[] = ['seil', 'yamaha'];

/** Lines that are looked at. */
const SAMPLE = 200;

/** By most of its lines: `dotted.key : value`, or words. Nothing at all is SEIL's. */
export function dialectOf(source: string): Dialect {
  const lines = source.split(/\r?\n/).filter((line) => !/^\s*(?:[#!]|$)/.test(line));
  const keyed = lines.slice(0, SAMPLE).filter((line) => {
    const parsed = parseLine(line);
    return parsed.kind === 'setting' || /^\s*[\w-]+\.[\w.-]+\s*:/.test(line);
  });
  return keyed.length * 2 >= Math.min(lines.length, SAMPLE) ? 'seil' : 'yamaha';
}

export type Read = {
  readonly tree: Tree;
  /** Of the errors those of the text alone. */
  readonly unread: readonly PlacedMistake[];
  readonly errors: readonly PlacedMistake[];
  readonly warnings: readonly PlacedMistake[];
  /** A mistake with its place in a file. */
  readonly explain: (file: string, mistake: PlacedMistake) => string;
};

/** Reads and checks a configuration in either dialect. Never throws. */
export function read(source: string, dialect = dialectOf(source), language: Language = 'en'): Read {
  if (dialect === 'seil') {
    const parsed = parseSeil(source);
    return { ...parsed, explain: (file, m) => explainMistake(file, source, m) };
  }
  const parsed = parseYamaha(source, language);
  return { ...parsed, explain: (file, m) => explainMistake(file, source, m, hideSecret) };
}

export type Printed = { readonly text: string; readonly unexpressed: readonly string[] };

/** A configuration in a dialect, and the keys that it cannot say. */
export function print(tree: Tree, dialect: Dialect, options: { readonly maskSecrets: boolean }): Printed {
  return dialect === 'seil'
    ? { text: printSeil(tree, options), unexpressed: [] }
    : printYamaha(tree, options);
}
