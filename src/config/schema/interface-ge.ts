// interface.geN: the board's Ethernet interfaces; system.interface.geN: which Linux device each one is.
import { filterLists } from './filter.ts';
import type { Leaf } from './leaf.ts';
import { notBuiltFor } from './leaf.ts';
import { either, integer, ipv4Cidr, ipv6Cidr, linuxDevice, oneOf, tcpMss, text } from './types.ts';

const noDhcp6 = notBuiltFor(['dhcp6', 'router-advertisement'], 'give the address itself');

export const interfaceGe: readonly Leaf[] = [
  {
    path: 'system.interface.ge[].device',
    type: linuxDevice,
    ours: true,
    help: 'The Linux network device that this interface is. Without it: a device of the same name, else the N-th Ethernet device.',
    ja: 'このインターフェースに対応するLinuxのネットワークデバイス。省略時: 同名のデバイス、なければN番目のEthernetデバイス。',
  },
  {
    path: 'interface.ge[].description',
    type: text(255),
    help: 'A label for people.',
    ja: '管理用の説明文。',
  },
  {
    path: 'interface.ge[].ipv4.address',
    type: either(ipv4Cidr, oneOf('dhcp')),
    help: 'Primary IPv4 address, or dhcp: the one that the network gives us.',
    ja: 'プライマリIPv4アドレス。dhcpはDHCPで取得する。',
  },
  {
    path: 'interface.ge[].ipv4.alias.[].address',
    type: ipv4Cidr,
    help: 'A further IPv4 address.',
    ja: '追加のIPv4アドレス。',
  },
  {
    path: 'interface.ge[].ipv4.tcp-mss',
    type: tcpMss,
    default: 'auto',
    help: 'Largest TCP segment let through: a number, auto (what the way out can carry) or none (untouched).',
    ja: '通過させるTCPセグメントの最大長。数値、auto(出力経路に収まる長さ)、none(変更しない)のいずれか。',
  },
  {
    path: 'interface.ge[].ipv6.address',
    type: either(ipv6Cidr, oneOf('dhcp6', 'router-advertisement')),
    refuse: noDhcp6,
    help: 'Primary IPv6 address.',
    ja: 'プライマリIPv6アドレス。',
  },
  ...filterLists('interface.ge[]'),
  {
    path: 'interface.ge[].mtu',
    type: integer(576, 9216, 'octets'),
    help: 'Largest packet; 1500 on Ethernet.',
    ja: 'パケットの最大長。Ethernetでは1500。',
  },
];
