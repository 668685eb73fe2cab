// Why a line cannot be taken, in Yamaha's own sentences (dialects.md B.1), each with what would be right.

import type { Matched, Opening } from '../grammar/match.ts';
import type { Language, Text } from '../grammar/pattern.ts';
import { nearestValue } from '../nearest.ts';
import { mayBeSecret } from './hide.ts';

const SENTENCES = {
  command: { en: 'Invalid command name', ja: 'コマンド名を確認してください' },
  keyword: { en: 'Illegal keyword', ja: 'パラメータのキーワードが認識できません' },
  count: { en: 'Insufficient or too many parameters', ja: 'パラメータの数が不適当です' },
  integer: { en: 'Parameter must be an integer', ja: 'パラメータは整数で指定してください' },
  range: { en: 'Parameter out of range', ja: 'パラメータが範囲を越えています' },
  address: { en: 'Unrecognized IP address parameter', ja: 'IPアドレスが認識できません' },
  tunnel: {
    en: 'Execute tunnel select command beforehand',
    ja: '先にtunnel selectコマンドを実行してください',
  },
  administrator: { en: 'Administrator use only', ja: 'このコマンドは管理レベルでのみ使用できます' },
} as const satisfies Record<string, Text>;

export type SentenceName = keyof typeof SENTENCES;

const LEAD: Text = { en: 'Error: ', ja: 'エラー：' };
const LINK: Text = { en: ': ', ja: ' : ' };

/** `Error: Illegal keyword: here stands on or off.` */
export function sentence(name: SentenceName, more: string, language: Language): string {
  const stop = /[?.]$/.test(more) ? '' : '.';
  return `${LEAD[language]}${SENTENCES[name][language]}${more === '' ? '' : LINK[language] + more + stop}`;
}

/** A command that is understood and cannot be. */
export function refusal(why: string, language: Language): string {
  return `${LEAD[language]}${why}.`;
}

function openingText(o: Opening): string {
  return o.kind === 'word' ? o.text : `${o.keyword ? `${o.keyword}=` : ''}<${o.name}> (${o.type.allowed})`;
}

const SHOWN = 8;

function list(openings: readonly Opening[]): string {
  const all = [...new Set(openings.map(openingText))];
  return all.slice(0, SHOWN).join(', ') + (all.length > SHOWN ? ', …' : '');
}

/** Which of Yamaha's sentences it is when a word is not what its slot takes. */
function badValue(word: string, expected: readonly Opening[]): SentenceName {
  const slots = expected.filter((o) => o.kind === 'slot');
  const every = (pattern: RegExp) => slots.every((s) => pattern.test(s.type.allowed));
  if (slots.length === 0 || slots.some((s) => s.type.values?.length)) return 'keyword';
  if (every(/^a whole number/)) return /^-?\d+$/.test(word) ? 'range' : 'integer';
  return every(/address|network/) ? 'address' : 'keyword';
}

/** What is wrong with the words of a line. No word that may be a secret is repeated. */
export function mismatch(
  wrong: Matched<unknown> & { readonly ok: false },
  words: readonly string[],
  language: Language,
): string {
  const { why, at, expected, choices = [] } = wrong;
  const word = words[at] ?? '';
  const secret = expected.some((o) => o.kind === 'slot' && o.secret) || mayBeSecret(words, at);
  const shown = secret || why === 'too-many' ? '' : JSON.stringify(word.slice(0, 64));
  switch (why) {
    case 'ambiguous':
      return sentence('command', `${shown} may be ${choices.join(', ')}`, language);
    case 'incomplete':
      return sentence('count', `${list(expected)} is missing`, language);
    case 'too-many':
      return sentence(
        'count',
        `nothing stands behind the ${at === 1 ? 'first word' : `first ${at} words`}`,
        language,
      );
    default: {
      const names = expected.flatMap((o) => (o.kind === 'word' ? [o.text] : [...(o.type.values ?? [])]));
      const nearest = secret ? undefined : nearestValue(word, names);
      const anything = at === 0 ? 'no command begins so; ? lists them' : `here stands ${list(expected)}`;
      const hint = nearest ? `did you mean ${nearest}?` : anything;
      const name = why === 'unknown' ? 'command' : badValue(word, expected);
      return sentence(name, shown === '' ? hint : `${shown}; ${hint}`, language);
    }
  }
}
