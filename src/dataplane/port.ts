// The port to the dataplane: what the control plane asks of it and hears from it. native.ts is the real one,
// fake.ts a full one in TypeScript for tests without root.

import type { EspSa, LimitCause } from '../ike/io.ts';
import type { Endpoint } from '../net/endpoint.ts';

export type TunnelSettings = {
  /** Interface: "ipsec0". */
  readonly name: string;
  /** Largest inner packet, octets. */
  readonly mtu: number;
  /** Largest TCP segment let through in either direction (MSS clamp); 0 leaves SYNs untouched. */
  readonly mss4: number;
  readonly mss6: number;
  /** Outer ToS octet, or the inner packet's. */
  readonly tos: number | 'copy';
  /** The outer DF bit (RFC 4301 8.1). */
  readonly df: 'copy' | 'set' | 'clear';
  /** Whether IPv6 packets go through. */
  readonly ipv6: boolean;
};

/** How native ESP passes a network interface. */
export type NativeEsp = 'auto' | 'af-xdp' | 'af-packet' | 'raw';

export type DataplaneEvent =
  /** An IKE datagram without its non-ESP marker. */
  | { readonly kind: 'ike'; readonly local: Endpoint; readonly remote: Endpoint; readonly data: Uint8Array }
  | { readonly kind: 'acquire'; readonly tunnel: string }
  | {
      readonly kind: 'expire';
      readonly spi: number;
      readonly limit: 'soft' | 'hard';
      readonly cause: LimitCause;
    }
  | { readonly kind: 'first-packet'; readonly spi: number }
  | { readonly kind: 'peer-moved'; readonly spi: number; readonly remote: Endpoint }
  /** The path to a peer carries no more than `mtu` octets of outer packet. */
  | { readonly kind: 'path-mtu'; readonly remote: string; readonly mtu: number };

/** Why packets were dropped; the names are those of the native engine's list (native/path/drops.h). */
export type Drops = Readonly<Record<string, number>>;

export type SaCounters = {
  readonly spi: number;
  readonly direction: 'in' | 'out';
  readonly tunnel: string;
  readonly packets: number;
  readonly octets: number;
  /** Inbound: the highest sequence number that came; 0 of an outbound SA. */
  readonly highest: number;
  /** Seconds since the SA was installed. */
  readonly age: number;
};

export type TunnelCounters = {
  readonly name: string;
  readonly rxPackets: number;
  readonly rxOctets: number;
  readonly txPackets: number;
  readonly txOctets: number;
  readonly drops: Drops;
};

/** How native ESP travels at one of our addresses, and why the better ways were not to be had. */
export type PortState = {
  readonly address: string;
  readonly name: Exclude<NativeEsp, 'auto'>;
  readonly refused: string;
  /** Packets that arrived faster than they were taken, since it was opened. */
  readonly lost: number;
};

export type Statistics = {
  readonly tunnels: readonly TunnelCounters[];
  readonly sas: readonly SaCounters[];
  readonly ports: readonly PortState[];
  /** Drops before a tunnel was known. */
  readonly drops: Drops;
};

/** How fast a crypto kernel seals packets of 1,400 octets with a suite on this CPU. */
export type CryptoSpeed = {
  /** "aes128-gcm16", "aes256/sha256". */
  readonly suite: string;
  readonly kernel: string;
  /** SAs of this suite use this kernel. */
  readonly chosen: boolean;
  readonly gbit: number;
};

/** What a tunnel of a suite carries from this machine to itself: one core, no network. */
export type LoopbackSpeed = {
  /** Gbit/s of inner packets of 1,400 octets, sealed and opened again. */
  readonly gbit: number;
  /** A second, of 64 octets. */
  readonly packets: number;
  /** For one packet of 1,400 octets by itself. */
  readonly microseconds: number;
  readonly sent: number;
  readonly arrived: number;
};

export interface Dataplane {
  /** A free SPI for an inbound SA; it is taken until removeInbound, or for a minute when never installed. */
  allocateSpi(): number;
  openTunnel(settings: TunnelSettings): void;
  changeTunnel(settings: TunnelSettings): void;
  closeTunnel(name: string): void;
  installInbound(sa: EspSa): void;
  /** From now on the tunnel's packets leave on this SA; those before it stay until they are removed. */
  installOutbound(sa: EspSa): void;
  removeInbound(spi: number): void;
  /** Was it in use, the newest of the tunnel's other outbound SAs takes over. */
  removeOutbound(tunnel: string, spi: number): void;
  /** How native ESP passes the interfaces from now on; SAs that exist change over. */
  setNativeEsp(way: NativeEsp): void;
  movePeer(tunnel: string, remote: Endpoint): void;
  /** Adds the non-ESP marker on port 4500 (RFC 3948 2.2). */
  sendIke(local: Endpoint, remote: Endpoint, data: Uint8Array): void;
  sendKeepalive(local: Endpoint, remote: Endpoint): void;
  statistics(): Statistics;
  /** Takes half a second of one core, away from the event loop. */
  measureCrypto(): Promise<readonly CryptoSpeed[]>;
  /** The same for a second. `suite`: as `measureCrypto` names it. Throws for another one, and rejects where no kernel can do it. */
  measureLoopback(suite: string): Promise<LoopbackSpeed>;
  close(): void;
}
