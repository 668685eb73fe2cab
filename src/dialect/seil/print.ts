// Tree → SEIL text: aligned ` : `, schema order, defaults omitted. Law: parse(print(tree)) equals the tree.
import { findLeaf } from '../../config/schema/index.ts';
import type { Tree } from '../../config/tree.ts';
import { MASK } from '../mask.ts';
import { quote } from './line.ts';

export function printSeil(
  tree: Tree,
  options: { readonly maskSecrets: boolean; readonly aligned?: boolean },
): string {
  const rows: [string, string][] = [];
  for (const [path, value] of tree.entries()) {
    const leaf = findLeaf(path)?.leaf;
    if (!leaf || value === leaf.default) continue;
    const text = leaf.type.print?.(value) ?? String(value);
    rows.push([path, leaf.secret && options.maskSecrets ? MASK : quote(text)]);
  }
  const width = options.aligned === false ? 0 : Math.max(0, ...rows.map(([path]) => path.length));
  return rows.map(([path, text]) => `${path.padEnd(width)} : ${text}\n`).join('');
}
