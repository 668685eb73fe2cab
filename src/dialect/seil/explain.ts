// A mistake as people read it: place, sentence, the line, a caret.
import type { PlacedMistake } from '../../config/mistake.ts';
import { findLeaf } from '../../config/schema/index.ts';
import { MAX_LINE, parseLine } from './line.ts';
import { LINE_END } from './parse.ts';

/**
 * `file:line:column: sentence`, the line of the source and a caret under the culprit. `hide` takes the secrets out of a line
 * in which the culprit begins at `column`; that of SEIL's form by default.
 */
export function explainMistake(
  file: string,
  source: string,
  mistake: PlacedMistake,
  hide: (line: string, column: number) => string = hideSecret,
): string {
  const text = source.split(LINE_END)[mistake.line - 1] ?? '';
  const head = `${file}:${mistake.line}:${mistake.column}: ${mistake.message}`;
  if (text === '') return head;
  const number = String(mistake.line);
  const shown = hide(text, mistake.column);
  const room = Math.max(1, shown.length - mistake.column + 1);
  const caret = ' '.repeat(mistake.column - 1) + '^'.repeat(Math.min(mistake.width, room));
  return `${head}\n  ${number} | ${shown}\n  ${' '.repeat(number.length)} | ${caret}`;
}

/** Longest part of a line that is shown. */
const SHOWN = 300;

/** A line that may hold a secret keeps its key only; a line that cannot be read might hold anything. */
function hideSecret(text: string): string {
  if (text.length > MAX_LINE) return keyOnly(text.slice(0, SHOWN));
  const line = parseLine(text);
  if (line.kind === 'blank') return text;
  const colon = text.indexOf(':');
  const found = findLeaf(line.kind === 'setting' ? line.key : text.slice(0, Math.max(colon, 0)).trim());
  if (found && !found.leaf.secret) return text.replace(CONTROL, '…');
  if (found) return `${text.slice(0, colon)}: ********`;
  // An unknown key may be a misspelt secret, even with the secret stuck to it, and its value does not matter.
  return keyOnly(text);
}

function keyOnly(text: string): string {
  return `${/^\s*[\w.-]*/.exec(text)?.[0] ?? ''} …`;
}

/** From the first control character on: an old Mac file is one line, with every secret in it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is cut away
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f].*$/su;

/** What a key means: help, type and default; one paragraph, undefined for an unknown key. */
export function explainKey(path: string): string | undefined {
  const leaf = findLeaf(path)?.leaf;
  if (!leaf) return undefined;
  const defaults = leaf.default ?? leaf.listDefault?.join(', ');
  const fallback = defaults === undefined ? '' : ` Default: ${leaf.type.print?.(defaults) ?? defaults}.`;
  return `${leaf.path}: ${leaf.help} Value: ${leaf.type.allowed}.${fallback}`;
}
