// What the engine is told about a tunnel: plain values, made by plan/ from the configuration.
import { isDeepStrictEqual } from 'node:util';
import type { Address, Cidr } from '../net/address.ts';
import type { Secret } from '../net/secret.ts';
import type { CipherName, GroupName, HashName } from './crypto/algorithm.ts';
import type { PrivateKey } from './crypto/signature.ts';

export type Identity = {
  readonly type: 'address' | 'fqdn' | 'user-fqdn' | 'distinguished-name';
  readonly value: string;
  /** Our own distinguished name as the certificate has it, DER. */
  readonly der?: Uint8Array;
};

/** How both sides prove who they are. */
export type Credential =
  | { readonly method: 'preshared-key'; readonly key: Secret }
  | {
      readonly method: 'certificate';
      readonly privateKey: PrivateKey;
      /** DER, our own first, then the authorities between it and the root. */
      readonly chain: readonly Uint8Array[];
      readonly trust: Trust;
    }
  | {
      readonly method: 'public-key';
      readonly privateKey: PrivateKey;
      /** The peer's SubjectPublicKeyInfo, DER. */
      readonly peer: Uint8Array;
    };

/** Whom we believe. */
export type Trust = {
  /** Certificates of the authorities that the peer's must come from, DER. */
  readonly authorities: readonly Uint8Array[];
  /** SHA-1 of their public keys one after the other, as CERTREQ names them (RFC 7296 3.7). */
  readonly keyHashes: Uint8Array;
  /** Revocation lists that the configuration brings along, DER. */
  readonly revocationLists: readonly Uint8Array[];
  /** check: what is known to be revoked is refused; require: so is what nothing is known of. */
  readonly revocation: 'disable' | 'check' | 'require';
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
  /** Undefined: the peer may come from anywhere, and is known by its identity. */
  readonly remote?: Address;
  readonly credential: Credential;
  readonly myId: Identity;
  readonly peerId: Identity;
  /** Bring it up at once, when traffic asks for it, or only when the peer does. */
  readonly initiate: 'start' | 'traffic' | 'never';
  readonly forceEncapsulation: boolean;
  readonly initialContact: boolean;
  readonly dpd: boolean;
  readonly nonceOctets: number;
  /** IKEv2: an IKE SA is replaced by one that is authenticated anew, not renewed (RFC 7296 2.8.3). */
  readonly reauthenticate: boolean;
  /** IKEv2: the IKE SA comes without a Child SA, which gets a key exchange of its own (RFC 6023). */
  readonly childless: boolean;
  /** IKEv1 phase 1: aggressive mode shows the proof of the key to everybody (VU#857035). */
  readonly exchangeMode: 'main' | 'aggressive';
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
  const [x, y] = [secretOf(a.credential), secretOf(b.credential)];
  return x.equals(y) && isDeepStrictEqual(plain(a), plain(b));
}

function secretOf(c: Credential): Secret {
  return c.method === 'preshared-key' ? c.key : c.privateKey.pkcs8;
}

function plain(p: ConnectionPolicy): object {
  return { ...p, credential: { ...p.credential, key: null, privateKey: null } };
}

/** The configuration key of a connection's setting, for reasons and hints. */
export function keyOf(connection: string, key: string): string {
  return `interface.${connection}.${key}`;
}
