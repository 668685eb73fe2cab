// interface.geN: the board's Ethernet interfaces; system.interface.geN: which Linux device each one is.
import type { Leaf } from './leaf.ts';
import { notBuiltFor } from './leaf.ts';
import { either, integer, ipv4Cidr, ipv6Cidr, linuxDevice, oneOf, tcpMss, text } from './types.ts';

const noDhcp = notBuiltFor(['dhcp', 'dhcp6', 'router-advertisement'], 'give the address itself');

export const interfaceGe: readonly Leaf[] = [
  {
    path: 'system.interface.ge[].device',
    type: linuxDevice,
    ours: true,
    help: 'The Linux network device that this interface is. Without it: a device of the same name, else the N-th Ethernet device.',
  },
  { path: 'interface.ge[].description', type: text(255), help: 'A label for people.' },
  {
    path: 'interface.ge[].ipv4.address',
    type: either(ipv4Cidr, oneOf('dhcp')),
    refuse: noDhcp,
    help: 'Primary IPv4 address.',
  },
  { path: 'interface.ge[].ipv4.alias.[].address', type: ipv4Cidr, help: 'A further IPv4 address.' },
  {
    path: 'interface.ge[].ipv4.tcp-mss',
    type: tcpMss,
    default: 'auto',
    help: 'Largest TCP segment let through: a number, auto (what the way out can carry) or none (untouched).',
  },
  {
    path: 'interface.ge[].ipv6.address',
    type: either(ipv6Cidr, oneOf('dhcp6', 'router-advertisement')),
    refuse: noDhcp,
    help: 'Primary IPv6 address.',
  },
  {
    path: 'interface.ge[].mtu',
    type: integer(576, 9216, 'octets'),
    help: 'Largest packet; 1500 on Ethernet.',
  },
];
