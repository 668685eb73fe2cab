// Tree → what is done for the networks inside (DHCP server, DNS forwarder), and what is learned outside (DHCP client).
import { lastOf } from '../config/service-rules.ts';
import type { Tree } from '../config/tree.ts';
import { type Address, type Cidr, familyOf, networkOf, overlap, splitCidr } from '../net/address.ts';
import { outside } from './access.ts';
import type { Link } from './desired.ts';
import type { Device } from './devices.ts';
import type { OwnRule } from './firewall.ts';

/** What the network outside gave us (RFC 2131, 2132). */
export type Lease = {
  readonly address: Cidr;
  readonly router?: Address;
  readonly dns: readonly Address[];
};

/** Who asks for an address. */
export type DhcpClient = { readonly name: string; readonly device: string };

export type DhcpPool = {
  /** "dhcp.server.0" */
  readonly key: string;
  readonly device: string;
  readonly first: Address;
  readonly last: Address;
  /** Prefix length of the network. */
  readonly length: number;
  readonly hours: number;
  readonly gateway: Address;
  readonly dns: readonly Address[];
  readonly domain?: string;
  readonly ntp: readonly Address[];
  readonly fixed: readonly { readonly mac: string; readonly address: Address }[];
};

export type DnsForwarder = {
  /** Devices where we answer. */
  readonly devices: readonly string[];
  readonly servers: readonly Address[];
  /** Whether one of those that are configured is in a private network: it knows names there. */
  readonly private: boolean;
  readonly hosts: readonly { readonly name: string; readonly address: Address }[];
};

/** Who tells us the time, and whom we tell it. */
export type Clock = {
  /** Addresses or names. */
  readonly servers: readonly string[];
  /** Devices inside, and their networks. */
  readonly inside: readonly { readonly device: string; readonly networks: readonly Cidr[] }[];
};

export type Services = {
  readonly clients: readonly DhcpClient[];
  readonly pools: readonly DhcpPool[];
  readonly dns?: DnsForwarder;
  readonly clock?: Clock;
  /** Whom the router itself asks for names. */
  readonly resolvers: readonly Address[];
};

export const NO_SERVICES: Services = { clients: [], pools: [], resolvers: [] };

const familyOfNetwork = (network: Cidr) => familyOf(splitCidr(network).address);

type Devices = ReadonlyMap<string, Device>;
type Leases = ReadonlyMap<string, Lease>;

/** `ends`: our own addresses outside, which tunnels speak from. */
export function services(
  tree: Tree,
  devices: Devices,
  leases: Leases,
  links: readonly Link[],
  ends: readonly Address[] = [],
): Services {
  const dns = tree.enabled('dns-forwarder.service') ? forwarder(tree, devices, leases) : undefined;
  return {
    clients: [...devices].flatMap(([name, { name: device }]) =>
      tree.text(`interface.${name}.ipv4.address`) === 'dhcp' ? [{ name, device }] : [],
    ),
    pools: tree.enabled('dhcp.server.service')
      ? tree.indexes('dhcp.server.').flatMap((n) => pool(tree, `dhcp.server.${n}`, devices))
      : [],
    ...(dns ? { dns } : {}),
    ...clock(tree, links, ends),
    resolvers: resolvers(tree, leases),
  };
}

function pool(tree: Tree, key: string, devices: Devices): DhcpPool[] {
  const name = tree.text(`${key}.interface`) ?? '';
  const device = devices.get(name)?.name;
  const start = tree.text(`${key}.pool.address`) ?? '0.0.0.0/0';
  const last = lastOf(start, tree.number(`${key}.pool.count`));
  const own = splitCidr(tree.text(`interface.${name}.ipv4.address`) ?? '0.0.0.0/0').address;
  if (device === undefined || last === undefined) return [];
  const { address: first, length } = splitCidr(start);
  const list = (of: string) => tree.list(`${key}.${of}.`, '.address').map(String);
  const domain = tree.text(`${key}.domain`);
  const dns = list('dns');
  return [
    {
      ...{ key, device, first, last, length },
      hours: tree.number(`${key}.expire`),
      gateway: tree.text(`${key}.gateway`) ?? own,
      dns: dns.length > 0 ? dns : [own],
      ...(domain === undefined ? {} : { domain }),
      ntp: list('ntp'),
      fixed: tree.indexes(`${key}.static.entry.`).map((n) => ({
        mac: tree.text(`${key}.static.entry.${n}.mac-address`) ?? '',
        address: tree.text(`${key}.static.entry.${n}.ip-address`) ?? '',
      })),
    },
  ];
}

