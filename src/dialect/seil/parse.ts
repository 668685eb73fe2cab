// SEIL text → tree. Collects every mistake instead of stopping at the first.
import type { Mistake, PlacedMistake } from '../../config/mistake.ts';
import { findLeaf, type Value } from '../../config/schema/index.ts';
import { unbuiltInterface, unbuiltKey } from '../../config/schema/unbuilt.ts';
import { Tree } from '../../config/tree.ts';
import { validate } from '../../config/validate.ts';
import { MASK } from '../mask.ts';
import { nearestKey, nearestValue } from '../nearest.ts';
import { MAX_LINE, parseLine } from './line.ts';

export type Parsed = {
  readonly tree: Tree;
  /** Of the errors those of the text alone: its lines could not be read, whatever else is configured. */
  readonly unread: readonly PlacedMistake[];
  readonly errors: readonly PlacedMistake[];
  readonly warnings: readonly PlacedMistake[];
};

/** Unix and DOS ends. */
export const LINE_END = /\r?\n/;

type Place = { line: number; column: number; width: number };

/** More lines are no configuration. */
const MAX_LINES = 100_000;

/** Parses and validates a whole configuration; the tree holds what was understood. Never throws. */
export function parseSeil(source: string): Parsed {
  const errors: PlacedMistake[] = [];
  const leaves = new Map<string, Value>();
  const places = new Map<string, { key: Place; value: Place }>();
  const lines = source.replace(/^\uFEFF/, '').split(LINE_END);
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    const fail = (column: number, width: number, mistake: Mistake) =>
      errors.push({ ...mistake, line, column, width: Math.max(width, 1) });
    if (line > MAX_LINES) {
      fail(1, 1, { code: 'syntax', message: `The file has more than ${MAX_LINES} lines.` });
      break;
    }
    if (text.length > MAX_LINE) {
      fail(MAX_LINE, 1, { code: 'syntax', message: `The line is longer than ${MAX_LINE} characters.` });
      continue;
    }
    const parsed = parseLine(text);
    if (parsed.kind === 'blank') continue;
    if (parsed.kind === 'error') {
      fail(parsed.column, 1, { code: 'syntax', message: parsed.message });
      continue;
    }
    const { key, keyColumn, value, valueColumn } = parsed;
    const found = findLeaf(key);
    if (!found) {
      // Only what a key can be made of is repeated: a value stuck to it may be a secret.
      const shown = /^[\w.[\]*-]*/.exec(key)?.[0] ?? '';
      const instead = unbuiltKey(shown);
      if (instead !== undefined) {
        const message = `${shown} is known but not built yet: ${instead}.`;
        fail(keyColumn, key.length, { code: 'not-built', key: shown, message });
        continue;
      }
      const nearest = nearestKey(shown);
      const hint = nearest ? `did you mean ${nearest}?` : 'no key looks like it.';
      fail(keyColumn, key.length, {
        code: 'unknown-key',
        key: shown,
        message: `There is no key ${shown}: ${hint}`,
        ...(nearest ? { nearest } : {}),
      });
      continue;
    }
    const { leaf, path } = found;
    const width = text.trimEnd().length - valueColumn + 1;
    const earlier = places.get(path);
    if (earlier) {
      fail(keyColumn, key.length, {
        code: 'duplicate-key',
        key: path,
        message: `${path} is set on line ${earlier.key.line} already: remove one of the two.`,
      });
      continue;
    }
    places.set(path, {
      key: { line, column: keyColumn, width: key.length },
      value: { line, column: valueColumn, width },
    });
    const typed = leaf.secret && value === MASK ? undefined : leaf.type.parse(value);
    if (typed === undefined)
      fail(valueColumn, width, badValue(path, leaf.secret ? undefined : value, leaf.type));
    else leaves.set(path, typed);
  }
  const tree = new Tree(leaves);
  const unread = [...errors];
  const verdict = validate(tree);
  // What did not parse is reported once: rules about a key that stands there broken, or misspelt, would repeat it.
  const broken = [...places.keys()].filter((path) => !leaves.has(path));
  const meant = errors.flatMap((m) => (m.code === 'unknown-key' && m.nearest ? [m.nearest] : []));
  const known = (path: string) => broken.includes(path) || meant.includes(path);
  const rules = verdict.errors.filter((m) => !known(m.key ?? '') && !m.about?.some(known));
  errors.push(...rules.map((m) => place(m, places)));
  errors.sort((a, b) => a.line - b.line || a.column - b.column);
  return { tree, unread, errors, warnings: verdict.warnings.map((m) => place(m, places)) };
}

function badValue(
  path: string,
  value: string | undefined,
  type: { allowed: string; values?: readonly string[] },
): Mistake {
  const nearest = value === undefined ? undefined : nearestValue(value, type.values ?? []);
  const what = value === undefined ? 'this value' : JSON.stringify(value);
  const later = value !== undefined && unbuiltInterface(value);
  const hint = later
    ? `, an interface that is known but not built yet`
    : nearest
      ? ` (did you mean ${nearest}?)`
      : '';
  return {
    code: 'bad-value',
    key: path,
    ...(value === undefined ? {} : { value }),
    message: `${path} cannot be ${what}${hint}: it must be ${type.allowed}.`,
    ...(nearest ? { nearest } : {}),
  };
}

/** A rule's mistake stands at the key it names, or at the nearest line that shares its beginning. */
function place(mistake: Mistake, places: ReadonlyMap<string, { key: Place; value: Place }>): PlacedMistake {
  const exact = mistake.key ? places.get(mistake.key) : undefined;
  if (exact) return { ...mistake, ...(mistake.code === 'missing' ? exact.key : exact.value) };
  const segments = (mistake.key ?? '').split('.');
  for (let n = segments.length - 1; n > 0; n--) {
    const prefix = `${segments.slice(0, n).join('.')}.`;
    for (const [path, at] of places) if (path.startsWith(prefix)) return { ...mistake, ...at.key };
  }
  return { ...mistake, line: 1, column: 1, width: 1 };
}
