// Why the shell does not take a line: one sentence.
import type { Matched, Opening } from '../../src/dialect/grammar/match.ts';
import type { Language } from '../../src/dialect/grammar/pattern.ts';
import { nearestValue } from '../../src/dialect/nearest.ts';
import { mayBeSecret } from '../../src/dialect/yamaha/hide.ts';
import { TEXTS } from './texts.ts';

const SHOWN = 10;

export function openingText(o: Opening): string {
  return o.kind === 'word' ? o.text : `${o.keyword ? `${o.keyword}=` : ''}<${o.name}>`;
}

/** Words that may hold a secret are not repeated. */
export function wrongWords(
  wrong: Matched<unknown> & { readonly ok: false },
  words: readonly string[],
  language: Language,
): string {
  const word = words[wrong.at] ?? '';
  const openings = [...new Set(wrong.expected.map(openingText))];
  const few = openings.slice(0, SHOWN).join(', ') + (openings.length > SHOWN ? ', …' : '');
  const t = (name: keyof typeof TEXTS) => TEXTS[name][language];
  switch (wrong.why) {
    case 'ambiguous':
      return `"${word}" ${t('ambiguous')} ${(wrong.choices ?? []).join(', ')}.`;
    case 'incomplete':
      return `${t('incomplete')}: ${t('expected')} ${few}.`;
    case 'too-many':
      return `${t('unknown')}.`;
    case 'bad-value': {
      const slot = wrong.expected.find((o) => o.kind === 'slot');
      const allowed = slot?.kind === 'slot' ? slot.type.allowed : few;
      const shown = mayBeSecret(words, wrong.at) ? '' : `"${word.slice(0, 64)}": `;
      return `${shown}${t('expected')} ${openingText(slot ?? wrong.expected[0])} (${allowed}).`;
    }
    default: {
      const names = wrong.expected.flatMap((o) => (o.kind === 'word' ? [o.text] : []));
      const nearest = nearestValue(word, names);
      return `${t('unknown')}: ${nearest ? `${t('meant')} ${nearest}?` : `${t('expected')} ${few}.`}`;
    }
  }
}
