// From one desired state to the next: ordered steps. Only what differs is in them, so an untouched tunnel loses
// nothing. What goes away goes first, what comes comes after what it stands on.
import { isDeepStrictEqual } from 'node:util';
import type { NativeEsp } from '../dataplane/port.ts';
import { samePolicy } from '../ike/policy.ts';
import type { Address } from '../net/address.ts';
import type { Endpoint } from '../net/endpoint.ts';
import { type Access, accessText } from './access.ts';
import {
  connectionsOf,
  type Desired,
  type Link,
  NOTHING,
  type Route,
  type SyslogServer,
  type Tunnel,
} from './desired.ts';
import { type Firewall, firewallText } from './firewall.ts';
import { type Clock, clockText, type DhcpClient, type Services, servicesText } from './services.ts';

/** What an Ethernet device has when nobody says otherwise. */
const ETHERNET_MTU = 1500;

export type Step =
  | { readonly kind: 'hostname'; readonly name: string }
  | { readonly kind: 'native-esp'; readonly way: NativeEsp }
  | { readonly kind: 'metrics'; readonly at: Endpoint | undefined }
  | { readonly kind: 'syslog'; readonly servers: readonly SyslogServer[] }
  | { readonly kind: 'remove-route' | 'add-route'; readonly route: Route }
  | { readonly kind: 'close-tunnel' | 'open-tunnel' | 'change-tunnel'; readonly tunnel: Tunnel }
  | { readonly kind: 'remove-address' | 'add-address'; readonly link: Link; readonly address: string }
  | { readonly kind: 'link-mtu'; readonly link: Link; readonly mtu: number }
  /** Filters, NAT and the MSS clamp of all links: one nftables table, replaced as a whole. */
  | {
      readonly kind: 'firewall';
      readonly links: readonly Link[];
      readonly firewall: Firewall;
      /** What of it is new, in words. */
      readonly what: readonly string[];
    }
  /** Who asks for addresses, all of them. */
  | { readonly kind: 'dhcp-clients'; readonly clients: readonly DhcpClient[] }
  /** DHCP server and DNS forwarder, as a whole. */
  | { readonly kind: 'services'; readonly services: Services }
  /** Whom the clock follows; undefined: nobody. */
  | { readonly kind: 'clock'; readonly clock: Clock | undefined }
  | { readonly kind: 'resolvers'; readonly addresses: readonly Address[] }
  /** Accounts, SSH and time zone, as a whole. */
  | { readonly kind: 'access'; readonly access: Access }
  /** What security policies name goes nowhere but into their devices from here on: replaced as a whole. */
  | { readonly kind: 'guard-policies'; readonly tunnels: readonly Tunnel[] }
  /** And the devices are there. */
  | { readonly kind: 'lead-policies'; readonly tunnels: readonly Tunnel[] }
  /** The IKE engine compares policies by itself; this hands it all of them. */
  | { readonly kind: 'ike'; readonly desired: Desired };

