// A pair of IPsec SAs of a connection, under either version: how it comes to the dataplane and leaves it.
import type { Endpoint } from '../net/endpoint.ts';
import { Secret } from '../net/secret.ts';
import type { Connection, Core } from './core.ts';
import { CIPHERS, HASHES } from './crypto/algorithm.ts';
import type { Did } from './event.ts';
import type { EspSa, Limits, Traffic } from './io.ts';
import type { ChildPolicy } from './policy.ts';
import { weakness } from './proposal/strength.ts';
import type { EspSuite } from './proposal/v2.ts';
import type { IdPair } from './v1/selectors.ts';
import type { IkeSa } from './v2/sa.ts';

export type ChildSa = {
  readonly connection: Connection;
  readonly policy: ChildPolicy;
  readonly spiIn: number;
  readonly spiOut: number;
  readonly suite: EspSuite;
  readonly local: Endpoint;
  remote: Endpoint;
  readonly encapsulated: boolean;
  /** What was negotiated as traffic, as text: prefixes or ranges. */
  readonly selectors: { readonly local: readonly string[]; readonly remote: readonly string[] };
  /** Version 1: the identities as negotiated, ours and the peer's, for its renewal. */
  readonly ids?: IdPair;
  readonly createdAt: number;
  readonly seconds: number;
  readonly octets?: number;
  /** Whether we began its negotiation: the side that did renews first. */
  readonly initiator: boolean;
  /** The IKE SA that owns it (version 2); under version 1 an IPsec SA outlives its ISAKMP SA. */
  ikeSa?: IkeSa;
  /** live: carries or may carry traffic; replaced: a newer one took over; gone: only inbound stragglers. */
  state: 'live' | 'replaced' | 'gone';
  /** Its halves as they went to the dataplane. */
  esp?: { readonly in: EspSa; readonly out: EspSa };
  /** The outbound half waits here until the peer is known to have the new SA. */
  waiting?: EspSa;
  /** Numbers of its two halves in events. */
  readonly numbers: { readonly send: number; readonly recv: number };
  /** Our Delete of it is under way (RFC 7296 2.25.1). */
  closing?: boolean;
  /** What is to be done when the peer first uses the SA. */
  onFirstPacket?: () => void;
};

/** Key material of both directions, ours to consume (RFC 7296 2.17, RFC 2409 5.5). */
export type ChildKeys = { readonly inbound: Uint8Array; readonly outbound: Uint8Array };

export type ChildSpec = Omit<
  ChildSa,
  'state' | 'numbers' | 'esp' | 'waiting' | 'closing' | 'createdAt' | 'onFirstPacket'
> & {
  readonly keys: ChildKeys;
  /** What inbound packets are checked against (RFC 4301 5.2), and what leaves on it; undefined is everything. */
  readonly traffic?: { readonly in?: Traffic; readonly out?: Traffic };
};

/** How long a replaced inbound SA still takes packets that were under way. */
export const STRAGGLER_MS = 5000;

/** Octets of key material for one direction: cipher key, salt, integrity key. */
export function keyOctets(suite: EspSuite): number {
  const c = CIPHERS[suite.cipher];
  return c.keyOctets + c.saltOctets + (suite.integrity ? HASHES[suite.integrity].octets : 0);
}

/**
 * Installs the inbound half at once. The outbound half follows now, or with activate() when `delayed`: a peer that
 * has not installed its side yet would lose what we send.
 */
export function install(core: Core, spec: ChildSpec, delayed: boolean): ChildSa {
  const { keys, traffic, ...rest } = spec;
  const numbers = { recv: core.nextId(), send: core.nextId() };
  const child: ChildSa = { ...rest, numbers, state: 'live', createdAt: core.now };
  core.children.set(child.spiIn, child);
  child.connection.children.add(child);
  child.ikeSa?.children.add(child);
  if (!child.connection.since.has(child.policy.name)) child.connection.since.set(child.policy.name, core.now);
  child.connection.failures = 0;
  if (missing(child.connection).length === 0) delete child.connection.lastReason;
  halves(core, child, { did: 'assigned' });
  if (child.ikeSa) halves(core, child, { did: 'bound', sa: child.ikeSa.id, changed: false });
  halves(core, child, { did: 'policy', connection: child.connection.policy.name });
  halves(core, child, { did: 'established' });
  child.esp = {
    in: half(core, child, 'in', keys.inbound, traffic?.in),
    out: half(core, child, 'out', keys.outbound, traffic?.out),
  };
  core.effect({ kind: 'install-in', sa: child.esp.in });
  child.waiting = child.esp.out;
  if (!delayed) activate(core, child);
  return child;
}

/** The same of both halves of a child under version 2. */
export function halves(core: Core, { ikeSa, numbers }: ChildSa, did: Did): void {
  if (!ikeSa) return;
  for (const direction of ['recv', 'send'] as const)
    core.event({ about: { kind: 'child', sa: numbers[direction], direction }, ...did });
}

/** Another child takes over: this one is renewed no more, and somebody deletes it. */
export function supersede(child: ChildSa): void {
  if (child.state === 'live') child.state = 'replaced';
}

/** From now on packets leave on this child. */
export function activate(core: Core, child: ChildSa): void {
  if (!child.waiting || child.state !== 'live') return;
  // Both ends may have moved since it was negotiated.
  const local = child.ikeSa?.local ?? child.local;
  core.effect({ kind: 'install-out', sa: { ...child.waiting, local, remote: child.remote } });
  delete child.waiting;
  delete child.onFirstPacket;
  core.cancel(`child:${child.spiIn}:activate`);
}

