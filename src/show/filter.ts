// Filters, NAT and the router's own rules, each with what it met.
import type { Link } from '../plan/desired.ts';
import type { Counts, FilterRule, Firewall } from '../plan/firewall.ts';

export type RuleView = {
  /** The key of its settings; of the router's own rules what they are for. */
  readonly rule: string;
  readonly does: string;
  readonly where: string;
  readonly packets: number;
  readonly octets: number;
};

/** In the order in which packets meet them: what the router needs, then filters, then NAT. */
export function filterView(firewall: Firewall, links: readonly Link[], counts: Counts): RuleView[] {
  const name = (device: string | undefined) =>
    device === undefined ? 'any' : (links.find((l) => l.device === device)?.name ?? device);
  const view = (rule: string, does: string, where: string): RuleView => ({
    ...{ rule, does, where },
    ...(counts.get(rule) ?? { packets: 0, octets: 0 }),
  });
  // A rule for both directions is two in the plan and one to its writer.
  const filters = [...new Map(firewall.filters.map((f) => [f.key, f])).values()];
  const both = (f: FilterRule) => firewall.filters.filter((o) => o.key === f.key).length > 1;
  return [
    ...firewall.own.map((o) => view(o.what, 'pass', `${name(o.device)}${o.peer ? `, from ${o.peer}` : ''}`)),
    ...filters.map((f) =>
      view(
        f.key,
        `${f.action} ${both(f) ? 'inout' : f.direction}`,
        [name(f.device), ...details(f)].join(', '),
      ),
    ),
    ...firewall.napt.map((n) =>
      view(n.key, 'napt', `${n.private ?? 'all'} by ${n.global ?? name(n.device)}`),
    ),
    ...firewall.forwards.map((f) =>
      view(
        f.key,
        'forward',
        `${name(f.device)}, ${f.protocols.join('/')} ${f.port ?? 'any'} to ${f.to}${f.toPort ? `:${f.toPort}` : ''}`,
      ),
    ),
  ];
}

function details(f: FilterRule): string[] {
  const end = (what: string, address?: string, port?: string) =>
    address === undefined && port === undefined
      ? []
      : [`${what} ${address ?? 'any'}${port ? `:${port}` : ''}`];
  return [
    ...(f.protocols ? [f.protocols.join('/')] : []),
    ...(f.icmpType === undefined ? [] : [`type ${f.icmpType}`]),
    ...end('from', f.source, f.sourcePort),
    ...end('to', f.destination, f.destinationPort),
    ...(f.state ? ['and its answers'] : []),
  ];
}

export function showFilter(views: readonly RuleView[]): string {
  if (views.length === 0) return '(None)\n';
  const wide = (of: (v: RuleView) => string) => Math.max(...views.map((v) => of(v).length));
  const [rule, does, where] = [wide((v) => v.rule), wide((v) => v.does), wide((v) => v.where)];
  return views
    .map(
      (v) =>
        `${v.rule.padEnd(rule)}  ${v.does.padEnd(does)}  ${v.where.padEnd(where)}  ${v.packets} packets, ${v.octets} octets\n`,
    )
    .join('');
}
