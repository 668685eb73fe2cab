// filter.*: which packets pass an interface, by the first rule that fits (dialects.md A.5).
import type { Leaf, ValueType } from './leaf.ts';
import { notBuilt, notBuiltFor } from './leaf.ts';
import { addresses, either, enableDisable, integer, interfaceName, oneOf, ports, text } from './types.ts';

const log = notBuiltFor(['on', 'state-only'], 'show status filter counts the packets of every rule');

function rules(family: 4 | 6): readonly Leaf[] {
  const p = `filter.ipv${family}.[]`;
  const end = (side: 'source' | 'destination', en: string, ja: string): readonly Leaf[] => [
    {
      path: `${p}.${side}.address`,
      type: addresses(family),
      help: `${en} address: one, a network or a range. Without it any.`,
      ja: `${ja}アドレス。1つのアドレス、ネットワーク、または範囲。省略時はすべて。`,
    },
    {
      path: `${p}.${side}.port`,
      type: ports,
      help: `${en} port of TCP and UDP, or a range of them. Without it any.`,
      ja: `TCPおよびUDPの${ja}ポート、またはその範囲。省略時はすべて。`,
    },
  ];
  return [
    {
      path: `${p}.interface`,
      type: either(interfaceName('ge', 'ipsec'), oneOf('any', ...(family === 4 ? ['none'] : []))),
      help: `The interface whose packets the rule looks at, or any${family === 4 ? '; none where lists of interfaces name it' : ''}.`,
      ja: `対象のインターフェース。anyはすべて${family === 4 ? '、noneはインターフェースのリストから参照する' : ''}。`,
    },
    {
      path: `${p}.direction`,
      type: oneOf('in', 'out', 'inout'),
      default: 'inout',
      help: 'Packets that come in by the interface, go out, or both.',
      ja: '対象の方向。in: 受信、out: 送信、inout: 両方。',
    },
    {
      path: `${p}.action`,
      type: oneOf('pass', 'block'),
      help: 'What becomes of a packet that fits; rules behind are not looked at.',
      ja: '一致したパケットの扱い。以降の規則は参照しない。',
    },
    {
      path: `${p}.protocol`,
      type: either(
        oneOf('any', 'tcp', 'udp', 'tcpudp', family === 4 ? 'icmp' : 'icmpv6', 'esp', 'ah', 'gre'),
        integer(0, 255),
      ),
      default: 'any',
      help: 'Protocol. Ports without one mean TCP and UDP.',
      ja: 'プロトコル。ポートだけを指定した場合はTCPとUDP。',
    },
    {
      path: `${p}.icmp-type`,
      type: integer(0, 255),
      help: 'Type of ICMP message.',
      ja: 'ICMPメッセージのタイプ。',
    },
    ...end('source', 'Source', '送信元'),
    ...end('destination', 'Destination', '宛先'),
    {
      path: `${p}.state`,
      type: enableDisable,
      default: 'disable',
      help: 'With enable everything that belongs to the same connection passes too, in both directions.',
      ja: 'enable: 同じ通信に属するパケットを双方向とも通過させる。',
    },
    {
      path: `${p}.state.ttl`,
      type: integer(1, 1_000_000, 'seconds'),
      refuse: notBuilt("connections are forgotten after the kernel's times"),
      help: 'How long a connection is remembered.',
      ja: '状態の保持時間。',
    },
    {
      path: `${p}.logging`,
      type: oneOf('on', 'off', 'state-only'),
      default: 'off',
      refuse: log,
      help: 'Whether packets that fit are logged.',
      ja: '一致したパケットをログに出力するか否か。',
    },
    {
      path: `${p}.label`,
      type: text(64),
      help: 'A label for people.',
      ja: '管理用の説明文。',
    },
    {
      path: family === 4 ? `${p}.ipopts` : `${p}.exthdr`,
      type: oneOf('any', 'none'),
      default: 'any',
      refuse: notBuiltFor(['none'], 'leave it out: options are not looked at'),
      help: 'Whether packets with options fit.',
      ja: 'オプション付きパケットを対象とするか否か。',
    },
  ];
}

/** Applications of dynamic filters, each with its protocol and port. */
export const APPLICATIONS: Readonly<Record<string, readonly [protocol: string, port?: number]>> = {
  ...{ tcp: ['tcp'], udp: ['udp'], ping: ['icmp'] },
  ...{ ssh: ['tcp', 22], telnet: ['tcp', 23], smtp: ['tcp', 25], domain: ['udp', 53], www: ['tcp', 80] },
  ...{ pop3: ['tcp', 110], ident: ['tcp', 113], nntp: ['tcp', 119], ntp: ['udp', 123], snmp: ['udp', 161] },
  ...{ https: ['tcp', 443], syslog: ['udp', 514], submission: ['tcp', 587] },
};

const d = 'filter.dynamic.[]';

const dynamic: readonly Leaf[] = [
  ...(['source', 'destination'] as const).map(
    (side): Leaf => ({
      path: `${d}.${side}.address`,
      type: addresses(4),
      ours: true,
      help: 'Whose connections it is about. Without it anybody’s.',
      ja: '対象の通信のアドレス。省略時はすべて。',
    }),
  ),
  {
    path: `${d}.application`,
    type: oneOf(...Object.keys(APPLICATIONS)),
    ours: true,
    help: 'What the connections are: their answers pass, whatever filters say.',
    ja: '対象の通信の種別。応答はフィルターによらず通過する。',
  },
];

const numbers: ValueType = {
  allowed: 'numbers of filters with blanks between them',
  parse: (t) =>
    /^[1-9]\d{0,8}(?: [1-9]\d{0,8}){0,127}$/.test(t) && new Set(t.split(' ')).size === t.split(' ').length
      ? t
      : undefined,
};

/** Lists of filters of an interface, as Yamaha has them: `at` is "interface.ge[]". */
export function filterLists(at: string): readonly Leaf[] {
  const leaf = (end: string, help: string, ja: string): Leaf => ({
    ...{ path: `${at}.ipv4.filter.${end}`, type: numbers, ours: true, help, ja },
  });
  const rest = 'What none of them lets pass is dropped.';
  return [
    leaf(
      'in',
      `Numbers of filter.ipv4 for what comes in, in their order. ${rest}`,
      '受信パケットに適用するfilter.ipv4の番号。いずれにも一致しないパケットは破棄する。',
    ),
    leaf(
      'in-dynamic',
      'Numbers of filter.dynamic for what comes in.',
      '受信パケットに適用するfilter.dynamicの番号。',
    ),
    leaf(
      'out',
      `Numbers of filter.ipv4 for what goes out, in their order. ${rest}`,
      '送信パケットに適用するfilter.ipv4の番号。いずれにも一致しないパケットは破棄する。',
    ),
    leaf(
      'out-dynamic',
      'Numbers of filter.dynamic for what goes out.',
      '送信パケットに適用するfilter.dynamicの番号。',
    ),
  ];
}

export const filter: readonly Leaf[] = [...rules(4), ...rules(6), ...dynamic];
