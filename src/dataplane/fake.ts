// The dataplane port in memory: the same SAs, windows, limits, counters and events as the native engine, with ESP
// packets that are objects. Two fakes joined by a network carry packets end to end without root or threads.

import type { EspSa, LimitCause } from '../ike/io.ts';
import { equalConstantTime, Reader } from '../net/bytes.ts';
import { type Endpoint, sameEndpoint } from '../net/endpoint.ts';
import type {
  CryptoSpeed,
  Dataplane,
  DataplaneEvent,
  LoopbackSpeed,
  Statistics,
  TunnelSettings,
} from './port.ts';

/** A packet on the fake wire. The key travels along and stands for the ICV: another key does not authenticate. */
export type FakeEsp = {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly spi: number;
  readonly sequence: number;
  readonly key: Uint8Array;
  readonly inner: Uint8Array;
};

export type FakeOptions = {
  /** Milliseconds. */
  readonly now: () => number;
  readonly random: (octets: number) => Uint8Array;
  readonly onEvent: (event: DataplaneEvent) => void;
  readonly sendEsp: (packet: FakeEsp) => void;
  readonly sendIke: (from: Endpoint, to: Endpoint, data: Uint8Array) => void;
  /** An inner packet that came out of a tunnel. */
  readonly deliver: (tunnel: string, inner: Uint8Array) => void;
};

type Installed = {
  readonly sa: EspSa;
  readonly direction: 'in' | 'out';
  readonly since: number;
  readonly seen: Set<number>;
  remote: Endpoint;
  highest: number;
  packets: number;
  octets: number;
  said: { soft: boolean; hard: boolean };
};

type Tunnel = {
  settings: TunnelSettings;
  /** The one in use last. */
  readonly outs: Installed[];
  acquired: boolean;
  rxPackets: number;
  rxOctets: number;
  txPackets: number;
  txOctets: number;
  readonly drops: Record<string, number>;
};

export class FakeDataplane implements Dataplane {
  readonly #options: FakeOptions;
  readonly #tunnels = new Map<string, Tunnel>();
  readonly #inbound = new Map<number, Installed>();
  readonly #drops: Record<string, number> = {};
  /** Every keepalive sent, for tests. */
  readonly keepalives: Endpoint[] = [];
  #closed = false;

  constructor(options: FakeOptions) {
    this.#options = options;
  }

