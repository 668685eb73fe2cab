// Tree → desired state, pure. What is not here does not happen.
import type { Mistake } from '../config/mistake.ts';
import { FACILITIES } from '../config/schema/syslog.ts';
import type { Tree } from '../config/tree.ts';
import { dormant } from '../config/validate.ts';
import type { NativeEsp } from '../dataplane/port.ts';
import type { FollowKind, Settings } from '../ike/policy.ts';
import { overlap, splitCidr } from '../net/address.ts';
import { access } from './access.ts';
import { addressless, interfaceConnection, type Known, outerFamily } from './connection.ts';
import type { Desired, Dormant, Link, Route, SyslogServer, Tunnel } from './desired.ts';
import type { Device } from './devices.ts';
import { firewall } from './firewall.ts';
import { IPV6_MINIMUM_MTU, innerMtu, mssOf } from './overhead.ts';
import { outerMtuOf, type Path } from './path.ts';
import { policyTunnels } from './policies.ts';
import { type Lease, services } from './services.ts';

const NO_LEASES: ReadonlyMap<string, Lease> = new Map();

/** Inner address when the lender has none (dialects.md A.2.1). */
const FALLBACK_ADDRESS = '169.254.0.1/32';

/** What a validated tree asks for. `devices` comes from resolveDevices. */
export function plan(tree: Tree, devices: ReadonlyMap<string, Device>, known: Known = {}): Desired {
  const { leases = NO_LEASES } = known;
  const links = [...devices].map(([name, device]) => link(tree, name, device, leases.get(name)));
  const path: Path = { links, devices, known };
  const asleep = new Map([...waiting(tree, links), ...dormant(tree)]);
  const awake = tree.indexes('interface.ipsec').filter((n) => !asleep.has(`ipsec${n}`));
  const tunnels = [...awake.map((n) => tunnel(tree, `ipsec${n}`, path)), ...policyTunnels(tree, path)];
  const ends = tunnels.map((t) => t.policy.local);
  const served = services(tree, devices, leases, links, ends);
  const hostname = tree.text('hostname');
  return {
    ...(hostname ? { hostname } : {}),
    nativeEsp: tree.value('system.dataplane.native-esp') as NativeEsp,
    ...metrics(tree),
    syslog: syslog(tree),
    links,
    tunnels,
    dormant: sleeping(tree, asleep),
    ike: tree.enabled('ike.service'),
    routes: [...routes(tree, 4, devices, tunnels, leases), ...routes(tree, 6, devices, tunnels, leases)],
    firewall: firewall(tree, devices, links, tunnels, served),
    services: served,
    access: access(tree),
    settings: settings(tree),
  };
}

/** Tunnels that have no address outside, because the interface that should lend it has none. */
function waiting(tree: Tree, links: readonly Link[]): [string, Mistake][] {
  return tree.indexes('interface.ipsec').flatMap((n): [string, Mistake][] => {
    const at = `interface.ipsec${n}`;
    const family = outerFamily(tree, at);
    const lender = addressless(tree, at, links);
    const key = `interface.${lender}.ipv${family}.address`;
    const message = `${lender} has no IPv${family} address that could be ours outside: add ${key}, or give ${at}.ipv${family}.source an address.`;
    return lender === undefined ? [] : [[`ipsec${n}`, { code: 'missing', key, message }]];
  });
}

/** What `show` says of tunnels that are configured and not there. */
function sleeping(tree: Tree, asleep: ReadonlyMap<string, Mistake>): Dormant[] {
  return [...asleep].map(([name, { key = '', message }]) => {
    const at = `interface.${name}.ipv${outerFamily(tree, `interface.${name}`)}`;
    const [local, remote] = ['source', 'destination'].map((end) => tree.text(`${at}.${end}`) ?? '-');
    return { name, local, remote, key, text: message };
  });
}

function syslog(tree: Tree): SyslogServer[] {
  return tree.indexes('syslog.remote.server.').flatMap((n) => {
    const at = `syslog.remote.server.${n}`;
    const address = tree.text(`${at}.ipv4.address`) ?? tree.text(`${at}.ipv6.address`);
    const source = tree.text(`${at}.source.ipv4.address`);
    const sourcePort = tree.value('syslog.source-port');
    const own = (leaf: string) => tree.text(`${at}.${leaf}`) ?? tree.text(`syslog.${leaf}`) ?? '';
    if (address === undefined) return [];
    return [
      {
        address,
        port: tree.number(`${at}.port`),
        ...(source === undefined ? {} : { source }),
        ...(sourcePort === undefined ? {} : { sourcePort: Number(sourcePort) }),
        facility: FACILITIES[own('facility')],
        hostname: tree.text(`${at}.hostname`) ?? tree.text('hostname') ?? 'sekisho',
        level: own('log-level') as SyslogServer['level'],
        format: tree.text('syslog.format') as SyslogServer['format'],
      },
    ];
  });
}

