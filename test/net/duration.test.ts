import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/net/duration.ts';

describe('durations', () => {
  test.each([
    ['8h', 28800],
    ['24h', 86400],
    ['41s', 41],
    ['86400', 86400],
    ['777', 777],
    ['0', 0],
    ['1h30m', 5400],
    ['90m', 5400],
    ['1h1s', 3601],
    ['01h02m03s', 3723],
    ['99h99m99s', 99 * 3600 + 99 * 60 + 99],
  ])('%s is %d seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  test.each([
    '',
    'h',
    '8H',
    '8 h',
    '8h ',
    '-1',
    '1.5h',
    '100m',
    '1m1h',
    '1h1h',
    '1h30',
    '8d',
    '0x10',
    '12345678901',
  ])('%j is none', (text) => expect(parseDuration(text)).toBeUndefined());

  test('written and read again is the same, and never longer than the plain number', () => {
    const seconds = fc.oneof(
      fc.nat(400_000),
      fc.nat(9_999_999_999),
      fc.nat(100).map((h) => h * 3600),
    );
    fc.assert(
      fc.property(seconds, (n) => {
        const text = formatDuration(n);
        expect(parseDuration(text)).toBe(n);
        expect(text.length).toBeLessThanOrEqual(String(n).length);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    [28800, '8h'],
    [86400, '24h'],
    [5400, '5400'],
    [777, '777'],
    [600, '600'],
    [41, '41'],
    [0, '0'],
    [356400, '99h'],
    [360000, '360000'],
  ])('%d seconds are written %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});