  allocateSpi(): number {
    for (;;) {
      const spi = new Reader(this.#options.random(4)).u32();
      if (spi > 255 && !this.#inbound.has(spi)) return spi;
    }
  }

  openTunnel(settings: TunnelSettings): void {
    if (this.#tunnels.has(settings.name)) throw new Error(`tunnel ${settings.name} is open already`);
    const zero = { rxPackets: 0, rxOctets: 0, txPackets: 0, txOctets: 0 };
    this.#tunnels.set(settings.name, { settings, outs: [], acquired: false, ...zero, drops: {} });
  }

  changeTunnel(settings: TunnelSettings): void {
    this.#tunnel(settings.name).settings = settings;
  }

  closeTunnel(name: string): void {
    this.#tunnels.delete(name);
    for (const [spi, { sa }] of this.#inbound) if (sa.tunnel === name) this.#inbound.delete(spi);
  }

  installInbound(sa: EspSa): void {
    this.#tunnel(sa.tunnel);
    this.#inbound.set(sa.spi, this.#installed(sa, 'in'));
  }

  installOutbound(sa: EspSa): void {
    const tunnel = this.#tunnel(sa.tunnel);
    tunnel.outs.push(this.#installed(sa, 'out'));
    tunnel.acquired = false;
  }

  removeInbound(spi: number): void {
    this.#inbound.delete(spi);
  }

  removeOutbound(name: string, spi: number): void {
    const outs = this.#tunnels.get(name)?.outs ?? [];
    const at = outs.findIndex((o) => o.sa.spi === spi);
    if (at >= 0) outs.splice(at, 1);
  }

  setNativeEsp(): void {
    // Nothing here touches an interface.
  }

  movePeer(name: string, remote: Endpoint): void {
    for (const out of this.#tunnel(name).outs) out.remote = remote;
    for (const i of this.#inbound.values()) if (i.sa.tunnel === name) i.remote = remote;
  }

  sendIke(local: Endpoint, remote: Endpoint, data: Uint8Array): void {
    if (!this.#closed) this.#options.sendIke(local, remote, data);
  }

  sendKeepalive(_local: Endpoint, remote: Endpoint): void {
    this.keepalives.push(remote);
  }

  statistics(): Statistics {
    const all = [...this.#inbound.values(), ...[...this.#tunnels.values()].flatMap((t) => t.outs)];
    return {
      tunnels: [...this.#tunnels.values()].map(
        ({ settings, rxPackets, rxOctets, txPackets, txOctets, drops }) => ({
          name: settings.name,
          rxPackets,
          rxOctets,
          txPackets,
          txOctets,
          drops: { ...drops },
        }),
      ),
      sas: all.map((i) => ({
        spi: i.sa.spi,
        direction: i.direction,
        tunnel: i.sa.tunnel,
        packets: i.packets,
        octets: i.octets,
        highest: i.direction === 'in' ? i.highest : 0,
        age: Math.floor((this.#options.now() - i.since) / 1000),
      })),
      ports: [],
      drops: { ...this.#drops },
    };
  }

  async measureCrypto(): Promise<readonly CryptoSpeed[]> {
    return [{ suite: 'aes128-gcm16', kernel: 'fake', chosen: true, gbit: 1 }];
  }

  async measureLoopback(): Promise<LoopbackSpeed> {
    return { gbit: 1, packets: 1e5, microseconds: 10, sent: 1000, arrived: 1000 };
  }

  close(): void {
    this.#closed = true;
    this.#tunnels.clear();
    this.#inbound.clear();
  }

  /** The host routes an inner packet into a tunnel. */
  transmit(name: string, inner: Uint8Array): void {
    const tunnel = this.#tunnel(name);
    const out = tunnel.outs.at(-1);
    if (!tunnel.settings.ipv6 && inner[0] >> 4 === 6) return drop(tunnel.drops, 'ipv6-blocked');
    if (!out) {
      drop(tunnel.drops, 'no-outbound-sa');
      if (!tunnel.acquired) this.#options.onEvent({ kind: 'acquire', tunnel: name });
      tunnel.acquired = true;
      return;
    }
    if (out.said.hard) return drop(tunnel.drops, 'sa-expired');
    const { sa } = out;
    tunnel.txPackets++;
    tunnel.txOctets += inner.length;
    this.#count(out, inner.length);
    this.#options.sendEsp({
      from: sa.local,
      to: out.remote,
      spi: sa.spi,
      sequence: out.packets,
      key: sa.key.reveal(),
      inner,
    });
  }

  /** An ESP packet arrives. */
  receive(packet: FakeEsp): void {
    const found = this.#inbound.get(packet.spi);
    if (!found || this.#closed) return drop(this.#drops, 'unknown-spi');
    const { sa } = found;
    const tunnel = this.#tunnel(sa.tunnel);
    if (found.said.hard) return drop(tunnel.drops, 'sa-expired');
    if (found.seen.has(packet.sequence) || packet.sequence + sa.replayWindow <= found.highest) {
      return drop(tunnel.drops, 'replayed');
    }
    if (!equalConstantTime(packet.key, sa.key.reveal())) return drop(tunnel.drops, 'authentication-failed');
    found.seen.add(packet.sequence);
    const newest = packet.sequence > found.highest;
    found.highest = Math.max(found.highest, packet.sequence);
    tunnel.rxPackets++;
    tunnel.rxOctets += packet.inner.length;
    if (found.packets === 0) this.#options.onEvent({ kind: 'first-packet', spi: sa.spi });
    this.#count(found, packet.inner.length);
    if (newest && sa.encapsulated && !sameEndpoint(packet.from, found.remote)) {
      found.remote = packet.from;
      this.#options.onEvent({ kind: 'peer-moved', spi: sa.spi, remote: packet.from });
    }
    this.#options.deliver(sa.tunnel, packet.inner);
  }

  /** Looks at the time limits, as the native engine does every second. */
  tick(): void {
    for (const tunnel of this.#tunnels.values()) for (const out of tunnel.outs) this.#time(out);
    for (const installed of [...this.#inbound.values()]) this.#time(installed);
  }

  #time(installed: Installed): void {
    const age = (this.#options.now() - installed.since) / 1000;
    if (age >= installed.sa.hard.seconds) this.#expire(installed, 'hard', 'time');
    else if (age >= installed.sa.soft.seconds) this.#expire(installed, 'soft', 'time');
  }

  #count(installed: Installed, octets: number): void {
    installed.packets++;
    installed.octets += octets;
    const { soft, hard } = installed.sa;
    const over = (limit: number | undefined, value: number) => limit !== undefined && value >= limit;
    if (over(hard.octets, installed.octets)) this.#expire(installed, 'hard', 'octets');
    else if (over(hard.packets, installed.packets)) this.#expire(installed, 'hard', 'packets');
    else if (over(soft.octets, installed.octets)) this.#expire(installed, 'soft', 'octets');
    else if (over(soft.packets, installed.packets)) this.#expire(installed, 'soft', 'packets');
  }

  /** Each limit speaks once. */
  #expire(installed: Installed, limit: 'soft' | 'hard', cause: LimitCause): void {
    if (installed.said[limit]) return;
    installed.said[limit] = true;
    this.#options.onEvent({ kind: 'expire', spi: installed.sa.spi, limit, cause });
  }

  #installed(sa: EspSa, direction: 'in' | 'out'): Installed {
    return {
      sa,
      direction,
      since: this.#options.now(),
      seen: new Set(),
      remote: sa.remote,
      highest: 0,
      packets: 0,
      octets: 0,
      said: { soft: false, hard: false },
    };
  }

  #tunnel(name: string): Tunnel {
    const tunnel = this.#tunnels.get(name);
    if (!tunnel) throw new Error(`there is no tunnel ${name}`);
    return tunnel;
  }
}

function drop(drops: Record<string, number>, reason: string): void {
  drops[reason] = (drops[reason] ?? 0) + 1;
}
