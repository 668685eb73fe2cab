// Two (or more) engines on a simulated network: virtual time, seeded randomness, loss, duplication, reordering.
// Hours pass in milliseconds, and the same seed gives the same run.
import { FakeDataplane, type FakeEsp } from '../../src/dataplane/fake.ts';
import type { DataplaneEvent } from '../../src/dataplane/port.ts';
import { GROUPS } from '../../src/ike/crypto/algorithm.ts';
import type { KeyExchangeResult } from '../../src/ike/crypto/key-exchange.ts';
import { hash } from '../../src/ike/crypto/prf.ts';
import { Engine } from '../../src/ike/engine.ts';
import type { Event as Happening } from '../../src/ike/event.ts';
import type { Effect, Fact, Input } from '../../src/ike/io.ts';
import type { Job, JobResult } from '../../src/ike/job.ts';
import type { ChildPolicy, ConnectionPolicy, Credential, Settings } from '../../src/ike/policy.ts';
import { compareBytes, concat, utf8 } from '../../src/net/bytes.ts';
import type { Endpoint } from '../../src/net/endpoint.ts';
import { Secret } from '../../src/net/secret.ts';

/** mulberry32: small, seeded, good enough to choose among interleavings. */
export function generator(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export type NetworkFaults = {
  loss?: number;
  duplication?: number;
  /** Most extra delay in ms: packets overtake one another. */
  jitter?: number;
};

type Event = { at: number; order: number; run: () => void };

/** Events by time, and in the order of their making where times are equal: a binary heap. */
class Agenda {
  readonly #heap: Event[] = [];
  #order = 0;

  get first(): Event | undefined {
    return this.#heap[0];
  }

  add(at: number, run: () => void): void {
    const heap = this.#heap;
    const event = { at, order: this.#order++, run };
    let i = heap.push(event) - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (!before(event, heap[up])) break;
      heap[i] = heap[up];
      i = up;
    }
    heap[i] = event;
  }

  shift(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      if (down + 1 < heap.length && before(heap[down + 1], heap[down])) down++;
      if (down >= heap.length || !before(heap[down], last)) break;
      heap[i] = heap[down];
      i = down;
    }
    heap[i] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

export class Network {
  now = 0;
  readonly random: () => number;
  faults: NetworkFaults = {};
  /** What befalls ESP; as IKE, unless a test looks for packets that the engines lose. */
  espFaults?: NetworkFaults;
  /** Every IKE datagram that was put on the wire. */
  readonly log: { at: number; from: Endpoint; to: Endpoint; data: Uint8Array }[] = [];
  /** A test's own decision about an IKE datagram: false drops it, a number delays it by as many ms. */
  filter: (from: Endpoint, to: Endpoint, data: Uint8Array) => boolean | number = () => true;
  readonly nodes: Node[] = [];
  readonly #agenda = new Agenda();

  constructor(seed: number) {
    this.random = generator(seed);
  }

  bytes(n: number): Uint8Array {
    const out = new Uint8Array(n);
    for (let i = 0; i < n; i++) out[i] = this.random() * 256;
    return out;
  }

  after(delay: number, run: () => void): void {
    this.#agenda.add(this.now + delay, run);
  }

  /** One-way delay 5 ms, and what the faults add. */
  carry(deliver: () => void, faults: NetworkFaults = this.faults, delay = 0): void {
    const { loss = 0, duplication = 0, jitter = 0 } = faults;
    const copies = this.random() < duplication ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.random() < loss) continue;
      this.after(5 + delay + this.random() * jitter, deliver);
    }
  }

  node(address: string): Node | undefined {
    return this.nodes.find((n) => n.address === address);
  }

  /** Runs until `seconds` of virtual time have passed. */
  run(seconds: number): void {
    const end = this.now + seconds * 1000;
    for (let next = this.#agenda.first; next && next.at <= end; next = this.#agenda.first) {
      this.#agenda.shift();
      this.now = next.at;
      next.run();
    }
    this.now = end;
  }

  /** Runs until `done` holds; false when it does not within `seconds`. */
  runUntil(done: () => boolean, seconds: number): boolean {
    const end = this.now + seconds * 1000;
    while (!done() && this.now < end) this.run(0.02);
    return done();
  }
}

export class Node {
  readonly network: Network;
  /** A test may move the node. */
  address: string;
  readonly engine: Engine;
  readonly dataplane: FakeDataplane;
  readonly facts: Fact[] = [];
  readonly events: Happening[] = [];
  readonly received: { tunnel: string; inner: Uint8Array; at: number }[] = [];
  readonly effects: Effect[] = [];
  /** Where the engine's random octets come from: a test may choose the nonces. */
  random: (n: number) => Uint8Array;
  /** Timers by id with the arming that is valid. */
  readonly timers = new Map<string, number>();
  #arming = 0;
  alive = true;