/** `again`: kinds of steps that failed the last time, and are to be tried once more. */
export function steps(
  from: Desired | undefined,
  to: Desired,
  again: ReadonlySet<Step['kind']> = new Set(),
): Step[] {
  const old = from ?? NOTHING;
  const out: Step[] = [];
  const caught = (d: { tunnels: readonly Tunnel[] }) => d.tunnels.filter((t) => t.catches).map(catchOf);
  // At the start also when there are none: those of a router that crashed may stand.
  const policies = !from || !isDeepStrictEqual(caught(old), caught(to));
  const catching = to.tunnels.filter((t) => t.catches);
  if (policies || again.has('guard-policies')) out.push({ kind: 'guard-policies', tunnels: catching });
  const what = [
    ...(isDeepStrictEqual(old.links.map(clampOf), to.links.map(clampOf)) ? [] : ['TCP MSS clamp']),
    ...(isDeepStrictEqual(old.firewall, to.firewall) ? [] : firewallText(to.firewall)),
  ];
  const wall: Step[] =
    what.length > 0 || again.has('firewall')
      ? [{ kind: 'firewall', links: to.links, firewall: to.firewall, what }]
      : [];
  // A wall stands before there is anything to be walled in, and goes after it.
  const walled = to.firewall.filters.length > 0;
  if (walled) out.push(...wall);
  if (to.hostname && to.hostname !== from?.hostname) out.push({ kind: 'hostname', name: to.hostname });

  if (to.nativeEsp !== old.nativeEsp) out.push({ kind: 'native-esp', way: to.nativeEsp });

  const reopened = to.tunnels.filter(
    (t) => !old.tunnels.some((o) => o.name === t.name && sameInterface(o, t)),
  );
  const closed = old.tunnels.filter((o) => !to.tunnels.some((t) => t.name === o.name && sameInterface(o, t)));
  // Routes through a tunnel that is made anew went with it.
  const lostWith = (r: Route) =>
    typeof r.via === 'object' && 'interface' in r.via && closed.some((t) => t.name === viaName(r));
  const stays = (r: Route, list: readonly Route[]) =>
    list.some((o) => isDeepStrictEqual(o, r)) && !lostWith(r);
  // A route that only gets another MTU is put in the old one's place.
  const replaced = (r: Route) => stays(withoutMtu(r), to.routes.map(withoutMtu));
  const next = new Map(to.routes.map((r) => [placeOf(r), r]));
  // Nothing of what goes through a tunnel goes outside in clear while it is made anew, or when it is there no more: until
  // the way is there again it leads nowhere.
  const held = new Set<string>();
  for (const route of old.routes) {
    if (replaced(route)) continue;
    const heir = next.get(placeOf(route));
    if (!heir) out.push({ kind: 'remove-route', route });
    else if (heir.via === 'discard' || lostWith(route)) {
      out.push({ kind: 'add-route', route: { ...withoutMtu(heir), via: 'discard' } });
      held.add(placeOf(route));
    }
  }

  // IKE says goodbye while the addresses it speaks from still exist, and meets tunnels that are open.
  if (closed.length > 0) {
    const away = new Set(reopened.map((t) => t.policy.name));
    const tunnels = to.tunnels.filter((t) => !away.has(t.policy.name));
    out.push({ kind: 'ike', desired: { ...to, tunnels } });
  }
  for (const tunnel of closed) out.push({ kind: 'close-tunnel', tunnel });
  links(old.links, to.links, out);
  if (!walled) out.push(...wall);
  for (const tunnel of reopened) out.push({ kind: 'open-tunnel', tunnel });
  for (const tunnel of to.tunnels) {
    const before = old.tunnels.find((o) => o.name === tunnel.name);
    if (before && !reopened.includes(tunnel) && !isDeepStrictEqual(before.dataplane, tunnel.dataplane)) {
      out.push({ kind: 'change-tunnel', tunnel });
    }
  }
  // Routes through addresses went with the address that reached them; to put one again that stayed is harmless.
  const moved = out.some((step) => step.kind === 'remove-address');
  const lost = (r: Route) =>
    typeof r.via === 'object' && (again.has('add-route') || (moved && 'address' in r.via));
  for (const route of to.routes) {
    if (route.via === 'discard' && held.has(placeOf(route))) continue;
    if (!stays(route, old.routes) || lost(route)) out.push({ kind: 'add-route', route });
  }
  if (policies || reopened.some((t) => t.catches) || again.has('lead-policies'))
    out.push({ kind: 'lead-policies', tunnels: catching });
  const [a, b] = [connectionsOf(old), connectionsOf(to)];
  const same = a.length === b.length && b.every((p, i) => samePolicy(a[i], p));
  if (!same || closed.length > 0 || !isDeepStrictEqual(from?.settings, to.settings))
    out.push({ kind: 'ike', desired: to });
  if (!isDeepStrictEqual(old.services.clients, to.services.clients) || again.has('dhcp-clients'))
    out.push({ kind: 'dhcp-clients', clients: to.services.clients });
  const inside = ({ pools, dns }: Services) => [pools, dns];
  if (!isDeepStrictEqual(inside(old.services), inside(to.services)) || again.has('services'))
    out.push({ kind: 'services', services: to.services });
  if (!isDeepStrictEqual(old.services.resolvers, to.services.resolvers) || again.has('resolvers'))
    out.push({ kind: 'resolvers', addresses: to.services.resolvers });
  if (!isDeepStrictEqual(old.services.clock, to.services.clock) || again.has('clock'))
    out.push({ kind: 'clock', clock: to.services.clock });
  if (!isDeepStrictEqual(old.access, to.access) || again.has('access'))
    out.push({ kind: 'access', access: to.access });
  if (!isDeepStrictEqual(old.syslog, to.syslog)) out.push({ kind: 'syslog', servers: to.syslog });
  if (!isDeepStrictEqual(old.metrics, to.metrics) || again.has('metrics'))
    out.push({ kind: 'metrics', at: to.metrics });
  return out;
}

