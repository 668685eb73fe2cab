// The IKE engine: one step takes an input and gives effects. It finds the SA of a datagram, guards against floods,
// and reconciles connections with the configuration. It knows neither sockets nor clocks nor the configuration tree.

import type { Address } from '../net/address.ts';
import { hex, isZero } from '../net/bytes.ts';
import { type Endpoint, endpointText } from '../net/endpoint.ts';
import { change, end } from './change.ts';
import { current, movePeer, remove } from './child.ts';
import { type Connection, Core } from './core.ts';
import { FirstMessages, type HalfOpen } from './first-messages.ts';
import { followMessage } from './follow.ts';
import type { Effect, Env, Input } from './io.ts';
import { inOrder } from './io.ts';
import { type ConnectionPolicy, type Settings, samePolicy } from './policy.ts';
import { supervise, tryNow } from './supervise.ts';
import { onAggressiveMode, onAggressiveRequest } from './v1/aggressive-mode.ts';
import { beginPhase1 } from './v1/begin.ts';
import { repeat } from './v1/exchange.ts';
import { gather } from './v1/fragments.ts';
import { onInformational } from './v1/informational.ts';
import {
  deleteChild as deleteChildV1,
  drop as dropV1,
  farewell as farewellV1,
  watch as watchV1,
} from './v1/lifecycle.ts';
import { onFirstMessage, onMainMode } from './v1/main-mode.ts';
import { hold } from './v1/phase1.ts';
import { onQuickMode, renewChild } from './v1/quick-mode.ts';
import { type IsakmpSa, usable } from './v1/sa.ts';
import { Cookies } from './v2/cookie.ts';
import { answerUnknown } from './v2/crash.ts';
import { deleteChild, rekeyChild } from './v2/create-child-sa.ts';
import { moved, receive } from './v2/exchange.ts';
import { initKey, onInitRequest, onInitResponse } from './v2/ike-sa-init.ts';
import { farewell, watch } from './v2/lifecycle.ts';
import { rekeyIke } from './v2/rekey-ike.ts';
import { established } from './v2/sa.ts';
import { EXCHANGE, FLAG } from './wire/numbers.ts';
import { decode as decodeV1, type Message as MessageV1, type PayloadOf as PayloadOfV1 } from './wire/v1.ts';
import { decode as decodeV2 } from './wire/v2.ts';

/** Half-open responder SAs from which on a cookie is asked for (RFC 7296 2.6): of all peers, and of one address. */
const COOKIES_FROM: HalfOpen = { all: 32, here: 8 };

/** Beyond these even a cookie opens nothing. */
const MOST_HALF_OPEN_V2: HalfOpen = { all: 1024, here: 64 };

/** IKEv1 has no cookies that cost the peer something: no more half-open SAs than these. */
const MOST_HALF_OPEN_V1: HalfOpen = { all: 256, here: 32 };

/** The two exchanges that phase 1 can be. */
const PHASE1: Readonly<Record<number, { first: typeof onFirstMessage; later: typeof onMainMode }>> = {
  [EXCHANGE.IDENTITY_PROTECTION]: { first: onFirstMessage, later: onMainMode },
  [EXCHANGE.AGGRESSIVE]: { first: onAggressiveRequest, later: onAggressiveMode },
};

export class Engine {
  readonly #core: Core;
  readonly #cookies = new Cookies();
  readonly #first = new FirstMessages();

  /** `crashSecret`: the same after every restart, known to nobody else. */
  constructor(settings: Settings, crashSecret?: Uint8Array) {
    this.#core = new Core(settings, crashSecret);
  }

  /** Takes one input; the effects are in the order in which they must be carried out. Never throws. */
  step(input: Input, env: Env): Effect[] {
    this.#core.begin(env);
    this.#cookies.refresh(env.now, env.random);
    try {
      this.#handle(input);
    } catch (e) {
      // A defect of ours: one exchange is lost, the other tunnels are not.
      this.#core.note(
        'error',
        'internal-fault',
        undefined,
        `defect in the handling of a ${input.kind}: ${(e as Error).stack}`,
      );
    }
    return inOrder(this.#core.finish());
  }

  /** What lives now, for `show`: read-only. */
  get connections(): ReadonlyMap<string, Connection> {
    return this.#core.connections;
  }

