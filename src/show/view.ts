// What `show` knows: plain data out of the engine and the dataplane. How it looks is seil.ts's business.
import type { PortState, SaCounters, Statistics, TunnelCounters } from '../dataplane/port.ts';
import { type ChildSa, current } from '../ike/child.ts';
import type { Connection } from '../ike/core.ts';
import { weakness } from '../ike/proposal/strength.ts';
import { type Reason, reasonText } from '../ike/reason.ts';
import { passive } from '../ike/supervise.ts';
import { lifetimeOf } from '../ike/v1/lifecycle.ts';
import { selectorsOf, selectorText } from '../ike/v2/selectors.ts';
import { hex } from '../net/bytes.ts';
import { endpointText } from '../net/endpoint.ts';
import type { Dormant, Tunnel } from '../plan/desired.ts';

export type IkeView = {
  /** Of the SA, in the log. */
  readonly number: number;
  readonly connection: string;
  readonly version: 1 | 2;
  readonly local: string;
  readonly remote: string;
  readonly spiI: string;
  readonly spiR: string;
  readonly status: string;
  readonly side: 'initiator' | 'responder';
  readonly suite?: string;
  /** " (weak: modp1536)", or nothing. */
  readonly weak?: string;
  readonly children: number;
  /** ISO 8601; of an SA that is up. */
  readonly created?: string;
  readonly lifetime: number;
  readonly left?: number;
  readonly identityLocal: string;
  readonly identityRemote: string;
  readonly nat: 'none' | 'local' | 'remote' | 'both';
};

export type ChildView = {
  /** Of its halves, in the log. */
  readonly numbers: { readonly send: number; readonly recv: number };
  readonly connection: string;
  readonly spiIn: number;
  readonly spiOut: number;
  readonly state: string;
  readonly suite: string;
  readonly weak: string;
  readonly mode: 'tunnel' | 'transport';
  readonly encapsulation: 'udp' | 'native';
  readonly selectors: { readonly local: readonly string[]; readonly remote: readonly string[] };
  readonly age: number;
  readonly lifetime: number;
  /** `lost`: sequence numbers up to the highest that never came, or not whole. */
  readonly in: { readonly packets: number; readonly octets: number; readonly lost: number };
  readonly out: { readonly packets: number; readonly octets: number };
};

/** An entry of the SPD (RFC 4301 4.4.1): what is to be protected, whether or not an SA does it now. */
export type PolicyView = {
  readonly mode: 'tunnel' | 'transport';
  /** By which packets come to it: routes to the interface, or the policy itself. */
  readonly by: 'route' | 'policy';
  readonly local: readonly string[];
  readonly remote: readonly string[];
};

export type TunnelView = {
  readonly connection: string;
  readonly policy: PolicyView;
  readonly local: string;
  readonly remote: string;
  readonly state: 'up' | 'negotiating' | 'down';
  /** Since when it is up, ISO 8601. */
  readonly since?: string;
  readonly reason?: Reason;
  readonly reasonText?: string;
  readonly mtu: number;
  readonly addresses: readonly string[];
  readonly counters?: TunnelCounters;
  /** How native ESP travels, when the tunnel uses it. */
  readonly nativeEsp?: PortState;
  readonly children: readonly ChildView[];
};

export type Source = {
  readonly connections: ReadonlyMap<string, Connection>;
  readonly statistics: Statistics;
  readonly tunnels: readonly Tunnel[];
  readonly dormant: readonly Dormant[];
  /** The engine's clock, and the wall's at the same moment, both in ms. */
  readonly now: number;
  readonly wall: number;
};

export function ikeView(source: Source): IkeView[] {
  return [...source.connections.values()].flatMap((connection) =>
    [...connection.sas].map((sa): IkeView => {
      const { policy } = connection;
      const up = sa.establishedAt > 0;
      const lifetime = sa.version === 1 ? lifetimeOf(sa) : policy.ike.lifetime;
      const [spiI, spiR] = sa.version === 1 ? [sa.cookieI, sa.cookieR] : [sa.spiI, sa.spiR];
      const s = sa.suite;
      const parts =
        s && ('hash' in s ? [s.cipher, s.hash, s.group] : [s.cipher, s.integrity, s.prf, s.group]);
      return {
        number: sa.id,
        connection: policy.name,
        version: sa.version,
        local: endpointText(sa.local),
        remote: endpointText(sa.remote),
        spiI: hex(spiI),
        spiR: hex(spiR),
        status: sa.state,
        side: sa.role,
        ...(parts ? { suite: parts.filter(Boolean).join('/'), weak: weakness(s) } : {}),
        children: connection.children.size,
        ...(up ? { created: new Date(source.wall - (source.now - sa.establishedAt)).toISOString() } : {}),
        lifetime,
        ...(up ? { left: Math.max(0, Math.round(lifetime - (source.now - sa.establishedAt) / 1000)) } : {}),
        identityLocal: `${policy.myId.value} (${policy.myId.type})`,
        identityRemote: `${policy.peerId.value} (${policy.peerId.type})`,
        nat: sa.nat.local ? (sa.nat.remote ? 'both' : 'local') : sa.nat.remote ? 'remote' : 'none',
      };
    }),
  );
}