  constructor(network: Network, address: string, settings: Settings = SETTINGS, crashSecret?: Uint8Array) {
    this.network = network;
    this.address = address;
    this.engine = new Engine(settings, crashSecret);
    this.random = (n) => network.bytes(n);
    this.dataplane = new FakeDataplane({
      now: () => network.now,
      random: (n) => network.bytes(n),
      onEvent: (e) => this.#event(e),
      sendEsp: (p) => this.#sendEsp(p),
      sendIke: (from, to, data) => this.#sendIke(from, to, data),
      deliver: (tunnel, inner) => this.received.push({ tunnel, inner, at: network.now }),
    });
    network.nodes.push(this);
    const tick = () => {
      if (!this.alive) return;
      this.dataplane.tick();
      network.after(1000, tick);
    };
    network.after(1000, tick);
  }

  configure(policies: ConnectionPolicy[], settings: Settings = SETTINGS): void {
    const open = new Set(this.dataplane.statistics().tunnels.map((t) => t.name));
    for (const { name } of policies.flatMap((p) => p.children)) {
      if (!open.has(name))
        this.dataplane.openTunnel({ name, mtu: 1400, mss4: 0, mss6: 0, tos: 0, df: 'set', ipv6: true });
    }
    this.input({ kind: 'configure', connections: policies, settings });
  }

  input(input: Input): void {
    if (!this.alive) return;
    const env = {
      now: this.network.now,
      random: this.random,
      allocateSpi: () => this.dataplane.allocateSpi(),
    };
    for (const effect of this.engine.step(input, env)) this.#carryOut(effect);
  }

  /** Stops without a word, as a power cut does. */
  crash(): void {
    this.alive = false;
    this.network.nodes.splice(this.network.nodes.indexOf(this), 1);
  }

  /** The facts' codes in order, without chatter. */
  codes(): string[] {
    return this.facts.filter((f) => f.level !== 'debug').map((f) => f.code);
  }

  #carryOut(effect: Effect): void {
    this.effects.push(effect);
    switch (effect.kind) {
      case 'install-in':
        return this.dataplane.installInbound(effect.sa);
      case 'install-out':
        return this.dataplane.installOutbound(effect.sa);
      case 'remove-in':
        return this.dataplane.removeInbound(effect.spi);
      case 'remove-out':
        return this.dataplane.removeOutbound(effect.tunnel, effect.spi);
      case 'move':
        return this.dataplane.movePeer(effect.tunnel, effect.remote);
      case 'send':
        return this.dataplane.sendIke(effect.local, effect.remote, effect.data);
      case 'keepalive':
        return this.dataplane.sendKeepalive(effect.local, effect.remote);
      case 'arm': {
        const arming = ++this.#arming;
        this.timers.set(effect.id, arming);
        this.network.after(effect.at - this.network.now, () => {
          if (this.timers.get(effect.id) !== arming) return;
          this.timers.delete(effect.id);
          this.input({ kind: 'timer', id: effect.id });
        });
        return;
      }
      case 'cancel':
        this.timers.delete(effect.id);
        return;
      case 'job': {
        const { id, job } = effect;
        this.network.after(1, () => this.input({ kind: 'job', id, result: toyWork(this.network, job) }));
        return;
      }
      case 'event':
        this.events.push(effect.event);
        return;
      case 'note':
        this.facts.push(effect.fact);
    }
  }

  #event(e: DataplaneEvent): void {
    switch (e.kind) {
      case 'ike':
        return this.input({ ...e, kind: 'datagram' });
      case 'acquire':
        return this.input(e);
      case 'path-mtu':
        return;
      default:
        // Events of the dataplane come in a step of their own, as they do from the native engine.
        this.network.after(0, () => this.input(e));
    }
  }

  #sendIke(from: Endpoint, to: Endpoint, data: Uint8Array): void {
    this.network.log.push({ at: this.network.now, from, to, data });
    const verdict = this.network.filter(from, to, data);
    if (verdict === false) return;
    const deliver = () =>
      this.network.node(to.address)?.input({ kind: 'datagram', local: to, remote: from, data });
    this.network.carry(deliver, this.network.faults, verdict === true ? 0 : verdict);
  }

  #sendEsp(packet: FakeEsp): void {
    const deliver = () => this.network.node(packet.to.address)?.dataplane.receive(packet);
    this.network.carry(deliver, this.network.espFaults);
  }
}

