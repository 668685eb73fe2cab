// One nftables table of ours, rendered from the plan and replaced in one transaction: MSS clamp, filters, NAT.
import type { Link } from '../plan/desired.ts';
import type { Counts, FilterRule, Firewall, OwnEnd, OwnRule, PortForward } from '../plan/firewall.ts';
import { run } from './run.ts';

const TABLE = 'inet sekisho';

/** Bits of a connection's mark: it may pass as a whole; it came back from outside by the address outside. */
const PASSES = '0x40000000';
const REFLECTED = '0x20000000';

const IP = { 4: 'ip', 6: 'ip6' } as const;

export async function setFirewall(links: readonly Link[], firewall: Firewall): Promise<void> {
  await run('nft', ['-f', '-'], ruleset(links, firewall));
}

/** Nothing is forwarded: where filters cannot be had, and there were none before. */
export async function shut(): Promise<void> {
  const closed = 'chain forward { type filter hook forward priority filter; policy drop; }';
  await run('nft', ['-f', '-'], `add table ${TABLE}\ndelete table ${TABLE}\ntable ${TABLE} { ${closed} }\n`);
}

/** What nft reads: the table as it was goes, and comes as it is wanted, or not at all. */
export function ruleset(links: readonly Link[], firewall: Firewall): string {
  const chains = [...clamp(links), ...filters(firewall), ...nat(firewall)];
  const begin = `add table ${TABLE}\ndelete table ${TABLE}\n`;
  if (chains.length === 0) return begin;
  const body = chains.map(
    ({ name, lines }) => `  chain ${name} {\n${lines.map((l) => `    ${l}\n`).join('')}  }\n`,
  );
  return `${begin}table ${TABLE} {\n${body.join('')}}\n`;
}

type Chain = { readonly name: string; readonly lines: readonly string[] };

/** The TCP MSS clamp of Ethernet interfaces. */
function clamp(links: readonly Link[]): Chain[] {
  const rules = links.flatMap(({ device, mss }) => {
    if (mss === 'none') return [];
    const set = mss === 'auto' ? 'rt mtu' : String(mss);
    // A number holds in both directions, the route's MTU only on the way out.
    const ends = mss === 'auto' ? ['oifname'] : ['iifname', 'oifname'];
    return ends.map((end) => `${end} "${device}" tcp flags syn tcp option maxseg size set ${set}`);
  });
  return rules.length === 0
    ? []
    : [{ name: 'mss', lines: ['type filter hook forward priority mangle', ...rules] }];
}

type Side = 'in' | 'out';

/** First come the router's own needs, then what belongs to a connection that passes, then the rules in their order. */
function filters({ filters: rules, own }: Firewall): Chain[] {
  if (rules.length === 0) return [];
  const named = [...new Set(rules.flatMap((r) => r.device ?? []))];
  const chainOf = (side: Side, device: string | undefined) =>
    `${side}_${device === undefined ? 'any' : named.indexOf(device)}`;
  const list = (side: Side, device: string | undefined): Chain => ({
    name: chainOf(side, device),
    lines: rules
      .filter((r) => r.direction === side && (r.device === undefined || r.device === device))
      .flatMap(filterLines),
  });
  const others = named.map((d) => `"${d}"`).join(', ');
  const jumps = (side: Side) => {
    const end = side === 'in' ? 'iifname' : 'oifname';
    return [
      ...named.map((device) => `${end} "${device}" jump ${chainOf(side, device)}`),
      `${others === '' ? '' : `${end} != { ${others} } `}jump ${chainOf(side, undefined)}`,
    ];
  };
  const known = `ct state established,related ct mark and ${PASSES} != 0 accept`;
  const neighbours =
    'icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept';
  // What tells that a packet was too long for a path, for us and for whoever has a connection (RFC 1191 4, RFC 4890 4.3.1).
  const tooBig = ['icmp type destination-unreachable icmp code frag-needed', 'icmpv6 type packet-too-big'];
  const hook = (name: string) => `type filter hook ${name} priority filter`;
  return [
    ...(['in', 'out'] as const).flatMap((side) => [...named, undefined].map((device) => list(side, device))),
    {
      name: 'input',
      lines: [
        hook('input'),
        'iifname "lo" accept',
        neighbours,
        ...tooBig.map((match) => `${match} accept`),
        ...own.flatMap((o) => ownLines(o, 'in')),
        known,
        ...jumps('in'),
      ],
    },
    {
      name: 'forward',
      lines: [
        hook('forward'),
        known,
        ...tooBig.map((match) => `ct state related ${match} accept`),
        ...jumps('in'),
        ...jumps('out'),
      ],
    },
    {
      name: 'output',
      lines: [
        hook('output'),
        'oifname "lo" accept',
        neighbours,
        ...own.flatMap((o) => ownLines(o, 'out')),
        known,
        ...jumps('out'),
        // Answers to what the router itself asks come in.
        `ct state new ct mark set ct mark or ${PASSES}`,
      ],
    },
  ];
}

/** A rule that counts, and what it does, with the key it comes from behind it. */
const counted = (key: string, verdict: string) => `counter ${verdict} comment "${key}"`;

function filterLines(r: FilterRule): string[] {
  const ip = IP[r.family];
  const mark = `ct mark set ct mark or ${PASSES}`;
  const verdict = { block: 'drop', pass: r.state ? `${mark} return` : 'return', track: mark }[r.action];
  return (r.protocols ?? [undefined]).map((protocol) =>
    words([
      `meta nfproto ipv${r.family}`,
      r.local === true && 'fib daddr type local',
      protocolMatch(protocol),
      r.icmpType !== undefined && `${r.family === 4 ? 'icmp' : 'icmpv6'} type ${r.icmpType}`,
      r.source !== undefined && `${ip} saddr ${r.source}`,
      r.destination !== undefined && `${ip} daddr ${r.destination}`,
      r.sourcePort !== undefined && `${protocol} sport ${r.sourcePort}`,
      r.destinationPort !== undefined && `${protocol} dport ${r.destinationPort}`,
      counted(r.key, verdict),
    ]),
  );
}

