// TAB and ?: from the tables that parse, so that what is offered is what is taken.
import { findLeaf } from '../../src/config/schema/index.ts';
import type { Phrase } from '../../src/dialect/grammar/match.ts';
import { type Next, next, type Opening } from '../../src/dialect/grammar/match.ts';
import type { Text } from '../../src/dialect/grammar/pattern.ts';
import { completeKey, completeValue } from '../../src/dialect/seil/complete.ts';
import { deeds, selections } from '../../src/dialect/yamaha/parse.ts';
import type { ShellCommand } from './commands/index.ts';
import { columns, leafRow, openingRow, valueRows } from './help.ts';
import type { Session } from './session.ts';
import { TEXTS } from './texts.ts';

type Helped = Phrase & { readonly help?: Text };

const CONFIGURATION: readonly Helped[] = [
  ...deeds.map((d) => ({ pattern: d.pattern, help: d.command.help })),
  ...selections,
];

export type Completion = {
  /** What the last word may become; a blank behind what is whole. */
  readonly words: readonly string[];
  /** The part of the line that they stand in place of. */
  readonly part: string;
};

/** The words before the last one, and the last one, which may be empty. */
function split(line: string): { readonly before: readonly string[]; readonly part: string } {
  const command = line.slice(line.lastIndexOf('|') + 1).trimStart();
  const words = command.split(/\s+/);
  const part = words.pop() ?? '';
  return { before: words.filter((w) => w !== ''), part };
}

function phrases(session: Session): readonly Helped[] {
  const mine = session.commands.filter((c: ShellCommand) => session.state?.role !== 'user' || !c.admin);
  return session.terminal.dialect === 'yamaha' ? [...mine, ...CONFIGURATION] : mine;
}

const PIPES = ['grep', 'count', 'json', 'compare', 'less', 'save'];

/** Candidates for a slot: its own values, and the names that are there now. */
function slotWords(o: Opening, session: Session): readonly string[] {
  if (o.kind === 'word') return [o.text];
  const { state } = session;
  if (o.name === 'tunnel' && /ipsec0/.test(o.type.allowed)) return state?.tunnels ?? [];
  if (o.name === 'name') return ['interface', ...(state?.tunnels ?? []).map((t) => `interface.${t}`)];
  const values = (o.type.values ?? []).map((v) => (o.keyword ? `${o.keyword}=${v}` : v));
  return values.length === 0 && o.keyword ? [`${o.keyword}=`] : values;
}

export function complete(session: Session, line: string): Completion {
  const { before, part } = split(line);
  if (line.includes('|')) return { words: before.length === 0 ? fit(PIPES, part) : [], part };
  const list = phrases(session);
  if (session.terminal.dialect === 'seil') {
    const key = keyPlace(before);
    if (key === 'key') {
      const found = completeKey(part, session.state?.keys ?? []);
      const whole = found.map((c) => (c.text.endsWith('.') ? c.text : `${c.text} `));
      return { words: whole, part };
    }
    if (key !== undefined) return { words: fit(completeValue(key), part), part };
  }
  const now = next(list, before);
  if (!now) return { words: [], part };
  const words = now.openings.flatMap((o) => slotWords(o, session));
  return { words: fit([...new Set(words)], part), part };
}

function fit(words: readonly string[], part: string): string[] {
  return words.filter((w) => w.startsWith(part)).map((w) => (w.endsWith('=') ? w : `${w} `));
}

/** Whether the word is a key (`set `), or the value of the key that is answered. */
function keyPlace(before: readonly string[]): string | undefined {
  const [verb, key, ...more] = before;
  if (verb === undefined || !['set', 'delete'].includes(verb)) return undefined;
  if (key === undefined) return 'key';
  return verb === 'set' && more.length === 0 && findLeaf(key) ? key : undefined;
}

/** What `?` shows. */
export function explain(session: Session, line: string): string {
  const { before, part } = split(line);
  const { language } = session.terminal;
  if (session.terminal.dialect === 'seil') {
    const key = keyPlace(before);
    if (key === 'key')
      return columns(
        completeKey(part, session.state?.keys ?? []).map((c) => leafRow(c.shown, c.leaf, language)),
      );
    const leaf = key === undefined ? undefined : findLeaf(key)?.leaf;
    if (leaf) return columns(valueRows(leaf, language));
  }
  const list = phrases(session);
  const now = next(list, before);
  if (!now) return `  ${TEXTS.unknown[language]}.\n`;
  const rows = now.openings
    .filter((o) => o.kind === 'slot' || o.text.startsWith(part))
    .map((o) => openingRow(o, helpOf(o, list, before, language, now), language));
  const done = part === '' && now.done.length > 0 ? [[TEXTS.done[language], ''] as const] : [];
  return columns([...rows.sort(([a], [b]) => (a < b ? -1 : 1)), ...done]);
}

/** Help of a word: that of the command which it ends, if it is one. */
function helpOf(
  o: Opening,
  list: readonly Helped[],
  before: readonly string[],
  language: 'en' | 'ja',
  _now: Next<Helped>,
): string {
  if (o.kind !== 'word') return '';
  const after = next(list, [...before, o.text]);
  const [one] = after?.done ?? [];
  if (one?.help) return one.help[language];
  // The last fixed word of a command has its help too.
  const only = after?.openings.every((x) => x.kind === 'slot')
    ? list.filter((p) => next([p], [...before, o.text]) !== undefined)
    : [];
  return only[0]?.help?.[language] ?? '';
}
