// Tree → what passes, what is dropped and whose addresses are replaced, as plain values; the tunnels' own rules with them.
import { APPLICATIONS } from '../config/schema/filter.ts';
import type { Tree } from '../config/tree.ts';
import { type Family, familyOf, splitCidr } from '../net/address.ts';
import { accessFilters } from './access.ts';
import type { Link, Tunnel } from './desired.ts';
import type { Device } from './devices.ts';
import { type Services, servicesOwn } from './services.ts';

/** A single value, a prefix or a range, as the schema has them. */
type Match = string;

export type FilterRule = {
  /** "filter.ipv4.100" */
  readonly key: string;
  readonly family: Family;
  /** The Linux device; undefined is any. */
  readonly device?: string;
  readonly direction: 'in' | 'out';
  /** track: its answers pass; others decide about the packet itself. */
  readonly action: 'pass' | 'block' | 'track';
  /** Undefined is any. */
  readonly protocols?: readonly string[];
  readonly icmpType?: number;
  readonly source?: Match;
  readonly sourcePort?: Match;
  readonly destination?: Match;
  readonly destinationPort?: Match;
  /** The whole connection passes. */
  readonly state: boolean;
  /** Only of what is for the router itself. */
  readonly local?: true;
};

export type Napt = {
  readonly key: string;
  readonly device: string;
  /** Undefined is everybody. */
  readonly private?: Match;
  /** Undefined: the device's own address. */
  readonly global?: string;
};

export type PortForward = {
  readonly key: string;
  readonly device: string;
  /** Addresses outside that it is about: those of the device, or the one that is given. */
  readonly outside: readonly string[];
  readonly protocols: readonly string[];
  readonly port?: Match;
  readonly to: string;
  readonly toPort?: Match;
};

/** What the router itself needs: made here, and shown as such. */
export type OwnRule = {
  readonly what: string;
  readonly family: Family;
  readonly device?: string;
  readonly kind: 'ike' | 'dhcp-client' | 'dhcp-server' | 'dns' | 'ntp';
  /** Undefined: from anywhere. */
  readonly peer?: string;
};

/** Where our own IKE and ESP come and go: they are never translated. IPv4. */
export type OwnEnd = {
  readonly device: string;
  readonly local: string;
  /** Undefined: from anywhere. */
  readonly peer?: string;
};

export type Firewall = {
  readonly filters: readonly FilterRule[];
  readonly napt: readonly Napt[];
  readonly forwards: readonly PortForward[];
  /** Devices inside whose hosts reach the forwards by the address outside. */
  readonly reflect: readonly string[];
  readonly own: readonly OwnRule[];
  readonly ends: readonly OwnEnd[];
};

/** What a rule met, by the key it comes from. */
export type Counts = ReadonlyMap<string, { readonly packets: number; readonly octets: number }>;

export const OPEN: Firewall = { filters: [], napt: [], forwards: [], reflect: [], own: [], ends: [] };

type Devices = ReadonlyMap<string, Device>;

export function firewall(
  tree: Tree,
  devices: Devices,
  links: readonly Link[],
  tunnels: readonly Tunnel[],
  services: Services,
): Firewall {
  const filters = [
    ...accessFilters(
      tree,
      devices,
      links,
      tunnels.map((t) => t.policy.local),
    ),
    ...lists(tree, devices, tunnels),
    ...[4, 6].flatMap((family) => filtersOf(tree, family as Family, devices)),
  ];
  const [napt, forwards] = [naptOf(tree, devices), forwardsOf(tree, devices, links)];
  return {
    ...{ filters, napt, forwards },
    reflect: tree
      .indexes('nat.ipv4.reflect.')
      .flatMap((n) => deviceOf(tree.text(`nat.ipv4.reflect.${n}.interface`), devices) ?? []),
    // Where nothing is filtered nothing need be let through.
    own: filters.length > 0 ? [...tunnelsOwn(tunnels, links), ...servicesOwn(services)] : [],
    ends: napt.length + forwards.length > 0 ? endsOf(tunnels, links) : [],
  };
}