/** When only a child is left for a policy whose outbound half still waits, it waits for nothing any more. */
export function activateLast(core: Core, { connection, policy }: ChildSa): void {
  // One that the peer is to delete still carries packets.
  const carries = (c: ChildSa) => c.policy.name === policy.name && !c.waiting && !c.closing;
  if ([...connection.children].some(carries)) return;
  const last = current(connection, policy);
  if (last) activate(core, last);
}

/** Takes a child out: outbound now, inbound after the stragglers' grace (none when `graceMs` is 0). */
export function remove(core: Core, child: ChildSa, graceMs: number): void {
  if (child.state === 'gone') return;
  child.state = 'gone';
  halves(core, child, { did: 'deleted' });
  delete child.waiting;
  child.connection.children.delete(child);
  child.ikeSa?.children.delete(child);
  if (!current(child.connection, child.policy)) child.connection.since.delete(child.policy.name);
  for (const timer of ['activate', 'renew']) core.cancel(`child:${child.spiIn}:${timer}`);
  core.effect({ kind: 'remove-out', tunnel: child.policy.name, spi: child.spiOut });
  const end = () => {
    core.children.delete(child.spiIn);
    core.effect({ kind: 'remove-in', spi: child.spiIn });
  };
  if (graceMs > 0) core.arm(`child:${child.spiIn}:grace`, graceMs, end);
  else end();
}

function half(
  core: Core,
  child: ChildSa,
  direction: 'in' | 'out',
  material: Uint8Array,
  traffic: Traffic | undefined,
): EspSa {
  const { suite, policy } = child;
  const c = CIPHERS[suite.cipher];
  const cipherOctets = c.keyOctets + c.saltOctets;
  const { soft, hard } = limits(core, child);
  return {
    tunnel: policy.name,
    spi: direction === 'in' ? child.spiIn : child.spiOut,
    cipher: suite.cipher,
    ...(suite.integrity
      ? {
          integrity: suite.integrity,
          integrityKey: new Secret(
            material.slice(cipherOctets, cipherOctets + HASHES[suite.integrity].octets),
          ),
        }
      : {}),
    key: new Secret(material.slice(0, cipherOctets)),
    esn: suite.esn,
    replayWindow: policy.replayWindow,
    encapsulated: child.encapsulated,
    ecn: child.connection.policy.version === 2,
    transport: policy.mode === 'transport',
    ...(traffic ? { traffic } : {}),
    loose: policy.loose,
    local: child.local,
    remote: child.remote,
    soft,
    hard,
  };
}

/**
 * The initiator renews at about 78 % of a lifetime as SEIL does, the responder only if that did not happen: two
 * renewals that cross are legal (RFC 7296 2.8.1) but never needed.
 */
function limits(core: Core, child: ChildSa): { soft: Limits; hard: Limits } {
  const part = (child.initiator ? 0.77 : 0.88) + core.below(300) / 10_000;
  const { seconds, octets, suite } = child;
  // Sequence numbers must not wrap without ESN (RFC 4303 3.3.3), nor CBC blocks of 8 octets repeat (Sweet32).
  const packets = suite.esn ? 2 ** 52 : 0xffff_0000;
  const most = suite.cipher === '3des' ? 32 * 2 ** 30 : undefined;
  const mostOctets = octets === undefined ? most : Math.min(octets, most ?? octets);
  return {
    soft: {
      seconds: Math.max(1, Math.floor(seconds * part)),
      packets: Math.floor(packets * part),
      ...(mostOctets === undefined ? {} : { octets: Math.floor(mostOctets * part) }),
    },
    hard: { seconds, packets, ...(mostOctets === undefined ? {} : { octets: mostOctets }) },
  };
}

/** The peer is reached elsewhere from now on. */
export function movePeer(core: Core, children: Iterable<ChildSa>, remote: Endpoint): void {
  const tunnels = new Set<string>();
  for (const child of children) {
    child.remote = remote;
    tunnels.add(child.policy.name);
  }
  for (const tunnel of tunnels) core.effect({ kind: 'move', tunnel, remote });
}

/** The newest live child of a policy. */
export function current(connection: Connection, policy: ChildPolicy): ChildSa | undefined {
  return [...connection.children].filter((c) => c.state === 'live' && c.policy.name === policy.name).at(-1);
}

/** The policies that have no live child. */
export function missing(connection: Connection): ChildPolicy[] {
  return connection.policy.children.filter((p) => !current(connection, p));
}

/** One line for people: SPIs, suite, traffic. */
export function childText(child: ChildSa): string {
  const { suite, selectors, policy } = child;
  const integrity = suite.integrity ? `/${suite.integrity}` : '';
  const pfs = suite.group ? `/${suite.group}` : '';
  return `IPsec SA ${spiText(child.spiIn)} in, ${spiText(child.spiOut)} out: ${suite.cipher}${integrity}${pfs}${suite.esn ? '/esn' : ''}${weakness(suite)}, ${selectors.local.join(',')} === ${selectors.remote.join(',')}${policy.mode === 'transport' ? ', transport mode' : ''}${child.encapsulated ? ', UDP encapsulation' : ''}`;
}

export function spiText(spi: number): string {
  return `0x${spi.toString(16).padStart(8, '0')}`;
}
