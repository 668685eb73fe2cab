// ipsec ike …: what is negotiated with a gateway (seed 004's topics, dialects.md B.2).
import { integer, oneOf } from '../../../config/schema/types.ts';
import type { Args } from '../../grammar/match.ts';
import { type Command, type Outcome, setting } from '../command.ts';
import type { Draft } from '../draft.ts';
import { ENABLED, gateway, names, slot, toggle } from '../slots.ts';

export const CIPHERS: Readonly<Record<string, string>> = {
  '3des-cbc': '3des',
  'des-cbc': 'des',
  'aes-cbc': 'aes128',
  'aes192-cbc': 'aes192',
  'aes256-cbc': 'aes256',
  'aes-gcm': 'aes128-gcm16',
  'aes256-gcm': 'aes256-gcm16',
  'chacha20-poly1305': 'chacha20-poly1305',
};

const HASHES: Readonly<Record<string, string>> = {
  md5: 'md5',
  sha: 'sha1',
  sha256: 'sha256',
  sha384: 'sha384',
  sha512: 'sha512',
};

const GROUP_NAMES = ['modp1024', 'modp1536', 'modp2048', 'modp3072', 'modp4096', 'modp6144', 'modp8192'];
const CURVES = ['ecp256', 'ecp384', 'ecp521', 'x25519', 'x448'];
export const group = slot(oneOf('modp768', ...GROUP_NAMES, ...CURVES), 'Group', 'グループ');

/** IKEv1 with a name is aggressive mode: the peer is known before its address could tell (table C). An address is no name. */
export function chooseMode(draft: Draft, n: number): void {
  const at = `interface.ipsec${n}.ike`;
  const named = ['my-identifier', 'peers-identifier'].some(
    (who) => draft.get(`${at}.${who}.type`) !== 'address',
  );
  const aggressive = draft.get(`${at}.version`) === 1 && named;
  draft.set(`${at}.exchange-mode`, aggressive ? 'aggressive' : 'main');
}

const of = 'gateway';
const place = 'gateway';

function one(
  look: string,
  type: Parameters<typeof slot>[0],
  leaf: string,
  rest: {
    readonly words?: Readonly<Record<string, string | number>>;
    readonly fallback?: string | number | readonly string[];
    readonly en: string;
    readonly ja: string;
  },
): Command {
  const { words, fallback, en, ja } = rest;
  return setting({
    ...{ place, of, look: `${look} <gateway> / <value>` },
    slots: { gateway, value: { type, help: { en, ja } } },
    bind: [
      { slot: 'value', leaf, ...(words ? { words } : {}), ...(fallback === undefined ? {} : { fallback }) },
    ],
    help: { en, ja },
  });
}

function onOff(
  look: string,
  leaf: string,
  fallback: string,
  en: string,
  ja: string,
  words: Readonly<Record<string, string>> = ENABLED,
): Command {
  return one(look, toggle.type, leaf, { words, fallback, en, ja });
}

const version = one('ipsec ike version', oneOf('1', '2'), 'ike.version', {
  words: { 1: 1, 2: 2 },
  fallback: 1,
  en: 'IKE version',
  ja: 'IKEのバージョン',
});

/** The version decides about the mode. */
const thenMode =
  (command: Command, run: 'apply' | 'reset') =>
  (draft: Draft, args: Args, tunnel: number): Outcome => {
    const n = draft.gateway(Number(args.gateway));
    const before = draft.get(`interface.ipsec${n}.ike.version`);
    const outcome = command[run]?.(draft, args, tunnel);
    // The same once more leaves what another dialect said of the mode.
    if (draft.get(`interface.ipsec${n}.ike.version`) !== before) chooseMode(draft, n);
    return outcome;
  };

