import { describe, expect, test } from 'vitest';
import { FirstMessages } from '../../src/ike/first-messages.ts';
import type { IkeSa } from '../../src/ike/v2/sa.ts';

const sa = (version: 1 | 2 = 2, address = '10.0.0.1') =>
  ({ version, state: 'init', remote: { address, port: 500 } }) as unknown as IkeSa;
const open = (first: FirstMessages, version: 1 | 2) => first.halfOpen(version, '10.0.0.1').all;

describe('SAs by their first message', () => {
  test('one that has ended is not found again', () => {
    const first = new FirstMessages();
    const one = sa();
    first.add('a', one);
    expect(first.find('a')).toBe(one);
    one.state = 'established';
    expect(first.find('a')).toBe(one);
    one.state = 'gone';
    expect(first.find('a')).toBeUndefined();
    expect(first.find('b')).toBeUndefined();
  });

  test('half-open are those that negotiate, each version by itself', () => {
    const first = new FirstMessages();
    const all = [sa(), sa(), sa(1)];
    for (const [i, one] of all.entries()) first.add(`${i}`, one);
    expect([open(first, 1), open(first, 2)]).toEqual([1, 2]);
    all[0].state = 'established';
    expect([open(first, 1), open(first, 2)]).toEqual([1, 1]);
    all[1].state = 'gone';
    expect([open(first, 1), open(first, 2)]).toEqual([1, 0]);
  });

  test('those that stand are still found after many that have ended', () => {
    const first = new FirstMessages();
    const standing = sa();
    first.add('standing', standing);
    for (let i = 0; i < 2000; i++) {
      const one = sa();
      first.add(`${i}`, one);
      one.state = 'gone';
    }
    expect(first.find('standing')).toBe(standing);
    expect(open(first, 2)).toBe(1);
    first.add('elsewhere', sa(2, '10.0.0.9'));
    expect(first.halfOpen(2, '10.0.0.9')).toEqual({ all: 2, here: 1 });
  });
});
