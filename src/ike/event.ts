// What an IKEv2 engine does, step by step and without secrets: finer than the facts that people are told, for those who
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
  | { readonly kind: 'child'; readonly sa: number; readonly direction: 'send' | 'recv' };

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
  | { readonly did: 'keepalive-sent' | 'keepalive-received' | 'rekey-inhibited' };

export type Event = Did & { readonly about?: Subject };

/** SAs come and go seldom; all else is for those who look closely. */
export function isMajor({ did }: Event): boolean {
  return did === 'assigned' || did === 'established' || did === 'deleted' || did === 'dead-peer';
}
