// What a Yamaha configuration says and nothing else here needs: its numbers, habits that have no counterpart, and commands
// that are not built yet.
import type { Leaf } from './leaf.ts';
import { notBuiltFor } from './leaf.ts';
import { either, enableDisable, integer, oneOf, text } from './types.ts';

const p = 'interface.ipsec[].yamaha';
type Told = readonly [en: string, ja: string];
const kept = (what: Told, why: Told) => ({
  help: `${what[0]} Kept for the Yamaha form of this configuration, without effect: ${why[0]}`,
  ja: `${what[1]}Yamaha形式の設定のために保持し、効果はない: ${why[1]}`,
});
const inAnyCase: Told = ['peers of either habit are met.', 'いずれの方式の相手にも対応する。'];

/** Ids of policies and gateways (dialects.md B.2). */
const id = integer(1, 6000);

export const yamahaTunnel: readonly Leaf[] = [
  {
    path: `${p}.policy`,
    type: id,
    ours: true,
    help: 'Number of the policy that is bound to the tunnel, for a Yamaha configuration; 100 beyond the tunnel where it is not given.',
    ja: 'トンネルに結び付けるポリシーの番号(Yamaha形式の設定用)。省略時はトンネル番号に100を加えた値。',
  },
  {
    path: `${p}.gateway`,
    type: id,
    ours: true,
    help: 'Number of the gateway that the tunnel is with, for a Yamaha configuration; that of the tunnel where it is not given.',
    ja: 'トンネルの相手となるセキュリティー・ゲートウェイの番号(Yamaha形式の設定用)。省略時はトンネル番号と同じ。',
  },
  {
    path: `${p}.encapsulation`,
    type: oneOf('ipsec', 'ipip', 'pptp', 'l2tp', 'l2tpv3', 'l2tpv3-raw', 'ipudp', 'map-e', 'hb46pp'),
    default: 'ipsec',
    ours: true,
    refuse: notBuiltFor(
      ['ipip', 'pptp', 'l2tp', 'l2tpv3', 'l2tpv3-raw', 'ipudp', 'map-e', 'hb46pp'],
      'a tunnel is ipsec',
    ),
    help: 'What the tunnel is.',
    ja: 'トンネルの種別。',
  },
  {
    path: `${p}.tunnel-type`,
    type: oneOf('point-to-point', 'multipoint'),
    default: 'point-to-point',
    ours: true,
    refuse: notBuiltFor(['multipoint'], 'give each peer a tunnel of its own'),
    help: 'Between how many the tunnel is.',
    ja: 'トンネルの形態(1対1か多地点か)。',
  },
  {
    path: `${p}.ipcomp`,
    type: oneOf('none', 'deflate'),
    default: 'none',
    ours: true,
    refuse: notBuiltFor(['deflate'], 'what is worth sending today is compressed already'),
    help: 'Compression of packets (RFC 3173).',
    ja: 'パケットの圧縮(RFC 3173)。',
  },
  {
    path: `${p}.follow-df-bit`,
    type: enableDisable,
    default: 'disable',
    ours: true,
    ...kept(
      ['Whether the fast path looks at the DF bit.', 'ファストパスでDFビットを参照するか否か。'],
      ['tx-df-set says what is done, on every path.', 'どのパスでもtx-df-setに従う。'],
    ),
  },
  {
    path: `${p}.phase2-group`,
    type: oneOf(
      'modp1024',
      'modp1536',
      'modp2048',
      'modp3072',
      'modp4096',
      'modp6144',
      'modp8192',
      'ecp256',
      'ecp384',
      'ecp521',
      'x25519',
      'x448',
    ),
    ours: true,
    help: 'Group that perfect forward secrecy will use once it is on.',
    ja: 'PFSを有効にしたときに用いるグループ。',
  },
  {
    path: `${p}.always-on`,
    type: enableDisable,
    default: 'disable',
    ours: true,
    ...kept(
      ['Whether failed negotiations are begun again.', '失敗した折衝を再び始動するか否か。'],
      ['they always are.', '常に再び始動する。'],
    ),
  },
  {
    path: `${p}.keepalive-log`,
    type: enableDisable,
    default: 'enable',
    ours: true,
    ...kept(
      ['Whether keepalives are logged.', 'キープアライブをログに出力するか否か。'],
      ['a log tells what changes.', 'ログには変化を記録する。'],
    ),
  },
  {
    path: `${p}.keepalive-wait`,
    type: integer(0, 1_000_000, 'seconds'),
    default: 0,
    ours: true,
    ...kept(
      ['Time before keepalives begin.', 'キープアライブを開始するまでの時間。'],
      ['they begin with the SA.', 'SAの確立とともに開始する。'],
    ),
  },
  {
    path: `${p}.message-id-control`,
    type: enableDisable,
    default: 'disable',
    ours: true,
    ...kept(
      ['Whether requests wait for each other.', '先の要求の完了を待って次の要求を送るか否か。'],
      ['the window is 1, as RFC 7296 2.3 has it without more.', 'ウィンドウはRFC 7296 2.3の既定どおり1。'],
    ),
  },
  {
    path: `${p}.child-exchange-type`,
    type: integer(1, 2),
    default: 1,
    ours: true,
    ...kept(
      ['By which exchange Child SAs are made.', 'Child SAの作成に用いる交換。'],
      ['RFC 7296 leaves no choice.', 'RFC 7296に選択の余地はない。'],
    ),
  },
  {
    path: `${p}.payload-type-1`,
    type: integer(1, 3),
    default: 2,
    ours: true,
    ...kept(['Form of IKEv1 payloads.', 'IKEv1ペイロードの形式。'], inAnyCase),
  },
  {
    path: `${p}.payload-type-2`,
    type: integer(1, 2),
    default: 2,
    ours: true,
    ...kept(['Form of IKEv2 payloads.', 'IKEv2ペイロードの形式。'], inAnyCase),
  },
  {
    path: `${p}.send-info`,
    type: enableDisable,
    default: 'enable',
    ours: true,
    ...kept(
      ['Whether IKEv1 informs of deletions.', 'IKEv1でSAの削除を通知するか否か。'],
      ['it does, so that the peer knows.', '相手が把握できるよう、常に通知する。'],
    ),
  },
  {
    path: `${p}.restrict-dangling-sa`,
    type: oneOf('auto', 'off'),
    default: 'auto',
    ours: true,
    ...kept(
      ['Whether IPsec SAs outlive their ISAKMP SA.', 'ISAKMP SAの消滅後もIPsec SAを残すか否か。'],
      ['they do, and DPD finds a peer that is gone.', '常に残し、相手の消失はDPDで検出する。'],
    ),
  },
  {
    path: `${p}.backward-compatibility`,
    type: integer(1, 2),
    default: 1,
    ours: true,
    ...kept(['Behaviour towards old firmware.', '古いファームウェアに対する動作。'], inAnyCase),
  },
  {
    path: `${p}.nat-traversal-type`,
    type: integer(1, 2),
    default: 1,
    ours: true,
    ...kept(
      ['Draft of NAT traversal.', 'NATトラバーサルのドラフト。'],
      ['RFC 3947 and the drafts are recognised.', 'RFC 3947と各ドラフトを認識する。'],
    ),
  },
  {
    path: `${p}.child-rekey`,
    type: either(integer(70, 90, 'percent'), oneOf('off')),
    default: 75,
    ours: true,
    ...kept(
      [
        'When IPsec SAs are renewed, in percent of their lifetime.',
        'IPsec SAを更新する時期。寿命に対する割合(percent)。',
      ],
      ['that is chosen so that both sides do not begin at once.', '双方が同時に始動しないように決まる。'],
    ),
  },
  {
    path: `${p}.ike-rekey`,
    type: either(integer(70, 90, 'percent'), oneOf('off')),
    default: 75,
    ours: true,
    ...kept(
      ['When IKE SAs are renewed.', 'IKE SAを更新する時期。'],
      ['that is chosen so that both sides do not begin at once.', '双方が同時に始動しないように決まる。'],
    ),
  },
];

