// Links, addresses and routes through iproute2.
import { realpathSync } from 'node:fs';
import type { Route } from '../plan/desired.ts';
import type { Device } from '../plan/devices.ts';
import { HostError, run } from './run.ts';

type LinkJson = {
  ifname: string;
  ifindex: number;
  mtu: number;
  link_type: string;
  linkinfo?: { info_kind?: string };
};

/** What a cable or a VLAN could be plugged into; bridges, tunnels and dummies are no ports. */
const NOT_PORTS = ['bridge', 'tun', 'dummy', 'bond', 'ifb'];

export async function listDevices(): Promise<Device[]> {
  const links: LinkJson[] = JSON.parse(await run('ip', ['-json', '-details', 'link', 'show']));
  return links.map((l) => ({
    name: l.ifname,
    index: l.ifindex,
    mtu: l.mtu,
    ethernet: l.link_type === 'ether' && !NOT_PORTS.includes(l.linkinfo?.info_kind ?? ''),
    ...placeOf(l.ifname),
  }));
}

function placeOf(device: string): Pick<Device, 'place'> {
  try {
    return { place: realpathSync(`/sys/class/net/${device}/device`) };
  } catch {
    return {}; // It is plugged in nowhere.
  }
}

/** True when the address is new; false when the device had it already, and so it is not ours to remove. */
export async function addAddress(device: string, cidr: string): Promise<boolean> {
  try {
    await run('ip', ['address', 'add', ...addressArguments(device, cidr)]);
    return true;
  } catch (e) {
    if (e instanceof HostError && /exists|already assigned/i.test(e.message)) return false;
    throw e;
  }
}

function addressArguments(device: string, cidr: string, peer?: string): string[] {
  // An IPv6 address that waits for duplicate detection cannot be a source yet: nobody else is on a router's link.
  const more = cidr.includes(':') ? ['nodad'] : [];
  return [...(peer ? [cidr.split('/')[0], 'peer', peer] : [cidr]), 'dev', device, ...more];
}

export async function removeAddress(device: string, cidr: string): Promise<void> {
  await unlessGone(run('ip', ['address', 'del', cidr, 'dev', device]));
}

export async function setLink(device: string, settings: readonly string[]): Promise<void> {
  await run('ip', ['link', 'set', 'dev', device, ...settings]);
}

/**
 * Settings and addresses of a TUN that was just made, in one call of iproute2: a router may have a thousand of them.
 * Throws with the first complaint.
 */
export async function dressDevice(
  device: string,
  settings: readonly (readonly string[])[],
  addresses: readonly string[],
  peer?: string,
): Promise<void> {
  const lines = [
    ...settings.map((s) => ['link', 'set', 'dev', device, ...s]),
    ...addresses.map((cidr) => ['address', 'add', ...addressArguments(device, cidr, peer)]),
  ];
  await run('ip', ['-batch', '-'], lines.map((l) => `${l.join(' ')}\n`).join(''));
}

/** Replaces an equal route; throws when its way out does not exist. */
export async function addRoute(route: Route): Promise<void> {
  await run('ip', [
    `-${route.family}`,
    'route',
    'replace',
    ...routeArguments(route),
    ...(route.mtu === undefined ? [] : ['mtu', String(route.mtu)]),
  ]);
}

export async function removeRoute(route: Route): Promise<void> {
  await unlessGone(run('ip', [`-${route.family}`, 'route', 'del', ...routeArguments(route)]));
}

function routeArguments({ destination, via, distance }: Route): string[] {
  const metric = ['metric', String(distance)];
  if (via === 'discard') return ['blackhole', destination, ...metric];
  return [destination, ...('address' in via ? ['via', via.address] : ['dev', via.interface]), ...metric];
}

/** What is to be removed may have gone with its interface. */
async function unlessGone(action: Promise<string>): Promise<void> {
  try {
    await action;
  } catch (e) {
    const gone = /No such process|Cannot assign|Cannot find device|No such device|not exist|not found/i;
    if (!(e instanceof HostError && gone.test(e.message))) throw e;
  }
}

/** A route of IPv4 as the kernel has it; `own`: of ours, not one that came with an address. */
export type KernelRoute = {
  readonly destination: string;
  readonly gateway: string;
  readonly device: string;
  readonly own: boolean;
};

export async function kernelRoutes(): Promise<KernelRoute[]> {
  type Json = { dst: string; gateway?: string; dev?: string; type?: string; protocol?: string };
  const list = JSON.parse(await run('ip', ['-4', '-json', '-details', 'route', 'show'])) as Json[];
  return list.map(({ dst, gateway = '', dev = '', type, protocol }) => ({
    destination: dst,
    gateway: type === 'blackhole' ? 'null' : gateway,
    device: dev,
    own: protocol !== 'kernel',
  }));
}

/** Of ARP (RFC 826) and Neighbour Discovery (RFC 4861); `state` in the kernel's word, like "reachable". */
export type Neighbour = {
  readonly address: string;
  readonly device: string;
  readonly mac: string;
  readonly state: string;
};

export async function kernelNeighbours(): Promise<Neighbour[]> {
  type Json = { dst: string; dev: string; lladdr?: string; state?: readonly string[] };
  const list = JSON.parse(await run('ip', ['-json', 'neighbour', 'show'])) as Json[];
  return list.map(({ dst, dev, lladdr = '-', state = [] }) => ({
    ...{ address: dst, device: dev, mac: lladdr },
    state: state.join(', ').toLowerCase(),
  }));
}
