// nat.*: many behind one address (NAPT), and ports of that address that lead inside (dialects.md A.5).
import type { Leaf } from './leaf.ts';
import { notBuilt } from './leaf.ts';
import { addresses, either, integer, interfaceName, ipv4, oneOf, ports } from './types.ts';

const outside = interfaceName('ge');

export const nat: readonly Leaf[] = [
  {
    path: 'nat.ipv4.napt.[].private',
    type: either(oneOf('auto'), addresses(4)),
    help: 'Whose addresses are replaced: one, a network or a range; auto is everybody. What goes through a tunnel keeps its own.',
    ja: '変換対象の内側アドレス。1つのアドレス、ネットワーク、または範囲。autoはすべて。トンネルを通るパケットは変換しない。',
  },
  {
    path: 'nat.ipv4.napt.[].interface',
    type: outside,
    help: 'The interface outside.',
    ja: '外側のインターフェース。',
  },
  {
    path: 'nat.ipv4.napt.[].global',
    type: ipv4,
    help: "The address outside. Without it the interface's own.",
    ja: '外側のアドレス。省略時はインターフェースのアドレス。',
  },
  {
    path: 'nat.ipv4.snapt.[].protocol',
    type: either(oneOf('tcp', 'udp', 'tcpudp'), integer(0, 255)),
    help: 'Protocol of what leads inside.',
    ja: '内側に転送するプロトコル。',
  },
  {
    path: 'nat.ipv4.snapt.[].listen.port',
    type: ports,
    help: 'Port outside, or a range of them.',
    ja: '外側で待ち受けるポート、またはその範囲。',
  },
  {
    path: 'nat.ipv4.snapt.[].listen.address',
    type: ipv4,
    help: "Address outside. Without it the interface's own.",
    ja: '外側で待ち受けるアドレス。省略時はインターフェースのアドレス。',
  },
  {
    path: 'nat.ipv4.snapt.[].forward.address',
    type: ipv4,
    help: 'Who gets it inside.',
    ja: '転送先の内側アドレス。',
  },
  {
    path: 'nat.ipv4.snapt.[].forward.port',
    type: ports,
    help: 'Port inside; without it the same.',
    ja: '転送先のポート。省略時は同じポート。',
  },
  {
    path: 'nat.ipv4.snapt.[].interface',
    type: outside,
    help: 'The interface outside.',
    ja: '外側のインターフェース。',
  },
  {
    path: 'nat.ipv4.snapt.[].descriptor',
    type: integer(1, 999_999_999),
    ours: true,
    help: 'In place of an interface: that of nat.ipv4.napt with this number.',
    ja: 'インターフェースの代わりに、この番号のnat.ipv4.naptのインターフェースを用いる。',
  },
  {
    path: 'nat.ipv4.reflect.[].interface',
    type: outside,
    help: 'Inside interface whose hosts reach what is led inside by its address outside, too.',
    ja: '内側から外側アドレス宛の通信も折り返して転送する、内側のインターフェース。',
  },
  ...['snat', 'dnat', 'bypass'].map(
    (kind): Leaf => ({
      path: `nat.ipv4.${kind}.[].interface`,
      type: outside,
      refuse: notBuilt('use nat.ipv4.napt and nat.ipv4.snapt'),
      help: 'Addresses one to one.',
      ja: '1対1のアドレス変換。',
    }),
  ),
  {
    path: 'nat.ipv4.timeout',
    type: integer(30, 86_400, 'seconds'),
    default: 900,
    refuse: (value) =>
      value === 900
        ? undefined
        : `${value} is known but not built yet: leave it out, the kernel's times hold`,
    help: 'How long a connection without packets is remembered.',
    ja: '無通信のNATセッションを保持する時間。',
  },
];
