// interface.ipsecN: routing-based IPsec, the core of the product.
import {
  habits,
  identifiers,
  limitation,
  negotiation,
  phase1,
  phase2,
  RESPONDER_ONLY,
  sequence,
} from './ike-settings.ts';
import type { Leaf, ValueType } from './leaf.ts';
import { notBuilt, notBuiltFor } from './leaf.ts';
import {
  either,
  enableDisable,
  hexOctets,
  hostName,
  integer,
  interfaceName,
  ipProtocol,
  ipv4,
  ipv4Cidr,
  ipv6,
  ipv6Cidr,
  oneOf,
  tcpMss,
  text,
} from './types.ts';
import { yamahaTunnel } from './yamaha.ts';

export const IPSEC_INTERFACES = 1024;

const identifierType = oneOf('address', 'fqdn', 'user-fqdn', 'key-id', 'distinguished-name');
const file = text(255, 1);
const LOG_KINDS = ['message-info', 'payload-info', 'key-info'];
const logKinds: ValueType = {
  allowed: `one or more of ${LOG_KINDS.join(', ')} in this order, with blanks between them`,
  values: LOG_KINDS,
  parse: (t) => {
    const given = t.split(' ');
    return LOG_KINDS.filter((kind) => given.includes(kind)).join(' ') === t && t !== '' ? t : undefined;
  },
};
const p = 'interface.ipsec[]';

