// Commands as data: matching, abbreviations, and what may come next.
import { describe, expect, test } from 'vitest';
import { integer, oneOf } from '../../src/config/schema/types.ts';
import { match, next } from '../../src/dialect/grammar/match.ts';
import { nameOf, pattern, usage } from '../../src/dialect/grammar/pattern.ts';

const slots = {
  n: { type: integer(1, 9) },
  s: { type: oneOf('on', 'off') },
  any: { type: { allowed: 'any text', parse: (t: string) => t } },
};
const looks = [
  'show log',
  'show log reverse',
  'set <any> <n>',
  'run <s> [fast] [after=<n>]',
  'list <n>... [all]',
  'retry',
  'remote',
  'go [to <any> [by <n>]]',
];
const phrases = looks.map((look) => ({ look, pattern: pattern(look, slots) }));
const run = (line: string) => match(phrases, line.split(' '));

describe('match', () => {
  test.each([
    ['show log', 'show log', {}],
    ['sh l', 'show log', {}],
    ['show log rev', 'show log reverse', {}],
    ['set x 3', 'set <any> <n>', { any: 'x', n: 3 }],
    ['run on', 'run <s> [fast] [after=<n>]', { s: 'on' }],
    ['run on after=4 fast', 'run <s> [fast] [after=<n>]', { s: 'on', n: 4 }],
    ['run off fast after=4', 'run <s> [fast] [after=<n>]', { s: 'off', n: 4 }],
    ['list 1 2 3 all', 'list <n>... [all]', { n: [1, 2, 3] }],
    ['go to tokyo by 2', 'go [to <any> [by <n>]]', { any: 'tokyo', n: 2 }],
  ])('%s', (line, look, args) => {
    expect(run(line)).toMatchObject({ ok: true, phrase: { look }, args });
  });

  test.each([
    ['re', 'ambiguous', 0],
    ['show lag', 'unknown', 1],
    ['set x', 'incomplete', 2],
    ['set x y', 'bad-value', 2],
    ['show log reverse more', 'too-many', 3],
    ['run on fast fast', 'bad-value', 3],
    ['', 'unknown', 0],
  ])('%s: %s', (line, why, at) => {
    expect(run(line)).toMatchObject({ ok: false, why, at });
  });

  test('of an ambiguous word the choices are told', () => {
    expect(run('re')).toMatchObject({ choices: ['remote', 'retry'] });
  });
});

describe('next', () => {
  const after = (line: string) => {
    const now = next(phrases, line === '' ? [] : line.split(' '));
    return (
      now && [
        ...now.openings.map((o) => (o.kind === 'word' ? o.text : `<${o.name}>`)),
        ...(now.done.length > 0 ? ['.'] : []),
      ]
    );
  };

  test('the words and slots that may stand next, and whether it may end', () => {
    expect(after('')).toEqual(['show', 'set', 'run', 'list', 'retry', 'remote', 'go']);
    expect(after('show log')).toEqual(['reverse', '.']);
    expect(after('run on')).toEqual(['fast', '<n>', '.']);
    expect(after('run on fast')).toEqual(['<n>', '.']);
    expect(after('list 1')).toEqual(['<n>', 'all', '.']);
    expect(after('nonsense')).toBeUndefined();
  });
});

test('a pattern tells its name and its usage; one that cannot be is refused', () => {
  expect(nameOf(phrases[3].pattern)).toBe('run');
  for (const { look, pattern: p } of phrases) expect(usage(p)).toBe(look);
  expect(() => pattern('x [y', slots)).toThrow(/brackets/);
  expect(() => pattern('x <z>', slots)).toThrow(/<z> is not described/);
});
