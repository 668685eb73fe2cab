// route.*: static routes.
import type { Leaf } from './leaf.ts';
import { notBuiltFor } from './leaf.ts';
import { destination, either, integer, interfaceName, ipv4, ipv6, oneOf } from './types.ts';

const noDynamic = notBuiltFor(['router-advertisement'], 'give the gateway itself');

function routes(family: 4 | 6): readonly Leaf[] {
  const p = `route.ipv${family}.[]`;
  return [
    {
      path: `${p}.destination`,
      type: destination(family),
      help: 'Network that is reached, or default.',
      ja: '宛先ネットワーク、または default。',
    },
    {
      path: `${p}.gateway`,
      type: either(
        family === 4 ? ipv4 : ipv6,
        interfaceName('ipsec', 'ge'),
        oneOf('discard', family === 4 ? 'dhcp' : 'router-advertisement'),
      ),
      refuse: noDynamic,
      help: `Next hop: an address, an interface, discard${family === 4 ? ', or dhcp for the one that the network gives us' : ''}.`,
      ja: `ネクストホップ。アドレス、インターフェース、discard${family === 4 ? '、または dhcp(DHCPで通知されたゲートウェイ)' : ''}。`,
    },
    {
      path: `${p}.distance`,
      type: integer(1, 255),
      default: 1,
      help: 'Preference; the lowest wins.',
      ja: '経路の優先度。最小の値を優先する。',
    },
  ];
}

export const route: readonly Leaf[] = [...routes(4), ...routes(6)];
