// What a probe finds out, as plain data.
import type { Finding } from '../explain/finding.ts';
import type { Offer } from '../explain/offer.ts';
import type { Dimension } from '../ike/proposal/match.ts';
import { weaknessOf } from '../ike/proposal/strength.ts';
import type { Endpoint } from '../net/endpoint.ts';

export type Accepted = {
  readonly dimension: Dimension;
  /** The peer's preference first, as far as `ordered` goes; what follows is in ours. */
  readonly names: readonly string[];
  readonly ordered: number;
  /** Those of them that are weak, with the reason. */
  readonly weak: Readonly<Record<string, string>>;
  /** Not everything was asked: packets ran out, or the peer fell silent. */
  readonly incomplete: boolean;
};

export type VersionReport = {
  readonly version: 1 | 2;
  readonly state: 'accepted' | 'refused' | 'silent' | 'unreachable';
  /** What the peer takes when it may choose freely. */
  readonly preferred?: Offer;
  /** IKEv1: suites that it takes as well and that are not only other values of the lists around the preferred one. */
  readonly others?: readonly Offer[];
  readonly accepted: readonly Accepted[];
  readonly vendors: readonly string[];
  /** In words: "fragmentation (RFC 7383)". */
  readonly features: readonly string[];
  readonly looksLike?: string;
  /** By the hashes of addresses; IKEv1 has them only later in its exchange. */
  readonly nat?: { readonly here: boolean; readonly there: boolean };
  /** The first answer, in milliseconds. */
  readonly roundTrip?: number;
  readonly findings: readonly Finding[];
};

export type ProbeReport = {
  readonly host: string;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly reachable: boolean;
  readonly versions: readonly VersionReport[];
  /** Datagrams that were sent. */
  readonly packets: number;
};

export function accepted(
  dimension: Dimension,
  names: readonly string[],
  ordered: number,
  incomplete: boolean,
): Accepted {
  const weak: Record<string, string> = {};
  for (const name of names) {
    const weakness = weaknessOf(name);
    if (weakness) weak[name] = weakness.why;
  }
  return { dimension, names, ordered, weak, incomplete };
}
