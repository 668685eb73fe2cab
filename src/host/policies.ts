// What the kernel hands to the devices of security policies, whatever its routes say (RFC 4301 4.4.1, 5):
//
//   1. nftables marks packets that a policy names: those of this router once their source is chosen, those of others as
//      they come in; what comes in clear and should have come protected is dropped
//   2. a rule for each mark leads to a table, whose only route is the device
//   3. where the device is gone, the next rule lets nothing leave in clear
import type { Family } from '../net/address.ts';
import type { Tunnel } from '../plan/desired.ts';
import { HostError, run } from './run.ts';

const TABLE = 'inet sekisho_policies';

/** Marks of ours: these bits, and the number of a policy. */
const MARK = 0x5e00_0000;
const MARK_MASK = 0xff00_0000;
const FIRST_TABLE = 50_000;

/** Priorities of our rules: behind the kernel's table of local addresses, before everything else; and after all. */
const TO_TABLE = 1000;
const NOWHERE = 1001;
const LAST_RESORT = 40_000;

const FAMILIES: readonly Family[] = [4, 6];

/** Our own IKE and ESP, and asking for link addresses, are never protected (RFC 4301 4.4.1: bypass; RFC 4861). */
const BYPASS = {
  from: ['udp sport { 500, 4500 } return', 'meta l4proto esp return'],
  to: [
    // Further fragments of these have no ports: whole they are only with their first.
    'ip frag-off & 0x1fff != 0 ip protocol { udp, esp } fib daddr type local return',
    'frag frag-off != 0 frag nexthdr { udp, esp } fib daddr type local return',
    'udp dport { 500, 4500 } fib daddr type local return',
    'meta l4proto esp fib daddr type local return',
  ],
  neighbours:
    'icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } return',
};

type Rules = Readonly<Record<Family, ReadonlySet<string>>>;

export class Policies {
  /** Unknown at first: those of a router that crashed may still stand, and keep its packets from leaving in clear. */
  #rules: Rules | undefined;

  get any(): boolean {
    return FAMILIES.some((family) => (this.#rules?.[family].size ?? 0) > 0);
  }

  /**
   * Replaces what was set before; an empty list takes all away. What stands in both never stops standing: rules come
   * before the marks that they are for, and go after them.
   */
  async set(tunnels: readonly Tunnel[]): Promise<void> {
    const wanted: Rules = { 4: rulesOf(tunnels, 4), 6: rulesOf(tunnels, 6) };
    const before = this.#rules ?? { 4: await inherit(4, wanted[4]), 6: await inherit(6, wanted[6]) };
    this.#rules = wanted;
    for (const family of FAMILIES) {
      const routes = of(tunnels, family).map(
        (t) => `route replace default dev ${t.name} table ${tableOf(t)}`,
      );
      await batch(family, [...added(before[family], wanted[family]), ...routes]);
    }
    // One transaction: there is no moment without marks.
    await run('nft', ['-f', '-'], `add table ${TABLE}\ndelete table ${TABLE}\n${ruleset(tunnels)}`);
    for (const family of FAMILIES)
      await batch(
        family,
        [...before[family]].filter((rule) => !wanted[family].has(rule)).map((rule) => `rule delete ${rule}`),
      );
  }
}

function added(before: ReadonlySet<string>, wanted: ReadonlySet<string>): string[] {
  return [...wanted].filter((rule) => !before.has(rule)).map((rule) => `rule add ${rule}`);
}

async function batch(family: Family, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await run('ip', [`-${family}`, '-batch', '-'], lines.map((line) => `${line}\n`).join(''));
}

/** After a crash: the rule that holds packets back stays, if it is wanted; the others are set again. */
async function inherit(family: Family, wanted: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const attempt = (...args: string[]) =>
    run('ip', [`-${family}`, 'rule', ...args]).catch((e) => {
      // None was there, it was there already, or this kernel has no IPv6.
      if (!(e instanceof HostError)) throw e;
    });
  if (wanted.has(nowhere())) await attempt('add', ...nowhere().split(' '));
  else await attempt('flush', 'priority', String(NOWHERE));
  for (const priority of [TO_TABLE, LAST_RESORT]) await attempt('flush', 'priority', String(priority));
  return new Set(wanted.has(nowhere()) ? [nowhere()] : []);
}

function of(tunnels: readonly Tunnel[], family: Family): readonly Tunnel[] {
  return tunnels.filter((t) => t.catches?.family === family);
}

function markOf({ catches }: Tunnel): string {
  return `0x${(MARK + catches!.index).toString(16)}`;
}

function tableOf({ catches }: Tunnel): number {
  return FIRST_TABLE + catches!.index;
}

function nowhere(): string {
  return `fwmark 0x${MARK.toString(16)}/0x${MARK_MASK.toString(16)} priority ${NOWHERE} unreachable`;
}

function rulesOf(tunnels: readonly Tunnel[], family: Family): ReadonlySet<string> {
  const ours = of(tunnels, family);
  return new Set([
    ...(ours.length > 0 ? [nowhere()] : []),
    ...ours.flatMap((t) => [
      `fwmark ${markOf(t)} priority ${TO_TABLE} table ${tableOf(t)}`,
      // This router's own packets need some route before they are marked.
      `from ${t.child.selectors.local[0]} to ${t.child.selectors.remote[0]} priority ${LAST_RESORT} table ${tableOf(t)}`,
    ]),
  ]);
}

/** As a table of nftables; nothing for no policies. */
export function ruleset(tunnels: readonly Tunnel[]): string {
  if (tunnels.length === 0) return '';
  // Fragments have no ports; whoever asks for the connection's state gets whole datagrams.
  const ports = tunnels.some(({ child }) => child.ports.local || child.ports.remote);
  const marks = tunnels.flatMap((t) => [
    ...neighbours(t),
    `${selector(t, 'out')} meta mark set ${markOf(t)} return`,
  ]);
  const chains: Record<string, readonly string[]> = {
    output: ['type route hook output priority mangle', ...BYPASS.from, BYPASS.neighbours, ...marks],
    protected: [
      ...BYPASS.to,
      BYPASS.neighbours,
      ...tunnels.flatMap((t) => [
        ...neighbours(t),
        // The first policy that names a packet decides.
        `iifname "${t.name}" ${selector(t, 'in')} return`,
        `${selector(t, 'in')} counter drop`,
      ]),
    ],
    prerouting: [
      'type filter hook prerouting priority mangle',
      'iifname "lo" return',
      ...(ports ? ['ct state invalid continue'] : []),
      'jump protected',
      ...marks,
    ],
  };
  const chain = (name: string) =>
    `  chain ${name} {\n${chains[name].map((line) => `    ${line}\n`).join('')}  }\n`;
  return `table ${TABLE} {\n${Object.keys(chains).map(chain).join('')}}\n`;
}

/** Where a policy names all destinations, what our side says to itself is not meant. */
function neighbours({ child, catches }: Tunnel): string[] {
  const [local, remote] = [child.selectors.local[0], child.selectors.remote[0]];
  const ip = catches?.family === 6 ? 'ip6' : 'ip';
  return remote.endsWith('/0') && !local.endsWith('/0')
    ? [`${ip} saddr ${local} ${ip} daddr ${local} return`]
    : [];
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
