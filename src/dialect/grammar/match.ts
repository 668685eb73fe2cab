// Words against patterns: all commands at once, word by word, so that an abbreviation is judged by what else could stand
// there. The same walk tells what may come next.
import type { Value } from '../../config/schema/index.ts';
import type { Pattern, Slot, Word } from './pattern.ts';

export type Args = { readonly [slot: string]: Value | readonly Value[] | undefined };

/** Something whose look is a pattern. */
export type Phrase = { readonly pattern: Pattern };

type State<P> = { readonly phrase: P; readonly rest: Pattern; readonly args: Args };

/** What may stand at a place. */
export type Opening = Word | Slot;

export type Matched<P> =
  | { readonly ok: true; readonly phrase: P; readonly args: Args }
  | {
      readonly ok: false;
      /** unknown: a word that nothing begins with here; bad-value: of a slot; incomplete, too-many: as they say. */
      readonly why: 'unknown' | 'ambiguous' | 'bad-value' | 'incomplete' | 'too-many';
      /** Index of the word that does not fit; of the first that is missing. */
      readonly at: number;
      /** What could have stood there. */
      readonly expected: readonly Opening[];
      /** Of an ambiguous abbreviation: the words that it may be. */
      readonly choices?: readonly string[];
    };

type Step<P> = { readonly node: Opening; readonly state: State<P>; readonly rest: Pattern };

/** First words and slots, each with what follows; optional groups side by side come in any order. */
function openings(rest: Pattern): { node: Opening; rest: Pattern }[] {
  const out: { node: Opening; rest: Pattern }[] = [];
  for (const [i, node] of rest.entries()) {
    if (node.kind !== 'group') {
      out.push({ node, rest: rest.slice(i + 1) });
      break;
    }
    const others = [...rest.slice(0, i), ...rest.slice(i + 1)];
    out.push(...openings(node.nodes).map((o) => ({ node: o.node, rest: [...o.rest, ...others] })));
  }
  return out;
}

function complete(rest: Pattern): boolean {
  return rest.every((n) => n.kind === 'group');
}

/** Of all the ways on those that the word means: a word before its abbreviation before a value. */
function fitting<P>(steps: readonly Step<P>[], word: string): readonly Step<P>[] {
  const words = steps.filter((s) => s.node.kind === 'word');
  const exact = words.filter((s) => (s.node as Word).text === word);
  if (exact.length > 0) return exact;
  const begun = word === '' ? [] : words.filter((s) => (s.node as Word).text.startsWith(word.toLowerCase()));
  if (begun.length > 0) return begun;
  return steps.filter((s) => s.node.kind === 'slot' && slotValue(s.node, word) !== undefined);
}

/** The value of a word in a slot, or undefined when it is none. */
export function slotValue({ type, keyword }: Slot, word: string): Value | undefined {
  if (keyword === undefined) return type.parse(word);
  return word.startsWith(`${keyword}=`) ? type.parse(word.slice(keyword.length + 1)) : undefined;
}

function take<P>({ node, state, rest }: Step<P>, word: string): State<P> {
  const { phrase, args } = state;
  if (node.kind === 'word') return { phrase, rest, args };
  const value = slotValue(node, word) as Value;
  if (!node.many) return { phrase, rest, args: { ...args, [node.name]: value } };
  const list = [...((args[node.name] as readonly Value[] | undefined) ?? []), value];
  const again = { kind: 'group', nodes: [node] } as const;
  const open = rest.some((n) => n.kind === 'group' && n.nodes[0] === node);
  return { phrase, rest: open ? rest : [again, ...rest], args: { ...args, [node.name]: list } };
}

function stepsOf<P>(states: readonly State<P>[]): Step<P>[] {
  return states.flatMap((state) => openings(state.rest).map(({ node, rest }) => ({ node, state, rest })));
}

type Walked<P> = { readonly states: readonly State<P>[] } | (Matched<P> & { ok: false });

function walk<P extends Phrase>(phrases: readonly P[], words: readonly string[]): Walked<P> {
  let states: readonly State<P>[] = phrases.map((phrase) => ({ phrase, rest: phrase.pattern, args: {} }));
  for (const [at, word] of words.entries()) {
    const steps = stepsOf(states);
    const fit = fitting(steps, word);
    const names = new Set(fit.map((s) => (s.node.kind === 'word' ? s.node.text : '')));
    if (names.size > 1) {
      return { ok: false, why: 'ambiguous', at, expected: [], choices: [...names].sort() };
    }
    if (fit.length === 0) {
      const expected = steps.map((s) => s.node);
      const why =
        expected.length === 0
          ? 'too-many'
          : expected.some((n) => n.kind === 'slot')
            ? 'bad-value'
            : 'unknown';
      return { ok: false, why, at, expected };
    }
    states = fit.map((s) => take(s, word));
  }
  return { states };
}

/** The phrase that the words are, with the values of its slots. Of several the first in the list. */
export function match<P extends Phrase>(phrases: readonly P[], words: readonly string[]): Matched<P> {
  const walked = walk(phrases, words);
  if ('ok' in walked) return walked;
  const done = walked.states.find((s) => complete(s.rest));
  if (done) return { ok: true, phrase: done.phrase, args: done.args };
  const expected = stepsOf(walked.states).map((s) => s.node);
  return { ok: false, why: 'incomplete', at: words.length, expected };
}

export type Next<P> = {
  readonly openings: readonly Opening[];
  /** Phrases that are whole as they stand. */
  readonly done: readonly P[];
};

/** What may come after some words; undefined when they are wrong already. */
export function next<P extends Phrase>(phrases: readonly P[], words: readonly string[]): Next<P> | undefined {
  const walked = walk(phrases, words);
  if ('ok' in walked) return undefined;
  const done = walked.states.filter((s) => complete(s.rest)).map((s) => s.phrase);
  const seen = new Map<string, Opening>();
  for (const { node } of stepsOf(walked.states)) {
    const key = node.kind === 'word' ? node.text : `${node.keyword ?? ''}<${node.name}> ${node.type.allowed}`;
    if (!seen.has(key)) seen.set(key, node);
  }
  return { openings: [...seen.values()], done };
}
