// Carries out the host's part of a plan, and undoes it: only what was made here is taken away again.
import type { Address } from '../net/address.ts';
import { type Access, NO_ACCESS } from '../plan/access.ts';
import type { Link, Route, Tunnel } from '../plan/desired.ts';
import { type Firewall, OPEN } from '../plan/firewall.ts';
import type { Clock, DhcpClient, Services } from '../plan/services.ts';
import type { LeaseEvents } from './dhcp-client.ts';
import type { Given } from './dnsmasq.ts';
import { addAddress, addRoute, dressDevice, removeAddress, removeRoute, setLink } from './iproute.ts';
import { Neighbourhood } from './neighbourhood.ts';
import { setFirewall, shut } from './nftables.ts';
import { Policies } from './policies.ts';
import { listSysctls, readSysctl, setSysctl } from './sysctl.ts';
import { System } from './system.ts';

export type HostOptions = {
  /** Where services keep what they must not forget. */
  readonly folder?: string;
  /** Where the system around us is asked; on a machine of somebody else's, nowhere. */
  readonly system?: string;
  readonly setsClock?: boolean;
};

/** A route that only differs in its MTU takes the other's place. */
function keyOf({ family, destination, via, distance }: Route): string {
  return JSON.stringify([family, destination, via, distance]);
}

export class Host {
  /** Addresses by device that were not there before us. */
  readonly #addresses = new Set<string>();
  readonly #routes = new Map<string, Route>();
  readonly #sysctls = new Map<string, string>();
  #walled = false;
  readonly #policies = new Policies();
  readonly #neighbourhood: Neighbourhood;

  readonly #system: System | undefined;
  #access: Access = NO_ACCESS;
  #hostname = 'sekisho';
  #told = false;

  constructor({ folder, system, setsClock = true }: HostOptions, events: LeaseEvents) {
    this.#neighbourhood = new Neighbourhood(folder, events, setsClock);
    this.#system = system === undefined ? undefined : new System(system);
  }

  /** After the first plan is carried out. */
  async begin(): Promise<void> {
    await this.#sysctl('net/ipv4/ip_forward', '1');
    await this.#sysctl('net/ipv6/conf/all/forwarding', '1');
    // An address that is replaced by another of its network must not take it along.
    await this.#sysctl('net/ipv4/conf/all/promote_secondaries', '1');
  }

  async #sysctl(path: string, value: string): Promise<void> {
    const old = await setSysctl(path, value);
    if (old !== undefined && !this.#sysctls.has(path)) this.#sysctls.set(path, old);
  }