/** What the kernel knows a route by: another one there takes its place. */
function placeOf({ family, destination, distance }: Route): string {
  return `${family} ${destination} ${distance}`;
}

function withoutMtu({ mtu: _, ...route }: Route): Route {
  return route;
}

function viaName(route: Route): string {
  return typeof route.via === 'object' && 'interface' in route.via ? route.via.interface : '';
}

/** What the kernel is told of a policy. */
function catchOf({ name, catches, child }: Tunnel) {
  return [name, catches, child.selectors, child.protocol, child.ports];
}

/** Whether the TUN may stay: it has the addresses that are wanted. */
function sameInterface(a: Tunnel, b: Tunnel): boolean {
  return isDeepStrictEqual([a.addresses, a.peer], [b.addresses, b.peer]);
}

function clampOf(link: Link) {
  return [link.device, link.mss];
}

/** New addresses come before old ones go: with the last address of a link the kernel drops its routes. */
function links(from: readonly Link[], to: readonly Link[], out: Step[]): void {
  const find = (list: readonly Link[], link: Link) => list.find((l) => l.device === link.device);
  for (const link of to) {
    const before = find(from, link);
    const mtu = link.mtu ?? (before?.mtu === undefined ? undefined : ETHERNET_MTU);
    if (mtu !== undefined && mtu !== before?.mtu) out.push({ kind: 'link-mtu', link, mtu });
    for (const address of link.addresses) {
      if (!before?.addresses.includes(address)) out.push({ kind: 'add-address', link, address });
    }
  }
  for (const old of from) {
    const now = find(to, old);
    if (!now && old.mtu !== undefined) out.push({ kind: 'link-mtu', link: old, mtu: ETHERNET_MTU });
    for (const address of old.addresses) {
      if (!now?.addresses.includes(address)) out.push({ kind: 'remove-address', link: old, address });
    }
  }
}

/** A step in words, for `reload` and the log. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case 'hostname':
      return `hostname ${step.name}`;
    case 'metrics':
      return step.at ? `metrics at ${step.at.address} port ${step.at.port}` : 'no metrics';
    case 'syslog':
      return `log to ${step.servers.map((s) => s.address).join(', ') || 'no server'}`;
    case 'native-esp':
      return `native ESP by ${step.way}`;
    case 'remove-route':
    case 'add-route':
      return `${step.kind === 'add-route' ? 'route' : 'no route'} ${step.route.destination} via ${viaText(step.route)}`;
    case 'close-tunnel':
      return `${step.tunnel.name} is removed`;
    case 'open-tunnel':
      return `${step.tunnel.name} is made, MTU ${step.tunnel.dataplane.mtu}`;
    case 'change-tunnel':
      return `${step.tunnel.name} is changed, MTU ${step.tunnel.dataplane.mtu}`;
    case 'remove-address':
    case 'add-address':
      return `${step.link.name} ${step.kind === 'add-address' ? 'gets' : 'loses'} ${step.address}`;
    case 'link-mtu':
      return `${step.link.name} MTU ${step.mtu}`;
    case 'firewall':
      return step.what.join('; ');
    case 'dhcp-clients':
      return `addresses by DHCP: ${step.clients.map((c) => c.name).join(', ') || 'none'}`;
    case 'services':
      return servicesText(step.services).join('; ');
    case 'clock':
      return clockText(step.clock);
    case 'resolvers':
      return `names asked of ${step.addresses.join(', ') || 'nobody'}`;
    case 'access':
      return accessText(step.access).join('; ');
    case 'guard-policies':
      return `security policies ${step.tunnels.map((t) => t.catches?.index).join(', ') || 'none'}: nothing in clear`;
    case 'lead-policies':
      return `security policies ${step.tunnels.map((t) => t.catches?.index).join(', ') || 'none'}`;
    case 'ike':
      return 'IKE policies';
  }
}

function viaText(route: Route): string {
  return route.via === 'discard'
    ? 'discard'
    : 'address' in route.via
      ? route.via.address
      : route.via.interface;
}