function protocolMatch(protocol: string | undefined): string | false {
  return protocol !== undefined && `meta l4proto ${protocol === 'icmpv6' ? 'ipv6-icmp' : protocol}`;
}

function ownLines(o: OwnRule, side: Side): string[] {
  const [device, port, peer] = side === 'in' ? ['iifname', 'dport', 'saddr'] : ['oifname', 'sport', 'daddr'];
  const who = [
    `meta nfproto ipv${o.family}`,
    o.device !== undefined && `${device} "${o.device}"`,
    o.peer !== undefined && `${IP[o.family]} ${peer} ${o.peer}`,
  ];
  const matches = {
    ike: [`udp ${port} { 500, 4500 }`, 'meta l4proto esp'],
    'dhcp-client': [side === 'in' ? 'udp dport 68' : 'udp dport 67'],
    'dhcp-server': [side === 'in' ? 'udp dport 67' : 'udp sport 67'],
    ntp: [side === 'in' ? 'udp dport 123' : 'udp sport 123'],
    dns:
      side === 'in' ? ['meta l4proto { tcp, udp } th dport 53'] : ['meta l4proto { tcp, udp } th sport 53'],
  }[o.kind];
  return matches.map((match) => words([...who, match, counted(o.what, 'accept')]));
}

/** Who comes by the address outside, or, where that is reflected, from inside by the same address. */
function nat({ napt, forwards, reflect, ends }: Firewall): Chain[] {
  const forwarded = forwards.flatMap((f) => [
    ...forwardLines(f, f.device, false),
    ...reflect.flatMap((device) => forwardLines(f, device, true)),
  ]);
  const pre = forwarded.length > 0 ? [...endLines(ends, 'in'), ...forwarded] : [];
  const post = [
    ...(napt.length > 0 ? endLines(ends, 'out') : []),
    ...napt.map((n) =>
      words([
        `oifname "${n.device}" meta nfproto ipv4`,
        n.private !== undefined && `ip saddr ${n.private}`,
        counted(n.key, n.global === undefined ? 'masquerade' : `snat ip to ${n.global}`),
      ]),
    ),
    // The answer must come back through us.
    ...reflect.map((device) => `oifname "${device}" ct mark and ${REFLECTED} != 0 masquerade`),
  ];
  return [
    ...(pre.length > 0
      ? [{ name: 'prerouting', lines: ['type nat hook prerouting priority dstnat', ...pre] }]
      : []),
    ...(post.length > 0
      ? [{ name: 'postrouting', lines: ['type nat hook postrouting priority srcnat', ...post] }]
      : []),
  ];
}

/** Our own IKE and ESP stay as they are, whatever is forwarded or translated. */
function endLines(ends: readonly OwnEnd[], side: Side): string[] {
  const [device, own, other, port] =
    side === 'in' ? ['iifname', 'daddr', 'saddr', 'dport'] : ['oifname', 'saddr', 'daddr', 'sport'];
  const [fixed, any] = [ends.filter((e) => e.peer !== undefined), ends.filter((e) => e.peer === undefined)];
  const who = [
    fixed.length > 0 &&
      `${device} . ip ${own} . ip ${other} { ${fixed.map((e) => `"${e.device}" . ${e.local} . ${e.peer}`).join(', ')} }`,
    any.length > 0 && `${device} . ip ${own} { ${any.map((e) => `"${e.device}" . ${e.local}`).join(', ')} }`,
  ].filter((w) => w !== false);
  return who.flatMap((w) => [`${w} udp ${port} { 500, 4500 } return`, `${w} meta l4proto esp return`]);
}

function forwardLines(f: PortForward, device: string, reflected: boolean): string[] {
  if (f.outside.length === 0) return [];
  const port = f.toPort ?? '';
  return f.protocols.map((protocol) =>
    words([
      `iifname "${device}" ip daddr { ${f.outside.join(', ')} }`,
      f.port === undefined ? protocolMatch(protocol) : `${protocol} dport ${f.port}`,
      reflected && `ct mark set ct mark or ${REFLECTED}`,
      counted(f.key, `dnat ip to ${f.to}${port === '' || port === f.port ? '' : `:${port}`}`),
    ]),
  );
}

function words(parts: readonly (string | false)[]): string {
  return parts.filter((p) => p !== false).join(' ');
}

/** Since the table was last replaced. */
export async function countRules(): Promise<Counts> {
  const counts = new Map<string, { packets: number; octets: number }>();
  const text = await run('nft', ['-j', 'list', 'table', ...TABLE.split(' ')]).catch(() => '{}');
  type Rule = { comment?: string; expr?: { counter?: { packets: number; bytes: number } }[] };
  const list = (JSON.parse(text) as { nftables?: { rule?: Rule }[] }).nftables ?? [];
  for (const { rule } of list) {
    const counter = rule?.expr?.find((e) => e.counter)?.counter;
    if (!rule?.comment || !counter) continue;
    const before = counts.get(rule.comment) ?? { packets: 0, octets: 0 };
    const { packets, bytes } = counter;
    counts.set(rule.comment, { packets: before.packets + packets, octets: before.octets + bytes });
  }
  return counts;
}