export const gatewayCommands: readonly Command[] = [
  { ...version, apply: thenMode(version, 'apply'), reset: thenMode(version, 'reset') },
  onOff(
    'ipsec auto refresh',
    'ike.responder-only',
    'disable',
    'Whether we begin negotiations with this gateway',
    '鍵交換を始動するか否か',
    { on: 'disable', off: 'enable' },
  ),
  onOff(
    'ipsec ike negotiate-strictly',
    'ike.proposal.accept',
    'all',
    'Whether a peer with other settings is refused',
    '設定が異なる場合に鍵交換を拒否するか否か',
    { on: 'listed', off: 'all' },
  ),
  onOff(
    'ipsec ike always-on',
    'yamaha.always-on',
    'disable',
    'Whether failed negotiations are begun again (always so here)',
    '鍵交換に失敗したときに継続するか否か(常に継続する)',
  ),
  one('ipsec ike encryption', names(CIPHERS), 'ike.proposal.phase1.encryption.[].algorithm', {
    words: CIPHERS,
    fallback: ['3des'],
    en: 'Cipher of the IKE SA; several with commas between them, best first',
    ja: 'IKEが用いる暗号アルゴリズム(コンマ区切りで複数、優先順)',
  }),
  one('ipsec ike hash', names(HASHES), 'ike.proposal.phase1.hash.[].algorithm', {
    words: HASHES,
    fallback: ['sha1'],
    en: 'Hash of the IKE SA; several with commas between them, best first',
    ja: 'IKEが用いるハッシュアルゴリズム(コンマ区切りで複数、優先順)',
  }),
  onOff(
    'ipsec ike proposal-limitation',
    'ike.proposal.offer',
    'all',
    'IKEv2: propose only what is configured',
    '折衝パラメーターを制限するか否か',
    { on: 'listed', off: 'all' },
  ),
  onOff(
    'ipsec ike legacy',
    'ike.legacy',
    'enable',
    'IKEv2: allow broken algorithms (MD5, modp1024)',
    '破られたアルゴリズム(MD5、modp1024)を許すか否か',
  ),
  onOff(
    'ipsec ike message-id-control',
    'yamaha.message-id-control',
    'disable',
    'Whether requests wait for each other (always so here)',
    'IKEのメッセージID管理(常に行う)',
  ),
  one('ipsec ike child-exchange type', oneOf('1', '2'), 'yamaha.child-exchange-type', {
    words: { 1: 1, 2: 2 },
    fallback: 1,
    en: 'How Child SAs are made (as RFC 7296 has it in any case)',
    ja: 'CHILD SAの作成方法(常にRFC 7296に従う)',
  }),
  setting({
    ...{ place, of, look: 'ipsec ike payload type <gateway> / <first> [<second>]' },
    slots: {
      gateway,
      first: slot(integer(1, 3), 'IKEv1', 'IKEv1'),
      second: slot(integer(1, 2), 'IKEv2', 'IKEv2'),
    },
    bind: [
      { slot: 'first', leaf: 'yamaha.payload-type-1', fallback: 2 },
      { slot: 'second', leaf: 'yamaha.payload-type-2', fallback: 2 },
    ],
    help: {
      en: 'Form of payloads (both are met in any case)',
      ja: 'IKEペイロードのタイプ(常に両方に対応する)',
    },
  }),
  onOff(
    'ipsec ike send info',
    'yamaha.send-info',
    'enable',
    'Whether IKEv1 informs of deletions (always so here)',
    'IKEの情報ペイロードを送信するか否か(常に送信する)',
  ),
  onOff(
    'ipsec ike keepalive log',
    'yamaha.keepalive-log',
    'enable',
    'Whether keepalives are logged',
    'キープアライブのSYSLOGを出力するか否か',
  ),
  one('ipsec ike restrict-dangling-sa', oneOf('auto', 'off'), 'yamaha.restrict-dangling-sa', {
    fallback: 'auto',
    en: 'Whether IPsec SAs outlive their ISAKMP SA (they do)',
    ja: 'ダングリングSAの動作(存続する)',
  }),
  one('ipsec ike backward-compatibility', oneOf('1', '2'), 'yamaha.backward-compatibility', {
    words: { 1: 1, 2: 2 },
    fallback: 1,
    en: 'Behaviour towards old firmware',
    ja: '古いファームウェアとの互換性',
  }),
];
