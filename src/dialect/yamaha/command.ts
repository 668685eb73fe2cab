// A configuration command as data: how it looks, which settings of the schema it is, what holds where it is not given.
import type { Value } from '../../config/schema/index.ts';
import type { Args, Phrase } from '../grammar/match.ts';
import { type Node, type Pattern, pattern, type Slot, type SlotOf, type Text } from '../grammar/pattern.ts';
import type { Draft } from './draft.ts';
import { rest } from './slots.ts';

/** What is selected. */
export type Selection =
  | { readonly kind: 'none' }
  | { readonly kind: 'tunnel'; readonly number: number }
  | { readonly kind: 'pp'; readonly number: number | 'anonymous' };

export const NOTHING_SELECTED: Selection = { kind: 'none' };

/** Where a command stands in a configuration: before the tunnels; in one, beneath its policy, behind it; after them. */
export type Place = 'head' | 'tunnel' | 'gateway' | 'link' | 'tail';

/** One sentence where the command cannot be; then nothing has changed. */
export type Outcome = string | undefined;

export type Command = Phrase & {
  readonly place: Place;
  /** Only with a tunnel selected. */
  readonly selected?: true;
  readonly help: Text;
  readonly apply: (draft: Draft, args: Args, tunnel: number) => Outcome;
  /** `no …`: the words that say what, without the values. */
  readonly no?: Pattern;
  readonly reset?: (draft: Draft, args: Args, tunnel: number) => Outcome;
  /** The lines that say what a draft holds; `n` is the interface of a tunnel. */
  readonly print?: (draft: Draft, n: number) => readonly (readonly string[])[];
  /** What a tunnel holds where the command is not given: paths behind "interface.ipsecN.". */
  readonly begins?: readonly (readonly [string, Value | undefined])[];
};

/** How one slot is one setting. */
export type Bind = {
  readonly slot: string;
  /** A path of the schema; of a tunnel's the part behind "interface.ipsec[].". `[]` at a list's index. */
  readonly leaf: string;
  /** The command's word for each value; without it they are the same. */
  readonly words?: Readonly<Record<string, Value>>;
  /** Octets of a kilobyte, where the command counts in those. */
  readonly unit?: number;
  /** The word for a setting that is not made. */
  readonly absent?: string;
  /** What holds where the command is not given: of a list, all its values. */
  readonly fallback?: Value | readonly Value[];
};

export type Spec = {
  readonly place: Place;
  readonly of: 'router' | 'gateway' | 'tunnel';
  /** Notation of pattern(); ` / ` parts what a `no` names from what it takes away. */
  readonly look: string;
  readonly slots: Readonly<Record<string, SlotOf>>;
  readonly bind: readonly Bind[];
  readonly help: Text;
};

/** What a `no` names, and then whatever is repeated behind it. */
export function noPattern(identity: Pattern): Pattern {
  const anything: Slot = { kind: 'slot', name: 'rest', type: rest, many: true };
  return [{ kind: 'word', text: 'no' }, ...identity, { kind: 'group', nodes: [anything] }];
}

/** Splits `ipsec ike version <gateway> / <version>`. */
export function looks(
  look: string,
  slots: Readonly<Record<string, SlotOf>>,
): { readonly pattern: Pattern; readonly no: Pattern } {
  const [identity, value = []] = look.split(' / ').map((part) => pattern(part, slots));
  return { pattern: [...identity, ...value], no: noPattern(identity) };
}

