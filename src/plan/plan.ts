// Tree → desired state, pure. What is not here does not happen.
import type { Tree } from '../config/tree.ts';
import type { NativeEsp } from '../dataplane/port.ts';
import type { CipherName, GroupName, HashName } from '../ike/crypto/algorithm.ts';
import type {
  CheckLevel,
  ChildPolicy,
  ConnectionPolicy,
  Credential,
  Identity,
  Settings,
} from '../ike/policy.ts';
import { type Address, type Family, familyOf, parseAddress, splitCidr } from '../net/address.ts';
import { utf8 } from '../net/bytes.ts';
import { Secret } from '../net/secret.ts';
import type { Desired, Link, Route, Tunnel } from './desired.ts';
import type { Device } from './devices.ts';
import { innerMtu, mssOf } from './overhead.ts';

/** Inner address when the lender has none (dialects.md A.2.1). */
const FALLBACK_ADDRESS = '169.254.0.1/32';

/** RFC 8200 5. On an interface with less the kernel has no IPv6 at all. */
const IPV6_MINIMUM_MTU = 1280;

/** What a plan needs to know besides the configuration and the devices. */
export type Known = {
  /** What was learned of the paths to peers, by tunnel: smaller than their links' MTU. */
  readonly pathMtu?: ReadonlyMap<string, number>;
  /** What authenticates a tunnel, where it is not the preshared key; and our name in the certificate. */
  readonly keys?: ReadonlyMap<string, { readonly credential: Credential; readonly subject?: Identity }>;
  /** Addresses of host names. */
  readonly hosts?: ReadonlyMap<string, Address>; // by hostKey()
};

/** What a validated tree asks for. `devices` comes from resolveDevices. */
export function plan(tree: Tree, devices: ReadonlyMap<string, Device>, known: Known = {}): Desired {
  const links = [...devices].map(([name, device]) => link(tree, name, device));
  const tunnels = tree
    .indexes('interface.ipsec')
    .map((n) => tunnel(tree, `ipsec${n}`, links, devices, known));
  const hostname = tree.text('hostname');
  return {
    ...(hostname ? { hostname } : {}),
    nativeEsp: tree.value('system.dataplane.native-esp') as NativeEsp,
    links,
    tunnels,
    routes: [...routes(tree, 4, devices, tunnels), ...routes(tree, 6, devices, tunnels)],
    settings: settings(tree),
  };
}

function link(tree: Tree, name: string, device: Device): Link {
  const at = `interface.${name}`;
  const aliases = tree.list(`${at}.ipv4.alias.`, '.address').map(String);
  const addresses = [tree.text(`${at}.ipv4.address`), ...aliases, tree.text(`${at}.ipv6.address`)];
  const mtu = tree.value(`${at}.mtu`);
  return {
    name,
    device: device.name,
    addresses: addresses.filter((a) => a !== undefined),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    mss: mss(tree.value(`${at}.ipv4.tcp-mss`)),
  };
}

function mss(value: string | number | undefined): number | 'auto' | 'none' {
  return typeof value === 'number' ? value : value === 'none' ? 'none' : 'auto';
}

