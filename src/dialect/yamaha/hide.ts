// A line as it may be shown beside a mistake: without what could be a secret.
import { MAX_LINE, parseLine } from './line.ts';

/** Beginnings of words behind which secrets stand, misspelt ones too. */
const BEFORE_SECRETS = /^(?:pre|pass|admin|login|comm|smtp|auth|user|myn|xau|eap|text$|pki|key)/i;

/** Whether a word may be a secret because of what stands before it. */
export function mayBeSecret(words: readonly string[], at: number): boolean {
  return words.slice(0, at).some((word) => BEFORE_SECRETS.test(word));
}

/** The words up to the culprit; where a secret may be among them, those before it. */
export function hideSecret(line: string, column: number): string {
  const parsed = parseLine(line.slice(0, MAX_LINE));
  if (!parsed.ok) return '…';
  const { words } = parsed;
  const risky = words.findIndex((w) => BEFORE_SECRETS.test(w.text));
  if (risky < 0) return line;
  const last = words[risky];
  // The number of the gateway behind it is no secret, and tells which line it is.
  const number = words[risky + 1];
  const end = /^\d{1,4}$/.test(number?.text ?? '') ? number : last;
  const keep = Math.min(Math.max(column, end.column), end.column) + end.text.length - 1;
  return `${line.slice(0, keep)} …`;
}