/** Tunnels' devices are called as they are. */
function deviceOf(name: string | undefined, devices: Devices): string | undefined {
  return name === undefined
    ? undefined
    : (devices.get(name)?.name ?? (name.startsWith('ipsec') ? name : undefined));
}

/** Where lists name filters: dynamic ones first, then the others in their order, and nothing else passes. */
function lists(tree: Tree, devices: Devices, tunnels: readonly Tunnel[]): FilterRule[] {
  const names = [
    ...[...devices].map(([name, { name: device }]) => ({ name, device })),
    ...tunnels.map(({ name }) => ({ name, device: name })),
  ];
  return names.flatMap(({ name, device }) =>
    (['in', 'out'] as const).flatMap((direction) => {
      const key = `interface.${name}.ipv4.filter.${direction}`;
      const numbers = (of: string) => tree.text(of)?.split(' ') ?? [];
      if (tree.text(key) === undefined && tree.text(`${key}-dynamic`) === undefined) return [];
      const at = { device, direction, family: 4 } as const;
      return [
        ...numbers(`${key}-dynamic`).flatMap((n) => dynamicRule(tree, n, at)),
        ...numbers(key).flatMap((n) =>
          tree.text(`filter.ipv4.${n}.action`) === undefined
            ? []
            : [{ ...ruleOf(tree, `filter.ipv4.${n}`, 4), ...at }],
        ),
        { ...at, key, action: 'block' as const, state: false },
      ];
    }),
  );
}

function dynamicRule(
  tree: Tree,
  n: string,
  at: Pick<FilterRule, 'device' | 'direction' | 'family'>,
): FilterRule[] {
  const key = `filter.dynamic.${n}`;
  const [protocol, port] = APPLICATIONS[tree.text(`${key}.application`) ?? ''] ?? [];
  if (protocol === undefined) return [];
  return [
    {
      ...{ ...at, key, action: 'track', protocols: [protocol], state: true },
      ...given('source', tree.text(`${key}.source.address`)),
      ...given('destination', tree.text(`${key}.destination.address`)),
      ...given('destinationPort', port === undefined ? undefined : String(port)),
    },
  ];
}

function filtersOf(tree: Tree, family: Family, devices: Devices): FilterRule[] {
  return tree.indexes(`filter.ipv${family}.`).flatMap((n) => {
    const key = `filter.ipv${family}.${n}`;
    const name = tree.text(`${key}.interface`);
    const device = name === 'any' ? undefined : deviceOf(name, devices);
    if (name !== 'any' && device === undefined) return [];
    const direction = tree.text(`${key}.direction`);
    const rule = { ...ruleOf(tree, key, family), ...(device === undefined ? {} : { device }) };
    return (['in', 'out'] as const)
      .filter((way) => direction === 'inout' || direction === way)
      .map((way): FilterRule => ({ ...rule, direction: way }));
  });
}

/** Where it stands is said elsewhere. */
function ruleOf(tree: Tree, key: string, family: Family): Omit<FilterRule, 'device' | 'direction'> {
  const text = (leaf: string) => tree.text(`${key}.${leaf}`);
  const type = tree.value(`${key}.icmp-type`);
  return {
    key,
    family,
    action: text('action') === 'pass' ? ('pass' as const) : ('block' as const),
    ...protocolsOf(text('protocol') ?? 'any', text('source.port') ?? text('destination.port')),
    ...(type === undefined ? {} : { icmpType: Number(type) }),
    ...given('source', text('source.address')),
    ...given('sourcePort', text('source.port')),
    ...given('destination', text('destination.address')),
    ...given('destinationPort', text('destination.port')),
    state: tree.enabled(`${key}.state`),
  };
}

function given<K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, string>);
}

