// The composition root's heart: configuration in, desired state out, steps carried out; engine and dataplane joined.
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import pkg from '../../package.json' with { type: 'json' };
import { diff } from '../config/diff.ts';
import type { Mistake } from '../config/mistake.ts';
import { emptyTree, type Tree } from '../config/tree.ts';
import { sameNetwork } from '../config/validate.ts';
import type { Dataplane, DataplaneEvent } from '../dataplane/port.ts';
import type { Given } from '../host/dnsmasq.ts';
import { Host, type HostOptions } from '../host/host.ts';
import { listDevices } from '../host/iproute.ts';
import { type Machine, machine } from '../host/machine.ts';
import { Ports } from '../host/ports.ts';
import { Engine } from '../ike/engine.ts';
import type { Effect, Input } from '../ike/io.ts';
import { Recorder } from '../ike/journal.ts';
import { familyOf, overlap } from '../net/address.ts';
import type { X509 } from '../pki/x509.ts';
import { connectionsOf, type Desired, type Tunnel } from '../plan/desired.ts';
import { type DeviceMap, portsOf, resolveDevices } from '../plan/devices.ts';
import { effect } from '../plan/effect.ts';
import { plan, settings } from '../plan/plan.ts';
import type { Lease } from '../plan/services.ts';
import { type Step, steps, stepText } from '../plan/steps.ts';
import { ikeView, type Source, tunnelView } from '../show/view.ts';
import { loadCredentials } from './credentials.ts';
import { Effects } from './effects.ts';
import type { KeyWindow } from './keys.ts';
import type { Log } from './log.ts';
import { MetricsServer, metrics, type Readings } from './metrics.ts';
import { hostsOf, Names } from './names.ts';
import { Work } from './work.ts';

/** A path may have widened after this time (RFC 1191 6.3): then it is tried anew. */
const PATH_MTU_AGE_MS = 600_000;

/** A path that carries less than this is a forgery (RFC 791 3.1 wants 576 of every host, RFC 8200 5 1,280). */
const SMALLEST_PATH_MTU = { 4: 576, 6: 1280 } as const;

/** So long a start waits for ports at most: USB adapters take some seconds. */
const PORTS_MS = 20_000;
const PORTS_LOOK_MS = 500;

export class Refused extends Error {
  readonly mistakes: readonly Mistake[];
  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map((m) => m.message).join('\n'));
    this.mistakes = mistakes;
  }
}

export type RouterOptions = HostOptions & {
  /** The same after every restart (RFC 6290). */
  readonly crashSecret?: Uint8Array;
  /** Takes the lines of the engine's journal, which holds keys. */
  readonly journal?: (line: string) => void;
};

/** `tolerant`: interfaces may be without a device. `without`: devices that are as if they were not there. */
type Circumstances = { readonly tolerant?: boolean; readonly without?: ReadonlySet<string> };

export class Router {
  readonly log: Log;
  readonly engine: Engine;
  readonly dataplane: Dataplane;
  readonly #host: Host;
  readonly #leases = new Map<string, Lease>();
  readonly #x509: X509;
  /** Kinds of steps that failed at the last change. */
  readonly #failed = new Set<Step['kind']>();
  /** The engine, or what keeps its journal. */
  readonly #steps: Pick<Engine, 'step'>;
  readonly #names: Names;
  readonly #effects: Effects;
  /** Of what outlives a start. */
  readonly #folder: string | undefined;
  readonly #keyWindows = new Set<KeyWindow>();
  readonly #metrics = new MetricsServer(() => metrics(() => this.#readings(), pkg.version));
  readonly #pathMtu = new Map<string, number>();
  readonly #pathTimers = new Map<string, NodeJS.Timeout>();
  /** Commits run one after another. */
  #turn: Promise<unknown> = Promise.resolve();
  #desired: Desired | undefined;
  readonly #ports = new Ports();
  /** Names of devices by interface, and interfaces that wait for theirs. */
  #devices: ReadonlyMap<string, string> = new Map();
  #waiting: ReadonlySet<string> = new Set();
  #stopping = false;
  tree: Tree = emptyTree;

