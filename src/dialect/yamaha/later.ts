// What commands that we have can say on Yamaha's routers and not here: named where they do not match.

const LEAVE = 'leave it out';

/** A line, what of it is not built, and what to do instead. */
const LATER: readonly (readonly [line: RegExp, what: string, instead: string])[] = [
  [/^ip route .* filter /, 'filter of ip route', 'give each network one gateway'],
  [/^ip route .* (?:hide|weight|keepalive)\b/, 'hide, weight and keepalive of ip route', LEAVE],
  [/^ip route .* gateway .* gateway /, 'a second gateway of ip route', 'give one'],
  [
    /^ip route .* gateway (?:loopback|pp) ?\d/,
    'that gateway of ip route',
    'give an address, a tunnel or null',
  ],
  [/^ip lan\d+ address \S+ broadcast /, 'broadcast of ip address', LEAVE],
  [/^ip filter dynamic \d+ .*(?:syslog=|timeout=)/, 'syslog and timeout of ip filter dynamic', LEAVE],
  [/^ip filter dynamic \d+ .* filter /, 'filter of ip filter dynamic', 'name a protocol'],
  [
    /^ip filter \d+ .* (?:established|tcpsyn|tcpfin|tcprst|tcpflag=\S*|icmp-?error|icmp-?info|icmp6|[a-z0-9]+(?:,[a-z0-9]+)+)(?: |$)/,
    'that protocol of ip filter',
    'use tcp, udp, icmp, esp or a number, one a filter, and ip filter dynamic for what comes back',
  ],
  [/^nat descriptor type \d+ \S+ hairpin=/, 'hairpin of nat descriptor type', LEAVE],
  [
    /^nat descriptor address outer \d+ (?:secondary|map-e|\S+-\S+)/,
    'several addresses outside, secondary and map-e',
    'give one address, primary or ipcp',
  ],
  [/^ip \S+ nat descriptor \d+ \d+/, 'a second descriptor', 'give one'],
  [/^dhcp scope \d+ .*(?:except|maxexpire) /, 'except and maxexpire of dhcp scope', LEAVE],
  [
    /^dhcp scope bind \d+ \S+ (?:ethernet|text) /,
    'ethernet and text of dhcp scope bind',
    'give the MAC address',
  ],
  [/^dns server .*edns=/, 'edns of dns server', LEAVE],
  [/^dns static .* ttl=/, 'ttl of dns static', LEAVE],
  [/^dns host /, 'addresses of dns host', 'name interfaces, as in dns host lan1'],
  [/^sshd host /, 'addresses of sshd host', 'use lan or any'],
  [/^timezone [+-]/, 'that zone', 'use jst or utc'],
];

/** Why a line that matches nothing does not; undefined where it is not known at all. */
export function later(words: readonly string[]): string | undefined {
  const line = words.join(' ');
  const known = LATER.find(([pattern]) => pattern.test(line));
  return known && `${known[1]} is known but not built yet: ${known[2]}`;
}
