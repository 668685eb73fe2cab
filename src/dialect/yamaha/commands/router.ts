// Commands of the whole router: whether there is IPsec, who begins, how often a message is repeated.
import { integer } from '../../../config/schema/types.ts';
import { type Command, setting } from '../command.ts';
import { ENABLED, slot, toggle } from '../slots.ts';

const place = 'tail';
const of = 'router';
const slots = { switch: toggle };

export const routerCommands: readonly Command[] = [
  setting({
    ...{ place, of, slots, look: 'ipsec use / <switch>' },
    bind: [{ slot: 'switch', leaf: 'ike.service', words: ENABLED, fallback: 'enable' }],
    help: { en: 'Whether there is IPsec at all', ja: 'IPsec動作の設定' },
  }),
  setting({
    ...{ place, of, look: 'ipsec ike retry / <count> <interval> [<sessions>]' },
    slots: {
      count: slot(integer(1, 50), 'Times', '再送回数'),
      interval: slot(integer(1, 100, 'seconds'), 'Seconds between', '再送間隔(秒)'),
      sessions: slot(integer(1, 5), 'Negotiations at a time', '同時に始動する最大数'),
    },
    bind: [
      { slot: 'count', leaf: 'ike.retry', fallback: 10 },
      { slot: 'interval', leaf: 'ike.interval', fallback: 5 },
      { slot: 'sessions', leaf: 'yamaha.max-session', fallback: 3 },
    ],
    help: { en: 'How often messages are repeated (IKEv1)', ja: '鍵交換の再送回数と間隔の設定' },
  }),
  setting({
    ...{ place, of, look: 'ipsec ike queue length / <length>' },
    slots: { length: slot(integer(1, 12_000), 'Messages', 'キューの長さ') },
    bind: [{ slot: 'length', leaf: 'yamaha.queue-length' }],
    help: { en: 'IKE messages that may wait', ja: '受信したIKEパケットを蓄積するキューの長さ' },
  }),
  setting({
    ...{ place, of, slots, look: 'ipsec log illegal-spi / <switch>' },
    bind: [{ slot: 'switch', leaf: 'yamaha.log-illegal-spi', words: ENABLED, fallback: 'disable' }],
    help: {
      en: 'Whether packets of unknown SPI are logged',
      ja: 'SPI値が無効なパケットをログに出力するか否か',
    },
  }),
  setting({
    ...{ place, of, slots, look: 'ipsec auto refresh / <switch>' },
    bind: [
      {
        slot: 'switch',
        leaf: 'ike.auto-initiation',
        words: { on: 'enable', off: 'never' },
        fallback: 'never',
      },
    ],
    help: { en: 'Whether we begin negotiations at all', ja: 'IKEの鍵交換を始動するか否かの設定' },
  }),
];

/** What a router is before anything is configured. */
export const FACTORY: readonly (readonly [string, string | number])[] = [
  ['ike.auto-initiation', 'never'],
  ['ike.retry', 10],
  ['ike.interval', 5],
  ['syslog.format', 'yamaha'],
  ['syslog.source-port', 514],
];