  async setHostname(name: string): Promise<void> {
    this.#hostname = name;
    if (this.#system) this.#ask();
    else await this.#sysctl('kernel/hostname', name);
  }

  async addAddress(link: Link, address: string): Promise<void> {
    await setLink(link.device, ['up']);
    if (await addAddress(link.device, address)) this.#addresses.add(`${link.device} ${address}`);
  }

  async removeAddress(link: Link, address: string): Promise<void> {
    if (this.#addresses.delete(`${link.device} ${address}`)) await removeAddress(link.device, address);
  }

  async raise(device: string): Promise<void> {
    await setLink(device, ['up']);
  }

  async setMtu(device: string, mtu: number): Promise<void> {
    await setLink(device, ['mtu', String(mtu)]);
  }

  /** Dresses a TUN that the dataplane has just made. */
  async dressTunnel({ name, addresses, peer, deviceMtu, catches }: Tunnel): Promise<void> {
    // Routes may be asymmetric through a tunnel, and need not know what a policy is for.
    await setSysctl(`net/ipv4/conf/${name}/rp_filter`, catches ? '0' : '2');
    const settings = [
      // First, by itself: in one command the link would be up, and have made its link-local address, already.
      ['addrgenmode', 'none'],
      ['txqueuelen', '1000', 'multicast', 'off', 'mtu', String(deviceMtu), 'up'],
    ];
    await dressDevice(name, settings, addresses, peer);
  }

  async addRoute(route: Route): Promise<void> {
    await addRoute(route);
    this.#routes.set(keyOf(route), route);
  }

  async removeRoute(route: Route): Promise<void> {
    await removeRoute(route);
    this.#routes.delete(keyOf(route));
  }

  async setFirewall(links: readonly Link[], firewall: Firewall): Promise<void> {
    try {
      await setFirewall(links, firewall);
    } catch (e) {
      // What stood stays; where nothing stood, rather nothing passes than everything.
      if (!this.#walled && firewall.filters.length > 0) {
        await shut();
        this.#walled = true;
      }
      throw e;
    }
    this.#walled = true;
  }

  async askForAddresses(clients: readonly DhcpClient[]): Promise<void> {
    for (const { device } of clients) await setLink(device, ['up']);
    await this.#neighbourhood.ask(clients);
  }

  serve(services: Services): Promise<void> {
    return this.#neighbourhood.serve(services);
  }

  given(): readonly Given[] {
    return this.#neighbourhood.given();
  }

  follow(clock: Clock | undefined): Promise<void> {
    return this.#neighbourhood.follow(clock);
  }

  resolvers(addresses: readonly Address[]): void {
    this.#system?.resolvers(addresses);
  }

  /** Accounts and SSH are those of the machine where there is nobody to ask. */
  setAccess(access: Access): void {
    this.#access = access;
    process.env.TZ = access.timezone; // Of the times that we write ourselves.
    this.#ask();
  }

  /** From now on the system around hears of names, accounts and SSH: of a plan that is carried out in part it does not. */
  tellSystem(): void {
    if (this.#told) return;
    this.#told = true;
    this.#ask();
  }

  #ask(): void {
    if (this.#told) this.#system?.ask(this.#access, this.#hostname);
  }

  get ownsSystem(): boolean {
    return this.#system !== undefined;
  }

  /** False where nobody starts this machine for us. */
  reboot(): boolean {
    this.#system?.reboot();
    return this.#system !== undefined;
  }

  async guardPolicies(tunnels: readonly Tunnel[]): Promise<void> {
    if (tunnels.length > 0) await this.#admitUnrouted();
    await this.#policies.guard(tunnels);
  }

  async leadPolicies(tunnels: readonly Tunnel[]): Promise<void> {
    await this.#policies.lead(tunnels);
  }

  /**
   * What comes out of a policy's device need not be routed back through it, and the kernel's check for that takes the
   * larger of a device's own word and everybody's: each device gets what all had.
   */
  async #admitUnrouted(): Promise<void> {
    const all = await readSysctl('net/ipv4/conf/all/rp_filter');
    if (all === undefined || all === '0') return;
    for (const device of await listSysctls('net/ipv4/conf')) {
      const path = `net/ipv4/conf/${device}/rp_filter`;
      const own = await readSysctl(path);
      if (device !== 'all' && own !== undefined && Number(own) < Number(all) && !/^policy\d+$/.test(device))
        await this.#sysctl(path, all);
    }
    await this.#sysctl('net/ipv4/conf/all/rp_filter', '0');
  }

  /** Takes away everything made here; goes on when a part fails, and returns the complaints. */
  async end(): Promise<string[]> {
    const complaints: string[] = [];
    const attempt = async (action: () => Promise<unknown>) => {
      try {
        await action();
      } catch (e) {
        complaints.push((e as Error).message);
      }
    };
    await attempt(() => this.#neighbourhood.end());
    for (const route of this.#routes.values()) await attempt(() => removeRoute(route));
    for (const entry of this.#addresses) {
      const [device, address] = entry.split(' ');
      await attempt(() => removeAddress(device, address));
    }
    if (this.#policies.any) {
      await attempt(() => this.#policies.lead([]));
      await attempt(() => this.#policies.guard([]));
    }
    if (this.#walled) await attempt(() => setFirewall([], OPEN));
    for (const [path, value] of this.#sysctls) await attempt(() => setSysctl(path, value));
    return complaints;
  }
}