function metrics(tree: Tree): Pick<Desired, 'metrics'> {
  const address = tree.text('system.metrics.address') ?? 'none';
  return address === 'none' ? {} : { metrics: { address, port: Number(tree.value('system.metrics.port')) } };
}

function link(tree: Tree, name: string, device: Device, lease: Lease | undefined): Link {
  const at = `interface.${name}`;
  const aliases = tree.list(`${at}.ipv4.alias.`, '.address').map(String);
  const own = tree.text(`${at}.ipv4.address`);
  const primary = own === 'dhcp' ? lease?.address : own;
  const known = [primary, ...aliases].filter((a) => a !== undefined);
  const addresses = [...known, ...translated(tree, name, known), tree.text(`${at}.ipv6.address`)];
  const mtu = tree.value(`${at}.mtu`);
  return {
    name,
    device: device.name,
    addresses: addresses.filter((a) => a !== undefined),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    mss: mss(tree.value(`${at}.ipv4.tcp-mss`)),
  };
}

/** Addresses that NAT has of a link's network beside its own: who asks for them by ARP is answered. */
function translated(tree: Tree, name: string, known: readonly string[]): string[] {
  const napt = tree.indexes('nat.ipv4.napt.').map((n) => `nat.ipv4.napt.${n}`);
  const snapt = tree.indexes('nat.ipv4.snapt.').map((n) => `nat.ipv4.snapt.${n}`);
  const outside = (at: string) =>
    tree.text(`${at}.interface`) ?? tree.text(`nat.ipv4.napt.${tree.text(`${at}.descriptor`)}.interface`);
  const wanted = [
    ...napt.filter((at) => outside(at) === name).map((at) => tree.text(`${at}.global`)),
    ...snapt.filter((at) => outside(at) === name).map((at) => tree.text(`${at}.listen.address`)),
  ].filter((a) => a !== undefined);
  return [...new Set(wanted)]
    .filter((a) => known.some((k) => overlap(`${a}/32`, k)))
    .filter((a) => !known.some((k) => splitCidr(k).address === a))
    .map((a) => `${a}/32`);
}

function mss(value: string | number | undefined): number | 'auto' | 'none' {
  return typeof value === 'number' ? value : value === 'none' ? 'none' : 'auto';
}

function tunnel(tree: Tree, name: string, path: Path): Tunnel {
  const { links } = path;
  const at = `interface.${name}`;
  const policy = interfaceConnection(tree, name, links, path.known);
  const [child] = policy.children;
  const fixed = tree.value(`${at}.mtu`);
  const outerMtu = outerMtuOf(name, policy.local, path);
  const mtu = fixed === undefined ? innerMtu(outerMtu, child, outerFamily(tree, at)) : Number(fixed);
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
    child,
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

function routes(
  tree: Tree,
  family: 4 | 6,
  devices: ReadonlyMap<string, Device>,
  tunnels: readonly Tunnel[],
  leases: ReadonlyMap<string, Lease>,
): Route[] {
  // The first interface that was told of a gateway.
  const learned = [...leases.values()].find((l) => l.router !== undefined)?.router;
  return tree.indexes(`route.ipv${family}.`).flatMap((n): Route[] => {
    const at = `route.ipv${family}.${n}`;
    const told = tree.text(`${at}.gateway`) ?? '';
    const gateway = told === 'dhcp' ? learned : told;
    if (gateway === undefined) return [];
    const isName = /^(?:ge|ipsec)\d+$/.test(gateway);
    const device = devices.get(gateway)?.name ?? gateway;
    const through = tunnels.find((t) => t.name === gateway);
    // What would go through a tunnel that is not there does not go in clear instead.
    const nowhere = gateway === 'discard' || (gateway.startsWith('ipsec') && !through);
    const narrow = family === 4 && through && through.dataplane.mtu < through.deviceMtu;
    return [
      {
        destination: tree.text(`${at}.destination`) ?? '',
        family,
        via: nowhere ? 'discard' : isName ? { interface: device } : { address: gateway },
        distance: tree.number(`${at}.distance`),
        ...(narrow ? { mtu: through.dataplane.mtu } : {}),
      },
    ];
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
    ...followed(tree),
  };
}

/** Whom the log tells more of: interfaces by name, and under "" those who are not known yet. */
function followed(tree: Tree): Pick<Settings, 'follow'> {
  const kinds = (key: string) => tree.text(key)?.split(' ') as FollowKind[] | undefined;
  const names = ['', ...tree.indexes('interface.ipsec').map((n) => `ipsec${n}`)];
  const told = names.flatMap((name) => {
    const list = kinds(name === '' ? 'ike.log' : `interface.${name}.ike.log`);
    return list ? [[name, list] as const] : [];
  });
  return told.length > 0 ? { follow: Object.fromEntries(told) } : {};
}
