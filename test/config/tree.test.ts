import { describe, expect, test } from 'vitest';
import { emptyTree, Tree } from '../../src/config/tree.ts';

const encryption = 'interface.ipsec0.ike.proposal.phase1.encryption.';

describe('Tree', () => {
  test('what is absent has its default; configured tells the two apart', () => {
    const tree = new Tree([['ike.retry', 7]]);
    expect([tree.value('ike.retry'), tree.value('ike.interval')]).toEqual([7, 10]);
    expect([tree.configured('ike.retry'), tree.configured('ike.interval')]).toEqual([7, undefined]);
    expect(tree.value('interface.ipsec0.mtu')).toBeUndefined();
    expect(tree.value('no.such.key')).toBeUndefined();
  });

  test('values by kind', () => {
    const tree = new Tree([['ike.auto-initiation', 'disable']]);
    expect([tree.enabled('ike.auto-initiation'), tree.enabled('ike.exclusive-tail')]).toEqual([false, true]);
    expect([tree.text('ike.retry'), tree.text('hostname')]).toEqual(['5', undefined]);
    expect(tree.number('ike.retry')).toBe(5);
    expect(() => tree.number('hostname')).toThrow(TypeError);
  });

  test('entries come in printing order, however they were given', () => {
    const leaves: [string, string | number][] = [
      ['route.ipv4.100.gateway', 'ipsec0'],
      ['route.ipv4.20.gateway', 'ipsec0'],
      ['ike.retry', 1],
      ['hostname', 'r'],
    ];
    expect([...new Tree(leaves).entries()]).toEqual(
      leaves.toReversed().toSpliced(2, 2, leaves[1], leaves[0]),
    );
  });

  test('indexes are numbers in order, those of the prefix alone', () => {
    const tree = new Tree([
      ['interface.ipsec10.mtu', 1400],
      ['interface.ipsec2.mtu', 1400],
      ['interface.ipsec2.esn', 'enable'],
      ['interface.ge1.mtu', 1400],
    ]);
    expect(tree.indexes('interface.ipsec')).toEqual([2, 10]);
    expect(tree.indexes('interface.ge')).toEqual([1]);
    expect(tree.indexes('route.ipv4.')).toEqual([]);
  });

  test('a list is in the order of its indexes; none configured is the default list (seed 001)', () => {
    expect(emptyTree.list(encryption, '.algorithm')).toEqual(['aes256', 'aes128', '3des']);
    const tree = new Tree([
      [`${encryption}200.algorithm`, 'aes256'],
      [`${encryption}30.algorithm`, '3des'],
    ]);
    expect(tree.list(encryption, '.algorithm')).toEqual(['3des', 'aes256']);
    expect(tree.size).toBe(2);
  });

  test('it does not change with what it was made from', () => {
    const leaves = new Map<string, string | number>([['ike.retry', 7]]);
    const tree = new Tree(leaves);
    leaves.set('ike.retry', 8);
    expect(tree.value('ike.retry')).toBe(7);
  });
});
