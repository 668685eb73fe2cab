import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLine, quote } from '../../../src/dialect/seil/line.ts';

describe('a line', () => {
  test.each([
    ['hostname : r1', 'hostname', 1, 'r1', 12],
    ['hostname: r1', 'hostname', 1, 'r1', 11],
    ['hostname:r1', 'hostname', 1, 'r1', 10],
    ['  hostname\t:\tr1  ', 'hostname', 3, 'r1', 14],
    ['hostname :     two words   ', 'hostname', 1, 'two words', 16],
    ['hostname : "two words"', 'hostname', 1, 'two words', 12],
    ['hostname : ""', 'hostname', 1, '', 12],
    ['hostname : "a \\"b\\" \\\\ c"', 'hostname', 1, 'a "b" \\ c', 12],
    ['hostname : " : "', 'hostname', 1, ' : ', 12],
    ['hostname : a"b', 'hostname', 1, 'a"b', 12],
    ['hostname : # no comment', 'hostname', 1, '# no comment', 12],
    ['hostname : a # no comment', 'hostname', 1, 'a # no comment', 12],
    ['hostname : a\u2028b\u2029c', 'hostname', 1, 'a\u2028b\u2029c', 12],
  ])('%j', (line, key, keyColumn, value, valueColumn) => {
    expect(parseLine(line)).toEqual({ kind: 'setting', key, keyColumn, value, valueColumn });
  });

  test('runs of blanks, which a backtracking expression would take ages for', () => {
    const setting = { kind: 'setting', key: 'a', keyColumn: 1 };
    const inner = `b${' '.repeat(1300)}\u2028c`;
    const outer = `a :${' '.repeat(650)}${inner}`;
    expect(parseLine(outer)).toEqual({ ...setting, value: inner, valueColumn: 654 });
    const long = `b${' '.repeat(40_000)}c`;
    expect(parseLine(`a : ${long}`)).toEqual({ ...setting, value: long, valueColumn: 5 });
  });

  test.each([
    ['route.ipv4.1.destination:  : 192.168.2.0/24', '192.168.2.0/24', 30],
    ['route.ipv4.1.destination: : 192.168.2.0/24', '192.168.2.0/24', 29],
    ['route.ipv4.1.destination :    : 192.168.2.0/24', '192.168.2.0/24', 33],
  ])("seed 001's stray colon: %j", (line, value, valueColumn) => {
    expect(parseLine(line)).toMatchObject({ key: 'route.ipv4.1.destination', value, valueColumn });
  });

  test.each([
    ['k : ::', '::'],
    ['k : ::1', '::1'],
    ['k : ::1/128', '::1/128'],
    ['k :::1', '::1'],
    ['k: ::/0', '::/0'],
    ['k : : ::1', '::1'],
    ['k : :a', ':a'],
    ['k : 2001:db8::1', '2001:db8::1'],
  ])('an IPv6 address may begin with colons: %j', (line, value) => {
    expect(parseLine(line)).toMatchObject({ kind: 'setting', key: 'k', value });
  });

  test.each(['', '   ', '\t', '!', '  !', '! a spacer', '# a comment : with a colon', '  #'])(
    '%j says nothing (dialects.md A.1)',
    (line) => expect(parseLine(line)).toEqual({ kind: 'blank' }),
  );

  test.each([
    ['hostname', 1, /colon is missing/],
    ['  hostname r1', 3, /colon is missing/],
    [': r1', 1, /colon is missing/],
    ['hostname :', 11, /value is missing.*""/],
    ['hostname :   ', 14, /value is missing/],
    ['hostname : "abc', 16, /closing quote is missing/],
    ['hostname : "abc\\"', 18, /closing quote is missing/],
    ['hostname : "abc" d', 17, /Nothing may follow/],
    ['hostname : "a\\nb"', 14, /After a backslash/],
    ['hostname : "', 13, /closing quote is missing/],
  ])('%j is a mistake in column %d', (line, column, message) => {
    expect(parseLine(line)).toEqual({ kind: 'error', column, message: expect.stringMatching(message) });
  });
});

describe('quoting', () => {
  test.each([
    ['plain', 'plain'],
    ['a=b,c#d!e:f', 'a=b,c#d!e:f'],
    ['', '""'],
    ['a b', '"a b"'],
    ['a"b', '"a\\"b"'],
    ['a\\b', '"a\\\\b"'],
    ['::1', '"::1"'],
    ['#1', '"#1"'],
    ['!', '"!"'],
  ])('%j is written %s', (value, text) => expect(quote(value)).toBe(text));

  test('what is quoted reads back', () => {
    const unit = fc.constantFrom(...' "\\:#!a\t\u00a0\u2028\u2029日🔑');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit }), fc.string()), (value) => {
        expect(parseLine(`key : ${quote(value)}`)).toMatchObject({ kind: 'setting', key: 'key', value });
      }),
      { numRuns: 500 },
    );
  });
});
