// The schema: every key that exists, once. Chapters in the order in which a configuration is printed.
import { access } from './access.ts';
import { filter } from './filter.ts';
import { ike } from './ike.ts';
import { ikePeer } from './ike-peer.ts';
import { interfaceGe } from './interface-ge.ts';
import { interfaceIpsec } from './interface-ipsec.ts';
import { ipsec } from './ipsec.ts';
import type { Leaf } from './leaf.ts';
import { nat } from './nat.ts';
import { route } from './route.ts';
import { services } from './services.ts';
import { syslog } from './syslog.ts';
import { system } from './system.ts';
import { yamaha } from './yamaha.ts';

export type { Leaf, Value, ValueType } from './leaf.ts';

export const schema: readonly Leaf[] = [
  ...system,
  ...interfaceGe,
  ...interfaceIpsec,
  ...ike,
  ...ikePeer,
  ...ipsec,
  ...route,
  ...nat,
  ...filter,
  ...services,
  ...access,
  ...syslog,
  ...yamaha,
];

/** One step of the schema as a trie: names to follow, and the leaf that ends here. */
export type SchemaNode = {
  readonly name: string;
  readonly order: number;
  readonly children: Map<string, SchemaNode>;
  leaf?: Leaf;
  /** True where the leaf is reached under another spelling than its own path. */
  alias?: boolean;
};

function node(name: string, order: number): SchemaNode {
  return { name, order, children: new Map() };
}

export const schemaRoot: SchemaNode = node('', 0);

function insert(path: string, leaf: Leaf, alias: boolean): void {
  let at = schemaRoot;
  for (const segment of path.split('.')) {
    let next = at.children.get(segment);
    if (!next) {
      next = node(segment, at.children.size);
      at.children.set(segment, next);
    }
    at = next;
  }
  at.leaf = leaf;
  at.alias = alias;
}

for (const leaf of schema) insert(leaf.path, leaf, false);
for (const leaf of schema) for (const alias of leaf.alias ?? []) insert(alias, leaf, true);

/** The schema's name of a segment as typed, with its number: "ipsec0" is ["ipsec[]", 0], "1" is ["[]", 1]. */
function generalise(segment: string, from: SchemaNode): { child: SchemaNode; index?: number } | undefined {
  const exact = from.children.get(segment);
  if (exact && !segment.includes('[')) return { child: exact };
  const numbered = /^([a-z][a-z-]*)?(\d{1,9})$/.exec(segment);
  if (!numbered) return undefined;
  const child = from.children.get(`${numbered[1] ?? ''}[]`);
  return child && { child, index: Number(numbered[2]) };
}

export type Found = {
  readonly leaf: Leaf;
  /** The canonical spelling: aliases resolved, numbers without leading zeros. */
  readonly path: string;
  readonly indexes: readonly number[];
};

/** The leaf at a path as typed, or undefined when there is none. */
export function findLeaf(path: string): Found | undefined {
  let at = schemaRoot;
  const indexes: number[] = [];
  for (const segment of path.split('.')) {
    const next = generalise(segment, at);
    if (!next) return undefined;
    if (next.index !== undefined) indexes.push(next.index);
    at = next.child;
  }
  if (!at.leaf) return undefined;
  return { leaf: at.leaf, path: concrete(at.leaf.path, indexes), indexes };
}

/** A schema path with its numbers filled in, in order; missing ones become 0. */
export function concrete(path: string, indexes: readonly number[]): string {
  let i = 0;
  return path.replaceAll('[]', () => String(indexes[i++] ?? 0));
}

/** Schema order first, numbers by value: the order in which configurations are printed and compared. */
export function comparePaths(a: string, b: string): number {
  let at: SchemaNode | undefined = schemaRoot;
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (!at) return 0;
    const l = generalise(left[i], at);
    const r = generalise(right[i], at);
    if (!l || !r) return left[i] < right[i] ? -1 : 1;
    if (l.child !== r.child) return l.child.order - r.child.order;
    if (l.index !== r.index) return (l.index ?? 0) - (r.index ?? 0);
    at = l.child;
  }
  return left.length - right.length;
}
