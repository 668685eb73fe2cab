// What turns one tree into another. Law: apply(a, diff(a, b)) equals b.
import { comparePaths, type Value } from './schema/index.ts';
import { Tree } from './tree.ts';

export type Change = { readonly path: string; readonly from?: Value; readonly to?: Value };

export function diff(a: Tree, b: Tree): Change[] {
  const paths = new Set([...a.entries(), ...b.entries()].map(([path]) => path));
  return [...paths]
    .sort(comparePaths)
    .map((path) => ({ path, from: a.configured(path), to: b.configured(path) }))
    .filter((change) => change.from !== change.to);
}

export function apply(tree: Tree, changes: readonly Change[]): Tree {
  const leaves = new Map(tree.entries());
  for (const { path, to } of changes) {
    if (to === undefined) leaves.delete(path);
    else leaves.set(path, to);
  }
  return new Tree(leaves);
}
