// What the kernel hands to the devices of security policies, whatever its routes say (RFC 4301 4.4.1, 5):
//
//   1. nftables marks packets that a policy names: those of this router once their source is chosen, those of others as
//      they come in; what comes in clear and should have come protected is dropped
//   2. a rule for each mark leads to a table, whose only route is the device
//   3. where there is no device, the next rule lets nothing leave in clear
import { type Family, rangeOf } from '../net/address.ts';
import { compareBytes } from '../net/bytes.ts';
import type { Tunnel } from '../plan/desired.ts';
import { HostError, run } from './run.ts';

const TABLE = 'inet sekisho_policies';

/** Marks of ours: these bits, and the number of a policy. The kernel's routing tables count from another number. */
const MARK = 0x5e00_0000;
const MARK_MASK = 0xff00_0000;
const FIRST_TABLE = 50_000;
const TABLES = 1000;

/** Priorities of our rules: behind the kernel's table of local addresses, before everything else; and after all. */
const TO_TABLE = 520;
const NOWHERE = 521;
const LAST_RESORT = 40_520;

const FAMILIES: readonly Family[] = [4, 6];

/** nftables' names of their headers. */
const HEADER = { 4: 'ip', 6: 'ip6' } as const;

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

export class Policies {
  /** Of each family the rules that stand; unknown at first: a router that crashed may have left its own. */
  #rules: Record<Family, Set<string>> | undefined;
  #any = false;

  get any(): boolean {
    return this.#any;
  }

  /**
   * Before anything can be routed: what the policies name goes nowhere yet, and is dropped where it comes in clear. One
   * transaction replaces what stood before.
   */
  async guard(tunnels: readonly Tunnel[]): Promise<void> {
    this.#any = tunnels.length > 0;
    for (const family of FAMILIES) {
      // It stands already after the first time, and after a crash.
      if (of(tunnels, family).length > 0)
        await ignoring(() => ip(family, ['rule', 'add', ...nowhere().split(' ')]));
    }
    await run('nft', ['-f', '-'], `add table ${TABLE}\ndelete table ${TABLE}\n${ruleset(tunnels)}`);
  }

  /** Leads what is marked into the devices. One that cannot be had keeps none of the others: its packets go nowhere. */
  async lead(tunnels: readonly Tunnel[]): Promise<void> {
    this.#rules ??= { 4: await inherited(4), 6: await inherited(6) };
    const complaints: string[] = [];
    for (const family of FAMILIES) {
      const stands = this.#rules[family];
      const wanted = of(tunnels, family);
      const rules = new Set(wanted.flatMap(rulesOf));
      for (const rule of [...stands].filter((r) => !rules.has(r))) {
        await ignoring(() => ip(family, ['rule', 'delete', ...rule.split(' ')]));
        stands.delete(rule);
      }
      for (const tunnel of wanted) {
        const missing = rulesOf(tunnel).filter((rule) => !stands.has(rule));
        const route = `route replace default dev ${tunnel.name} table ${tableOf(tunnel)}`;
        const lines = [...missing.map((rule) => `rule add ${rule}`), route];
        try {
          await ip(family, ['-batch', '-'], lines.map((line) => `${line}\n`).join(''));
          for (const rule of missing) stands.add(rule);
        } catch (e) {
          if (!(e instanceof HostError)) throw e;
          complaints.push(`${tunnel.name}: ${e.message}`);
        }
      }
      if (wanted.length === 0) await ignoring(() => ip(family, ['rule', 'delete', ...nowhere().split(' ')]));
    }
    if (complaints.length > 0) throw new HostError(complaints.join('; '));
  }
}

function ip(family: Family, args: readonly string[], input?: string): Promise<string> {
  return run('ip', [`-${family}`, ...args], input);
}

/** What was there already, was not there, or is of a family that this kernel has not. */
async function ignoring(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (e) {
    if (!(e instanceof HostError)) throw e;
  }
}

/** Our rules that somebody left, by their tables: they name devices that are gone. Others' rules are not ours to touch. */
async function inherited(family: Family): Promise<Set<string>> {
  const rules = new Set<string>();
  await ignoring(async () => {
    const list = JSON.parse((await ip(family, ['-json', 'rule', 'show'])) || '[]') as {
      priority: number;
      table?: string;
    }[];
    for (const { priority, table } of list) {
      const index = Number(table) - FIRST_TABLE;
      if ((priority === TO_TABLE || priority === LAST_RESORT) && index >= 0 && index < TABLES)
        rules.add(`priority ${priority} table ${table}`);
    }
  });
  return rules;
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

function rulesOf(tunnel: Tunnel): string[] {
  const { local, remote } = tunnel.child.selectors;
  return [
    `fwmark ${markOf(tunnel)} priority ${TO_TABLE} table ${tableOf(tunnel)}`,
    // This router's own packets need some route before they are marked.
    `from ${local[0]} to ${remote[0]} priority ${LAST_RESORT} table ${tableOf(tunnel)}`,
  ];
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

/** Where the peer's side takes in ours, what our side says to itself is not meant: a branch whose centre is 10.0.0.0/8. */
function neighbours({ child, catches }: Tunnel): string[] {
  const [local, remote] = [child.selectors.local[0], child.selectors.remote[0]];
  const header = HEADER[catches!.family];
  return local !== remote && takesIn(remote, local)
    ? [`${header} saddr ${local} ${header} daddr ${local} return`]
    : [];
}

function takesIn(outer: string, inner: string): boolean {
  const [a, b] = [rangeOf(outer), rangeOf(inner)];
  return compareBytes(a.first, b.first) <= 0 && compareBytes(b.last, a.last) <= 0;
}

function selector({ child, catches }: Tunnel, way: 'in' | 'out'): string {
  const { family } = catches!;
  const { selectors, ports, protocol } = child;
  const ends = [
    { prefix: selectors.local[0], port: ports.local },
    { prefix: selectors.remote[0], port: ports.remote },
  ];
  const [from, to] = way === 'out' ? ends : [ends[1], ends[0]];
  // A prefix of no bits says nothing but which family it is.
  const address = (end: string, prefix: string) =>
    prefix.endsWith('/0') ? [] : [`${HEADER[family]} ${end} ${prefix}`];
  const port = (end: string, number: number) => (number ? [`th ${end} ${number}`] : []);
  return [
    `meta nfproto ipv${family}`,
    ...address('saddr', from.prefix),
    ...address('daddr', to.prefix),
    ...(protocol ? [`meta l4proto ${protocol}`] : []),
    ...port('sport', from.port),
    ...port('dport', to.port),
  ].join(' ');
}