function tunnel(
  tree: Tree,
  name: string,
  links: readonly Link[],
  devices: ReadonlyMap<string, Device>,
  known: Known,
): Tunnel {
  const at = `interface.${name}`;
  const policy = connection(tree, name, links, known);
  const fixed = tree.value(`${at}.mtu`);
  const outer = links.find((l) => l.addresses.some((a) => splitCidr(a).address === policy.local));
  const linkMtu = outer?.mtu ?? (outer && devices.get(outer.name)?.mtu) ?? 1500;
  const outerMtu = Math.min(linkMtu, known.pathMtu?.get(name) ?? linkMtu);
  const mtu = fixed === undefined ? innerMtu(outerMtu, policy.child, outerFamily(tree, at)) : Number(fixed);
  const clamp = mss(tree.value(`${at}.ipv4.tcp-mss`));
  const tos = tree.value(`${at}.tx-tos-set`);
  const peer = tree.text(`${at}.ipv4.remote`);
  const ipv6 = tree.value(`${at}.ipv6.forward`) === 'pass';
  return {
    name,
    addresses: [innerAddress(tree, at, links)],
    ...(peer ? { peer } : {}),
    dataplane: {
      name,
      mtu,
      mss4: clamp === 'none' ? 0 : clamp === 'auto' ? mssOf(mtu, 4) : clamp,
      mss6: clamp === 'none' ? 0 : mssOf(mtu, 6),
      tos: tos === 'copy' ? 'copy' : Number(tos),
      df: tree.value(`${at}.tx-df-set`) as 'copy' | 'set' | 'clear',
      ipv6,
    },
    deviceMtu: ipv6 ? Math.max(mtu, IPV6_MINIMUM_MTU) : mtu,
    ...(fixed === undefined ? { outerMtu } : {}),
    policy,
  };
}

/** Its own address, or the primary IPv4 address of the interface that lends it. */
function innerAddress(tree: Tree, at: string, links: readonly Link[]): string {
  const value = tree.text(`${at}.ipv4.address`) ?? 'ge1';
  if (value.includes('/')) return value;
  if (!/^ge\d+$/.test(value)) return `${value}/32`;
  const lent = links.find((l) => l.name === value)?.addresses.find((a) => !a.includes(':'));
  return lent ? `${splitCidr(lent).address}/32` : FALLBACK_ADDRESS;
}

function connection(tree: Tree, name: string, links: readonly Link[], known: Known): ConnectionPolicy {
  const at = `interface.${name}`;
  const phase1 = `${at}.ike.proposal.phase1`;
  const alternatives = tree.list(`${phase1}.dh-group-alternative.`, '.group') as GroupName[];
  const group = tree.text(`${phase1}.dh-group`) as GroupName;
  const local = sourceOf(tree, at, links);
  const family = outerFamily(tree, at);
  const destination = tree.text(`${at}.ipv${family}.destination`) ?? 'any';
  // A host name that is not known yet is nowhere: nobody may come in its name.
  const nowhere = family === 4 ? '0.0.0.0' : '::';
  const resolved = known.hosts?.get(hostKey(destination, family));
  const remote = destination === 'any' ? undefined : (parseAddress(destination) ?? resolved ?? nowhere);
  const responder = tree.enabled(`${at}.ike.responder-only`) || remote === undefined || remote === nowhere;
  const keys = known.keys?.get(name);
  const psk = new Secret(utf8(tree.text(`${at}.preshared-key`) ?? ''));
  return {
    name,
    version: tree.number(`${at}.ike.version`) === 2 ? 2 : 1,
    local,
    ...(remote === undefined ? {} : { remote }),
    credential: keys?.credential ?? { method: 'preshared-key', key: psk },
    myId: identity(tree, `${at}.ike.my-identifier`, local, keys?.subject),
    peerId: identity(tree, `${at}.ike.peers-identifier`, remote ?? nowhere),
    initiate: responder ? 'never' : tree.enabled('ike.auto-initiation') ? 'start' : 'traffic',
    forceEncapsulation: tree.value(`${at}.nat-traversal`) === 'force',
    initialContact: tree.enabled(`${at}.ike.initial-contact`),
    dpd: tree.enabled(`${at}.ike.dpd`),
    nonceOctets: tree.number(`${at}.ike.nonce-size`),
    reauthenticate: tree.enabled(`${at}.ike.reauthentication`),
    childless: tree.enabled(`${at}.ike.childless`),
    exchangeMode: tree.value(`${at}.ike.exchange-mode`) === 'aggressive' ? 'aggressive' : 'main',
    preferNewPhase1: tree.enabled(`${at}.ike.prefer-new-phase1`),
    checkLevel: tree.text(`${at}.ike.check-level`) as CheckLevel,
    ike: {
      ciphers: tree.list(`${phase1}.encryption.`, '.algorithm') as CipherName[],
      hashes: tree.list(`${phase1}.hash.`, '.algorithm') as HashName[],
      groups: [...new Set([group, ...alternatives])],
      lifetime: tree.number(`${phase1}.lifetime`),
    },
    child: child(tree, at),
  };
}

