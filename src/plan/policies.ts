// Policy-based IPsec: each security policy has a device, to which the kernel hands what the policy names, and a child of
// its own; all policies to one peer are children of one connection (dialects.md A.3, RFC 4301 4.4.1).
import { peerOf } from '../config/policy-rules.ts';
import type { Tree } from '../config/tree.ts';
import type { ChildPolicy, ConnectionPolicy } from '../ike/policy.ts';
import { type Address, type Family, familyOf, parseAddress } from '../net/address.ts';
import { connection, ownAddress, protection } from './connection.ts';
import type { Tunnel } from './desired.ts';
import { IPV6_MINIMUM_MTU, innerMtu, ipOctets, mssOf } from './overhead.ts';
import { outerMtuOf, type Path } from './path.ts';

/**
 * Of a device whose packets must come whole, and ESP is fragmented in their stead: in transport mode (RFC 4303 3.1.1, 3.3.4),
 * and where a policy asks for ports, which fragments have not.
 */
const WHOLE_DATAGRAMS = 65_000;

/** A policy with the ends that its association gives it. */
type Placed = {
  readonly index: number;
  readonly association: string;
  readonly peer: number;
  readonly local: Address;
  readonly remote: Address | undefined;
};

export function policyTunnels(tree: Tree, path: Path): Tunnel[] {
  const placed = tree.indexes('ipsec.security-policy.').flatMap((n) => place(tree, n, path) ?? []);
  const connections = new Map<string, ConnectionPolicy>();
  for (const p of placed) {
    const key = connectionKey(p);
    if (connections.has(key)) continue;
    const children = placed.filter((other) => connectionKey(other) === key).map((c) => child(tree, c));
    const { association: name, local, remote } = p;
    connections.set(key, connection(tree, { name, at: `ike.peer.${p.peer}`, local, remote }, children));
  }
  return placed.map((p) => tunnel(p, connections.get(connectionKey(p))!, path));
}

function familyOfLink(name: string, links: Path['links']): Family {
  const addresses = links.find((l) => l.name === name)?.addresses ?? [];
  return addresses.length > 0 && addresses.every((a) => a.includes(':')) ? 6 : 4;
}

function connectionKey({ peer, local }: Placed): string {
  return `${peer} ${local}`;
}

function place(tree: Tree, index: number, { links }: Path): Placed | undefined {
  const association = tree.text(`ipsec.security-policy.${index}.security-association`) ?? '';
  const at = `ipsec.security-association.${association}`;
  const peer = peerOf(tree, at);
  if (peer === undefined) return undefined;
  const remote = tree.text(`${at}.remote-address`);
  const own = tree.text(`${at}.local-address`) ?? 'ge0';
  // Whoever may come from anywhere comes by IPv4 where we have it, whatever is inside.
  const family = remote ? familyOf(remote) : parseAddress(own) ? familyOf(own) : undefined;
  const local = ownAddress(own, family ?? familyOfLink(own, links), links);
  return { index, association, peer, local, remote };
}

function child(tree: Tree, { index, local, remote }: Placed): ChildPolicy {
  const at = `ipsec.security-policy.${index}`;
  const side = (of: string, end: Address) => [prefixOf(tree.text(`${at}.${of}.address`) ?? end)];
  const port = (of: string) => Number(tree.value(`${at}.${of}.port`)) || 0;
  const protocol = tree.value(`${at}.protocol`);
  return {
    name: `policy${index}`,
    at,
    mode: tree.text(`${at}.mode`) === 'transport' ? 'transport' : 'tunnel',
    ...protection(tree, at),
    selectors: { local: side('source', local), remote: side('destination', remote ?? '') },
    anySelectors: false,
    protocol: typeof protocol === 'number' ? protocol : 0,
    ports: { local: port('source'), remote: port('destination') },
    named: true,
    loose: false,
  };
}

function prefixOf(value: string): string {
  return value.includes('/') ? value : `${value}/${value.includes(':') ? 128 : 32}`;
}

function tunnel({ index }: Placed, policy: ConnectionPolicy, path: Path): Tunnel {
  const name = `policy${index}`;
  const own = policy.children.find((c) => c.name === name)!;
  const outer: Family = familyOf(policy.local);
  const inner: Family = familyOf(own.selectors.local[0].split('/')[0]);
  const outerMtu = outerMtuOf(name, policy.local, path);
  const transport = own.mode === 'transport';
  const whole = transport || own.ports.local !== 0 || own.ports.remote !== 0;
  const mtu = innerMtu(outerMtu, own, outer) + (transport ? ipOctets(outer) : 0);
  return {
    name,
    addresses: [],
    dataplane: {
      name,
      mtu,
      mss4: mssOf(mtu, 4),
      mss6: mssOf(mtu, 6),
      tos: transport ? 'copy' : 0,
      df: whole ? 'clear' : 'set',
      ipv6: inner === 6,
    },
    deviceMtu: whole ? WHOLE_DATAGRAMS : inner === 6 ? Math.max(mtu, IPV6_MINIMUM_MTU) : mtu,
    outerMtu,
    policy,
    child: own,
    catches: { index, family: inner },
  };
}
