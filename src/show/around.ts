// Who is around: neighbours on the links, and hosts that were given an address.

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
