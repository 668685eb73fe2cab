// The state of an ISAKMP SA (RFC 2408 2.1) and of the Quick Modes under it.
import type { Endpoint } from '../../net/endpoint.ts';
import type { ChildSa } from '../child.ts';
import type { Connection } from '../core.ts';
import type { KeyPair } from '../crypto/key-exchange.ts';
import type { ChildPolicy } from '../policy.ts';
import type { IsakmpSuite } from '../proposal/v1.ts';
import type { PayloadOf } from '../wire/v1.ts';
import type { Fragments } from './fragments.ts';
import type { IsakmpKeys } from './keys.ts';

export type IsakmpSa = {
  readonly version: 1;
  readonly id: number;
  readonly role: 'initiator' | 'responder';
  /** A responder knows it for sure once the peer's identity is proved. */
  connection: Connection;
  readonly cookieI: Uint8Array;
  cookieR: Uint8Array;
  local: Endpoint;
  remote: Endpoint;
  /** init: proposals and public values; keyed: identities; then phase 2. */
  state: 'init' | 'keyed' | 'established' | 'gone';
  suite?: IsakmpSuite;
  keys?: IsakmpKeys;
  /** The IV of the next phase 1 message, afterwards the block from which phase 2 derives its own. */
  iv: Uint8Array;
  phase1?: Phase1;
  /** We take fragments: those that came of a message; whether the peer takes them, and how many messages were cut. */
  readonly fragmentation?: { held?: Fragments; peer: boolean; sent: number };
  natT: 'rfc' | 'draft' | 'none';
  nat: { local: boolean; remote: boolean };
  readonly createdAt: number;
  establishedAt: number;
  lastHeard: number;
  /** Whether the peer announced DPD (RFC 3706 5.1). */
  dpd: boolean;
  dpdSequence: number;
  dpdUnanswered: number;
  readonly flow: Flow;
  /** Message IDs of phase 2 and Informationals, ours and the peer's, for the life of the SA. */
  readonly used: Set<number>;
  readonly quick: Map<number, QuickMode>;
};

/** What phase 1 remembers until it is over. */
export type Phase1 = {
  readonly mode: 'main' | 'aggressive';
  /** SAi_b: the initiator's SA payload without its generic header. */
  saBody: Uint8Array;
  /** A public-key job is under way: the peer's retransmissions wait. */
  busy?: boolean;
  pair?: KeyPair;
  nonce: Uint8Array;
  peerNonce?: Uint8Array;
  peerPublic?: Uint8Array;
  /** g^xy, until it is known whose preshared key goes with it. */
  shared?: Uint8Array;
  /** Aggressive mode: who the initiator says it is. */
  readonly peerId?: PayloadOf<'id'>;
  /** Messages that came while the peer's proof was being looked at: of phase 2, right behind aggressive mode's last. */
  held?: (() => void)[];
  /** As responder: connections that the peer may mean as well. */
  readonly others: readonly Connection[];
};

/** Retransmission of one exchange: what was sent last, and what it answered. */
export type Flow = {
  readonly timer: string;
  sent?: Uint8Array;
  answered?: Uint8Array;
  tries: number;
};

export type QuickMode = {
  readonly messageId: number;
  readonly role: 'initiator' | 'responder';
  readonly policy: ChildPolicy;
  readonly spiIn: number;
  readonly nonce: Uint8Array;
  iv: Uint8Array;
  pair?: KeyPair;
  busy?: boolean;
  ids: readonly [PayloadOf<'id'>, PayloadOf<'id'>] | undefined;
  /** As responder: installed inbound, waiting for message 3. */
  child?: ChildSa;
  peerNonce?: Uint8Array;
  readonly replaces?: ChildSa;
  done: boolean;
  readonly flow: Flow;
};

/** The ISAKMP SA for the next exchange: the newest, or the oldest where the configuration says so. */
export function usable(connection: Connection): IsakmpSa | undefined {
  const list = [...connection.sas].filter(
    (sa): sa is IsakmpSa => sa.version === 1 && sa.state === 'established',
  );
  return connection.policy.preferNewPhase1 ? list.at(-1) : list[0];
}

export function ownCookie(sa: IsakmpSa): Uint8Array {
  return sa.role === 'initiator' ? sa.cookieI : sa.cookieR;
}
