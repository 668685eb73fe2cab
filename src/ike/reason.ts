// Why a negotiation failed: one typed object that feeds the log, `show` and the tests.

export type ReasonCode =
  | 'NO_CONNECTION_FOR_PEER'
  | 'NO_PROPOSAL'
  | 'KE_GROUP_NOT_ALLOWED'
  | 'BAD_PUBLIC_VALUE'
  | 'AUTHENTICATION'
  | 'CERTIFICATE'
  | 'ID_MISMATCH'
  | 'SELECTORS'
  | 'LIFETIME'
  | 'PEER_REFUSED'
  | 'NOT_ALLOWED'
  | 'TIMEOUT'
  | 'PEER_DEAD'
  | 'PASSIVE'
  /** Not to be there as it is configured. */
  | 'DORMANT'
  | 'MALFORMED'
  | 'PROTOCOL';

/** The one thing that ruled out the offer that came nearest. */
export type Nearest = {
  readonly dimension: string;
  readonly offered: readonly string[];
  readonly accepted: readonly string[];
  /** The configuration key that would change what we accept. */
  readonly key: string;
};

export type Reason = {
  readonly code: ReasonCode;
  /** One sentence for people. */
  readonly text: string;
  readonly offered?: readonly string[];
  readonly accepted?: readonly string[];
  readonly nearest?: Nearest;
  /** Who the peer seems to be. */
  readonly peer?: string;
  /** What to do. */
  readonly hint?: string;
  /** The configuration key to look at. */
  readonly key?: string;
};

/** With a guess at who the peer is, where there is one. */
export function seenAs(reason: Reason, peer: string | undefined): Reason {
  return peer ? { ...reason, peer } : reason;
}

/** The reason as one line of a log. */
export function reasonText(reason: Reason): string {
  const parts = [reason.text];
  if (reason.offered?.length) parts.push(`offered: ${reason.offered.join('; ')}`);
  if (reason.accepted?.length) parts.push(`accepted: ${reason.accepted.join('; ')}`);
  if (reason.peer) parts.push(`the peer looks like ${reason.peer}`);
  if (reason.hint) parts.push(reason.hint);
  return parts.join(' — ');
}
