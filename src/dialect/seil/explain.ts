// A mistake as people read it: place, sentence, the line, a caret.
import type { PlacedMistake } from '../../config/mistake.ts';
import { findLeaf } from '../../config/schema/index.ts';
import { parseLine } from './line.ts';

/** `file:line:column: sentence`, the line of the source and a caret under the culprit. Secrets are hidden. */
export function explainMistake(file: string, source: string, mistake: PlacedMistake): string {
  const text = source.split(/\r?\n/)[mistake.line - 1] ?? '';
  const head = `${file}:${mistake.line}:${mistake.column}: ${mistake.message}`;
  if (text === '') return head;
  const number = String(mistake.line);
  const shown = hideSecret(text);
  const room = Math.max(1, shown.length - mistake.column + 1);
  const caret = ' '.repeat(mistake.column - 1) + '^'.repeat(Math.min(mistake.width, room));
  return `${head}\n  ${number} | ${shown}\n  ${' '.repeat(number.length)} | ${caret}`;
}

function hideSecret(text: string): string {
  const line = parseLine(text);
  if (line.kind === 'blank') return text;
  if (line.kind === 'error') return text.replace(/(preshared-key\s*:+\s*|\.key\s*:+\s*).*/, '$1********');
  if (findLeaf(line.key)?.leaf.secret) return `${text.slice(0, line.valueColumn - 1)}********`;
  // An unknown key may be a misspelt secret, and its value does not matter to the mistake.
  return findLeaf(line.key) ? text : `${text.slice(0, line.valueColumn - 1)}…`;
}

/** What a key means: help, type and default; one paragraph, undefined for an unknown key. */
export function explainKey(path: string): string | undefined {
  const leaf = findLeaf(path)?.leaf;
  if (!leaf) return undefined;
  const defaults = leaf.default ?? leaf.listDefault?.join(', ');
  const fallback = defaults === undefined ? '' : ` Default: ${leaf.type.print?.(defaults) ?? defaults}.`;
  return `${leaf.path}: ${leaf.help} Value: ${leaf.type.allowed}.${fallback}`;
}
