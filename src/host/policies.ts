// What the kernel hands to the devices of security policies, whatever its routes say (RFC 4301 4.4.1, 5):
//
//   1. nftables marks packets that a policy names: those of this router once their source is chosen, those of others as
//      they come in; what comes in clear and should have come protected is dropped
//   2. a rule for each mark leads to a table, whose only route is the device
//   3. where the device is gone, a last rule lets nothing leave in clear
import type { Tunnel } from '../plan/desired.ts';
import { HostError, run } from './run.ts';

const TABLE = 'inet sekisho_policies';

/** Marks of ours: these bits, and the number of a policy. */
const MARK = 0x5e00_0000;
const MARK_MASK = 0xff00_0000;
const FIRST_TABLE = 50_000;

/** Priorities of our rules: behind the kernel's table of local addresses, before everything else. */
const TO_TABLE = 1000;
const NOWHERE = 1001;

/** Our own IKE and ESP are never protected by a policy (RFC 4301 4.4.1: bypass). */
const PORTS = '{ 500, 4500 }';

/** Replaces what was told before; an empty list takes all away. */
export async function setPolicies(tunnels: readonly Tunnel[]): Promise<void> {
  const table = tunnels.length === 0 ? '' : ruleset(tunnels);
  // Marks stop before the rules that follow them change, and begin once these stand.
  await run('nft', ['-f', '-'], `add table ${TABLE}\ndelete table ${TABLE}\n`);
  for (const family of ['-4', '-6'] as const) await rules(family, tunnels);
  if (table) await run('nft', ['-f', '-'], table);
}

function markOf({ catches }: Tunnel): string {
  return `0x${(MARK + (catches?.index ?? 0)).toString(16)}`;
}

async function rules(family: '-4' | '-6', tunnels: readonly Tunnel[]): Promise<void> {
  const ours = tunnels.filter((t) => `-${t.catches?.family}` === family);
  for (const priority of [TO_TABLE, NOWHERE]) await flush(family, priority);
  const lines = ours.flatMap((t) => {
    const table = String(FIRST_TABLE + t.catches!.index);
    return [
      `rule add fwmark ${markOf(t)} priority ${TO_TABLE} table ${table}`,
      `route replace default dev ${t.name} table ${table}`,
    ];
  });
  if (lines.length === 0) return;
  const last = `rule add fwmark 0x${MARK.toString(16)}/0x${MARK_MASK.toString(16)} priority ${NOWHERE} unreachable`;
  await run('ip', [family, '-batch', '-'], [last, ...lines].map((l) => `${l}\n`).join(''));
}

/** Deletes every rule of a priority: there is one of each mark. */
async function flush(family: string, priority: number): Promise<void> {
  try {
    await run('ip', [family, 'rule', 'flush', 'priority', String(priority)]);
  } catch (e) {
    // None was there, or this kernel has no IPv6.
    if (!(e instanceof HostError)) throw e;
  }
}

function ruleset(tunnels: readonly Tunnel[]): string {
  const lines = (make: (t: Tunnel) => string[]) => tunnels.flatMap(make).map((l) => `    ${l}\n`);
  // Fragments have no ports; whoever asks for the connection's state gets whole datagrams.
  const ports = tunnels.some(({ child }) => child.ports.local || child.ports.remote);
  return [
    `table ${TABLE} {\n`,
    '  chain output {\n    type route hook output priority mangle\n',
    `    meta l4proto udp udp sport ${PORTS} return\n    meta l4proto esp return\n`,
    ...lines((t) => [...neighbours(t), `${selector(t, 'out')} meta mark set ${markOf(t)} return`]),
    '  }\n  chain prerouting {\n    type filter hook prerouting priority mangle\n    iifname "lo" return\n',
    ...(ports ? ['    ct state invalid continue\n'] : []),
    ...lines((t) => [...neighbours(t), ...clear(t)]),
    ...lines((t) => [`${selector(t, 'out')} meta mark set ${markOf(t)} return`]),
    '  }\n}\n',
  ].join('');
}

/** What should have come protected. IKE and ESP themselves come to this router. */
function clear(tunnel: Tunnel): string[] {
  const match = `iifname != "${tunnel.name}" ${selector(tunnel, 'in')}`;
  const ours = 'fib daddr type local';
  return [
    `${match} ${ours} meta l4proto udp udp dport ${PORTS} return`,
    `${match} ${ours} meta l4proto esp return`,
    `${match} counter drop`,
  ];
}

/** Where a policy names all destinations, what our side says to itself is not meant. */
function neighbours({ child, catches }: Tunnel): string[] {
  const [local, remote] = [child.selectors.local[0], child.selectors.remote[0]];
  const ip = catches?.family === 6 ? 'ip6' : 'ip';
  return remote.endsWith('/0') ? [`${ip} saddr ${local} ${ip} daddr ${local} return`] : [];
}

function selector({ child, catches }: Tunnel, way: 'in' | 'out'): string {
  const ip = catches?.family === 6 ? 'ip6' : 'ip';
  const { selectors, ports, protocol } = child;
  const ends = [
    { prefix: selectors.local[0], port: ports.local },
    { prefix: selectors.remote[0], port: ports.remote },
  ];
  const [from, to] = way === 'out' ? ends : [ends[1], ends[0]];
  // A prefix of no bits says nothing but which family it is.
  const address = (end: string, prefix: string) => (prefix.endsWith('/0') ? [] : [`${ip} ${end} ${prefix}`]);
  const port = (end: string, number: number) => (number ? [`th ${end} ${number}`] : []);
  return [
    `meta nfproto ${ip === 'ip' ? 'ipv4' : 'ipv6'}`,
    ...address('saddr', from.prefix),
    ...address('daddr', to.prefix),
    ...(protocol ? [`meta l4proto ${protocol}`] : []),
    ...port('sport', from.port),
    ...port('dport', to.port),
  ].join(' ');
}
