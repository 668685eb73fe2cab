// The state that a configuration asks for, as plain values: what WOULD be made, before anything is.

import type { NativeEsp, TunnelSettings } from '../dataplane/port.ts';
import type { ConnectionPolicy, Settings } from '../ike/policy.ts';
import type { Address, Cidr } from '../net/address.ts';

/** A physical interface: geN is the Linux device. */
export type Link = {
  readonly name: string;
  readonly device: string;
  readonly addresses: readonly Cidr[];
  readonly mtu?: number;
  /** TCP MSS clamp of forwarded packets: a number, auto (the route's MTU), or none. */
  readonly mss: number | 'auto' | 'none';
};

export type Tunnel = {
  readonly name: string;
  /** Inner addresses: its own, or those that another interface lends (then /32 and no network). */
  readonly addresses: readonly Cidr[];
  readonly peer?: Address;
  readonly dataplane: TunnelSettings;
  /** The MTU of its interface: no less than IPv6 wants, if it carries IPv6. */
  readonly deviceMtu: number;
  /** What `mtu` was computed from: undefined when the configuration fixes it. */
  readonly outerMtu?: number;
  readonly policy: ConnectionPolicy;
};

export type Route = {
  readonly destination: Cidr | 'default';
  readonly family: 4 | 6;
  readonly via: { readonly address: Address } | { readonly interface: string } | 'discard';
  /** Becomes the kernel's metric. */
  readonly distance: number;
  /** Where less goes whole than the interface lets through. */
  readonly mtu?: number;
};

export type Desired = {
  readonly hostname?: string;
  readonly nativeEsp: NativeEsp;
  readonly links: readonly Link[];
  readonly tunnels: readonly Tunnel[];
  readonly routes: readonly Route[];
  readonly settings: Settings;
};

export const NOTHING: Omit<Desired, 'settings'> = { nativeEsp: 'auto', links: [], tunnels: [], routes: [] };
