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

/** Columns count from 1 in UTF-16 units. */
export function parseLine(line: string): Line {
  const trimmed = line.trim();
  if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('!')) return { kind: 'blank' };
  // The second colon is seed 001's slip in `route.ipv4.1.destination:  : 192.168.2.0/24`: a colon between blanks.
  const match = /^(\s*)([^\s:]+)(\s*:(?:\s+:(?=\s|$))?\s*)(.*?)\s*$/.exec(line);
  if (!match) {
    const column = line.search(/\S/) + 1;
    return { kind: 'error', column, message: 'A line is "key : value": the colon is missing.' };
  }
  const [, indent, key, separator, raw] = match;
  const valueColumn = indent.length + key.length + separator.length + 1;
  const value = unquote(raw);
  if (value.error) return { kind: 'error', column: valueColumn + value.at, message: value.error };
  return { kind: 'setting', key, keyColumn: indent.length + 1, value: value.text, valueColumn };
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
