// What stands behind a command, and what only looks like it.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePipes, throughPipes } from '../../cli/shell/pipe.ts';

const TEXT = 'one\nTwo\nthree two\n';

function through(line: string): string {
  const piped = parsePipes(line);
  if (!piped.ok) return piped.message;
  return throughPipes(TEXT, piped.stages);
}

describe('pipes', () => {
  test.each([
    ['show | grep two', 'three two\n'],
    ['show | grep -i two', 'Two\nthree two\n'],
    ['show | grep -v two', 'one\nTwo\n'],
    ['show | grep -iv two', 'one\n'],
    ['show | grep "e t"', 'three two\n'],
    ['show | grep -w t', ''],
    ['show | grep -i two | count', '2\n'],
    ['show | count', '3\n'],
    ['show | grep nothing | count', '0\n'],
    [
      'show | sort',
      'Behind | stands grep [-i] [-v] [-w] PATTERN, count, json, compare [N], less, save FILE.',
    ],
    ['show | grep', 'Give grep what to look for.'],
    ['show | grep (', '( is no pattern.'],
    ['show > a b', 'Give the name of one file.'],
    ['show > a | count', 'Nothing can stand behind a file.'],
  ])('%s', (line, expected) => expect(through(line)).toBe(expected));

  test('what is quoted, or behind a backslash, is no pipe', () => {
    for (const command of ['set k "a | b"', "set k 'a > b'", 'set k "a \\" | b"', 'set k a\\|b'])
      expect(parsePipes(command)).toEqual({ ok: true, command, stages: [] });
  });

  test('into a file, which only its owner reads, and at its end', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sk-pipe-'));
    const file = join(folder, 'out');
    expect(through(`show | grep one > ${file}`)).toBe('');
    through(`show | grep Two >> ${file}`);
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['one\nTwo\n', 0o600]);
    through(`show | save ${file}`);
    expect(readFileSync(file, 'utf8')).toBe(TEXT);
    rmSync(folder, { recursive: true });
  });
});
