// What a command looks like, as data: words and slots, some of them optional. Parser, completion, help and printer are
// derived from it.
import type { ValueType } from '../../config/schema/index.ts';

/** What people read, in both languages. */
export type Text = { readonly en: string; readonly ja: string };

export type Language = keyof Text;

export type Word = { readonly kind: 'word'; readonly text: string; readonly help?: Text };

export type Slot = {
  readonly kind: 'slot';
  readonly name: string;
  readonly type: ValueType;
  /** Written as `keyword=value`. */
  readonly keyword?: string;
  /** Takes one value or more. */
  readonly many?: true;
  readonly secret?: true;
  readonly help?: Text;
};

export type Group = { readonly kind: 'group'; readonly nodes: Pattern };

export type Node = Word | Slot | Group;

export type Pattern = readonly Node[];

export type SlotOf = Omit<Slot, 'kind' | 'name' | 'keyword' | 'many'>;

/**
 * A pattern from its notation: `ip route <destination> gateway <gateway>... [metric <metric>] [keepalive=<seconds>]`.
 * Optional groups that stand side by side may come in any order. Throws on a slot that is not described.
 */
export function pattern(text: string, slots: Readonly<Record<string, SlotOf>> = {}): Pattern {
  const tokens = text.match(/[[\]]|[^\s[\]]+/g) ?? [];
  const stack: Node[][] = [[]];
  for (const token of tokens) {
    if (token === '[') stack.push([]);
    else if (token === ']') {
      const nodes = stack.pop() ?? [];
      stack.at(-1)?.push({ kind: 'group', nodes });
    } else stack.at(-1)?.push(node(token, slots));
  }
  if (stack.length !== 1) throw new TypeError(`brackets of "${text}" do not match`);
  return stack[0];
}

function node(token: string, slots: Readonly<Record<string, SlotOf>>): Node {
  const slot = /^(?:([\w-]+)=)?<([\w-]+)>(\.\.\.)?$/.exec(token);
  if (!slot) return { kind: 'word', text: token };
  const [, keyword, name, many] = slot;
  if (!slots[name]) throw new TypeError(`slot <${name}> is not described`);
  return {
    kind: 'slot',
    name,
    ...slots[name],
    ...(keyword ? { keyword } : {}),
    ...(many ? { many: true as const } : {}),
  };
}

/** The words that a pattern begins with: its name. */
export function nameOf(nodes: Pattern): string {
  const end = nodes.findIndex((n) => n.kind !== 'word');
  return nodes
    .slice(0, end < 0 ? nodes.length : end)
    .map((n) => (n as Word).text)
    .join(' ');
}

/** The notation of a pattern, as help shows it. */
export function usage(nodes: Pattern): string {
  return nodes
    .map((n) => {
      if (n.kind === 'word') return n.text;
      if (n.kind === 'group') return `[${usage(n.nodes)}]`;
      return `${n.keyword ? `${n.keyword}=` : ''}<${n.name}>${n.many ? '...' : ''}`;
    })
    .join(' ');
}
