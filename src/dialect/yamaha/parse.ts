// Yamaha's commands → tree, one line after the other. Every mistake is collected; a line with one changes nothing.
import type { Mistake, PlacedMistake } from '../../config/mistake.ts';
import { emptyTree, Tree } from '../../config/tree.ts';
import { validate } from '../../config/validate.ts';
import { type Matched, match } from '../grammar/match.ts';
import { type Language, pattern } from '../grammar/pattern.ts';
import { MASK } from '../mask.ts';
import { type Command, NOTHING_SELECTED, type Selection } from './command.ts';
import { beginning, commands } from './commands/index.ts';
import { FACTORY } from './commands/router.ts';
import { Draft } from './draft.ts';
import { later } from './later.ts';
import { MAX_LINE, parseLine, type Token } from './line.ts';
import { mismatch, refusal, sentence } from './sentence.ts';
import { tunnel } from './slots.ts';

/** What is done with a command: its settings made, or taken away. */
type Deed = {
  readonly pattern: Command['pattern'];
  readonly run: Command['apply'];
  readonly command: Command;
};

export const deeds: readonly Deed[] = commands.flatMap((command) => [
  { pattern: command.pattern, run: command.apply, command },
  ...(command.no && command.reset ? [{ pattern: command.no, run: command.reset, command }] : []),
]);

const one = { allowed: 'a number', parse: (t: string) => (/^[1-9]\d{0,3}$/.test(t) ? t : undefined) };

/** Commands that say what the following ones are about. */
export const selections = [
  { pattern: pattern('tunnel select <tunnel>', { tunnel }) },
  { pattern: pattern('tunnel select none') },
  { pattern: pattern('pp select <pp>', { pp: { type: one } }) },
  { pattern: pattern('pp select anonymous') },
  { pattern: pattern('pp select none') },
];

/** A tree that commands change, and what they are about. */
export class Session {
  readonly draft: Draft;
  selection: Selection;

  constructor(tree: Tree, selection: Selection = NOTHING_SELECTED) {
    this.draft = new Draft(tree, beginning);
    this.selection = selection;
  }

  /** Carries a line out. Undefined, or the sentence why nothing has changed, and at which of its words. */
  run(
    words: readonly Token[],
    language: Language,
  ): { readonly message: string; readonly at: number } | undefined {
    const texts = words.map((w) => w.text);
    if (texts.length === 0) return undefined;
    const selected = this.#select(texts);
    if (selected) return undefined;
    const found = match(deeds, texts);
    if (!found.ok) {
      const at = Math.min(found.at, texts.length - 1);
      const why = later(texts);
      return {
        message: why ? refusal(why, language) : mismatch(better(found, texts), texts, language),
        at,
      };
    }
    const { phrase, args } = found;
    const number = this.selection.kind === 'tunnel' ? this.selection.number : 0;
    if (phrase.command.selected && number === 0) return { message: sentence('tunnel', '', language), at: 0 };
    const masked = texts.lastIndexOf(MASK);
    if (masked >= 0)
      return {
        message: refusal(`${MASK} stands for a secret that is not shown: give the secret itself`, language),
        at: masked,
      };
    const selection = this.selection.kind === 'none' ? '' : `${this.selection.kind} ${this.selection.number}`;
    const wrong = this.draft.attempt(() => phrase.run(this.draft, { ...args, selection }, number));
    return wrong === undefined ? undefined : { message: refusal(wrong, language), at: 0 };
  }

  #select(texts: readonly string[]): boolean {
    if (!/^(?:t|pp?$)/.test(texts[0])) return false;
    const found = match(selections, texts);
    if (!found.ok) return false;
    const { args, phrase } = found;
    if (args.tunnel !== undefined) {
      this.selection = { kind: 'tunnel', number: Number(args.tunnel) };
      this.draft.attempt(() => void this.draft.tunnel(Number(args.tunnel)));
    } else if (args.pp !== undefined) this.selection = { kind: 'pp', number: Number(args.pp) };
    else if (phrase === selections[3]) this.selection = { kind: 'pp', number: 'anonymous' };
    else this.selection = NOTHING_SELECTED;
    return true;
  }
}

/** A word that fits nothing may have been meant for the selections. */
function better(
  wrong: Matched<unknown> & { ok: false },
  texts: readonly string[],
): Matched<unknown> & { ok: false } {
  const other = match(selections, texts);
  return !other.ok && other.at > wrong.at ? other : wrong;
}

export type Parsed = {
  readonly tree: Tree;
  /** Of the errors those of single lines, which made nothing. */
  readonly unread: readonly PlacedMistake[];
  readonly errors: readonly PlacedMistake[];
  readonly warnings: readonly PlacedMistake[];
};

const LINE_END = /\r?\n/;
const MAX_LINES = 100_000;

/**
 * Parses and validates a whole configuration, which begins where Yamaha's factory defaults are. A tunnel that is not complete
 * is no mistake but a warning: it is not there, as it is on those routers. Never throws.
 */
export function parseYamaha(source: string, language: Language = 'en'): Parsed {
  const session = new Session(factory);
  const errors: PlacedMistake[] = [];
  const places = new Map<string, { line: number; column: number; width: number }>();
  for (const [index, text] of source
    .replace(/^\uFEFF/, '')
    .split(LINE_END)
    .entries()) {
    const line = index + 1;
    const fail = (column: number, width: number, message: string) =>
      errors.push({ code: 'syntax', message, line, column, width: Math.max(width, 1) });
    if (line > MAX_LINES) {
      fail(1, 1, `The file has more than ${MAX_LINES} lines.`);
      break;
    }
    if (text.length > MAX_LINE) {
      fail(MAX_LINE, 1, `The line is longer than ${MAX_LINE} characters.`);
      continue;
    }
    const parsed = parseLine(text);
    if (!parsed.ok) {
      fail(parsed.column, 1, parsed.message);
      continue;
    }
    const { words } = parsed;
    const wrong = session.run(words, language);
    const [first, last] = [words[0]?.column ?? 1, text.trimEnd().length];
    if (wrong) fail(words[wrong.at].column, words[wrong.at].text.length, wrong.message);
    else if (words.length > 0)
      for (const path of session.draft.touched())
        places.set(path, { line, column: first, width: last - first + 1 });
  }
  const tree = session.draft.tree();
  const unread = [...errors];
  const verdict = validate(tree);
  const half = (m: Mistake) => m.code === 'missing' && /^interface\.ipsec\d/.test(m.key ?? '');
  const placed = (m: Mistake): PlacedMistake => ({ ...m, ...placeOf(m.key ?? '', places) });
  errors.push(...verdict.errors.filter((m) => !half(m)).map(placed));
  errors.sort((a, b) => a.line - b.line || a.column - b.column);
  return {
    tree,
    unread,
    errors,
    warnings: [...verdict.errors.filter(half), ...verdict.warnings].map(placed),
  };
}

/** A router that nobody has configured. */
export const factory: Tree = new Tree([...emptyTree.entries(), ...FACTORY]);

type Place = { readonly line: number; readonly column: number; readonly width: number };

/** The line that set a key, or one that shares its beginning. */
function placeOf(key: string, places: ReadonlyMap<string, Place>): Place {
  const exact = places.get(key);
  if (exact) return exact;
  const segments = key.split('.');
  for (let n = segments.length - 1; n > 0; n--) {
    const prefix = `${segments.slice(0, n).join('.')}.`;
    for (const [path, at] of places) if (path.startsWith(prefix)) return at;
  }
  return { line: 1, column: 1, width: 1 };
}