/** Signatures are a hash that anybody can make: what the engine does with a verdict is tested here, not the verdict. */
function toyWork(network: Network, job: Job): JobResult {
  if (job.kind === 'key-exchange') return toyExchange(network, job);
  if (job.kind === 'sign') return { ok: true, data: hash('sha256', job.data) };
  const good = compareBytes(job.auth, hash('sha256', job.data)) === 0;
  return good ? { ok: true } : { ok: false, code: 'AUTHENTICATION', text: 'the signature does not verify' };
}

/**
 * A stand-in for Diffie-Hellman, so that runs are reproducible and cost nothing: both sides hash both public values.
 * The real groups are tested by themselves.
 */
function toyExchange(
  network: Network,
  job: {
    group: keyof typeof GROUPS;
    keyPair?: { publicValue: Uint8Array; secret: unknown };
    peerPublic?: Uint8Array;
  },
): KeyExchangeResult {
  const octets = GROUPS[job.group].publicOctets;
  const keyPair = job.keyPair ?? { publicValue: network.bytes(octets), secret: null };
  if (!job.peerPublic) return { ok: true, keyPair };
  if (job.peerPublic.length !== octets)
    return { ok: false, error: `the public value is not valid for ${job.group}` };
  const pair = [keyPair.publicValue, job.peerPublic].sort(compareBytes);
  return { ok: true, keyPair, shared: hash('sha256', concat(...pair)) };
}

export const SETTINGS: Settings = {
  interval: 10,
  retry: 5,
  perSend: 1,
  phase1Timeout: 30,
  phase2Timeout: 30,
  dpdInterval: 20,
  dpdMaxfail: 5,
  natKeepaliveInterval: 120,
  exclusiveTail: true,
  randomPaddingValue: true,
  randomPaddingLength: false,
  maximumPadding: 20,
  strictPadding: false,
  fragmentSize: 1280,
};

export function preshared(key: string): Credential {
  return { method: 'preshared-key', key: new Secret(utf8(key)) };
}

export const A = '10.0.0.1';
export const B = '10.0.0.2';

/** What is not SEIL's default; `child`: the only one. */
export type Changes = Partial<ConnectionPolicy> & { readonly child?: ChildPolicy };

/** A policy with SEIL's defaults, as ipsec0 from one address to another. */
export function policy(local: string, remote: string, changes: Changes = {}): ConnectionPolicy {
  const { child, name = 'ipsec0', ...rest } = changes;
  const named = { name, at: `interface.${name}` };
  return {
    ...named,
    version: 1,
    local,
    remote,
    credential: preshared('xeeB5gohvaYi'),
    myId: { type: 'address', value: local },
    peerId: { type: 'address', value: remote },
    initiate: local === A ? 'start' : 'never',
    natTraversal: 'enable',
    rhythm: {},
    initialContact: true,
    dpd: true,
    nonceOctets: 16,
    reauthenticate: false,
    mobike: false,
    childless: false,
    exchangeMode: 'main',
    preferNewPhase1: true,
    checkLevel: 'obey',
    ike: {
      ciphers: ['aes256', 'aes128', '3des'],
      hashes: ['sha256', 'sha1'],
      groups: ['modp1536'],
      lifetime: 86400,
    },
    children: [{ ...(child ?? CHILD), ...named }],
    ...rest,
  };
}

/** A child as SEIL's defaults have it. */
const CHILD: ChildPolicy = {
  name: 'ipsec0',
  at: 'interface.ipsec0',
  mode: 'tunnel',
  ciphers: ['aes256', 'aes128', '3des'],
  hashes: ['sha256', 'sha1'],
  seconds: 28800,
  esn: false,
  replayWindow: 4096,
  selectors: { local: ['0.0.0.0/0'], remote: ['0.0.0.0/0'] },
  anySelectors: true,
  protocol: 0,
  ports: { local: 0, remote: 0 },
  named: true,
  loose: false,
};

/** Two nodes with mirrored policies. */
export function pair(seed: number, changes: Changes = {}, settings: Settings = SETTINGS) {
  const network = new Network(seed);
  const a = new Node(network, A, settings);
  const b = new Node(network, B, settings);
  a.configure([policy(A, B, changes)], settings);
  b.configure([policy(B, A, { ...changes, initiate: changes.initiate ?? 'never' })], settings);
  return { network, a, b };
}

/** The live children of a node's tunnel. */
export function live(node: Node, name = 'ipsec0') {
  return [...(node.engine.connections.get(name)?.children ?? [])].filter((c) => c.state === 'live');
}