  constructor(
    log: Log,
    makeDataplane: (onEvent: (event: DataplaneEvent) => void) => Dataplane,
    x509: X509,
    options: RouterOptions = {},
  ) {
    this.log = log;
    this.#x509 = x509;
    const work = new Work(x509);
    const { crashSecret, journal } = options;
    const beginning = { settings: settings(emptyTree), ...(crashSecret ? { crashSecret } : {}) };
    this.engine = new Engine(beginning.settings, crashSecret);
    this.#steps = journal ? new Recorder(this.engine, beginning, journal) : this.engine;
    this.dataplane = makeDataplane((event) => this.#event(event));
    this.#names = new Names(() => this.#replan());
    this.#folder = options.folder === undefined ? undefined : dirname(options.folder);
    this.#host = new Host(options, {
      lease: ({ name }, lease) => this.#leased(name, lease),
      trouble: (text) => log.add({ level: 'warning', function: 'host', code: 'service', text }),
    });
    this.#effects = new Effects(
      this.dataplane,
      log,
      (job) => work.run(job),
      (input) => this.input(input),
    );
  }

  /** What the views are made of, now. */
  get source(): Source {
    return {
      connections: this.engine.connections,
      statistics: this.dataplane.statistics(),
      tunnels: this.#desired?.tunnels ?? [],
      dormant: this.#desired?.dormant ?? [],
      now: this.now,
      wall: Date.now(),
    };
  }

  /** Addresses that our DHCP server gave. */
  get given(): readonly Given[] {
    return this.#host.given();
  }

  /** The machine that all this runs on. */
  get machine(): Machine {
    return machine(this.#folder);
  }

  /** What cables go into, of all that there is. */
  async ports(): Promise<readonly { readonly name: string; readonly device: string }[]> {
    return portsOf(await listDevices(), this.#devices);
  }

  #readings(): Readings {
    const { source } = this;
    return { tunnels: tunnelView(source), ike: ikeView(source), drops: source.statistics.drops };
  }

  get desired(): Desired | undefined {
    return this.#desired;
  }

  get now(): number {
    return this.#effects.now;
  }

  /**
   * `patient`: waits a while for devices that are not there yet, and begins without them then. `known`: false for what stands in
   * place of a configuration that cannot be read. Throws Refused.
   */
  async start(tree: Tree, { patient = false, known = true } = {}): Promise<void> {
    // Nothing is forwarded before what policies protect is held back.
    if (patient) await this.#allPorts(tree);
    await this.#inTurn(() => this.#apply(tree, { tolerant: patient }));
    await this.#host.begin();
    if (known) this.#host.tellSystem();
    await this.#showCables();
    this.#ports.watch((others) => {
      void this.#showCables();
      // What is another one by the same name lost all that it was given: it goes first, and then comes.
      if (others.size > 0) this.#replan(others);
      this.#replan();
    });
  }

  /** On a box that nobody has configured ports are up, so that it is seen where a cable is in. */
  async #showCables(): Promise<void> {
    if (!this.ownsSystem || this.tree.size > 0) return;
    for (const { device } of await this.ports()) await this.#host.raise(device).catch(() => undefined);
  }

  async #allPorts(tree: Tree): Promise<void> {
    for (let waited = 0; waited < PORTS_MS; waited += PORTS_LOOK_MS) {
      if (resolveDevices(tree, await listDevices()).absent.size === 0) return;
      await new Promise((resolve) => setTimeout(resolve, PORTS_LOOK_MS));
    }
  }

  /**
   * Makes a validated tree the running one. Returns what was done, in words. Throws Refused when the machine cannot
   * have it; then nothing was touched.
   */
  async apply(tree: Tree): Promise<string[]> {
    const done = await this.#inTurn(() => this.#apply(tree));
    this.#host.tellSystem();
    return done;
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** What apply() would do, in words. Throws Refused. */
  async preview(tree: Tree): Promise<string[]> {
    await this.#turn;
    const { desired } = await this.#prepare(tree, () => this.#names.known(), {});
    return effect(this.#desired, desired);
  }

  /**
   * `hosts` is asked for once nothing is refused any more. A device that is missing is a mistake of whoever commits it,
   * and not of the router that runs without it.
   */
  async #prepare(tree: Tree, hosts: () => ReadonlyMap<string, string>, { tolerant, without }: Circumstances) {
    const present = (await listDevices()).filter((d) => !without?.has(d.name));
    const { devices, absent, mistakes } = resolveDevices(tree, present, this.#devices);
    const missing = [...absent].filter(
      ([name]) => !tolerant && tree !== this.tree && !this.#waiting.has(name),
    );
    const loaded = loadCredentials(tree, this.#x509, (file) => readFileSync(file, 'utf8'));
    const wrong = [...missing.map(([, mistake]) => mistake), ...mistakes, ...loaded.mistakes];
    if (wrong.length > 0) throw new Refused(wrong);
    const desired = plan(tree, devices, {
      pathMtu: this.#pathMtu,
      keys: loaded.keys,
      hosts: hosts(),
      leases: this.#leases,
    });
    return { desired, devices, absent, warnings: loaded.warnings };
  }

  async #apply(tree: Tree, circumstances: Circumstances = {}): Promise<string[]> {
    const prepared = await this.#prepare(tree, () => this.#names.follow(hostsOf(tree)), circumstances);
    const { desired, warnings } = prepared;
    for (const { message } of tree === this.tree ? [] : warnings) {
      this.log.add({ level: 'warning', function: 'conf', code: 'certificate', text: message });
    }
    this.#follow(prepared);
    const todo = steps(this.#desired, desired, this.#failed);
    this.#failed.clear();
    for (const { path } of diff(this.tree, tree)) {
      this.log.add({ level: 'debug', function: 'conf', code: 'changed', text: `${path} changed` });
    }
    this.#desired = desired;
    this.tree = tree;
    for (const step of todo) await this.#attempt(step);
    return todo.map(stepText);
  }

  /** Devices keep their interfaces; who waits for one is told once. */
  #follow({ devices, absent }: Pick<DeviceMap, 'devices' | 'absent'>): void {
    const known = [...this.#devices].filter(([name]) => absent.has(name));
    this.#devices = new Map([...known, ...[...devices].map(([name, d]) => [name, d.name] as const)]);
    const tell = (level: 'warning' | 'info', text: string) =>
      this.log.add({ level, function: 'host', code: 'port', text });
    for (const name of absent.keys())
      if (!this.#waiting.has(name)) tell('warning', `${name} has no device, and is taken when it comes`);
    for (const name of this.#waiting)
      if (devices.has(name)) tell('info', `${name} has its device, ${devices.get(name)?.name}`);
    this.#waiting = new Set(absent.keys());
  }

  /** A step that fails is told and does not keep the others from happening: a router with one bad route still routes. */
  async #attempt(step: Step): Promise<void> {
    try {
      await this.#carryOut(step);
    } catch (e) {
      const text = `${stepText(step)}: ${(e as Error).message}`;
      this.log.add({ level: 'error', function: 'host', code: 'step-failed', text });
      this.#failed.add(step.kind);
    }
  }

  async #carryOut(step: Step): Promise<void> {
    switch (step.kind) {
      case 'hostname':
        return this.#host.setHostname(step.name);
      case 'metrics':
        return this.#metrics.listen(step.at);
      case 'syslog':
        return this.log.syslog.follow(step.servers);
      case 'native-esp':
        return this.dataplane.setNativeEsp(step.way);
      case 'remove-route':
        return this.#host.removeRoute(step.route);
      case 'add-route':
        return this.#host.addRoute(step.route);
      case 'close-tunnel':
        return this.dataplane.closeTunnel(step.tunnel.name);
      case 'open-tunnel':
        this.dataplane.openTunnel(step.tunnel.dataplane);
        return this.#host.dressTunnel(step.tunnel);
      case 'change-tunnel':
        this.dataplane.changeTunnel(step.tunnel.dataplane);
        return this.#host.setMtu(step.tunnel.name, step.tunnel.deviceMtu);
      case 'remove-address':
        return this.#host.removeAddress(step.link, step.address);
      case 'add-address':
        return this.#host.addAddress(step.link, step.address);
      case 'link-mtu':
        return this.#host.setMtu(step.link.device, step.mtu);
      case 'firewall':
        return this.#host.setFirewall(step.links, step.firewall);
      case 'dhcp-clients':
        return this.#host.askForAddresses(step.clients);
      case 'services':
        return this.#host.serve(step.services);
      case 'clock':
        return this.#host.follow(step.clock);
      case 'resolvers':
        return this.#host.resolvers(step.addresses);
      case 'access':
        return this.#host.setAccess(step.access);
      case 'guard-policies':
        return this.#host.guardPolicies(step.tunnels);
      case 'lead-policies':
        return this.#host.leadPolicies(step.tunnels);
      case 'ike': {
        const connections = connectionsOf(step.desired);
        this.input({ kind: 'configure', connections, settings: step.desired.settings });
      }
    }
  }

  /** Whether the machine around is ours too: accounts, SSH, starts. */
  get ownsSystem(): boolean {
    return this.#host.ownsSystem;
  }

  /** Asks the system to start the machine again; false where nobody does. */
  reboot(): boolean {
    return this.#host.reboot();
  }

  input(input: Input): void {
    const effects: Effect[] = this.#steps.step(input, this.#effects.env());
    for (const effect of effects) this.#effects.carryOut(effect);
    for (const window of this.#keyWindows) window.look(this.engine.connections);
  }

  /** Until the returned function is called the window sees the keys of every SA. */
  watchKeys(window: KeyWindow): () => void {
    window.look(this.engine.connections);
    this.#keyWindows.add(window);
    return () => this.#keyWindows.delete(window);
  }

  #event(event: DataplaneEvent): void {
    switch (event.kind) {
      case 'ike':
        return this.input({ ...event, kind: 'datagram' });
      case 'acquire':
        return this.input(event);
      case 'path-mtu':
        return this.#pathChanged(event.remote, event.mtu);
      default:
        return this.input(event);
    }
  }

  /** The tunnel's MTU follows the path's: the kernel then tells senders, and fragments what may be (RFC 4301 8.2). */
  #pathChanged(remote: string, mtu: number): void {
    if (mtu < SMALLEST_PATH_MTU[familyOf(remote)]) return;
    const there = (this.#desired?.tunnels ?? []).filter((t) => this.#peersOf(t).includes(remote));
    const news = there.filter(({ name, outerMtu = 0 }) => mtu < (this.#pathMtu.get(name) ?? outerMtu));
    if (news.length === 0) return;
    for (const { name } of news) {
      this.#pathMtu.set(name, mtu);
      clearTimeout(this.#pathTimers.get(name));
      this.#pathTimers.set(name, setTimeout(() => this.#forgetPath(name), PATH_MTU_AGE_MS).unref());
    }
    const text = `the path to ${remote} carries ${mtu} octets`;
    this.log.add({ level: 'info', function: 'path', connection: news[0].name, code: 'path-mtu', text });
    this.#replan();
  }

  /** Where a tunnel's peer is: as configured, or as its SAs say. */
  #peersOf({ policy }: Tunnel): (string | undefined)[] {
    const sas = this.engine.connections.get(policy.name)?.sas ?? [];
    return [policy.remote, ...[...sas].map((sa) => sa.remote.address)];
  }

  /** The network outside gave us an address, or took it back. */
  #leased(name: string, lease: Lease | undefined): void {
    if (this.#stopping || isDeepStrictEqual(this.#leases.get(name), lease)) return;
    if (lease) this.#leases.set(name, lease);
    else this.#leases.delete(name);
    const text = lease
      ? `${name} has ${lease.address} by DHCP${lease.router ? `, gateway ${lease.router}` : ''}`
      : `${name} has no address by DHCP any more`;
    this.log.add({ level: lease ? 'info' : 'warning', function: 'host', code: 'dhcp', text });
    if (lease) this.#warnOfTwins(name, lease.address);
    this.#replan();
  }

  /** The router before us may have the network that we have inside. */
  #warnOfTwins(name: string, address: string): void {
    const twins = (this.#desired?.links ?? []).filter(
      (l) => l.name !== name && l.addresses.some((a) => overlap(a, address)),
    );
    for (const twin of twins) {
      const text = sameNetwork(twin.name, address, name);
      this.log.add({ level: 'error', function: 'host', code: 'dhcp', text });
    }
  }

  #forgetPath(tunnel: string): void {
    this.#pathMtu.delete(tunnel);
    this.#replan();
  }

  #replan(without?: ReadonlySet<string>): void {
    // The tree of its turn: a commit that waits before it must not be undone.
    this.#inTurn(() => this.#apply(this.tree, without ? { without } : {})).catch((e: Error) => {
      this.log.add({ level: 'error', function: 'path', code: 'step-failed', text: e.message });
    });
  }

  /** Says goodbye to every peer and takes away what was made. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#turn;
    this.input({ kind: 'shutdown' });
    for (const timer of this.#pathTimers.values()) clearTimeout(timer);
    this.#ports.end();
    await this.#metrics.close();
    this.log.syslog.close();
    this.#names.stop();
    this.#effects.stop();
    this.dataplane.close();
    for (const complaint of await this.#host.end()) {
      this.log.add({ level: 'warning', function: 'host', code: 'cleanup-failed', text: complaint });
    }
  }
}
