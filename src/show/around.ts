// What is around: ports, neighbours on the links, and hosts that were given an address.

export type NeighbourView = {
  readonly interface: string;
  readonly address: string;
  readonly mac: string;
  /** The kernel's word, like "reachable". */
  readonly state: string;
};

export type GivenView = {
  readonly address: string;
  readonly mac: string;
  readonly host?: string;
  /** ISO 8601; absent of one for good. */
  readonly until?: string;
};

export type PortView = {
  /** Its name here; "-" of one that is none of ours. */
  readonly interface: string;
  readonly device: string;
  readonly mac: string;
  /** Of the kernel; "-" where it has none. */
  readonly driver: string;
  /** "1000 Mbit/s", "up", "no cable", "down". */
  readonly link: string;
};

/** `show status port`: what cables go into. */
export function showPorts(list: readonly PortView[]): string {
  return columns([
    ['interface', 'device', 'mac', 'driver', 'link'],
    ...list.map((p) => [p.interface, p.device, p.mac, p.driver, p.link]),
  ]);
}

/** `show status arp`, `show arp`: of IPv4 and IPv6. */
export function showNeighbours(list: readonly NeighbourView[]): string {
  return columns([
    ['interface', 'address', 'mac', 'state'],
    ...list.map((n) => [n.interface, n.address, n.mac, n.state]),
  ]);
}

/** `show status dhcp`: what our server gave to whom. */
export function showGiven(list: readonly GivenView[]): string {
  return columns([
    ['address', 'mac', 'host', 'until'],
    ...list.map((g) => [g.address, g.mac, g.host ?? '-', g.until ?? 'for good']),
  ]);
}

function columns(rows: readonly (readonly string[])[]): string {
  if (rows.length === 1) return '(None)\n';
  const widths = rows[0].map((_, i) => Math.max(...rows.map((r) => r[i].length)));
  return rows
    .map(
      (r) =>
        `${r
          .map((cell, i) => cell.padEnd(widths[i]))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
