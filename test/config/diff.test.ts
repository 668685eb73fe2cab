import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apply, diff } from '../../src/config/diff.ts';
import { emptyTree, Tree } from '../../src/config/tree.ts';
import { anyTree } from './trees.ts';

const leaves = (tree: Tree) => [...tree.entries()];

/** Two trees with something in common. */
const pair = fc.tuple(anyTree, anyTree, anyTree).map(([a, b, common]) => {
  const join = (tree: Tree) => new Tree([...tree.entries(), ...common.entries()]);
  return [join(a), join(b)] as const;
});

describe('diff', () => {
  test('apply(a, diff(a, b)) = b', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        expect(leaves(apply(a, diff(a, b)))).toEqual(leaves(b));
      }),
    );
  });

  test('only what differs is in it, and both sides are told', () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        expect(diff(a, a)).toEqual([]);
        for (const { path, from, to } of diff(a, b)) {
          expect([from, to]).toEqual([a.configured(path), b.configured(path)]);
          expect(from).not.toBe(to);
        }
      }),
    );
  });

  test('added, changed and removed, in printing order', () => {
    const a = new Tree([
      ['ike.retry', 7],
      ['ike.interval', 3],
    ]);
    const b = new Tree([
      ['ike.interval', 4],
      ['hostname', 'r'],
    ]);
    expect(diff(a, b)).toEqual([
      { path: 'hostname', from: undefined, to: 'r' },
      { path: 'ike.interval', from: 3, to: 4 },
      { path: 'ike.retry', from: 7, to: undefined },
    ]);
    expect(leaves(apply(emptyTree, diff(emptyTree, a)))).toEqual(leaves(a));
  });
});
