// The state of an IKEv2 SA (RFC 7296 2.2 to 2.4).
import type { Endpoint } from '../../net/endpoint.ts';
import type { ChildSa } from '../child.ts';
import type { Connection } from '../core.ts';
import type { ExchangeName, Subject } from '../event.ts';
import type { IkeSuite } from '../proposal/v2.ts';
import type { Payload } from '../wire/v2.ts';
import type { Fragments } from './fragments.ts';
import type { Attempt } from './ike-sa-init.ts';
import type { IkeKeys } from './keys.ts';

export type IkeSa = {
  readonly version: 2;
  readonly id: number;
  readonly role: 'initiator' | 'responder';
  /** A responder knows its connection for sure only once the peer's identity is proved. */
  connection: Connection;
  readonly spiI: Uint8Array;
  spiR: Uint8Array;
  local: Endpoint;
  remote: Endpoint;
  state: 'init' | 'auth' | 'established' | 'replaced' | 'gone';
  suite?: IkeSuite;
  keys?: IkeKeys;
  /** Octets that AUTH covers (RFC 7296 2.15); dropped once the SA is established. */
  proof?: { init: Uint8Array; response: Uint8Array; nonceI: Uint8Array; nonceR: Uint8Array };
  attempt?: Attempt;
  /** Whose addresses may change, as both sides know: the side's that began the first of the IKE SAs (RFC 4555 3). */
  mobike?: 'ours' | 'theirs';
  /** By which the peer can prove that it lost the SA (RFC 6290). */
  crashToken?: Uint8Array;
  /** Since and until when what was proved holds (RFC 4478), by the engine's clock: new keys do not prolong it. */
  proved?: { readonly from: number; readonly until: number };
  /** The SA that this one is to replace, authenticated anew. */
  readonly replaces?: IkeSa;
  /** The peer takes IKE_AUTH without a Child SA (RFC 6023). */
  childless?: boolean;
  /** Hashes under signatures that the peer verifies (RFC 7427 4). */
  peerHashes?: readonly number[];
  nat: { readonly local: boolean; readonly remote: boolean };
  readonly createdAt: number;
  establishedAt: number;
  /** When an authentic message last came in. */
  lastHeard: number;
  readonly children: Set<ChildSa>;

  /** Message IDs (RFC 7296 2.2); our window is one request. */
  nextRequest: number;
  expectedRequest: number;
  outstanding?: Outstanding;
  readonly queue: Task[];
  /** An exchange of ours waits for public-key work. */
  busy?: boolean;
  /** The answer to the last request, for its retransmissions. */
  lastResponse?: { readonly messageId: number; readonly data: readonly Uint8Array[] };
  /** Whether both sides know fragments (RFC 7383 2.3), and those of a message that is not whole yet. */
  fragmentation?: boolean;
  fragments?: Fragments;
  /** Where the request under way came from and to: its answer goes back there (RFC 7296 2.11). */
  asked?: { readonly from: Endpoint; readonly to: Endpoint };
  /** A request whose answer waits for public-key work. */
  answering?: number;
  /** Since when, and when last, the peer has answered TEMPORARY_FAILURE, again and again, to what we want. */
  putOff?: { readonly since: number; readonly last: number };
  /** What our open exchange makes or renews, for collisions (RFC 7296 2.8.1). */
  rekeying?: Rekeying;
};

export type Outstanding = {
  readonly exchange: ExchangeName;
  readonly messageId: number;
  /** The datagrams: one, or its fragments. */
  readonly data: readonly Uint8Array[];
  tries: number;
  readonly what: string;
  readonly done: (payloads: readonly Payload[]) => void;
};

/** The SA as a subject of events, and one of its exchanges. */
export function about(sa: IkeSa): Subject {
  return { kind: 'ike', sa: sa.id };
}

export function within(sa: IkeSa, exchange: ExchangeName): Subject {
  return { kind: 'exchange', sa: sa.id, exchange, connection: sa.connection.policy.name };
}

/** What a request is that asks for nothing: it stands in nobody's way. */
export const LIVENESS = 'a liveness check';

/** An exchange that waits for its turn. */
export type Task = () => void;

export type Rekeying = {
  /** The IKE SA, a child, or a child that is made from scratch. */
  readonly what: 'ike' | ChildSa | 'new child';
  /** Children by our outbound SPI that the peer deleted before its answer, which makes them, came in. */
  readonly deleted: Set<number>;
  /** What the peer made at the same time, and the lower of its two nonces. */
  theirs?: { readonly made: IkeSa | ChildSa; readonly lowest: Uint8Array };
};

/** The IKE SA that carries a connection's exchanges now. */
export function established(connection: Connection): IkeSa | undefined {
  return [...connection.sas].find((sa): sa is IkeSa => sa.version === 2 && sa.state === 'established');
}

/** The SPI by which messages to us find the SA. */
export function ownSpi(sa: IkeSa): Uint8Array {
  return sa.role === 'initiator' ? sa.spiI : sa.spiR;
}
