// Law: parse(print(tree)) is the tree, but for what is the default, which is not printed.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findLeaf } from '../../../src/config/schema/index.ts';
import type { Tree } from '../../../src/config/tree.ts';
import { parseSeil } from '../../../src/dialect/seil/parse.ts';
import { printSeil } from '../../../src/dialect/seil/print.ts';
import { anyTree, fullTree } from '../../config/trees.ts';

const UNREAD = ['syntax', 'unknown-key', 'duplicate-key'];

function holds(tree: Tree): void {
  const text = printSeil(tree, { maskSecrets: false });
  const { tree: back, errors } = parseSeil(text);
  const kept = [...tree.entries()].filter(([path, value]) => findLeaf(path)?.leaf.default !== value);
  expect([...back.entries()]).toEqual(kept);
  expect(errors.filter((m) => UNREAD.includes(m.code))).toEqual([]);
  expect(printSeil(back, { maskSecrets: false })).toBe(text);
}

describe('parse(print(tree)) = tree', () => {
  test('for trees of any leaves, values and indexes', () => {
    fc.assert(fc.property(anyTree, holds), { numRuns: 300 });
  });

  test('for trees with every leaf of the schema', () => {
    fc.assert(fc.property(fullTree, holds), { numRuns: 40 });
  });

  test('values mean the same before and after, defaults included', () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const back = parseSeil(printSeil(tree, { maskSecrets: false })).tree;
        for (const [path] of tree.entries()) expect(back.value(path)).toBe(tree.value(path));
      }),
    );
  });

  test('every line has its ` : ` in the same column', () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const rows = printSeil(tree, { maskSecrets: true }).split('\n').slice(0, -1);
        expect(new Set(rows.map((row) => /^\S+ *(?= : )/.exec(row)?.[0].length)).size).toBeLessThan(2);
      }),
    );
  });
});
