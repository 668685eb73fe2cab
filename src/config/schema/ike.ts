// ike.*: timing and padding of the IKE daemon, for all tunnels.

import { logKinds } from './ike-settings.ts';
import type { Leaf } from './leaf.ts';
import { duration, enableDisable, integer, oneOf } from './types.ts';

export const ike: readonly Leaf[] = [
  {
    path: 'ike.service',
    type: enableDisable,
    default: 'enable',
    ours: true,
    help: 'Whether there is IPsec at all; disable takes every tunnel down and keeps its settings.',
    ja: 'IPsecを使用するか否か。disable: すべてのトンネルを切断し、設定は残す。',
  },
  {
    path: 'ike.auto-initiation',
    type: oneOf('enable', 'disable', 'never'),
    default: 'enable',
    help: 'Bring tunnels up without waiting for traffic; disable waits for the first packet, never for the peer.',
    ja: 'トラフィックを待たずにトンネルを確立する。disable: 最初のパケットを待つ、never: 相手からの始動を待つ。',
  },
  {
    path: 'ike.log',
    type: logKinds,
    ours: true,
    help: 'What show log yamaha tells of first messages, before it is known from which peer they are.',
    ja: '相手が判明する前の最初のメッセージについて、show log yamahaに追加で出力する情報。',
  },
  {
    path: 'ike.interval',
    type: integer(1, 300, 'seconds'),
    default: 10,
    help: 'Time between retransmissions (IKEv1). IKEv2 has its own: 4 s × 1.8ⁿ.',
    ja: '再送間隔(IKEv1)。IKEv2の間隔はこれによらず4 s × 1.8ⁿ。',
  },
  {
    path: 'ike.retry',
    type: integer(1, 50),
    default: 5,
    help: 'Retransmissions before giving up (IKEv1).',
    ja: '再送回数の上限(IKEv1)。',
  },
  {
    path: 'ike.per-send',
    type: integer(1, 5),
    default: 1,
    help: 'Copies of each packet sent (IKEv1).',
    ja: '一度に送信する同一パケットの数(IKEv1)。',
  },
  {
    path: 'ike.phase1-timeout',
    type: duration(5, 600),
    default: 30,
    help: 'Longest time for a phase 1 negotiation (IKEv1) or a half-open IKE SA (IKEv2).',
    ja: 'フェーズ1の折衝(IKEv1)、または確立途中のIKE SA(IKEv2)の制限時間。',
  },
  {
    path: 'ike.phase2-timeout',
    type: duration(5, 600),
    default: 30,
    help: 'Longest time for a phase 2 negotiation (IKEv1).',
    ja: 'フェーズ2の折衝の制限時間(IKEv1)。',
  },
  {
    path: 'ike.dpd-interval',
    type: integer(1, 3600, 'seconds'),
    default: 20,
    help: 'Time between questions to the peer whether it lives.',
    ja: '相手の生存確認の間隔。',
  },
  {
    path: 'ike.dpd-maxfail',
    type: integer(1, 100),
    default: 5,
    help: 'Questions without an answer before the peer counts as dead (IKEv1).',
    ja: '相手を停止とみなすまでの、応答のない生存確認の回数(IKEv1)。',
  },
  {
    path: 'ike.nat-keepalive-interval',
    type: integer(5, 3600, 'seconds'),
    default: 120,
    help: 'Time between NAT keepalives (RFC 3948 2.3). Many NATs forget a mapping after 30 s of silence.',
    ja: 'NATキープアライブの送信間隔(RFC 3948 2.3)。無通信が30 s続くと変換エントリーを破棄するNATが多い。',
  },
  {
    path: 'ike.exclusive-tail',
    type: enableDisable,
    default: 'enable',
    help: 'The last padding octet of an IKEv1 message counts the padding without itself.',
    ja: 'IKEv1メッセージの最後のパディングオクテットに、自身を除いたパディング長を入れる。',
  },
  {
    path: 'ike.randomize-padding-value',
    type: enableDisable,
    default: 'enable',
    help: 'Padding octets of IKEv1 messages are random.',
    ja: 'IKEv1メッセージのパディングの値を乱数にする。',
  },
  {
    path: 'ike.randomize-padding-length',
    type: enableDisable,
    default: 'disable',
    help: 'The padding of IKEv1 messages has a random length.',
    ja: 'IKEv1メッセージのパディングの長さをランダムにする。',
  },
  {
    path: 'ike.maximum-padding-length',
    type: integer(0, 255, 'octets'),
    default: 20,
    help: 'Upper limit for padding of random length.',
    ja: 'ランダムなパディング長の上限。',
  },
  {
    path: 'ike.strict-padding-byte-check',
    type: enableDisable,
    default: 'disable',
    help: 'Refuse IKEv1 messages whose last padding octet does not count the padding.',
    ja: '最後のパディングオクテットがパディング長を示さないIKEv1メッセージを拒否する。',
  },
  {
    path: 'ike.fragment-size',
    type: integer(512, 1500, 'octets'),
    default: 1280,
    help: 'Longest IP packet of an IKEv2 message; longer messages go in fragments, to peers that know them (RFC 7383).',
    ja: 'IKEv2メッセージのIPパケットの最大長。これを超えるメッセージは、対応する相手には分割して送信する(RFC 7383)。',
  },
];
