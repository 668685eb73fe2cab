// Matching of proposals by name, the same for both versions: the choice, or the table of mismatches.
import type { Nearest, Reason } from '../reason.ts';

export type Dimension =
  | 'encryption'
  | 'hash'
  | 'prf'
  | 'integrity'
  | 'group'
  | 'esn'
  | 'mode'
  | 'authentication'
  | 'protocol';

/** What one proposal offers, or what we accept together: for each dimension the values, best first. */
export type Alternatives = Partial<Record<Dimension, readonly string[]>>;

export type Choice = Partial<Record<Dimension, string>>;

export type Match =
  | { readonly ok: true; readonly offer: number; readonly choice: Choice }
  | {
      readonly ok: false;
      readonly nearest?: {
        readonly offer: number;
        readonly missing: readonly Dimension[];
        readonly ours: Alternatives;
      };
    };

/** Values that mean "nothing of this kind": an offer that leaves the dimension out offers this. */
const ABSENT: Choice = { integrity: 'none', group: 'none', esn: 'no-esn' };

/** Our order decides: for each of our alternatives in turn the first offer that meets it in every dimension. */
export function match(ours: readonly Alternatives[], offers: readonly Alternatives[]): Match {
  let nearest: { offer: number; missing: Dimension[]; ours: Alternatives } | undefined;
  for (const accepted of ours) {
    for (const [index, offered] of offers.entries()) {
      const { choice, missing } = meet(accepted, offered);
      if (missing.length === 0) return { ok: true, offer: index, choice };
      if (!nearest || missing.length < nearest.missing.length)
        nearest = { offer: index, missing, ours: accepted };
    }
  }
  return { ok: false, ...(nearest ? { nearest } : {}) };
}

function meet(accepted: Alternatives, offered: Alternatives): { choice: Choice; missing: Dimension[] } {
  const choice: Choice = {};
  const missing: Dimension[] = [];
  const dimensions = new Set([...Object.keys(accepted), ...Object.keys(offered)] as Dimension[]);
  for (const d of dimensions) {
    const absent = ABSENT[d];
    const theirs = offered[d] ?? (absent ? [absent] : []);
    const found = (accepted[d] ?? (absent ? [absent] : [])).find((v) => theirs.includes(v));
    if (found === undefined) missing.push(d);
    else choice[d] = found;
  }
  return { choice, missing };
}

/** How much of what a peer offered is worth a line of the log. */
const SHOWN = 8;

function few(list: readonly string[], between: string): string {
  const more = list.length > SHOWN ? `${between}… ${list.length - SHOWN} more` : '';
  return list.slice(0, SHOWN).join(between) + more;
}

export function describe(alternatives: Alternatives): string {
  return Object.values(alternatives)
    .map((values) => few(values, '|'))
    .join(' / ');
}

/** Why nothing matched, with the key that would change it. */
export function mismatch(
  what: string,
  ours: readonly Alternatives[],
  offers: readonly Alternatives[],
  result: Match,
  keys: Partial<Record<Dimension, string>>,
): Reason {
  let nearest: Nearest | undefined;
  if (!result.ok && result.nearest) {
    const { missing, offer, ours: accepted } = result.nearest;
    const d = missing[0];
    nearest = {
      dimension: d,
      offered: offers[offer][d] ?? [],
      accepted: accepted[d] ?? [],
      key: keys[d] ?? '',
    };
  }
  const distinct = [...new Set(offers.slice(0, 16 * SHOWN).map(describe))];
  const shown = distinct.slice(0, SHOWN);
  if (distinct.length > SHOWN) shown.push('…');
  const only = !result.ok && result.nearest?.missing.length === 1 ? 'only ' : '';
  const text = nearest
    ? `no ${what} proposal of the peer is acceptable; the nearest differs ${only}in ${nearest.dimension}: offered ${few(nearest.offered, ', ') || 'none'}, accepted ${few(nearest.accepted, ', ') || 'none'}`
    : `the peer offered no ${what} proposal`;
  return {
    code: 'NO_PROPOSAL',
    text,
    offered: shown,
    accepted: ours.map(describe),
    ...(nearest ? { nearest, key: nearest.key } : {}),
    ...(nearest?.key ? { hint: `change ${nearest.key}, or the peer` } : {}),
  };
}
