// What the probes say of the world outside: one question goes out, one answer comes back, or none.
import type { Endpoint } from '../net/endpoint.ts';

export type Answer =
  | { readonly kind: 'answer'; readonly data: Uint8Array; readonly milliseconds: number }
  | { readonly kind: 'silence' }
  /** ICMP: nobody listens there, or the way is barred. */
  | { readonly kind: 'unreachable'; readonly why: string };

export type Exchange = {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Sends a message (and again, when nothing comes) and waits for one that `fits`. */
  readonly ask: (message: Uint8Array, fits: (data: Uint8Array) => boolean) => Promise<Answer>;
  /** Random octets: the caller's, so that tests repeat. */
  readonly random: (octets: number) => Uint8Array;
  /** Datagrams that may still be sent. */
  readonly left: () => number;
};
