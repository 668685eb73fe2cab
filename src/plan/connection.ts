// Tree → what the IKE engine is told of one peer: of an interface, or of a peer with its security policies.
import type { Tree } from '../config/tree.ts';
import type { CipherName, GroupName, HashName } from '../ike/crypto/algorithm.ts';
import {
  type CheckLevel,
  type ChildPolicy,
  type ConnectionPolicy,
  type Credential,
  type Identity,
  keyOf,
} from '../ike/policy.ts';
import { type Address, type Family, familyOf, parseAddress, splitCidr } from '../net/address.ts';
import { fromHex, utf8 } from '../net/bytes.ts';
import { Secret } from '../net/secret.ts';
import type { Link } from './desired.ts';
import { limitation } from './limitation.ts';
import type { Lease } from './services.ts';

/** What a plan needs to know besides the configuration and the devices. */
export type Known = {
  /** What was learned of the paths to peers, by tunnel: smaller than their links' MTU. */
  readonly pathMtu?: ReadonlyMap<string, number>;
  /** What authenticates a tunnel, where it is not the preshared key; and our name in the certificate. */
  readonly keys?: ReadonlyMap<string, { readonly credential: Credential; readonly subject?: Identity }>;
  /** What DHCP gave us, by interface. */
  readonly leases?: ReadonlyMap<string, Lease>;
  /** Addresses of host names. */
  readonly hosts?: ReadonlyMap<string, Address>; // by hostKey()
};

/** ike.auto-initiation in the engine's words. */
const INITIATE: Readonly<Record<string, ConnectionPolicy['initiate']>> = {
  enable: 'start',
  disable: 'traffic',
  never: 'never',
};

/** Where a peer is whose host name is not known yet: nobody may come in its name. */
const NOWHERE = { 4: '0.0.0.0', 6: '::' } as const;

export function interfaceConnection(
  tree: Tree,
  name: string,
  links: readonly Link[],
  known: Known,
): ConnectionPolicy {
  const at = `interface.${name}`;
  const family = outerFamily(tree, at);
  const destination = tree.text(`${at}.ipv${family}.destination`) ?? 'any';
  const resolved = known.hosts?.get(hostKey(destination, family));
  const remote =
    destination === 'any' ? undefined : (parseAddress(destination) ?? resolved ?? NOWHERE[family]);
  const local = ownAddress(tree.text(`${at}.ipv${family}.source`) ?? '', family, links);
  return connection(tree, { name, at, local, remote }, [interfaceChild(tree, name)], known.keys?.get(name));
}

/** Between whom: `remote` undefined is a peer that may come from anywhere. */
type Ends = {
  readonly name: string;
  readonly at: string;
  readonly local: Address;
  readonly remote: Address | undefined;
};

/** `keys`: what authenticates, where it is not the preshared key. */
export function connection(
  tree: Tree,
  { name, at, local, remote }: Ends,
  children: readonly ChildPolicy[],
  keys?: { readonly credential: Credential; readonly subject?: Identity },
): ConnectionPolicy {
  const key = (of: string) => keyOf(at, of);
  const phase1 = key('ike.proposal.phase1');
  const alternatives = tree.list(`${phase1}.dh-group-alternative.`, '.group') as GroupName[];
  const group = tree.text(`${phase1}.dh-group`) as GroupName;
  const nowhere = NOWHERE[familyOf(local)];
  const passive = tree.enabled(key('ike.responder-only')) || remote === undefined || remote === nowhere;
  const octets = tree.text(keyOf(at, 'preshared-key-octets'));
  const psk = new Secret(octets ? fromHex(octets.slice(2)) : utf8(tree.text(key('preshared-key')) ?? ''));
  const version = tree.number(key('ike.version')) === 2 ? 2 : 1;
  const listed = {
    ciphers: tree.list(`${phase1}.encryption.`, '.algorithm') as CipherName[],
    hashes: tree.list(`${phase1}.hash.`, '.algorithm') as HashName[],
    groups: [...new Set([group, ...alternatives])],
  };
  const { offers, accepts } = limitation(tree, at);
  return {
    name,
    at,
    version,
    local,
    ...(remote === undefined ? {} : { remote }),
    credential: keys?.credential ?? { method: 'preshared-key', key: psk },
    myId: identity(tree, key('ike.my-identifier'), local, keys?.subject),
    peerId: identity(tree, key('ike.peers-identifier'), remote ?? nowhere),
    initiate: passive ? 'never' : INITIATE[tree.text('ike.auto-initiation') ?? 'never'],
    natTraversal: tree.value(key('nat-traversal')) as ConnectionPolicy['natTraversal'],
    rhythm: rhythm(tree, key),
    initialContact: tree.enabled(key('ike.initial-contact')),
    dpd: tree.enabled(key('ike.dpd')),
    nonceOctets: tree.number(key('ike.nonce-size')),
    reauthenticate: tree.enabled(key('ike.reauthentication')),
    mobike: tree.enabled(key('ike.mobike')),
    childless: tree.enabled(key('ike.childless')),
    exchangeMode: tree.value(key('ike.exchange-mode')) === 'aggressive' ? 'aggressive' : 'main',
    preferNewPhase1: tree.enabled(key('ike.prefer-new-phase1')),
    checkLevel: tree.text(key('ike.check-level')) as CheckLevel,
    ike: {
      ...(offers ? { ...offers.ike, groups: [...new Set([group, ...offers.ike.groups])] } : listed),
      lifetime: tree.number(`${phase1}.lifetime`),
      ...(accepts ? { accepts: accepts.ike } : {}),
    },
    children,
  };
}

