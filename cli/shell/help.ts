// Help: every command with what it does; what may stand next; what a key means.
import type { Leaf } from '../../src/config/schema/index.ts';
import type { Role } from '../../src/daemon/protocol.ts';
import type { Opening } from '../../src/dialect/grammar/match.ts';
import { type Language, usage } from '../../src/dialect/grammar/pattern.ts';
import type { ShellCommand } from './commands/index.ts';
import { openingText } from './mistake.ts';
import { TEXTS } from './texts.ts';

/** Two columns; the second begins where the widest of the first ends, within reason. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(36, Math.max(0, ...rows.map(([left]) => left.length)));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.replace(/ *$/, '\n')).join('');
}

export function overview(
  commands: readonly ShellCommand[],
  language: Language,
  role: Role = 'admin',
): string {
  const mine = commands.filter((c) => role === 'admin' || !c.admin);
  return columns(
    mine
      .map((c): [string, string] => [usage(c.pattern), c.help[language]])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** A slot or a word with what is allowed there. */
export function openingRow(o: Opening, help: string, language: Language): [string, string] {
  if (o.kind === 'word') return [o.text, help];
  return [openingText(o), `${o.help?.[language] ?? ''}: ${o.type.allowed}`.replace(/^: /, '')];
}

export function leafRow(shown: string, leaf: Leaf | undefined, language: Language): [string, string] {
  if (!leaf) return [shown, ''];
  return [shown, language === 'ja' ? leaf.ja : leaf.help];
}

/** What a value may be, and what holds without it. */
export function valueRows(leaf: Leaf, language: Language): [string, string][] {
  const fallback = leaf.default ?? leaf.listDefault?.join(', ');
  const held =
    fallback === undefined
      ? ''
      : ` (${TEXTS.default[language]}: ${leaf.default === undefined ? fallback : (leaf.type.print?.(leaf.default) ?? leaf.default)})`;
  return [
    ['<value>', `${leafRow('', leaf, language)[1]} ${leaf.type.allowed}${held}`],
    ...(leaf.type.values ?? []).map((v): [string, string] => [v, '']),
  ];
}
