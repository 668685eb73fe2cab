// What the engine is told about a tunnel: plain values, made by plan/ from the configuration.
import { isDeepStrictEqual } from 'node:util';
import type { Address, Cidr } from '../net/address.ts';
import type { Secret } from '../net/secret.ts';
import type { CipherName, GroupName, HashName } from './crypto/algorithm.ts';

export type Identity = {
  readonly type: 'address' | 'fqdn' | 'user-fqdn';
  readonly value: string;
};

export type CheckLevel = 'obey' | 'claim' | 'strict' | 'exact';

export type IkePolicy = {
  readonly ciphers: readonly CipherName[];
  readonly hashes: readonly HashName[];
  readonly groups: readonly GroupName[];
  /** Seconds. */
  readonly lifetime: number;
};

export type ChildPolicy = {
  readonly ciphers: readonly CipherName[];
  readonly hashes: readonly HashName[];
  /** Undefined follows the initiator. */
  readonly pfs?: GroupName;
  readonly seconds: number;
  readonly octets?: number;
  readonly esn: boolean;
  readonly replayWindow: number;
  /** Prefixes told to the peer: Quick Mode IDs (one pair), TSi and TSr. */
  readonly selectors: { readonly local: readonly Cidr[]; readonly remote: readonly Cidr[] };
  /** True where nothing is configured: then any pair of the peer's will do under IKEv1. */
  readonly anySelectors: boolean;
  /** IP protocol in the proxy-ids; 0 is any. */
  readonly protocol: number;
};

export type ConnectionPolicy = {
  /** The interface: "ipsec0". */
  readonly name: string;
  readonly version: 1 | 2;
  readonly local: Address;
  readonly remote: Address;
  readonly psk: Secret;
  readonly myId: Identity;
  readonly peerId: Identity;
  /** Bring it up at once, when traffic asks for it, or only when the peer does. */
  readonly initiate: 'start' | 'traffic' | 'never';
  readonly forceEncapsulation: boolean;
  readonly initialContact: boolean;
  readonly dpd: boolean;
  readonly nonceOctets: number;
  readonly preferNewPhase1: boolean;
  readonly checkLevel: CheckLevel;
  readonly ike: IkePolicy;
  readonly child: ChildPolicy;
};

/** Timing and padding for all connections; times in seconds (dialects.md A.3 names them). */
export type Settings = {
  readonly interval: number;
  readonly retry: number;
  readonly perSend: number;
  readonly phase1Timeout: number;
  readonly phase2Timeout: number;
  readonly dpdInterval: number;
  readonly dpdMaxfail: number;
  readonly natKeepaliveInterval: number;
  readonly exclusiveTail: boolean;
  readonly randomPaddingValue: boolean;
  readonly randomPaddingLength: boolean;
  readonly maximumPadding: number;
  readonly strictPadding: boolean;
  /** Octets of the IP packet that carries a fragment (RFC 7383). */
  readonly fragmentSize: number;
};

export function samePolicy(a: ConnectionPolicy, b: ConnectionPolicy): boolean {
  // Private fields escape isDeepStrictEqual, so the key is compared by itself.
  return a.psk.equals(b.psk) && isDeepStrictEqual({ ...a, psk: null }, { ...b, psk: null });
}

/** The configuration key of a connection's setting, for reasons and hints. */
export function keyOf(connection: string, key: string): string {
  return `interface.${connection}.${key}`;
}
