import { describe, expect, test } from 'vitest';
import { RandomPool } from '../../src/daemon/random.ts';
import { hex } from '../../src/net/bytes.ts';

describe('random octets out of a pool', () => {
  test('no octets are given twice, over many fillings of the pool', () => {
    const pool = new RandomPool();
    const seen = new Set(Array.from({ length: 10_000 }, () => hex(pool.take(8))));
    expect(seen.size).toBe(10_000);
  });

  test.each([0, 1, 32, 4095, 4096, 4097, 10_000])(
    '%i octets at once are as many, and their own',
    (octets) => {
      const pool = new RandomPool();
      pool.take(3);
      const one = pool.take(octets);
      expect(one).toHaveLength(octets);
      expect(one.buffer.byteLength).toBe(octets);
      const before = hex(one);
      pool.take(4096);
      expect(hex(one)).toBe(before);
    },
  );
});