function protocolsOf(protocol: string, port?: string): { readonly protocols?: readonly string[] } {
  if (protocol === 'any') return port === undefined ? {} : { protocols: ['tcp', 'udp'] };
  return { protocols: protocol === 'tcpudp' ? ['tcp', 'udp'] : [protocol] };
}

function naptOf(tree: Tree, devices: Devices): Napt[] {
  return tree.indexes('nat.ipv4.napt.').flatMap((n) => {
    const key = `nat.ipv4.napt.${n}`;
    const device = deviceOf(tree.text(`${key}.interface`), devices);
    const inside = tree.text(`${key}.private`);
    if (device === undefined || inside === undefined) return [];
    return [
      {
        key,
        device,
        ...(inside === 'auto' ? {} : { private: inside }),
        ...given('global', tree.text(`${key}.global`)),
      },
    ];
  });
}

function forwardsOf(tree: Tree, devices: Devices, links: readonly Link[]): PortForward[] {
  return tree.indexes('nat.ipv4.snapt.').flatMap((n) => {
    const key = `nat.ipv4.snapt.${n}`;
    const text = (leaf: string) => tree.text(`${key}.${leaf}`);
    const outside = text('interface') ?? tree.text(`nat.ipv4.napt.${text('descriptor')}.interface`);
    const device = deviceOf(outside, devices);
    const to = text('forward.address');
    if (device === undefined || to === undefined) return [];
    const own = (links.find((l) => l.device === device)?.addresses ?? [])
      .map((a) => splitCidr(a).address)
      .filter((a) => familyOf(a) === 4);
    const listen = text('listen.address');
    return [
      {
        key,
        device,
        outside: listen === undefined ? own : [listen],
        protocols: protocolsOf(text('protocol') ?? 'any').protocols ?? [],
        ...given('port', text('listen.port')),
        to,
        ...given('toPort', text('forward.port')),
      },
    ];
  });
}

/** IKE and ESP of every tunnel, by the device that has our end of it. */
function tunnelsOwn(tunnels: readonly Tunnel[], links: readonly Link[]): OwnRule[] {
  const rules = tunnels.map(({ policy }): OwnRule => {
    const { local, remote, name } = policy;
    const device = links.find((l) => l.addresses.some((a) => splitCidr(a).address === local))?.device;
    return {
      what: `IKE and ESP of ${name}`,
      family: familyOf(local),
      kind: 'ike',
      ...given('device', device),
      ...given('peer', remote),
    };
  });
  return [...new Map(rules.map((r) => [r.what, r])).values()];
}

/** An address that another interface has goes out translated, and comes in by a forward. */
function endsOf(tunnels: readonly Tunnel[], links: readonly Link[]): OwnEnd[] {
  const ends = tunnels.flatMap(({ policy: { local, remote } }): OwnEnd[] => {
    const device = links.find((l) => l.addresses.some((a) => splitCidr(a).address === local))?.device;
    return device === undefined || familyOf(local) !== 4 ? [] : [{ device, local, ...given('peer', remote) }];
  });
  return [...new Map(ends.map((e) => [JSON.stringify(e), e])).values()];
}

/** What there is to say of it, a line each. */
export function firewallText({ filters, napt, forwards, own }: Firewall): string[] {
  const count = (n: number, one: string) => (n === 0 ? [] : [`${n} ${one}${n === 1 ? '' : 's'}`]);
  const all = [
    ...count(new Set(filters.map((f) => f.key)).size, 'filter'),
    ...napt.map((n) => `NAPT of ${n.private ?? 'all'} by ${n.global ?? n.device}`),
    ...forwards.map((f) => `${f.protocols.join('/')} ${f.port ?? ''} leads to ${f.to}`.replace('  ', ' ')),
    ...own.map((o) => `${o.what} pass${o.peer ? ` from ${o.peer}` : ''}`),
  ];
  return all.length > 0 ? all : ['nothing is filtered'];
}
