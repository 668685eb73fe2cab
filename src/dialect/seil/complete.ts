// What may stand next in a key, from the schema: names, numbers that are in use and the next free one, values.
import { findLeaf, type Leaf, type SchemaNode, schemaRoot } from '../../config/schema/index.ts';

export type Candidate = {
  /** What is written so far with this one behind it: a whole key, or a beginning that ends with a dot. */
  readonly text: string;
  /** The segment alone, for a list. */
  readonly shown: string;
  /** Of a whole key. */
  readonly leaf?: Leaf;
};

/** The node at a list of segments, or undefined where they lead nowhere. */
function nodeAt(segments: readonly string[]): SchemaNode | undefined {
  let at: SchemaNode | undefined = schemaRoot;
  for (const segment of segments) {
    const general: string = segment.replace(/\d+$/, '[]');
    at = at.children.get(segment) ?? at.children.get(general);
    if (!at) return undefined;
  }
  return at;
}

/** Numbers below a beginning that are configured, and the first that is not. */
function numbers(begin: string, keys: readonly string[]): number[] {
  const used = new Set<number>();
  for (const key of keys) {
    const number = key.startsWith(begin) ? /^\d+/.exec(key.slice(begin.length)) : undefined;
    if (number) used.add(Number(number[0]));
  }
  let free = 0;
  while (used.has(free)) free++;
  return [...used, free].sort((a, b) => a - b);
}

/** Candidates behind `typed`, the beginning of a key. `keys`: those that are configured. Aliases are not offered. */
export function completeKey(typed: string, keys: readonly string[] = []): Candidate[] {
  const segments = typed.split('.');
  const last = segments.pop() ?? '';
  const node = nodeAt(segments);
  if (!node) return [];
  const before = segments.map((s) => `${s}.`).join('');
  return [...node.children.values()].flatMap((child) => {
    if (!leadsToOwn(child)) return [];
    const name = child.name.replace('[]', '');
    const list = child.name.endsWith('[]')
      ? numbers(before + name, keys).map((n) => `${name}${n}`)
      : [child.name];
    // A number that is typed already is as good as one that is in use.
    if (
      child.name.endsWith('[]') &&
      last.startsWith(name) &&
      /^\d+$/.test(last.slice(name.length)) &&
      !list.includes(last)
    )
      list.push(last);
    return list
      .filter((segment) => segment.startsWith(last))
      .map((segment): Candidate => {
        const whole = before + segment;
        const leaf = child.alias ? undefined : child.leaf;
        const more = child.children.size > 0;
        return {
          text: more ? `${whole}.` : whole,
          shown: more ? `${segment}.` : segment,
          ...(leaf ? { leaf } : {}),
        };
      });
  });
}

/** Whether something that is no alias stands here or below. */
function leadsToOwn(node: SchemaNode): boolean {
  if (node.leaf && !node.alias) return true;
  return [...node.children.values()].some(leadsToOwn);
}

/** Values that can be listed for a key. */
export function completeValue(key: string): readonly string[] {
  return findLeaf(key)?.leaf.type.values ?? [];
}