/** Every tunnel that is configured, those that cannot be there at the end. */
export function tunnelView(source: Source): TunnelView[] {
  return [...awakeView(source), ...source.dormant.map(dormantView)];
}

function dormantView({ name, local, remote, text, key }: Dormant): TunnelView {
  const reason: Reason = { code: 'DORMANT', text, key };
  return {
    connection: name,
    policy: { mode: 'tunnel', by: 'route', local: [], remote: [] },
    local,
    remote,
    state: 'down',
    reason,
    reasonText: reasonText(reason),
    mtu: 0,
    addresses: [],
    children: [],
  };
}

function awakeView(source: Source): TunnelView[] {
  return source.tunnels.map((tunnel): TunnelView => {
    const connection = source.connections.get(tunnel.policy.name);
    const child = connection && current(connection, tunnel.child);
    const negotiating = [...(connection?.sas ?? [])].some((sa) => sa.establishedAt === 0);
    const idle = connection && !child && !negotiating ? passive(connection) : undefined;
    const reason = connection?.lastReason ?? idle;
    const counters = source.statistics.tunnels.find((t) => t.name === tunnel.name);
    const native = child && !child.encapsulated;
    const port = native && source.statistics.ports.find((p) => p.address === tunnel.policy.local);
    return {
      connection: tunnel.name,
      policy: policyView(tunnel),
      local: tunnel.policy.local,
      remote: peerOf(tunnel, connection),
      state: child ? 'up' : negotiating ? 'negotiating' : 'down',
      ...sinceOf(source, connection?.since.get(tunnel.name)),
      ...(reason ? { reason, reasonText: reasonText(reason) } : {}),
      mtu: tunnel.dataplane.mtu,
      addresses: tunnel.addresses,
      ...(counters ? { counters } : {}),
      ...(port ? { nativeEsp: port } : {}),
      children: [...(connection?.children ?? [])]
        .filter((c) => c.policy.name === tunnel.name)
        .map((c) => childView(c, source)),
    };
  });
}

function sinceOf({ now, wall }: Source, since: number | undefined): Pick<TunnelView, 'since'> {
  return since === undefined ? {} : { since: new Date(wall - (now - since)).toISOString() };
}

function policyView({ child, catches }: Tunnel): PolicyView {
  const { local, remote } = selectorsOf(child);
  return {
    mode: child.mode,
    by: catches ? 'policy' : 'route',
    local: local.map(selectorText),
    remote: remote.map(selectorText),
  };
}

/** Where the peer is, or that it may be anywhere. */
function peerOf({ policy }: Tunnel, connection: Connection | undefined): string {
  const sa = [...(connection?.sas ?? [])].at(-1);
  return policy.remote ?? sa?.remote.address ?? 'any';
}

function childView(child: ChildSa, source: Source): ChildView {
  const { suite } = child;
  const counters = (direction: SaCounters['direction'], spi: number) => {
    const sa = source.statistics.sas.find((s) => s.direction === direction && s.spi === spi);
    const lost = Math.max(0, (sa?.highest ?? 0) - (sa?.packets ?? 0));
    return { packets: sa?.packets ?? 0, octets: sa?.octets ?? 0, lost };
  };
  return {
    numbers: child.numbers,
    connection: child.connection.policy.name,
    mode: child.policy.mode,
    spiIn: child.spiIn,
    spiOut: child.spiOut,
    state: child.state,
    suite: [suite.cipher, suite.integrity, suite.group, suite.esn ? 'esn' : ''].filter(Boolean).join('/'),
    weak: weakness(suite),
    encapsulation: child.encapsulated ? 'udp' : 'native',
    selectors: child.selectors,
    age: Math.floor((source.now - child.createdAt) / 1000),
    lifetime: child.seconds,
    in: counters('in', child.spiIn),
    out: counters('out', child.spiOut),
  };
}
