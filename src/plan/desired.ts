// The state that a configuration asks for, as plain values: what WOULD be made, before anything is.

import type { NativeEsp, TunnelSettings } from '../dataplane/port.ts';
import type { ChildPolicy, ConnectionPolicy, Settings } from '../ike/policy.ts';
import type { Address, Cidr, Family } from '../net/address.ts';
import type { Endpoint } from '../net/endpoint.ts';
import { type Access, NO_ACCESS } from './access.ts';
import { type Firewall, OPEN } from './firewall.ts';
import { NO_SERVICES, type Services } from './services.ts';

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
  /** What of it this device carries. */
  readonly child: ChildPolicy;
  /** Of a security policy: the kernel hands it what the policy names, whatever the routes say. */
  readonly catches?: { readonly index: number; readonly family: Family };
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

/** A tunnel that is taken down by hand, or not complete. */
export type Dormant = {
  readonly name: string;
  /** Ends as they are configured, "-" where they are not. */
  readonly local: string;
  readonly remote: string;
  /** Why: one sentence, and the key that would change it. */
  readonly text: string;
  readonly key: string;
};

/** Where the log goes besides. */
export type SyslogServer = {
  readonly address: Address;
  readonly port: number;
  readonly source?: Address;
  readonly sourcePort?: number;
  readonly facility: number;
  readonly hostname: string;
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  readonly format: 'rfc3164' | 'rfc5424' | 'yamaha';
};

export type Desired = {
  readonly hostname?: string;
  readonly nativeEsp: NativeEsp;
  /** Where the metrics may be fetched. */
  readonly metrics?: Endpoint;
  readonly syslog: readonly SyslogServer[];
  readonly links: readonly Link[];
  readonly tunnels: readonly Tunnel[];
  /** Tunnels that are configured and not there. */
  readonly dormant: readonly Dormant[];
  /** False: the devices are there, so that nothing leaves in clear, and nobody negotiates. */
  readonly ike: boolean;
  readonly routes: readonly Route[];
  readonly firewall: Firewall;
  readonly services: Services;
  readonly access: Access;
  readonly settings: Settings;
};

export const NOTHING: Omit<Desired, 'settings'> = {
  nativeEsp: 'auto',
  syslog: [],
  links: [],
  tunnels: [],
  dormant: [],
  ike: true,
  routes: [],
  firewall: OPEN,
  services: NO_SERVICES,
  access: NO_ACCESS,
};

/** All that the IKE engine is told of: a connection may have several tunnels. */
export function connectionsOf({ tunnels, ike }: Pick<Desired, 'tunnels' | 'ike'>): ConnectionPolicy[] {
  if (!ike) return [];
  return [...new Map(tunnels.map((t) => [t.policy.name, t.policy])).values()];
}
