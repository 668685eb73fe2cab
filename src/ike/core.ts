// What every exchange works with: the step's environment, the effects it collects, connections and timers.
import type { Address } from '../net/address.ts';
import type { Endpoint } from '../net/endpoint.ts';
import type { ChildSa } from './child.ts';
import type { KeyExchangeJob, KeyExchangeResult } from './crypto/key-exchange.ts';
import type { SignJob, SignResult } from './crypto/signature.ts';
import type { Event } from './event.ts';
import type { Effect, Env, Fact } from './io.ts';
import type { Job, JobResult, ProofJob, ProofResult } from './job.ts';
import type { ConnectionPolicy, Settings } from './policy.ts';
import { type Reason, reasonText } from './reason.ts';
import type { IsakmpSa } from './v1/sa.ts';
import type { IkeSa } from './v2/sa.ts';

/** A configured tunnel and what lives of it now. */
export type Connection = {
  policy: ConnectionPolicy;
  readonly sas: Set<IkeSa | IsakmpSa>;
  readonly children: Set<ChildSa>;
  /** Negotiations that failed since the last success: the next try waits longer. */
  failures: number;
  /** The tunnels that traffic waited for. */
  readonly asked: Set<string>;
  /** Since when the tunnels that are up are so: the engine's clock, in ms. */
  readonly since: Map<string, number>;
  lastReason?: Reason;
  /** IPsec SAs of version 1 that are to be renewed as soon as there is an ISAKMP SA. */
  readonly renewing: Set<ChildSa>;
};

/** Answers to, and lines about, packets that nobody authenticated. */
const MAX_ANSWERS_PER_SECOND = 40;

export class Core {
  settings: Settings;
  readonly #connections = new Map<string, Connection>();
  /** The same by version and addresses: a first packet must not cost more with every tunnel. */
  readonly #byAddresses = new Map<string, Set<Connection>>();
  readonly #byTunnel = new Map<string, Connection>();
  /** IKE SAs of both versions by our own SPI in hex. */
  readonly sas = new Map<string, IkeSa | IsakmpSa>();
  readonly children = new Map<number, ChildSa>();
  /** Outlives a crash, so that the peers can be told of it (RFC 6290). */
  readonly crashSecret: Uint8Array | undefined;
  /** True while the router goes down: nothing is initiated any more. */
  closing = false;

  #env!: Env;
  #effects: Effect[] = [];
  readonly #timers = new Map<string, () => void>();
  readonly #jobs = new Map<number, (result: never) => void>();
  #nextId = 1;
  #strangers = { second: 0, count: 0 };

  constructor(settings: Settings, crashSecret?: Uint8Array) {
    this.settings = settings;
    this.crashSecret = crashSecret;
  }

  /** The settings of all, but for what a connection has of its own. */
  settingsOf({ policy }: Connection): Settings {
    return { ...this.settings, ...policy.rhythm };
  }

  get connections(): ReadonlyMap<string, Connection> {
    return this.#connections;
  }

  addConnection(policy: ConnectionPolicy): Connection {
    const connection: Connection = {
      policy,
      sas: new Set(),
      children: new Set(),
      failures: 0,
      asked: new Set(),
      since: new Map(),
      renewing: new Set(),
    };
    this.#connections.set(policy.name, connection);
    this.#list(connection);
    return connection;
  }

  removeConnection(connection: Connection): void {
    this.#connections.delete(connection.policy.name);
    this.#unlist(connection);
  }

  /** Another policy of the same name; what lives of the connection stays. */
  redefine(connection: Connection, policy: ConnectionPolicy): void {
    this.#unlist(connection);
    connection.policy = policy;
    this.#list(connection);
  }

