// What a router does for its networks besides: addresses (DHCP), names (DNS) and the time (NTP). dialects.md A.6.
import type { Leaf, ValueType } from './leaf.ts';
import { notBuilt, notBuiltFor } from './leaf.ts';
import { either, enableDisable, hostName, integer, interfaceName, ipv4, ipv6, oneOf } from './types.ts';

const s = 'dhcp.server.[]';
const lan = interfaceName('ge');

export const macAddress: ValueType = {
  allowed: 'a MAC address like 02:00:5e:10:00:01',
  parse: (t: string) =>
    /^(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(t) ? t.toLowerCase().replaceAll('-', ':') : undefined,
};

/** One label is enough. */
export const hostLabel: ValueType = {
  allowed: 'a name like printer or printer.example.jp',
  parse: (t: string) =>
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(t) ? t.toLowerCase() : hostName.parse(t),
};

/** "192.168.1.100/24": where a pool begins, and the network that it is in. */
const poolStart = {
  allowed: 'the first address with the length of its network, like 192.168.1.100/24',
  parse: (t: string) => {
    const [address, length] = t.split('/');
    const first = ipv4.parse(address);
    return first !== undefined &&
      /^\d{1,2}$/.test(length ?? '') &&
      Number(length) >= 8 &&
      Number(length) <= 30
      ? `${first}/${Number(length)}`
      : undefined;
  },
};

export const services: readonly Leaf[] = [
  {
    path: 'dhcp.server.service',
    type: enableDisable,
    default: 'disable',
    help: 'Whether hosts inside get addresses from us.',
    ja: 'DHCPサーバー機能を使用するか否か。',
  },
  { path: `${s}.interface`, type: lan, help: 'Where it serves.', ja: '対象のインターフェース。' },
  {
    path: `${s}.pool.address`,
    type: poolStart,
    help: 'First address that is given out, with the length of the network.',
    ja: '割り当てる先頭のアドレスとネットワークのプレフィックス長。',
  },
  {
    path: `${s}.pool.count`,
    type: integer(1, 65_535, 'addresses'),
    help: 'How many addresses from there on.',
    ja: '割り当てるアドレスの数。',
  },
  {
    path: `${s}.expire`,
    type: integer(1, 8760, 'hours'),
    default: 24,
    help: 'How long an address is lent.',
    ja: 'アドレスの貸与期間(時間)。',
  },
  {
    path: `${s}.gateway`,
    type: ipv4,
    help: 'Their gateway. Without it our address at the interface.',
    ja: '通知するゲートウェイ。省略時は本機のアドレス。',
  },
  {
    path: `${s}.dns.[].address`,
    type: ipv4,
    help: 'Their name servers. Without them our address at the interface.',
    ja: '通知するDNSサーバー。省略時は本機のアドレス。',
  },
  { path: `${s}.domain`, type: hostName, help: 'Their domain.', ja: '通知するドメイン名。' },
  { path: `${s}.ntp.[].address`, type: ipv4, help: 'Their time servers.', ja: '通知するNTPサーバー。' },
  {
    path: `${s}.static.entry.[].mac-address`,
    type: macAddress,
    help: 'A host that always gets the same address.',
    ja: '固定割り当て対象のMACアドレス。',
  },
  {
    path: `${s}.static.entry.[].ip-address`,
    type: ipv4,
    help: 'That address.',
    ja: '固定で割り当てるアドレス。',
  },
  {
    path: 'dhcp.relay.service',
    type: enableDisable,
    default: 'disable',
    refuse: notBuiltFor(['enable'], 'use dhcp.server'),
    help: 'Whether requests for addresses are handed on.',
    ja: 'DHCPリレー機能を使用するか否か。',
  },
  {
    path: 'dns-forwarder.service',
    type: enableDisable,
    default: 'disable',
    help: 'Whether we answer for names, by asking others.',
    ja: 'DNS中継機能を使用するか否か。',
  },
  {
    path: 'dns-forwarder.[].address',
    type: either(ipv4, ipv6, oneOf('dhcp', 'dhcp6', 'ipcp')),
    refuse: (value) =>
      ['dhcp6', 'ipcp'].includes(String(value))
        ? `${value} is known but not built yet: give addresses, or dhcp`
        : undefined,
    help: 'Whom we ask: an address, or dhcp for those that the network outside told us.',
    ja: '問い合わせ先のアドレス。dhcpはDHCPで通知されたサーバー。',
  },
  {
    path: 'dns-forwarder.listen.[].interface',
    type: lan,
    help: 'Where we answer.',
    ja: '待ち受けるインターフェース。',
  },
  {
    path: 'resolver.host-database.[].hostname',
    type: hostLabel,
    help: 'A name that we know ourselves.',
    ja: '本機が持つホスト名。',
  },
  {
    path: 'resolver.host-database.[].address',
    type: either(ipv4, ipv6),
    help: 'Its address.',
    ja: 'そのアドレス。',
  },
  {
    path: 'ntp.service',
    type: enableDisable,
    default: 'disable',
    help: 'Whether the clock follows time servers.',
    ja: 'NTPで時刻を合わせるか否か。',
  },
  {
    path: 'ntp.client.[].address',
    type: either(ipv4, ipv6, hostName),
    help: 'A time server.',
    ja: 'NTPサーバー。',
  },
  {
    path: 'ntp.server',
    type: enableDisable,
    default: 'disable',
    help: 'Whether hosts inside may ask us for the time.',
    ja: 'NTPサーバー機能を使用するか否か。',
  },
  {
    path: 'resolver.service',
    type: enableDisable,
    default: 'enable',
    refuse: notBuiltFor(
      ['disable'],
      'the router asks for names itself, of time servers and peers; leave it out',
    ),
    help: 'Whether the router itself asks for names.',
    ja: '本機自身が名前解決を行うか否か。',
  },
  {
    path: 'resolver.[].address',
    type: either(ipv4, ipv6),
    help: 'Whom the router itself asks for names; without it those that DHCP told, else those of dns-forwarder.',
    ja: '本機自身が名前解決に使うサーバー。省略時: DHCPで通知されたもの、なければdns-forwarderのもの。',
  },
  {
    path: 'telnetd.service',
    type: oneOf('enable', 'disable'),
    default: 'disable',
    refuse: (value) =>
      value === 'enable' ? notBuilt('telnet tells passwords to everybody; use sshd')(value) : undefined,
    help: 'Telnet.',
    ja: 'Telnetサーバー機能。',
  },
];