  #handle(input: Input): void {
    const core = this.#core;
    switch (input.kind) {
      case 'configure':
        return this.#configure(input.connections, input.settings);
      case 'datagram':
        return this.#datagram(input.local, input.remote, input.data);
      case 'timer':
        return core.fire(input.id);
      case 'job':
        return core.finishJob(input.id, input.result);
      case 'acquire': {
        const connection = core.ownerOf(input.tunnel);
        if (!connection) return;
        connection.asked.add(input.tunnel);
        return supervise(core, connection);
      }
      case 'try': {
        const connection = core.connections.get(input.connection);
        return connection && tryNow(core, connection);
      }
      case 'expire':
        return this.#expire(input.spi, input.limit, input.cause);
      case 'first-packet':
        return core.children.get(input.spi)?.onFirstPacket?.();
      case 'peer-moved':
        return this.#peerMoved(input.spi, input.remote);
      case 'rekey':
        return this.#rekey(input.connection, input.what);
      case 'end':
        return this.#end(input.connection, input.sa);
      case 'shutdown':
        core.closing = true;
        for (const connection of core.connections.values()) this.#terminate(connection);
    }
  }

  /** Only what differs is touched: an unchanged tunnel keeps its SAs. */
  #configure(policies: readonly ConnectionPolicy[], settings: Settings): void {
    const core = this.#core;
    const rhythm = core.settings.dpdInterval !== settings.dpdInterval;
    core.settings = settings;
    for (const sa of rhythm ? core.sas.values() : []) {
      if (sa.state !== 'established') continue;
      if (sa.version === 1) watchV1(core, sa);
      else watch(core, sa);
    }
    const next = new Map(policies.map((p) => [p.name, p]));
    // What traffic waits for it still waits for when its connection begins anew: it is not told again.
    const asked = new Set<string>();
    for (const [name, connection] of [...core.connections]) {
      const policy = next.get(name);
      if (policy && samePolicy(policy, connection.policy)) continue;
      if (policy && change(core, connection, policy)) continue;
      for (const tunnel of connection.asked) asked.add(tunnel);
      this.#terminate(connection);
      core.cancel(`connection:${name}:retry`);
      core.removeConnection(connection);
    }
    for (const policy of policies) {
      if (core.connections.has(policy.name)) continue;
      const connection = core.addConnection(policy);
      for (const { name } of policy.children) if (asked.has(name)) connection.asked.add(name);
      supervise(core, connection);
    }
  }

  #terminate(connection: Connection): void {
    const core = this.#core;
    const old = usable(connection);
    if (connection.policy.version === 1)
      for (const child of [...connection.children]) deleteChildV1(core, old, child, 0);
    for (const sa of [...connection.sas]) {
      if (sa.version === 2) farewell(core, sa);
      else farewellV1(core, sa);
    }
    for (const child of [...connection.children]) remove(core, child, 0);
  }

  #datagram(local: Endpoint, remote: Endpoint, data: Uint8Array): void {
    const major = data.length > 17 ? data[17] >> 4 : 0;
    if (major === 2) this.#datagramV2(local, remote, data);
    else if (major === 1) this.#datagramV1(local, remote, data);
    else
      this.#core.note(
        'debug',
        'message-dropped',
        undefined,
        `message from ${endpointText(remote)} dropped: no IKE version 1 or 2`,
      );
  }

  #datagramV2(local: Endpoint, remote: Endpoint, data: Uint8Array): void {
    const core = this.#core;
    const decoded = decodeV2(data);
    if (!decoded.ok) return this.#malformed(remote, decoded.error);
    const message = decoded.value;
    const { header } = message;
    // AUTH covers the message, not what somebody put behind it.
    const octets = data.subarray(0, header.length);
    const response = (header.flags & FLAG.RESPONSE) !== 0;
    if (header.exchange === EXCHANGE.IKE_SA_INIT && !response) {
      if (header.messageId !== 0 || !isZero(header.spiR) || isZero(header.spiI)) return;
      return this.#firstV2(local, remote, octets, message);
    }
    const sa = core.sas.get(hex(header.flags & FLAG.INITIATOR ? header.spiR : header.spiI));
    if (!sa) {
      core.event({ did: 'no-ike-sa' });
      return answerUnknown(core, message, local, remote);
    }
    if (sa.version !== 2) return;
    if (header.exchange === EXCHANGE.IKE_SA_INIT) {
      if (sa.role === 'initiator' && sa.state !== 'gone' && sa.remote.address === remote.address)
        onInitResponse(core, sa, message, octets);
      return;
    }
    receive(core, sa, octets, message, remote, local);
  }

  #firstV2(
    local: Endpoint,
    remote: Endpoint,
    data: Uint8Array,
    message: Parameters<typeof onInitRequest>[1],
  ): void {
    const core = this.#core;
    // Our own first message, handed back: whoever reflects it would be taken for the peer.
    if (core.sas.get(hex(message.header.spiI))?.role === 'initiator') return;
    const key = initKey(message.header.spiI, remote);
    const known = this.#first.find(key);
    if (known) {
      if (known.version === 2 && known.lastResponse?.messageId === 0)
        for (const answer of known.lastResponse.data) core.send(local, remote, answer);
      return;
    }
    const open = this.#first.halfOpen(2, remote.address);
    // Whoever proved his address gets no more than his share either.
    if (open.all >= MOST_HALF_OPEN_V2.all || open.here >= MOST_HALF_OPEN_V2.here) return;
    const loaded = open.all >= COOKIES_FROM.all || open.here >= COOKIES_FROM.here;
    const fits = core.candidates(2, local, remote).length > 0;
    if (!fits && !core.mayAnswer()) return;
    followMessage(core, undefined, 'receive', data);
    const sa = onInitRequest(core, message, data, local, remote, this.#cookies, loaded);
    if (sa) this.#first.add(key, sa);
  }

  #datagramV1(local: Endpoint, remote: Endpoint, data: Uint8Array): void {
    const core = this.#core;
    const decoded = decodeV1(data);
    if (!decoded.ok) return this.#malformed(remote, decoded.error);
    const message = decoded.value;
    const { header } = message;
    if (isZero(header.spiI)) return;
    const phase1 = PHASE1[header.exchange];
    if (phase1 && isZero(header.spiR)) return this.#firstV1(local, remote, message, data);
    const found = core.sas.get(hex(header.spiR)) ?? core.sas.get(hex(header.spiI));
    // A refusal of our first message comes under a responder cookie that we do not know yet.
    if (found?.version !== 1 || hex(found.cookieI) !== hex(header.spiI)) return;
    if (!isZero(found.cookieR) && hex(found.cookieR) !== hex(header.spiR)) return;
    followMessage(core, found, 'receive', data);
    const piece = message.payloads?.[0];
    if (piece?.type === 'fragment') return this.#fragment(found, piece, local, remote);
    if (phase1) return phase1.later(core, found, message, message.body, local, remote);
    if (hold(found, () => this.#phase2(found, message, local, remote))) return;
    // The peer goes on, so its last message of aggressive mode was lost: ours brings it out again.
    if (found.state === 'keyed' && found.phase1?.mode === 'aggressive')
      return repeat(core, found, found.flow);
    this.#phase2(found, message, local, remote);
  }

  #fragment(sa: IsakmpSa, piece: PayloadOfV1<'fragment'>, local: Endpoint, remote: Endpoint): void {
    if (!sa.fragmentation) return;
    const { held, whole } = gather(sa.fragmentation.held, piece);
    if (held) sa.fragmentation.held = held;
    else delete sa.fragmentation.held;
    // Fragments in fragments there are none.
    const inner = whole && decodeV1(whole);
    if (!inner?.ok || inner.value.payloads?.[0]?.type === 'fragment') return;
    this.#datagramV1(local, remote, whole!);
  }

  #phase2(found: IsakmpSa, message: MessageV1, local: Endpoint, remote: Endpoint): void {
    const core = this.#core;
    switch (message.header.exchange) {
      case EXCHANGE.QUICK_MODE:
        this.#followV1(found, local, remote);
        return onQuickMode(core, found, message, message.body);
      case EXCHANGE.INFORMATIONAL_V1:
        return onInformational(core, found, message);
    }
  }

  /** Answers of an established SA go to the port from which the peer spoke last; its address stays. */
  #followV1(sa: IsakmpSa, local: Endpoint, remote: Endpoint): void {
    if (sa.state !== 'established' || !sa.nat.remote || sa.remote.address !== remote.address) return;
    sa.remote = remote;
    sa.local = local;
  }

  #firstV1(local: Endpoint, remote: Endpoint, message: MessageV1, data: Uint8Array): void {
    const core = this.#core;
    const { exchange, spiI } = message.header;
    if (core.sas.get(hex(spiI))?.role === 'initiator') return;
    const key = initKey(spiI, remote);
    const known = this.#first.find(key);
    if (known) {
      if (known.version === 1) PHASE1[exchange]?.later(core, known, message, message.body, local, remote);
      return;
    }
    if (!this.#room(remote.address)) return;
    const fits = core.candidates(1, local, remote).length > 0;
    if (!fits && !core.mayAnswer()) return;
    followMessage(core, undefined, 'receive', data);
    const sa = PHASE1[exchange]?.first(core, message, message.body, local, remote);
    if (sa) this.#first.add(key, sa);
  }

  /** IKEv1 asks for no proof of the address: when there are too many, the one that waits longest for its peer goes. */
  #room(address: Address): boolean {
    const { all, here } = this.#first.halfOpen(1, address);
    if (all < MOST_HALF_OPEN_V1.all && here < MOST_HALF_OPEN_V1.here) return true;
    const victim = this.#first.stalest(here < MOST_HALF_OPEN_V1.here ? undefined : address);
    if (victim) dropV1(this.#core, victim);
    return victim !== undefined;
  }

  #malformed(remote: Endpoint, error: { offset: number; path: string; rule: string }): void {
    this.#core.event({ did: 'broken', payload: error.path });
    const text = `message from ${endpointText(remote)} dropped: ${error.path} at octet ${error.offset}: ${error.rule}`;
    this.#core.note('debug', 'message-malformed', undefined, text);
  }

  #expire(spi: number, limit: 'soft' | 'hard', cause: string): void {
    const core = this.#core;
    const child = core.children.get(spi) ?? [...core.children.values()].find((c) => c.spiOut === spi);
    if (!child || child.state === 'gone') return;
    const { connection } = child;
    if (limit === 'soft') {
      if (child.state !== 'live') return;
      core.note(
        'debug',
        'child-rekey',
        connection,
        `IPsec SA nears a limit (${cause}): negotiating a new one`,
      );
      if (connection.policy.version === 2) return rekeyChild(core, child);
      return renewChild(core, child);
    }
    core.note(
      child.state === 'live' ? 'warning' : 'info',
      'child-expired',
      connection,
      `IPsec SA reached its limit (${cause})`,
    );
    if (child.ikeSa) {
      child.state = 'replaced';
      supervise(core, connection);
      return deleteChild(core, child.ikeSa, child);
    }
    deleteChildV1(core, usable(connection), child, 0);
    supervise(core, connection);
  }

  /** Only a peer behind a NAT may move, and only by a packet that the dataplane authenticated (RFC 7296 2.23). */
  #peerMoved(spi: number, remote: Endpoint): void {
    const core = this.#core;
    const child = core.children.get(spi);
    if (!child || child.state === 'gone' || !child.encapsulated) return;
    const { ikeSa, connection } = child;
    if (ikeSa) {
      if (ikeSa.nat.remote) moved(core, ikeSa, remote);
      return;
    }
    const sa = usable(connection);
    if (!sa?.nat.remote) return;
    core.note('info', 'peer-moved', connection, `peer moved to ${endpointText(remote)}`);
    sa.remote = remote;
    movePeer(core, connection.children, remote);
  }

  #end(name: string, sa: number | undefined): void {
    const core = this.#core;
    const connection = core.connections.get(name);
    if (!connection) return;
    const why = 'somebody asked for it';
    const child = [...connection.children].find((c) => c.numbers.send === sa || c.numbers.recv === sa);
    if (child) end(core, child, why);
    else if (sa === undefined || [...connection.sas].some((s) => s.id === sa)) {
      core.note('info', 'ended', connection, `SAs deleted: ${why}`);
      this.#terminate(connection);
    }
    supervise(core, connection);
  }

  #rekey(name: string, what: 'ike' | 'child'): void {
    const core = this.#core;
    const connection = core.connections.get(name) ?? core.ownerOf(name);
    if (!connection) return;
    if (what === 'child') {
      const { policy } = connection;
      for (const p of policy.children) {
        const child = name === policy.name || name === p.name ? current(connection, p) : undefined;
        if (child) this.#expire(child.spiIn, 'soft', 'command');
      }
      return;
    }
    if (connection.policy.version === 1) return beginPhase1(core, connection);
    const sa = established(connection);
    if (sa) rekeyIke(core, sa);
  }
}
