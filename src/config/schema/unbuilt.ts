// Keys that SEIL has and we have not built: known, and refused by their names (dialects.md A.2, A.4 to A.6).

const PROVIDER = 'connect by DHCP or a static address, behind the router of the provider';
const ROUTING = 'give static routes';
const LEAVE = 'leave it out';

/** Beginnings of keys, by whole words, each with what to do instead. The longest that fits counts. */
const UNBUILT: Readonly<Record<string, string>> = {
  'interface.pppoe': PROVIDER,
  'interface.ppp': PROVIDER,
  'interface.wwan': PROVIDER,
  'interface.tunnel': 'DS-Lite, MAP-E and IPIP come later; IPsec tunnels are interface.ipsec0 and on',
  'interface.vlan': 'give each network an Ethernet port of its own',
  'interface.bridge': 'give each network an Ethernet port of its own',
  'interface.pppac': 'L2TP and SSTP for phones come later',
  'interface.l2tp': 'L2TP comes later',
  'interface.wlan': 'use an access point',
  'interface.ge.media': 'ports negotiate speed by themselves; leave it out',
  'interface.ge.ipv6.alias': 'give one address',
  'interface.ge.ipv6.tcp-mss': LEAVE,
  bgp: ROUTING,
  ospf: ROUTING,
  ospf6: ROUTING,
  rip: ROUTING,
  ripng: ROUTING,
  vrrp: 'there is no second router that takes over; leave it out',
  'router-advertisement': 'give hosts IPv6 addresses by hand',
  'route.ipv4.#.keepalive': 'IKE watches tunnels by itself (DPD); leave it out',
  'route.ipv6.#.keepalive': 'IKE watches tunnels by itself (DPD); leave it out',
  'route.ipv6.#.router-advertisement-interface': 'give a gateway',
  'nat.ipv4.napt.global': 'set it in an entry, nat.ipv4.napt.100.global',
  'nat.ipv4.snat': 'use nat.ipv4.napt',
  'nat.ipv4.dnat': 'use nat.ipv4.snapt for ports',
  'nat.ipv4.bypass': 'what goes into a tunnel is not translated in any case; leave it out',
  'nat.ipv4.timeout': "Linux's own times hold; leave it out",
  'nat.ipv4.option': LEAVE,
  'nat.proxy': LEAVE,
  'nat.ipv6': LEAVE,
  upnp: 'use nat.ipv4.snapt',
  'filter.forward': ROUTING,
  'filter.bridge': LEAVE,
  'filter.ipv4.#.keepalive': LEAVE,
  'filter.ipv6.#.keepalive': LEAVE,
  macfilter: LEAVE,
  qos: LEAVE,
  'dhcp.server.#.wins-server': LEAVE,
  'dhcp.server.#.wins-node': LEAVE,
  'dhcp.server.#.wpad': LEAVE,
  'dhcp.server.#.ignore-unknown-request': LEAVE,
  'dhcp.server.#.static.external': 'use dhcp.server.N.static.entry',
  'dhcp.relay': 'use dhcp.server',
  dhcp6: 'give hosts IPv6 addresses by hand',
  'resolver.domain': 'give whole names',
  'syslog.remote.server.#.sequence-number': LEAVE,
  'syslog.remote.server.#.alternate-timestamp': 'use syslog.format',
  'syslog.memory-block': 'the log is kept on the disk; leave it out',
  terminal: 'set it in the session; leave it out',
  monitor: 'use system.metrics and syslog.remote',
  snmp: 'use system.metrics',
  arp: LEAVE,
  proxyarp: LEAVE,
  'option.ipv4': LEAVE,
  'application-gateway': LEAVE,
};

const BEGINNINGS = Object.entries(UNBUILT).sort(([a], [b]) => b.length - a.length);

/** Kinds of interfaces that values name. */
const INTERFACE = /^(?:pppoe|pppac|ppp|wwan|vlan|bridge|tunnel|l2tp|wlan)(?:\d{1,9}|\*)$/;

/** What to do instead of a key that is known and not built; undefined of any other. */
export function unbuiltKey(key: string): string | undefined {
  // interface.vlan7.vid and interface.ge0p0.media are interface.vlan.vid and interface.ge.media.
  const general = key.replace(/^(interface\.[a-z]+)\d[\dp]*/, '$1').replace(/\.\d+(?=\.|$)/g, '.#');
  return BEGINNINGS.find(([begin]) => general === begin || general.startsWith(`${begin}.`))?.[1];
}

/** Whether a value names an interface of a kind that is not built. */
export function unbuiltInterface(value: string): boolean {
  return INTERFACE.test(value);
}