/** RFC 1918 3, RFC 4193 3. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];

function within(address: string, network: Cidr): boolean {
  return address !== 'dhcp' && overlap(`${address}/${familyOf(address) === 4 ? 32 : 128}`, network);
}

/** Undefined where it listens nowhere: dnsmasq would then do so everywhere. */
function forwarder(tree: Tree, devices: Devices, leases: Leases): DnsForwarder | undefined {
  const given = tree.list('dns-forwarder.', '.address').map(String);
  const learned = [...leases.values()].flatMap((l) => l.dns);
  const servers = given.flatMap((address) => (address === 'dhcp' ? learned : [address]));
  const listening = tree
    .list('dns-forwarder.listen.', '.interface')
    .flatMap((name) => devices.get(String(name))?.name ?? []);
  if (listening.length === 0) return undefined;
  return {
    devices: listening,
    private: given.some((address) => PRIVATE.some((network) => within(address, network))),
    servers: [...new Set(servers)],
    hosts: tree.indexes('resolver.host-database.').map((n) => ({
      name: tree.text(`resolver.host-database.${n}.hostname`) ?? '',
      address: tree.text(`resolver.host-database.${n}.address`) ?? '',
    })),
  };
}

function clock(tree: Tree, links: readonly Link[], ends: readonly Address[]): Pick<Services, 'clock'> {
  if (!tree.enabled('ntp.service')) return {};
  const away = outside(tree, links, ends);
  const inside = links.filter((l) => !away.has(l.name) && l.addresses.length > 0);
  return {
    clock: {
      servers: tree.list('ntp.client.', '.address').map(String),
      inside: tree.enabled('ntp.server')
        ? inside.map(({ device, addresses }) => ({ device, networks: addresses.map(networkOf) }))
        : [],
    },
  };
}

/** As told; else as learned outside; else those that hosts inside are answered by. */
function resolvers(tree: Tree, leases: Leases): Address[] {
  const told = tree.list('resolver.', '.address').map(String);
  const learned = [...leases.values()].flatMap((l) => l.dns);
  const forwarded = tree
    .list('dns-forwarder.', '.address')
    .map(String)
    .filter((a) => a !== 'dhcp');
  return [...new Set([told, learned, forwarded].find((list) => list.length > 0) ?? [])];
}

/** What filters would keep from these services. */
export function servicesOwn({ clients, pools, dns, clock }: Services): OwnRule[] {
  const family = 4 as const;
  return [
    ...clients.map(
      (c): OwnRule => ({
        ...{ what: `DHCP client of ${c.name}`, family, device: c.device, kind: 'dhcp-client' },
      }),
    ),
    ...pools.map(
      (p): OwnRule => ({
        ...{ what: `DHCP server ${p.key}`, family, device: p.device, kind: 'dhcp-server' },
      }),
    ),
    ...(clock?.inside ?? []).flatMap(({ device, networks }) =>
      [...new Set(networks.map(familyOfNetwork))].map(
        (f): OwnRule => ({ what: `NTP server at ${device}, IPv${f}`, family: f, device, kind: 'ntp' }),
      ),
    ),
    ...(dns?.devices ?? []).flatMap((device) =>
      ([4, 6] as const).map(
        (f): OwnRule => ({
          ...{ what: `DNS forwarder at ${device}, IPv${f}`, family: f, device, kind: 'dns' },
        }),
      ),
    ),
  ];
}

/** What there is to say of the server's part, a line each. */
export function servicesText({ pools, dns }: Pick<Services, 'pools' | 'dns'>): string[] {
  const all = [
    ...pools.map((p) => `DHCP server at ${p.device}: ${p.first} to ${p.last}`),
    ...(dns
      ? [
          `DNS forwarder at ${dns.devices.join(', ') || 'no interface'}, asks ${dns.servers.join(', ') || 'nobody'}`,
        ]
      : []),
  ];
  return all.length > 0 ? all : ['no DHCP server, no DNS forwarder'];
}

/** And of the clock. */
export function clockText(clock: Clock | undefined): string {
  if (!clock) return 'the clock follows nobody';
  const told =
    clock.inside.length > 0 ? `, and ${clock.inside.map((i) => i.device).join(', ')} may ask us` : '';
  return `the clock follows ${clock.servers.join(', ') || 'nobody'}${told}`;
}
