// What goes into the engine and what comes out: values only. Time and randomness are arguments, deeds are effects.
import type { Endpoint } from '../net/endpoint.ts';
import type { Secret } from '../net/secret.ts';
import type { CipherName, HashName } from './crypto/algorithm.ts';
import type { Event } from './event.ts';
import type { Job, JobResult } from './job.ts';
import type { ConnectionPolicy, Settings } from './policy.ts';
import type { Reason } from './reason.ts';

export type Env = {
  /** Milliseconds of a clock that never goes back. */
  readonly now: number;
  readonly random: (octets: number) => Uint8Array;
  /** An SPI that the dataplane will accept for a new inbound SA. */
  readonly allocateSpi: () => number;
};

export type Input =
  | {
      readonly kind: 'configure';
      readonly connections: readonly ConnectionPolicy[];
      readonly settings: Settings;
    }
  /** An IKE datagram without its non-ESP marker. */
  | {
      readonly kind: 'datagram';
      readonly local: Endpoint;
      readonly remote: Endpoint;
      readonly data: Uint8Array;
    }
  | { readonly kind: 'timer'; readonly id: string }
  | { readonly kind: 'job'; readonly id: number; readonly result: JobResult }
  /** Traffic waits for a tunnel that has no SA. */
  | { readonly kind: 'acquire'; readonly tunnel: string }
  /** A limit of an inbound or outbound SA was reached. */
  | {
      readonly kind: 'expire';
      readonly spi: number;
      readonly limit: 'soft' | 'hard';
      readonly cause: LimitCause;
    }
  /** The first authentic packet of an inbound SA. */
  | { readonly kind: 'first-packet'; readonly spi: number }
  /** Authentic ESP came from elsewhere than before: the peer's NAT changed its mapping (RFC 7296 2.23). */
  | { readonly kind: 'peer-moved'; readonly spi: number; readonly remote: Endpoint }
  /** Somebody wants to know now whether it comes up. */
  | { readonly kind: 'try'; readonly connection: string }
  /** By the name of a connection or, for a child, of its tunnel. */
  | { readonly kind: 'rekey'; readonly connection: string; readonly what: 'ike' | 'child' }
  /** Ends all SAs of a connection, or the one that events call by a number: what is wanted begins anew. */
  | { readonly kind: 'end'; readonly connection: string; readonly sa?: number }
  | { readonly kind: 'shutdown' };

export type LimitCause = 'time' | 'octets' | 'packets';

export type Limits = { readonly seconds: number; readonly octets?: number; readonly packets?: number };

/** Addresses, protocol (0: any) and ports that an SA may carry (RFC 7296 3.13.1); all bounds are included. */
export type Selector = {
  readonly protocol: number;
  readonly startPort: number;
  readonly endPort: number;
  readonly first: Uint8Array;
  readonly last: Uint8Array;
};

/** What may pass from the peer to us: towards one of `local`, from one of `remote`. */
export type Traffic = { readonly local: readonly Selector[]; readonly remote: readonly Selector[] };

/** One direction of an IPsec SA as the dataplane needs it. */
export type EspSa = {
  /** The device: "ipsec0". */
  readonly tunnel: string;
  readonly spi: number;
  readonly cipher: CipherName;
  readonly integrity?: HashName;
  /** Cipher key followed by an AEAD's salt. */
  readonly key: Secret;
  readonly integrityKey?: Secret;
  readonly esn: boolean;
  /** Packets; inbound only. */
  readonly replayWindow: number;
  /** UDP encapsulation between the two endpoints, or native ESP between their addresses. */
  readonly encapsulated: boolean;
  /** The peer carries congestion marks into what it decapsulates (RFC 7296 2.24, RFC 6040 4.1). */
  readonly ecn: boolean;
  /** ESP carries what is behind the IP header, not the whole packet (RFC 4303 3.1.1). */
  readonly transport: boolean;
  /** Inbound: what packets are checked against. Outbound: those that leave on this SA. Undefined is everything. */
  readonly traffic?: Traffic;
  /** Outbound: also what no SA of the tunnel names leaves on it. */
  readonly loose: boolean;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly soft: Limits;
  readonly hard: Limits;
};

export type Effect =
  | { readonly kind: 'install-in'; readonly sa: EspSa }
  /** From now on the tunnel's packets leave on this SA, if they are for it. */
  | { readonly kind: 'install-out'; readonly sa: EspSa }
  | { readonly kind: 'remove-in'; readonly spi: number }
  | { readonly kind: 'remove-out'; readonly tunnel: string; readonly spi: number }
  | { readonly kind: 'move'; readonly tunnel: string; readonly remote: Endpoint }
  | { readonly kind: 'send'; readonly local: Endpoint; readonly remote: Endpoint; readonly data: Uint8Array }
  | { readonly kind: 'keepalive'; readonly local: Endpoint; readonly remote: Endpoint }
  | { readonly kind: 'arm'; readonly id: string; readonly at: number }
  | { readonly kind: 'cancel'; readonly id: string }
  | { readonly kind: 'job'; readonly id: number; readonly job: Job }
  | { readonly kind: 'note'; readonly fact: Fact }
  | { readonly kind: 'event'; readonly event: Event };

export type Fact = {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  /** Stable name: "ike-established", "child-rekeyed", "negotiation-failed". */
  readonly code: string;
  readonly connection?: string;
  readonly text: string;
  readonly reason?: Reason;
};

const RANK: Readonly<Record<Effect['kind'], number>> = {
  'install-in': 0,
  send: 1,
  keepalive: 1,
  move: 2,
  'install-out': 2,
  'remove-out': 3,
  'remove-in': 3,
  arm: 4,
  cancel: 4,
  job: 5,
  note: 6,
  event: 6,
};

/** The order of house.md: inbound SA before anything is said, outbound SA after, then timers, work and notes. */
export function inOrder(effects: readonly Effect[]): Effect[] {
  return effects
    .map((effect, i) => ({ effect, i }))
    .sort((a, b) => RANK[a.effect.kind] - RANK[b.effect.kind] || a.i - b.i)
    .map(({ effect }) => effect);
}
