// DHCP server and DNS forwarder: dnsmasq, by a configuration that is rendered from the plan.
import { familyOf, ipv4Number, maskBytes } from '../net/address.ts';
import type { DhcpPool, Services } from '../plan/services.ts';

export type Places = {
  /** Who has which address, over restarts. */
  readonly leases: string;
};

/** Only what is said here holds: neither the machine's hosts nor its resolver are asked. */
export function dnsmasqConf({ pools, dns }: Services, places: Places): string {
  const devices = [...new Set([...pools.map((p) => p.device), ...(dns?.devices ?? [])])];
  const lines = [
    'conf-file=',
    'no-hosts',
    'no-resolv',
    'user=nobody',
    'log-facility=-',
    'bind-dynamic',
    'except-interface=lo',
    ...devices.map((d) => `interface=${d}`),
    ...dnsLines(dns),
    ...(pools.length > 0
      ? [
          'dhcp-authoritative',
          `dhcp-leasefile=${places.leases}`,
          `dhcp-lease-max=${room(pools)}`,
          'quiet-dhcp',
        ]
      : []),
    ...pools.flatMap(poolLines),
  ];
  // Where there is only DNS, nobody is to be given addresses.
  const without = (dns?.devices ?? []).filter((d) => !pools.some((p) => p.device === d));
  return [...lines, ...without.map((d) => `no-dhcp-interface=${d}`), ''].join('\n');
}

/** How many addresses there are to give. */
function room(pools: readonly DhcpPool[]): number {
  return pools.reduce((n, p) => n + ipv4Number(p.last) - ipv4Number(p.first) + 1 + p.fixed.length, 0);
}

function dnsLines(dns: Services['dns']): string[] {
  if (!dns) return ['port=0'];
  return [
    'domain-needed',
    // Names of private networks are nobody's business outside, and answers must not lead inside (rebinding): unless who is asked
    // is of a private network itself, behind a tunnel, and knows them.
    ...(dns.private ? [] : ['bogus-priv', 'stop-dns-rebind', 'rebind-localhost-ok']),
    ...dns.servers.map((s) => `server=${s}`),
    ...dns.hosts.map((h) => `host-record=${h.name},${h.address}`),
  ];
}

function poolLines(p: DhcpPool, i: number): string[] {
  const tag = `pool${i}`;
  const mask = maskBytes(p.length, 4).join('.');
  const option = (name: string, values: readonly string[]) =>
    values.length > 0 ? [`dhcp-option=tag:${tag},option:${name},${values.join(',')}`] : [];
  return [
    `dhcp-range=set:${tag},${p.first},${p.last},${mask},${p.hours}h`,
    ...option('router', [p.gateway]),
    ...option(
      'dns-server',
      p.dns.filter((d) => familyOf(d) === 4),
    ),
    ...option('domain-name', p.domain === undefined ? [] : [p.domain]),
    ...option('ntp-server', p.ntp),
    ...p.fixed.map((f) => `dhcp-host=${f.mac},set:${tag},${f.address}`),
  ];
}

/** An address that was given to a host inside. */
export type Given = {
  readonly address: string;
  readonly mac: string;
  /** As it calls itself. */
  readonly host?: string;
  /** ISO 8601; absent of one that has it for good. */
  readonly until?: string;
};

/** Of dnsmasq's file of leases: `expiry mac address host client` a line; what is none is passed over. */
export function readGiven(text: string): Given[] {
  return [...text.matchAll(/^(\d+) ((?:[0-9a-f]{2}:){5}[0-9a-f]{2}) (\d+\.\d+\.\d+\.\d+) (\S+)/gm)].map(
    ([, expiry, mac, address, host]) => ({
      ...{ address, mac },
      ...(host === '*' ? {} : { host }),
      ...(expiry === '0' ? {} : { until: new Date(Number(expiry) * 1000).toISOString() }),
    }),
  );
}
