// What a responder does with the initiator's lifetime: SEIL's check-level.
import { type CheckLevel, keyOf } from '../policy.ts';
import type { Reason } from '../reason.ts';

/** Seconds; the shortest that our own schema allows. */
const SHORTEST = 30;

export type LifetimeVerdict =
  | {
      readonly ok: true;
      readonly seconds: number;
      /** Ours is shorter and the peer is told (RFC 2407 4.6.3.1). */
      readonly claim: boolean;
    }
  | { readonly ok: false; readonly reason: Reason };

/** obey follows the initiator; claim follows unless ours is shorter; strict wants it no longer than ours; exact equal. */
export function acceptLifetime(
  level: CheckLevel,
  ours: number,
  offered: number | undefined,
  key: string,
): LifetimeVerdict {
  // A lifetime shorter than a negotiation would renew for ever.
  const theirs = Math.max(offered ?? ours, SHORTEST);
  const refuse = (rule: string): LifetimeVerdict => ({
    ok: false,
    reason: {
      code: 'LIFETIME',
      text: `the peer offers a lifetime of ${theirs} s, check-level ${level} wants ${rule} ${ours} s`,
      key,
      hint: `change ${key}, or use check-level obey`,
    },
  });
  if (level === 'exact' && theirs !== ours) return refuse('exactly');
  if (level === 'strict' && theirs > ours) return refuse('at most');
  if (level === 'claim' && theirs > ours) return { ok: true, seconds: ours, claim: true };
  return { ok: true, seconds: theirs, claim: false };
}

export function acceptPhase1Lifetime(
  at: string,
  level: CheckLevel,
  ours: number,
  offered: number | undefined,
): LifetimeVerdict {
  return acceptLifetime(level, ours, offered, keyOf(at, 'ike.proposal.phase1.lifetime'));
}
