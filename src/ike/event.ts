// What the engine does, step by step and without secrets: finer than the facts that people are told, for those who
// follow a negotiation in the words of their router. How it reads is the log's business.

export type ExchangeName = 'INIT' | 'AUTH' | 'CHLD' | 'INFO';

/** What it is about: an IKE SA, an exchange under one, one direction of a Child SA; by number. */
export type Subject =
  | { readonly kind: 'ike'; readonly sa: number }
  | {
      readonly kind: 'exchange';
      readonly sa: number;
      readonly exchange: ExchangeName;
      /** The interface, once it is known which one is meant. */
      readonly connection?: string;
    }
  | { readonly kind: 'child'; readonly sa: number; readonly direction: 'send' | 'recv' }
  /** IKEv1, whose steps are told to those only who follow them (follow.ts). */
  | { readonly kind: 'isakmp'; readonly connection: string }
  /** A first message, before it is known whose it is. */
  | { readonly kind: 'first'; readonly version: 1 | 2 };

/** Which way a message goes. */
export type Way = 'send' | 'receive';

export type Did =
  | { readonly did: 'assigned' | 'established' | 'deleted' | 'dead-peer' }
  | { readonly did: 'started' | 'terminated' }
  | { readonly did: 'bound'; readonly sa: number; readonly changed: boolean }
  | { readonly did: 'gateway' | 'policy'; readonly connection: string }
  | { readonly did: 'nat'; readonly side: 'local' | 'remote'; readonly found: boolean }
  | { readonly did: 'request-again'; readonly messageId: number; readonly count: number }
  | { readonly did: 'request-timeout' | 'response-again'; readonly messageId: number }
  | { readonly did: 'dropped'; readonly window: 'i' | 'r'; readonly messageId: number }
  | { readonly did: 'no-ike-sa' | 'no-keys' | 'wrong-integrity' | 'auth-method' | 'auth-data' }
  /** A payload that is broken, not there, or not acceptable: "SA", "TSi". */
  | { readonly did: 'broken' | 'missing' | 'unacceptable'; readonly payload: string }
  | { readonly did: 'unknown-child'; readonly spi: number }
  | { readonly did: 'keepalive-sent' | 'keepalive-received' | 'rekey-inhibited' }
  /** A datagram; and the octets that are, or were, encrypted in it, with so many of padding. */
  | { readonly did: 'message'; readonly way: Way; readonly data: Uint8Array }
  | { readonly did: 'plain'; readonly way: Way; readonly data: Uint8Array; readonly padding: number }
  | { readonly did: 'header'; readonly way: Way; readonly messageId: number }
  /** By its type in the codec: "idi". */
  | { readonly did: 'payload'; readonly way: Way; readonly payload: string }
  /** What keys are made of, as it goes in clear; and that a key was made, by its name. */
  | { readonly did: 'input'; readonly name: string; readonly data: Uint8Array }
  | { readonly did: 'key'; readonly name: string; readonly octets: number };

export type Event = Did & { readonly about?: Subject };

/** SAs come and go seldom; all else is for those who look closely. */
export function isMajor({ did }: Event): boolean {
  return did === 'assigned' || did === 'established' || did === 'deleted' || did === 'dead-peer';
}
