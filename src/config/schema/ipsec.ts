// ipsec.*: policy-based IPsec (dialects.md A.3): between whom, and for which traffic.
import { phase2, sequence } from './ike-settings.ts';
import type { Leaf } from './leaf.ts';
import { notBuiltFor } from './leaf.ts';
import {
  either,
  integer,
  interfaceName,
  ipProtocol,
  ipv4,
  ipv4Cidr,
  ipv6,
  ipv6Cidr,
  oneOf,
  text,
} from './types.ts';

/** Numbers of policies go into names of devices and routing tables. */
export const SECURITY_POLICIES = 1000;

const sa = 'ipsec.security-association.sa[]';
const sp = 'ipsec.security-policy.[]';
const network = either(ipv4Cidr, ipv4, ipv6Cidr, ipv6);
const port = either(integer(1, 65_535), oneOf('any'));

export const ipsec: readonly Leaf[] = [
  {
    path: `${sa}.address-type`,
    type: oneOf('static', 'dynamic'),
    help: "Whether the peer's address is fixed; dynamic goes with the ike.peer whose address is dynamic.",
  },
  {
    path: `${sa}.local-address`,
    type: either(ipv4, ipv6, interfaceName('ge')),
    help: 'Our outer address, or the interface whose address it is; without it, for a dynamic peer, that of ge0.',
  },
  {
    path: `${sa}.remote-address`,
    type: either(ipv4, ipv6),
    help: "The peer's outer address: that of its ike.peer.",
  },
  {
    path: `${sa}.share-session`,
    type: oneOf('enable', 'disable'),
    default: 'enable',
    refuse: notBuiltFor(
      ['disable'],
      'all policies to one peer share its IKE SA, each with an IPsec SA of its own',
    ),
    help: 'Whether the policies of this association share the IKE SA.',
  },
  { path: `${sp}.description`, type: text(255), ours: true, help: 'A label for people.' },
  {
    path: `${sp}.security-association`,
    type: interfaceName('sa'),
    help: 'Between whom: the ipsec.security-association.',
  },
  {
    path: `${sp}.mode`,
    type: oneOf('tunnel', 'transport'),
    default: 'tunnel',
    ours: true,
    help: 'Tunnel mode carries packets between networks, transport mode protects what the two routers themselves say to each other.',
  },
  {
    path: `${sp}.source.address`,
    type: network,
    help: 'Our side of the traffic: a network or an address. In transport mode our outer address.',
  },
  { path: `${sp}.source.port`, type: port, default: 'any', help: 'Port on our side.' },
  {
    path: `${sp}.destination.address`,
    type: network,
    help: "The peer's side of the traffic. In transport mode its outer address.",
  },
  { path: `${sp}.destination.port`, type: port, default: 'any', help: "Port on the peer's side." },
  { path: `${sp}.protocol`, type: ipProtocol, default: 'any', help: 'IP protocol of the traffic.' },
  ...phase2(`${sp}.ike.proposal`),
  ...sequence(sp),
];