/** A command whose slots are settings one by one. */
export function setting(spec: Spec): Command {
  const { place, of, slots, bind, help } = spec;
  const { pattern: look, no } = looks(spec.look, slots);
  const base = (draft: Draft, args: Args, tunnel: number) => {
    if (of === 'router') return '';
    const n = of === 'gateway' ? draft.gateway(Number(args.gateway)) : draft.tunnel(tunnel);
    return `interface.ipsec${n}.`;
  };
  const fallbacks = (draft: Draft, at: string) => {
    for (const b of bind) write(draft, at + b.leaf, b.fallback);
  };
  return {
    place,
    pattern: look,
    no,
    help,
    ...(of === 'tunnel' ? { selected: true as const } : {}),
    apply: (draft, args, tunnel) => {
      const at = base(draft, args, tunnel);
      for (const b of bind) {
        const given = args[b.slot];
        write(draft, at + b.leaf, given === undefined ? b.fallback : meaning(b, given));
      }
      return undefined;
    },
    reset: (draft, args, tunnel) => {
      fallbacks(draft, base(draft, args, tunnel));
      return undefined;
    },
    print: (draft, n) => {
      const at = of === 'router' ? '' : `interface.ipsec${n}.`;
      const given = bind.filter((b) => String(read(draft, at + b.leaf)) !== String(asList(b.fallback)));
      if (given.length === 0) return [];
      const word = (slot: string): string | undefined => {
        const b = bind.find((x) => x.slot === slot);
        if (!b) return String(draft.gatewayOf(n));
        const held = read(draft, at + b.leaf);
        return held.length === 0 ? b.absent : held.map((v) => wordOf(b, v)).join(',');
      };
      const line = lineOf(look, word, (slot) => given.some((b) => b.slot === slot));
      return line ? [line] : [];
    },
    ...(of === 'router' ? {} : { begins: bind.flatMap(beginning) }),
  };
}

function asList(value: Value | readonly Value[] | undefined): readonly Value[] {
  return value === undefined ? [] : typeof value === 'object' ? value : [value];
}

function beginning({ leaf, fallback }: Bind): [string, Value | undefined][] {
  if (!leaf.includes('[]')) return [[leaf, asList(fallback)[0]]];
  return asList(fallback).map((v, i) => [leaf.replace('[]', String(i)), v]);
}

function write(draft: Draft, leaf: string, value: Value | readonly Value[] | undefined): void {
  const [prefix, suffix] = leaf.split('[]');
  if (suffix === undefined) draft.set(leaf, asList(value)[0]);
  else draft.setList(prefix, suffix, asList(value));
}

function read(draft: Draft, leaf: string): readonly Value[] {
  const [prefix, suffix] = leaf.split('[]');
  if (suffix !== undefined) return draft.list(prefix, suffix);
  const value = draft.get(leaf);
  return value === undefined ? [] : [value];
}

function meaning(b: Bind, given: Value | readonly Value[]): readonly Value[] {
  if (b.absent !== undefined && given === b.absent) return [];
  const list = b.leaf.includes('[]') ? String(given).split(',') : asList(given);
  const one = (word: Value): Value => {
    const value = b.words?.[String(word)] ?? word;
    return b.unit && typeof value === 'number' ? value * b.unit : value;
  };
  return list.map(one);
}

function wordOf({ words, unit }: Bind, value: Value): string {
  const word = Object.entries(words ?? {}).find(([, v]) => v === value)?.[0];
  return word ?? String(unit && typeof value === 'number' ? value / unit : value);
}

/**
 * The words of a pattern with its slots filled; groups only where one of their slots is `given`. Undefined where a slot
 * cannot say its value.
 */
export function lineOf(
  look: Pattern,
  word: (slot: string) => string | undefined,
  given: (slot: string) => boolean,
): readonly string[] | undefined {
  const out: string[] = [];
  for (const node of look) {
    if (node.kind === 'word') out.push(node.text);
    else if (node.kind === 'group') {
      if (!slotsOf(node).some((s) => given(s.name))) continue;
      const inner = lineOf(node.nodes, word, given);
      if (!inner) return undefined;
      out.push(...inner);
    } else {
      const text = word(node.name);
      if (text === undefined || node.type.parse(text) === undefined) return undefined;
      out.push(node.keyword ? `${node.keyword}=${text}` : text);
    }
  }
  return out;
}

function slotsOf(node: Node): Slot[] {
  if (node.kind === 'word') return [];
  return node.kind === 'slot' ? [node] : node.nodes.flatMap(slotsOf);
}