const words = text(1000, 1);

/** Stands for any interface in a heading. */
export const ANY_LAN = 'lan*';

/** Commands that Yamaha's routers know and Sekisho has not built, with what to do; one without holds a session's habits. */
export type Unbuilt = { readonly head: string; readonly instead?: string; readonly secret?: true };

const later = 'leave it out';
const remoteAccess = 'remote access for phones comes later; leave it out';
const pp = 'PPPoE and PPP come later; leave it out';
const filters =
  'filters are ip filter and ip filter dynamic, translation nat descriptor type, address and masquerade static';
const services =
  'DHCP is dhcp scope and dhcp scope bind, DNS dns server, dns host and dns static, the time schedule at';
const certificates = 'give certificates by interface.ipsecN.ike.authentication in the other dialect';

export const UNBUILT: readonly Unbuilt[] = [
  ...[
    'pp name',
    'pp bind',
    'pp always-on',
    'pp enable',
    'pp disable',
    'pp auth accept',
    'pp auth request',
    'pp keepalive',
    'pp disconnect',
    'pppoe',
    'ppp',
    'ip pp',
    'ipv6 pp',
    'pp backup',
    'pp default',
  ].map((head) => ({ head, instead: pp })),
  ...['pp auth username', 'pp auth myname'].map((head): Unbuilt => ({ head, instead: pp, secret: true })),
  ...[
    'l2tp service',
    'l2tp tunnel disconnect',
    'l2tp keepalive',
    'l2tp syslog',
    'l2tp always-on',
    'l2tp hostname',
    'l2tp local',
    'l2tp remote',
    'ipsec transport',
    'pptp',
    'tunnel template',
  ].map((head) => ({ head, instead: remoteAccess })),
  { head: 'l2tp tunnel auth', instead: remoteAccess, secret: true },
  ...['ipsec ike eap myname', 'ipsec ike xauth myname', 'auth user'].map(
    (head): Unbuilt => ({ head, instead: remoteAccess, secret: true }),
  ),
  ...[
    'ipsec ike eap request',
    'ipsec ike eap send',
    'ipsec ike xauth request',
    'ipsec ike mode-cfg',
    'auth user attribute',
    'auth user group',
  ].map((head) => ({ head, instead: remoteAccess })),
  ...['ipsec ike auth method', 'ipsec ike pki', 'pki crl'].map((head) => ({ head, instead: certificates })),
  { head: 'pki certificate', instead: certificates, secret: true },
  ...[
    'ip filter set',
    'ipv6 filter',
    'nat descriptor timer',
    'nat descriptor log',
    'nat descriptor masquerade incoming',
    'nat descriptor masquerade port',
    'nat descriptor masquerade ttl',
    'nat descriptor static',
    'nat descriptor sip',
    'nat descriptor ftp',
    'nat descriptor backward-compatibility',
    'ip tunnel nat',
    'ethernet filter',
  ].map((head) => ({ head, instead: filters })),
  ...[
    'dhcp relay',
    'dhcp server',
    'dhcp client',
    'dhcp scope option',
    'dhcp scope lease',
    'dhcp duplicate',
    'dhcp manual',
    'dns server select',
    'dns server pp',
    'dns private',
    'dns cache',
    'dns domain',
    'dns notice',
    'dns syslog',
    'dns srcport',
    'ip host',
    'ntpdate',
    'schedule',
  ].map((head) => ({
    head,
    instead: services,
  })),
  ...[
    'sshd host none',
    'sshd session',
    'sshd listen',
    'sshd encrypt',
    'sshd client',
    'sshd authorized-keys',
    'telnetd service on',
    'httpd',
    'snmp',
    'switch',
    'vlan',
    'bridge',
    'rip',
    'ospf',
    'bgp',
    'ip keepalive',
    'tunnel backup',
    'tunnel endpoint',
    'ipv6 prefix',
    'lan type',
    'lan backup',
    'ip lan* proxyarp',
    'ip lan* vrrp',
    'ip lan* rip',
    'ip tunnel rip',
    'ip tunnel ospf',
    'ip simple-service',
    'ip stealth',
    'url',
    'mail',
    'lua',
    'statistics',
    'queue',
    'speed',
    'cooperation',
    'upnp',
    'sip',
    'alarm',
    'usbhost',
    'external-memory',
    'operation',
    'ip routing off',
    'ipv6 routing off',
    'ipv6 lan* rtadv',
    'ipv6 lan* dhcp',
    'ipv6 lan* secure',
    'syslog execute command on',
  ].map((head) => ({ head, instead: later })),
  ...['dns host any', 'dns host lan', 'dns host none'].map((head) => ({
    head,
    instead: 'name interfaces, as in dns host lan1',
  })),
  ...['login user', 'login password', 'administrator password'].map(
    (head): Unbuilt => ({
      head,
      instead: 'passwords are set by the command password; leave it out',
      secret: true,
    }),
  ),
  { head: 'user attribute', instead: 'passwords are set by the command password; leave it out' },
  // Habits of a session, and what is so in any case.
  ...[
    'console',
    'login timer',
    'security class',
    'telnetd service off',
    'telnetd host',
    'ip routing on',
    'ipv6 routing on',
    'no httpd',
    'dns cache use on',
    'date',
    'time',
    'alias',
    'set',
    'syslog execute command off',
  ].map((head) => ({ head })),
];

