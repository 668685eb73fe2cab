// The words of a line: blanks between them, quotes around those that have blanks in them.

export type Token = { readonly text: string /** From 1, in UTF-16 units. */; readonly column: number };

export type Line =
  | { readonly ok: true; readonly words: readonly Token[] }
  | { readonly ok: false; readonly column: number; readonly message: string };

/** Longer lines are no commands. */
export const MAX_LINE = 4095;

/** A comment (#) and an empty line have no words. */
export function parseLine(line: string): Line {
  const words: Token[] = [];
  let i = 0;
  while (i < line.length) {
    if (/\s/.test(line[i])) {
      i++;
      continue;
    }
    if (line[i] === '#' && words.length === 0) break;
    const word = parseWord(line, i);
    if (word.error !== undefined) return { ok: false, column: i + 1, message: word.error };
    words.push({ text: word.text, column: i + 1 });
    i = word.end;
  }
  return { ok: true, words };
}

/** One word; quotes begin it, or its value: `"a b"`, `cause="a b"`. A backslash takes what follows as it is. */
function parseWord(line: string, from: number): { text: string; end: number; error?: string } {
  let text = '';
  let quote = '';
  let i = from;
  for (; i < line.length; i++) {
    const c = line[i];
    const code = c.charCodeAt(0);
    if (code < 0x20 || code === 0x7f) return { text, end: i, error: 'A control character stands here.' };
    if (c === '\\' && i + 1 < line.length) text += line[++i];
    else if (quote !== '') {
      if (c === quote) quote = '';
      else text += c;
    } else if ((c === '"' || c === "'") && (i === from || line[i - 1] === '=')) quote = c;
    else if (/\s/.test(c)) break;
    else text += c;
  }
  return quote === '' ? { text, end: i } : { text, end: i, error: 'The closing quote is missing.' };
}

/** A word as it must be written to be read back. */
export function quote(word: string): string {
  if (word !== '' && !/[\s"'\\]/.test(word) && !word.startsWith('#')) return word;
  return `"${word.replace(/["\\]/g, '\\$&')}"`;
}
