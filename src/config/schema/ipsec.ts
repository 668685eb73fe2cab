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
    ja: '相手のアドレスが固定か否か。dynamic: addressがdynamicのike.peerと組み合わせる。',
  },
  {
    path: `${sa}.local-address`,
    type: either(ipv4, ipv6, interfaceName('ge')),
    help: 'Our outer address, or the interface whose address it is; without it, for a dynamic peer, that of ge0.',
    ja: '自分側の外側アドレス、またはそのアドレスを持つインターフェース。相手がdynamicの場合、省略時はge0のアドレス。',
  },
  {
    path: `${sa}.remote-address`,
    type: either(ipv4, ipv6),
    help: "The peer's outer address: that of its ike.peer.",
    ja: '相手の外側アドレス。対応するike.peerのアドレスと同じもの。',
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
    ja: 'このsecurity-associationのポリシー同士でIKE SAを共有するか否か。',
  },
  {
    path: `${sp}.description`,
    type: text(255),
    ours: true,
    help: 'A label for people.',
    ja: '管理用の説明文。',
  },
  {
    path: `${sp}.security-association`,
    type: interfaceName('sa'),
    help: 'Between whom: the ipsec.security-association.',
    ja: '通信の両端を定めるipsec.security-association。',
  },
  {
    path: `${sp}.mode`,
    type: oneOf('tunnel', 'transport'),
    default: 'tunnel',
    ours: true,
    help: 'Tunnel mode carries packets between networks, transport mode protects what the two routers themselves say to each other.',
    ja: 'tunnel: ネットワーク間のパケットを運ぶ、transport: 両ルーター自身の間の通信を保護する。',
  },
  {
    path: `${sp}.source.address`,
    type: network,
    help: 'Our side of the traffic: a network or an address. In transport mode our outer address.',
    ja: '自分側の対象トラフィック。ネットワークまたはアドレス。トランスポートモードでは自分側の外側アドレス。',
  },
  {
    path: `${sp}.source.port`,
    type: port,
    default: 'any',
    help: 'Port on our side.',
    ja: '自分側のポート番号。',
  },
  {
    path: `${sp}.destination.address`,
    type: network,
    help: "The peer's side of the traffic. In transport mode its outer address.",
    ja: '相手側の対象トラフィック。トランスポートモードでは相手の外側アドレス。',
  },
  {
    path: `${sp}.destination.port`,
    type: port,
    default: 'any',
    help: "Port on the peer's side.",
    ja: '相手側のポート番号。',
  },
  {
    path: `${sp}.protocol`,
    type: ipProtocol,
    default: 'any',
    help: 'IP protocol of the traffic.',
    ja: '対象トラフィックのIPプロトコル。',
  },
  ...phase2(`${sp}.ike.proposal`),
  ...sequence(sp),
];