/** The table's entry for a command: the longest beginning. */
export function unbuilt(command: string): Unbuilt | undefined {
  const words = command.split(' ');
  const begins = ({ head }: Unbuilt) =>
    head
      .split(' ')
      .every((word, i) => words[i] === word || (word === ANY_LAN && /^lan\d+$/.test(words[i] ?? '')));
  return UNBUILT.filter(begins).sort((a, b) => b.head.length - a.head.length)[0];
}

function refuse(value: string | number): string | undefined {
  const entry = unbuilt(String(value));
  return entry?.instead && `${entry.head} is known but not built yet: ${entry.instead}`;
}

export const yamaha: readonly Leaf[] = [
  {
    path: 'yamaha.max-session',
    type: integer(1, 5),
    default: 3,
    ours: true,
    ...kept(
      ['Negotiations with one peer at a time.', '1つの相手と同時に行う折衝の数。'],
      ['one is enough.', '1つで足りる。'],
    ),
  },
  {
    path: 'yamaha.queue-length',
    type: integer(1, 12_000),
    ours: true,
    ...kept(
      ['IKE messages that may wait.', '処理を待たせておけるIKEメッセージの数。'],
      [
        'they wait in the socket, and floods are met by cookies.',
        'ソケットで待たせ、大量の要求にはcookieで対処する。',
      ],
    ),
  },
  {
    path: 'yamaha.syslog-notice',
    type: enableDisable,
    default: 'disable',
    ours: true,
    ...kept(
      ['Whether filtered packets are logged.', 'フィルターで破棄したパケットを記録するか否か。'],
      ['they are counted, by rule.', 'ルールごとに件数を計上する。'],
    ),
  },
  {
    path: 'yamaha.log-illegal-spi',
    type: enableDisable,
    default: 'disable',
    ours: true,
    ...kept(
      ['Whether packets of unknown SPI are logged.', '未知のSPIのパケットをログに出力するか否か。'],
      ['they are counted.', '件数を計上する。'],
    ),
  },
  {
    path: 'yamaha.kept.[].selection',
    type: {
      allowed: 'tunnel N, pp N or pp anonymous',
      parse: (t) => (/^(?:tunnel [1-9]\d{0,3}|pp [1-9]\d{0,3}|pp anonymous)$/.test(t) ? t : undefined),
    },
    ours: true,
    help: 'What a kept command was given for.',
    ja: '保持したコマンドの対象。',
  },
  {
    path: 'yamaha.kept.[].command',
    type: words,
    ours: true,
    refuse,
    help: 'A command that is known and not built, or without effect here.',
    ja: '既知だが未対応、または本機では効果のないコマンド。',
  },
  {
    path: 'yamaha.kept.[].command-with-secret',
    type: words,
    secret: true,
    ours: true,
    refuse,
    help: 'The same, of one that holds a password.',
    ja: '既知だが未対応、または本機では効果のないコマンドのうち、パスワードを含むもの。',
  },
];