  #list(connection: Connection): void {
    const { version, local, remote, children } = connection.policy;
    for (const child of children) this.#byTunnel.set(child.name, connection);
    const key = addressesKey(version, local, remote);
    const others = this.#byAddresses.get(key);
    if (others) others.add(connection);
    else this.#byAddresses.set(key, new Set([connection]));
  }

  #unlist(connection: Connection): void {
    const { version, local, remote, children } = connection.policy;
    for (const child of children) this.#byTunnel.delete(child.name);
    const key = addressesKey(version, local, remote);
    const others = this.#byAddresses.get(key);
    others?.delete(connection);
    if (others?.size === 0) this.#byAddresses.delete(key);
  }

  /** The connection that a device belongs to. */
  ownerOf(tunnel: string): Connection | undefined {
    return this.#byTunnel.get(tunnel);
  }

  begin(env: Env): void {
    this.#env = env;
    this.#effects = [];
  }

  finish(): Effect[] {
    return this.#effects;
  }

  get now(): number {
    return this.#env.now;
  }

  random(octets: number): Uint8Array {
    return this.#env.random(octets);
  }

  allocateSpi(): number {
    return this.#env.allocateSpi();
  }

  /** A whole number below n, for jitter. */
  below(n: number): number {
    const [a, b, c] = this.random(3);
    return Math.floor((((a << 16) | (b << 8) | c) / 0x1000000) * n);
  }

  nextId(): number {
    return this.#nextId++;
  }

  effect(effect: Effect): void {
    this.#effects.push(effect);
  }

  send(local: Endpoint, remote: Endpoint, data: Uint8Array): void {
    this.effect({ kind: 'send', local, remote, data });
  }

  /** Runs `then` after `delay` milliseconds; a second arming of the same id replaces the first. */
  arm(id: string, delay: number, then: () => void): void {
    this.#timers.set(id, then);
    this.effect({ kind: 'arm', id, at: this.now + delay });
  }

  /** Whether a timer waits. */
  armed(id: string): boolean {
    return this.#timers.has(id);
  }

  cancel(id: string): void {
    if (this.#timers.delete(id)) this.effect({ kind: 'cancel', id });
  }

  fire(id: string): void {
    const then = this.#timers.get(id);
    this.#timers.delete(id);
    then?.();
  }

  job(job: KeyExchangeJob, then: (result: KeyExchangeResult) => void): void {
    this.#hand({ kind: 'key-exchange', ...job }, then);
  }

  sign(job: Omit<SignJob, 'kind'>, then: (result: SignResult) => void): void {
    this.#hand({ kind: 'sign', ...job }, then);
  }

  prove(job: Omit<ProofJob, 'kind'>, then: (result: ProofResult) => void): void {
    this.#hand({ kind: 'proof', ...job }, then);
  }

  /** The answer comes back as an input, in a later step; the kind of the job decides the kind of its result. */
  #hand<R extends JobResult>(job: Job, then: (result: R) => void): void {
    const id = this.nextId();
    this.#jobs.set(id, then as (result: never) => void);
    this.effect({ kind: 'job', id, job });
  }

  finishJob(id: number, result: JobResult): void {
    const then = this.#jobs.get(id);
    this.#jobs.delete(id);
    then?.(result as never);
  }

  /** Whether strangers may cause one more answer or line of log: some a second, whatever they send. */
  mayAnswer(): boolean {
    const second = Math.floor(this.now / 1000);
    if (this.#strangers.second !== second) this.#strangers = { second, count: 0 };
    return this.#strangers.count++ < MAX_ANSWERS_PER_SECOND;
  }

  note(level: Fact['level'], code: string, connection: Connection | undefined, text: string): void {
    // What is dropped unread is told at this level only, and anybody can send it.
    if (level === 'debug' && !this.mayAnswer()) return;
    const name = connection?.policy.name;
    this.effect({ kind: 'note', fact: { level, code, ...(name ? { connection: name } : {}), text } });
  }

  /** What strangers cause is told some times a second at most. */
  event(event: Event): void {
    if (event.about || this.mayAnswer()) this.effect({ kind: 'event', event });
  }

  /** A failure with its reason: into the log, and kept for `show`. */
  refuse(code: string, connection: Connection | undefined, what: string, reason: Reason): void {
    // Before authentication anybody can be refused, as often as he likes.
    if (code === 'negotiation-refused' && !this.mayAnswer()) return;
    if (connection) connection.lastReason = reason;
    const name = connection?.policy.name;
    const text = `${what}: ${reasonText(reason)}`;
    this.effect({
      kind: 'note',
      fact: { level: 'warning', code, ...(name ? { connection: name } : {}), text, reason },
    });
  }

  /**
   * The connections that a first packet between these addresses may belong to: those of a peer with this address
   * first, then those whose peer may come from anywhere.
   */
  candidates(version: 1 | 2, local: Endpoint, remote: Endpoint): Connection[] {
    const from = (address: string | undefined) => [
      ...(this.#byAddresses.get(addressesKey(version, local.address, address)) ?? []),
    ];
    return [...from(remote.address), ...from(undefined)];
  }

  /** Why no connection fits, and which came nearest. */
  noConnection(version: 1 | 2, local: Endpoint, remote: Endpoint): Reason {
    const near = [...this.connections.values()].map(({ policy: p }) => {
      const wrong: string[] = [];
      if (p.remote !== undefined && p.remote !== remote.address)
        wrong.push(`expects the peer at ${p.remote}`);
      if (p.local !== local.address) wrong.push(`listens at ${p.local}`);
      if (p.version !== version) wrong.push(`speaks IKEv${p.version}`);
      return { name: p.name, at: p.at, wrong };
    });
    near.sort((a, b) => a.wrong.length - b.wrong.length);
    const nearest = near[0];
    return {
      code: 'NO_CONNECTION_FOR_PEER',
      text: `nothing is configured for IKEv${version} from ${remote.address} to ${local.address}`,
      ...(nearest
        ? {
            hint: `nearest is ${nearest.name}, which ${nearest.wrong.join(' and ')}`,
            key: nearest.at,
          }
        : { hint: 'no interface.ipsecN is configured' }),
    };
  }
}

function addressesKey(version: 1 | 2, local: Address, remote: Address | undefined): string {
  return `${version} ${local} ${remote ?? 'anywhere'}`;
}
