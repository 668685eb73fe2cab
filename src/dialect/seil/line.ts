// The grammar of one line (dialects.md A.1): `dotted.key.path : value`, or a spacer, or a comment.

export type Line =
  | { readonly kind: 'blank' }
  | {
      readonly kind: 'setting';
      readonly key: string;
      readonly keyColumn: number;
      readonly value: string;
      readonly valueColumn: number;
    }
  | { readonly kind: 'error'; readonly column: number; readonly message: string };

/** Longer lines are no configuration. */
export const MAX_LINE = 2046;

/** Columns count from 1 in UTF-16 units. */
export function parseLine(line: string): Line {
  const end = line.trimEnd().length;
  const start = line.length - line.trimStart().length;
  if (end <= start || line[start] === '#' || line[start] === '!') return { kind: 'blank' };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const control = line.slice(0, end).search(/[\u0000-\u0008\u000a-\u001f\u007f]/);
  if (control >= 0) {
    return {
      kind: 'error',
      column: control + 1,
      message: 'A control character (or an old Mac line end) stands here.',
    };
  }
  const colon = line.indexOf(':', start);
  const key = colon < 0 ? '' : line.slice(start, colon).trimEnd();
  if (key === '' || /\s/.test(key)) {
    return { kind: 'error', column: start + 1, message: 'A line is "key : value": the colon is missing.' };
  }
  const blanks = (from: number) => from + (line.length - from - line.slice(from).trimStart().length);
  let at = blanks(colon + 1);
  // Seed 001's slip in `route.ipv4.1.destination:  : 192.168.2.0/24`: a second colon between blanks.
  if (at > colon + 1 && line[at] === ':' && (at + 1 >= end || /\s/.test(line[at + 1]))) at = blanks(at + 1);
  const value = unquote(line.slice(at, Math.max(at, end)));
  if (value.error) return { kind: 'error', column: at + 1 + value.at, message: value.error };
  return { kind: 'setting', key, keyColumn: start + 1, value: value.text, valueColumn: at + 1 };
}

type Unquoted = { text: string; at: number; error?: string };

function unquote(raw: string): Unquoted {
  if (!raw.startsWith('"')) {
    if (raw === '') return { text: '', at: 0, error: 'The value is missing; an empty value is written "".' };
    return { text: raw, at: 0 };
  }
  let text = '';
  for (let i = 1; i < raw.length; i++) {
    const c = raw[i];
    if (c === '"') {
      if (i === raw.length - 1) return { text, at: 0 };
      return { text, at: i + 1, error: 'Nothing may follow the closing quote.' };
    }
    if (c === '\\') {
      const next = raw[++i];
      if (next !== '"' && next !== '\\') {
        return { text, at: i - 1, error: 'After a backslash only " or another backslash may stand.' };
      }
      text += next;
    } else text += c;
  }
  return { text, at: raw.length, error: 'The closing quote is missing.' };
}

/** Quotes where the grammar needs it: space, quote, backslash, emptiness, or a first character that means else. */
export function quote(value: string): string {
  if (value !== '' && !/[\s"\\]/.test(value) && !/^[:#!]/.test(value)) return value;
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