function child(tree: Tree, at: string): ChildPolicy {
  const phase2 = `${at}.ike.proposal.phase2`;
  const pfs = tree.text(`${phase2}.pfs-group`);
  const octets = tree.value(`${phase2}.lifetime-of-byte`);
  const macs = tree.list(`${phase2}.authentication.`, '.algorithm').map(String);
  const protocol = tree.value(`${phase2}.proxy-id.protocol`);
  return {
    ciphers: tree.list(`${phase2}.encryption.`, '.algorithm') as CipherName[],
    hashes: macs.map((m) => m.replace(/^hmac-/, '') as HashName),
    ...(pfs && pfs !== 'none' ? { pfs: pfs as GroupName } : {}),
    seconds: tree.number(`${phase2}.lifetime-of-time`),
    ...(typeof octets === 'number' ? { octets } : {}),
    esn: tree.enabled(`${at}.esn`),
    replayWindow: tree.number(`${at}.anti-replay-window`),
    ...selectors(tree, at),
    protocol: typeof protocol === 'number' ? protocol : 0,
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

/** Our outer address: as given, or the primary one of the interface that is named. */
function sourceOf(tree: Tree, at: string, links: readonly Link[]): string {
  const family = outerFamily(tree, at);
  const value = tree.text(`${at}.ipv${family}.source`) ?? '';
  const lent = links.find((l) => l.name === value)?.addresses.find((a) => familyOf(a) === family);
  return lent ? splitCidr(lent).address : value;
}

function identity(tree: Tree, at: string, address: string, subject?: Identity): Identity {
  const type = tree.text(`${at}.type`);
  if (type === 'distinguished-name' && subject) return subject;
  if (type === 'fqdn' || type === 'user-fqdn' || type === 'distinguished-name')
    return { type, value: tree.text(`${at}.${type}`) ?? '' };
  return { type: 'address', value: address };
}

function routes(
  tree: Tree,
  family: 4 | 6,
  devices: ReadonlyMap<string, Device>,
  tunnels: readonly Tunnel[],
): Route[] {
  return tree.indexes(`route.ipv${family}.`).map((n) => {
    const at = `route.ipv${family}.${n}`;
    const gateway = tree.text(`${at}.gateway`) ?? '';
    const isName = /^(?:ge|ipsec)\d+$/.test(gateway);
    const device = devices.get(gateway)?.name ?? gateway;
    const through = tunnels.find((t) => t.name === gateway);
    const narrow = family === 4 && through && through.dataplane.mtu < through.deviceMtu;
    return {
      destination: tree.text(`${at}.destination`) ?? '',
      family,
      via: gateway === 'discard' ? 'discard' : isName ? { interface: device } : { address: gateway },
      distance: tree.number(`${at}.distance`),
      ...(narrow ? { mtu: through.dataplane.mtu } : {}),
    };
  });
}

export function settings(tree: Tree): Settings {
  const number = (key: string) => tree.number(`ike.${key}`);
  const enabled = (key: string) => tree.enabled(`ike.${key}`);
  return {
    interval: number('interval'),
    retry: number('retry'),
    perSend: number('per-send'),
    phase1Timeout: number('phase1-timeout'),
    phase2Timeout: number('phase2-timeout'),
    dpdInterval: number('dpd-interval'),
    dpdMaxfail: number('dpd-maxfail'),
    natKeepaliveInterval: number('nat-keepalive-interval'),
    exclusiveTail: enabled('exclusive-tail'),
    randomPaddingValue: enabled('randomize-padding-value'),
    randomPaddingLength: enabled('randomize-padding-length'),
    maximumPadding: number('maximum-padding-length'),
    strictPadding: enabled('strict-padding-byte-check'),
    fragmentSize: number('fragment-size'),
  };
}
