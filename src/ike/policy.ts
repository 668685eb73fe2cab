// What the engine is told about a tunnel: plain values, made by plan/ from the configuration.
import { isDeepStrictEqual } from 'node:util';
import type { Address, Cidr } from '../net/address.ts';
import type { Secret } from '../net/secret.ts';
import type { CipherName, GroupName, HashName } from './crypto/algorithm.ts';
import type { PrivateKey } from './crypto/signature.ts';

export type Identity = {
  /** key-id: octets that mean something to those two alone (RFC 7296 3.5); here those of a text. */
  readonly type: 'address' | 'fqdn' | 'user-fqdn' | 'key-id' | 'distinguished-name';
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
  /** As responder, where that is not what we offer ourselves. */
  readonly accepts?: Pick<IkePolicy, 'ciphers' | 'hashes' | 'groups'>;
};

/** What one pair of IPsec SAs is for: an entry of the SPD (RFC 4301 4.4.1). */
export type ChildPolicy = {
  /** The device that carries it: "ipsec0", "policy100". */
  readonly name: string;
  /** Where its settings stand: "interface.ipsec0", "ipsec.security-policy.100". */
  readonly at: string;
  readonly mode: 'tunnel' | 'transport';
  readonly ciphers: readonly CipherName[];
  readonly hashes: readonly HashName[];
  /** As responder, where that is not what we offer ourselves; PFS is then the peer's choice. */
  readonly accepts?: Pick<ChildPolicy, 'ciphers' | 'hashes'>;
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
  /** IKEv1: whether Quick Mode names the traffic at all; without, it is that of the two hosts (RFC 2409 5.5). */
  readonly named: boolean;
  /** IP protocol in the proxy-ids; 0 is any. */
  readonly protocol: number;
  /** Ports of that protocol; 0 is any. */
  readonly ports: { readonly local: number; readonly remote: number };
  /** An interface under IKEv1: proxy-ids are negotiated and no more, what is routed to it leaves on it (A.2.1). */
  readonly loose: boolean;
};

export type ConnectionPolicy = {
  /** "ipsec0", "sa0". */
  readonly name: string;
  /** Where its settings stand: "interface.ipsec0", "ike.peer.0". */
  readonly at: string;
  readonly version: 1 | 2;
  readonly local: Address;
  /** Undefined: the peer may come from anywhere, and is known by its identity. */
  readonly remote?: Address;
  readonly credential: Credential;
  readonly myId: Identity;
  readonly peerId: Identity;
  /** Bring it up at once, when traffic asks for it, or only when the peer does. */
  readonly initiate: 'start' | 'traffic' | 'never';
  /** ESP in UDP where there is a NAT (enable), always (force), or never: then nobody looks for one (disable). */
  readonly natTraversal: 'enable' | 'force' | 'disable';
  readonly initialContact: boolean;
  readonly dpd: boolean;
  /** Its own rhythm, where it is not that of all (Settings). */
  readonly rhythm: Partial<Pick<Settings, 'dpdInterval' | 'dpdMaxfail' | 'natKeepaliveInterval'>>;
  readonly nonceOctets: number;
  /** IKEv2: an IKE SA is replaced by one that is authenticated anew, not renewed (RFC 7296 2.8.3). */
  readonly reauthenticate: boolean;
  /** IKEv2: we tell the peer when our address changes (RFC 4555). */
  readonly mobike: boolean;
  /** IKEv2: the IKE SA comes without a Child SA, which gets a key exchange of its own (RFC 6023). */
  readonly childless: boolean;
  /** IKEv1 phase 1: aggressive mode shows the proof of the key to everybody (VU#857035). */
  readonly exchangeMode: 'main' | 'aggressive';
  readonly preferNewPhase1: boolean;
  readonly checkLevel: CheckLevel;
  readonly ike: IkePolicy;
  /** One, the interface's, or those of the security policies: each has a Child SA of its own (RFC 7296 1.3.1). */
  readonly children: readonly ChildPolicy[];
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
  /** Of which connections events tell more, by name; "" is a first message, of which nothing is known yet. */
  readonly follow?: Readonly<Record<string, readonly FollowKind[]>>;
};

export type FollowKind = 'message-info' | 'payload-info' | 'key-info';

/** What we take as responder, of a policy or of one of its children. */
export function accepted<P extends { readonly accepts?: Partial<P> }>(policy: P): P {
  return policy.accepts ? { ...policy, ...policy.accepts } : policy;
}

export function samePolicy(a: ConnectionPolicy, b: ConnectionPolicy): boolean {
  // Private fields escape isDeepStrictEqual, so the key is compared by itself.
  const [x, y] = [secretOf(a.credential), secretOf(b.credential)];
  return x.equals(y) && isDeepStrictEqual(plain(a), plain(b));
}

/** Whether one of them is the other with another address of ours. */
export function onlyMoved(a: ConnectionPolicy, b: ConnectionPolicy): boolean {
  return a.local !== b.local && samePolicy({ ...a, local: b.local }, b);
}

function secretOf(c: Credential): Secret {
  return c.method === 'preshared-key' ? c.key : c.privateKey.pkcs8;
}

function plain(p: ConnectionPolicy): object {
  return { ...p, credential: { ...p.credential, key: null, privateKey: null } };
}

/**
 * The configuration key of a setting, for reasons and hints. `key` is what it is called at an interface; a peer and a
 * policy leave out the words that say what they are (dialects.md A.3).
 */
export function keyOf(at: string, key: string): string {
  if (at.startsWith('ike.peer.'))
    return `${at}.${key.replace(/^ike\./, '').replace('proposal.phase1', 'proposal')}`;
  if (at.startsWith('ipsec.')) return `${at}.${key.replace('proposal.phase2', 'proposal')}`;
  return `${at}.${key}`;
}

/** Where the traffic of a child is set: both sides together, and each. */
export function selectorKeys({ at, selectors }: ChildPolicy): {
  both: string;
  local: string;
  remote: string;
} {
  if (at.startsWith('ipsec.'))
    return {
      both: `${at}.source and .destination`,
      local: `${at}.source.address`,
      remote: '.destination.address',
    };
  const both = keyOf(at, 'ike.proposal.phase2.proxy-id');
  const family = selectors.local[0]?.includes(':') ? 6 : 4;
  return { both, local: `${both}.ipv${family}.local`, remote: '.remote' };
}