function interfaceChild(tree: Tree, name: string): ChildPolicy {
  const at = `interface.${name}`;
  const protocol = tree.value(`${at}.ike.proposal.phase2.proxy-id.protocol`);
  return {
    name,
    at,
    mode: 'tunnel',
    ...protection(tree, at),
    ...selectors(tree, at),
    named: tree.enabled(`${at}.ike.proposal.phase2.proxy-id.send`),
    protocol: typeof protocol === 'number' ? protocol : 0,
    ports: { local: 0, remote: 0 },
    loose: tree.number(`${at}.ike.version`) === 1,
  };
}

/** Of this peer alone. */
function rhythm(tree: Tree, key: (of: string) => string): ConnectionPolicy['rhythm'] {
  const own = {
    dpdInterval: 'dpd-interval',
    dpdMaxfail: 'dpd-maxfail',
    natKeepaliveInterval: 'nat-keepalive-interval',
  };
  return Object.fromEntries(
    Object.entries(own).flatMap(([name, leaf]) => {
      const value = tree.value(key(`ike.${leaf}`));
      return value === undefined ? [] : [[name, Number(value)]];
    }),
  );
}

/** How packets are protected. `at`: "interface.ipsec0" or "ipsec.security-policy.0". */
export function protection(
  tree: Tree,
  at: string,
): Pick<
  ChildPolicy,
  'ciphers' | 'hashes' | 'accepts' | 'pfs' | 'seconds' | 'octets' | 'esn' | 'replayWindow'
> {
  const phase2 = keyOf(at, 'ike.proposal.phase2');
  const pfs = tree.text(`${phase2}.pfs-group`);
  const octets = tree.value(`${phase2}.lifetime-of-byte`);
  const macs = tree.list(`${phase2}.authentication.`, '.algorithm').map(String);
  const listed = {
    ciphers: tree.list(`${phase2}.encryption.`, '.algorithm') as CipherName[],
    hashes: macs.map((m) => m.replace(/^hmac-/, '') as HashName),
  };
  const { offers, accepts } = limitation(tree, at);
  return {
    ...(offers ? offers.esp : listed),
    ...(accepts ? { accepts: accepts.esp } : {}),
    ...(pfs && pfs !== 'none' ? { pfs: pfs as GroupName } : {}),
    seconds: tree.number(`${phase2}.lifetime-of-time`),
    ...(typeof octets === 'number' ? { octets } : {}),
    esn: tree.enabled(`${at}.esn`),
    replayWindow: tree.number(`${at}.anti-replay-window`),
  };
}

/** Proxy-ids as set; unset everything of both families, or of IPv4 alone where IPv6 is blocked or IKEv1 asks. */
function selectors(tree: Tree, at: string): Pick<ChildPolicy, 'selectors' | 'anySelectors'> {
  const id = `${at}.ike.proposal.phase2.proxy-id`;
  const set = (side: string) =>
    [tree.text(`${id}.ipv4.${side}`), tree.text(`${id}.ipv6.${side}`)].filter((v) => v !== undefined);
  const [local, remote] = [set('local'), set('remote')];
  if (local.length > 0) return { selectors: { local, remote }, anySelectors: false };
  const both = tree.number(`${at}.ike.version`) === 2 && tree.value(`${at}.ipv6.forward`) === 'pass';
  const all = both ? ['0.0.0.0/0', '::/0'] : ['0.0.0.0/0'];
  return { selectors: { local: all, remote: all }, anySelectors: true };
}

/** Of the packets that carry the tunnel: IPv6 where ipv6.source says so. */
export function outerFamily(tree: Tree, at: string): Family {
  return tree.value(`${at}.ipv6.source`) === undefined ? 4 : 6;
}

/** How a host name stands in Known.hosts: it may have addresses of both families. */
export function hostKey(name: string, family: Family): string {
  return `${name} ${family}`;
}

/** The interface whose address is ours outside, while it has none of the tunnel's family. */
export function addressless(tree: Tree, at: string, links: readonly Link[]): string | undefined {
  const family = outerFamily(tree, at);
  const source = tree.text(`${at}.ipv${family}.source`) ?? '';
  return parseAddress(ownAddress(source, family, links)) === undefined ? source : undefined;
}

/** Our outer address: as given, or the primary one of the interface that is named. */
export function ownAddress(value: string, family: Family, links: readonly Link[]): string {
  const lent = links.find((l) => l.name === value)?.addresses.find((a) => familyOf(a) === family);
  return lent ? splitCidr(lent).address : value;
}

function identity(tree: Tree, at: string, address: string, subject?: Identity): Identity {
  const type = tree.text(`${at}.type`);
  if (type === 'distinguished-name' && subject) return subject;
  if (type === 'fqdn' || type === 'user-fqdn' || type === 'key-id' || type === 'distinguished-name')
    return { type, value: tree.text(`${at}.${type}`) ?? '' };
  return { type: 'address', value: tree.text(`${at}.address`) ?? address };
}
