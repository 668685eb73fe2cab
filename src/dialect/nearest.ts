// "Did you mean": the known key or value with the fewest edits.
import { schema } from '../config/schema/index.ts';

/** The known key nearest to one as typed, with its numbers; undefined when none is near. */
export function nearestKey(typed: string): string | undefined {
  const segments = typed.split('.');
  const fill = (path: string) =>
    path
      .split('.')
      .map((name, i) => name.replace('[]', /\d+$/.exec(segments[i] ?? '')?.[0] ?? '0'))
      .join('.');
  const keys = schema.flatMap((leaf) => [leaf.path, ...(leaf.alias ?? [])]).map(fill);
  return nearestValue(typed, keys, Math.max(3, Math.floor(typed.length / 4)));
}

/** The candidate with the fewest edits, if it has at most `limit` (a third of the text by default). */
export function nearestValue(
  typed: string,
  candidates: readonly string[],
  limit = Math.max(1, Math.floor(typed.length / 3)),
): string | undefined {
  let best: { text: string; edits: number } | undefined;
  for (const text of candidates) {
    if (Math.abs(text.length - typed.length) > limit) continue;
    const edits = distance(typed.toLowerCase(), text.toLowerCase());
    if (edits <= limit && (!best || edits < best.edits)) best = { text, edits };
  }
  return best?.text;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}