export const interfaceIpsec: readonly Leaf[] = [
  {
    path: `${p}.administration`,
    type: oneOf('up', 'down'),
    default: 'up',
    ours: true,
    help: 'Whether the tunnel is to be there at all; down keeps its settings, complete or not.',
    ja: 'トンネルを使用するか否か。down: 設定は不完全なものも残す。',
  },
  { path: `${p}.description`, type: text(255), help: 'A label for people.', ja: '管理用の説明文。' },
  {
    path: `${p}.preshared-key`,
    type: text(128, 1),
    secret: true,
    help: 'The key shared with the peer.',
    ja: '相手との事前共有鍵。',
  },
  {
    path: `${p}.preshared-key-octets`,
    type: hexOctets(128),
    secret: true,
    ours: true,
    help: 'The same, of octets that are no text, in place of preshared-key.',
    ja: '文字列で表せない事前共有鍵。preshared-keyの代わりにオクテット列で指定する。',
  },
  {
    path: `${p}.ipv4.source`,
    type: either(ipv4, interfaceName('ge')),
    help: 'Our outer address, or the interface whose address it is.',
    ja: '自分側の外側アドレス、またはそのアドレスを持つインターフェース。',
  },
  {
    path: `${p}.ipv4.destination`,
    type: either(ipv4, oneOf('any'), hostName),
    help: "The peer's outer address or host name; any: it comes from where it is, and is known by its identifier.",
    ja: '相手の外側アドレスまたはホスト名。any: アドレス不定の相手を、IDで識別する。',
  },
  {
    path: `${p}.ipv6.source`,
    type: either(ipv6, interfaceName('ge')),
    help: 'Our outer IPv6 address, in place of ipv4.source, or the interface whose address it is.',
    ja: '自分側の外側IPv6アドレス、またはそのアドレスを持つインターフェース。ipv4.sourceの代わりに指定する。',
  },
  {
    path: `${p}.ipv6.destination`,
    type: either(ipv6, oneOf('any'), hostName),
    help: "The peer's outer IPv6 address or host name, in place of ipv4.destination; any: it comes from where it is.",
    ja: '相手の外側IPv6アドレスまたはホスト名。ipv4.destinationの代わりに指定する。any: 相手のアドレスは不定。',
  },
  {
    path: `${p}.ipv4.address`,
    type: either(ipv4Cidr, ipv4, interfaceName('ge')),
    default: 'ge1',
    help: 'Inner address: one of its own, or the interface that lends its address.',
    ja: '内側アドレス。専用のアドレス、またはアドレスの借用元インターフェース。',
  },
  {
    path: `${p}.ipv4.remote`,
    type: ipv4,
    help: "The peer's inner address, for a point-to-point link.",
    ja: '相手の内側アドレス。ポイントツーポイント接続で指定する。',
  },
  {
    path: `${p}.ipv6.forward`,
    type: oneOf('pass', 'block'),
    default: 'pass',
    help: 'Whether IPv6 packets go through the tunnel.',
    ja: 'IPv6パケットをトンネルに通すか否か。',
  },
  {
    path: `${p}.ipv4.tcp-mss`,
    type: tcpMss,
    default: 'auto',
    help: 'Largest TCP segment let through: a number, auto (from the tunnel MTU) or none (untouched).',
    ja: '通過させるTCPセグメントの最大長。数値、auto(トンネルのMTUから算出)、none(変更しない)のいずれか。',
  },
  {
    path: `${p}.mtu`,
    type: integer(576, 9216, 'octets'),
    help: 'Largest inner packet; without it what the path and the cipher suite leave.',
    ja: '内側パケットの最大長。省略時は経路と暗号スイートから決まる長さ。',
  },
  {
    path: `${p}.tx-tos-set`,
    type: either(integer(0, 255), oneOf('copy')),
    default: 0,
    help: 'ToS octet of the outer header, or copy: that of the inner packet.',
    ja: '外側ヘッダーのToSオクテット。copy: 内側パケットの値を引き継ぐ。',
  },
  {
    path: `${p}.tx-df-set`,
    type: oneOf('copy', 'set', 'clear'),
    default: 'set',
    help: 'DF bit of the outer header: set (the path MTU is learned), clear (routers may fragment), or that of the inner packet.',
    ja: '外側ヘッダーのDFビット。set: 1にする(経路MTUを学習)、clear: 0にする(途中のルーターがフラグメント可)、copy: 内側パケットの値を引き継ぐ。',
  },
  {
    path: `${p}.dynamic-local-address`,
    type: enableDisable,
    default: 'disable',
    refuse: notBuiltFor(['enable'], 'give ipv4.source'),
    help: 'Our outer address is not fixed.',
    ja: '自分側の外側アドレスが不定。',
  },
  {
    path: `${p}.dynamic-remote-address`,
    type: enableDisable,
    default: 'disable',
    help: "The peer's outer address is not fixed: the same as ipv4.destination or ipv6.destination : any.",
    ja: '相手の外側アドレスが不定。ipv4.destination : any または ipv6.destination : any と同じ。',
  },
  {
    path: `${p}.nat-traversal`,
    type: oneOf('enable', 'disable', 'force'),
    default: 'enable',
    help: 'UDP encapsulation when a NAT is found, never, or always. Between two of our routers force is also the faster form.',
    ja: 'NATトラバーサル(UDPカプセル化)。enable: NAT検出時のみ、disable: 使用しない、force: 常に使用する。本製品同士の接続ではforceの方が高速。',
  },
  {
    path: `${p}.ike.responder-only`,
    type: enableDisable,
    default: 'disable',
    alias: [`${p}.responder-only`],
    ...RESPONDER_ONLY,
  },
  ...negotiation(`${p}.ike`),
  {
    path: `${p}.ike.authentication`,
    type: oneOf('preshared-key', 'certificate', 'public-key'),
    default: 'preshared-key',
    ours: true,
    help: 'How both sides prove who they are. IKEv1 signs with RSA keys only.',
    ja: '双方の認証方式。IKEv1の署名に使えるのはRSA鍵のみ。',
  },
  {
    path: `${p}.ike.my-certificate`,
    type: file,
    ours: true,
    help: 'PEM file of our certificate, those between it and the root behind it.',
    ja: '自分側の証明書のPEMファイル。ルートまでの中間証明書を後に続ける。',
  },
  {
    path: `${p}.ike.my-private-key`,
    type: file,
    ours: true,
    help: 'PEM file of our private key, without a passphrase.',
    ja: '自分側の秘密鍵のPEMファイル。パスフレーズなし。',
  },
  {
    path: `${p}.ike.peers-authority`,
    type: file,
    ours: true,
    help: "PEM file of the authorities that the peer's certificate must come from, and of revocation lists.",
    ja: '相手の証明書の発行元であるべき認証局と、失効リストのPEMファイル。',
  },
  {
    path: `${p}.ike.peers-public-key`,
    type: file,
    ours: true,
    help: "PEM file of the peer's public key.",
    ja: '相手の公開鍵のPEMファイル。',
  },
  {
    path: `${p}.ike.revocation`,
    type: oneOf('disable', 'check', 'require'),
    default: 'check',
    ours: true,
    help: 'Revocation by CRL and OCSP: check refuses what is known to be revoked, require also what nothing is known of.',
    ja: 'CRLとOCSPによる失効確認。check: 失効と判明したものを拒否する、require: 失効状態が不明なものも拒否する。',
  },
  ...identifiers(`${p}.ike`, identifierType),
  {
    path: `${p}.ike.peers-identifier.distinguished-name`,
    type: text(255, 1),
    ours: true,
    help: "The subject of the peer's certificate, like C=JP, O=Example, CN=vpn. Ours is the one that our certificate has.",
    ja: '相手の証明書のサブジェクト。例: C=JP, O=Example, CN=vpn。自分側は自分の証明書のサブジェクトを用いる。',
  },
  ...habits(`${p}.ike`),
  {
    path: `${p}.ike.log`,
    type: logKinds,
    ours: true,
    refuse: notBuilt('show log yamaha tells every step of a negotiation'),
    help: 'What the log tells of negotiations besides: message-info, payload-info, key-info.',
    ja: 'ログに追加で出力する折衝の情報: message-info、payload-info、key-info。',
  },
  ...limitation(`${p}.ike`),
  ...phase1(`${p}.ike.proposal.phase1`),
  ...phase2(`${p}.ike.proposal.phase2`),
  {
    path: `${p}.ike.proposal.phase2.proxy-id.ipv4.local`,
    type: ipv4Cidr,
    help: 'Our side of the traffic as told to the peer (Quick Mode ID, TSi/TSr). Default 0.0.0.0/0.',
    ja: '相手に通知する自分側の対象トラフィック(Quick Mode ID、TSi/TSr)。既定値は0.0.0.0/0。',
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.ipv4.remote`,
    type: ipv4Cidr,
    help: "The peer's side of the traffic as told to the peer. Default 0.0.0.0/0.",
    ja: '相手に通知する相手側の対象トラフィック。既定値は0.0.0.0/0。',
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.ipv6.local`,
    type: ipv6Cidr,
    help: 'The same for IPv6. Under IKEv1 instead of the IPv4 pair, under IKEv2 beside it.',
    ja: '相手に通知する自分側の対象トラフィック(IPv6)。IKEv1ではIPv4の組の代わりに、IKEv2ではIPv4の組と併せて用いる。',
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.ipv6.remote`,
    type: ipv6Cidr,
    help: "The peer's side for IPv6.",
    ja: '相手に通知する相手側の対象トラフィック(IPv6)。',
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.send`,
    type: enableDisable,
    default: 'enable',
    ours: true,
    help: 'IKEv1: whether the proxy-ids are sent at all; some routers send none and expect none.',
    ja: 'IKEv1: proxy-idを送信するか否か。proxy-idを送らず、相手にも求めないルーターがある。',
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.protocol`,
    type: ipProtocol,
    default: 'any',
    help: 'IP protocol in the proxy-ids.',
    ja: 'proxy-idのIPプロトコル。',
  },
  ...sequence(p),
  ...yamahaTunnel,
  ...['name-service', 'my-node-id', 'peer-node-id', 'key', 'my-address', 'address-family'].map(
    (name): Leaf => ({
      path: `${p}.floatlink.${name}`,
      type: text(255),
      refuse: notBuilt('give both addresses with ipv4.source and ipv4.destination'),
      help: "The vendor's rendezvous service for peers without fixed addresses.",
      ja: '固定アドレスを持たない相手同士を引き合わせる、ベンダーのランデブーサービス。',
      ...(name === 'key' ? { secret: true as const } : {}),
    }),
  ),
];
