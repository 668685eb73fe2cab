// What is set of a negotiation, whether it stands at an interface, at a peer or at a security policy (dialects.md A.2.1, A.3).
import type { Leaf, ValueType } from './leaf.ts';
import { notBuiltFor } from './leaf.ts';
import { duration, either, enableDisable, integer, ipv4, ipv6, oneOf, text } from './types.ts';

const modp = ['modp1024', 'modp1536', 'modp2048', 'modp3072', 'modp4096', 'modp6144', 'modp8192'] as const;
const curves = ['ecp256', 'ecp384', 'ecp521', 'x25519', 'x448'] as const;
const group = oneOf(...modp, ...curves);
const cipher = oneOf(
  'aes256',
  'aes192',
  'aes128',
  '3des',
  'aes256-gcm16',
  'aes128-gcm16',
  'chacha20-poly1305',
  'des',
);
const address = either(ipv4, ipv6);
const noDes = notBuiltFor(['des'], 'single DES is broken; use aes256 or aes128');

const LOG_KINDS = ['message-info', 'payload-info', 'key-info'];

/** What the log tells of negotiations besides. */
export const logKinds: ValueType = {
  allowed: `one or more of ${LOG_KINDS.join(', ')} in this order, with blanks between them`,
  values: LOG_KINDS,
  parse: (t) => {
    const given = t.split(' ');
    return LOG_KINDS.filter((kind) => given.includes(kind)).join(' ') === t && t !== '' ? t : undefined;
  },
};

export const RESPONDER_ONLY = {
  help: 'Wait for the peer and never initiate.',
  ja: '応答専用。自分側からは始動しない。',
};

/** `at`: "interface.ipsec[].ike" or "ike.peer.[]". */
export function negotiation(at: string): readonly Leaf[] {
  return [
    {
      path: `${at}.version`,
      type: integer(1, 2),
      default: 1,
      ours: true,
      help: 'IKE version.',
      ja: 'IKEのバージョン。',
    },
    {
      path: `${at}.exchange-mode`,
      type: oneOf('main', 'aggressive'),
      default: 'main',
      help: 'Phase 1 exchange of IKEv1. Aggressive mode lets the preshared key be guessed offline (VU#857035).',
      ja: 'IKEv1フェーズ1の交換モード。aggressiveでは事前共有鍵をオフラインで推測されるおそれがある(VU#857035)。',
    },
    {
      path: `${at}.childless`,
      type: enableDisable,
      default: 'disable',
      ours: true,
      help: 'IKEv2: negotiate the IPsec SA after the IKE SA, with a key exchange of its own, where the peer can (RFC 6023).',
      ja: 'IKEv2: 相手が対応していれば、IKE SAの確立後に独立した鍵交換でIPsec SAを折衝する(RFC 6023)。',
    },
    {
      path: `${at}.reauthentication`,
      type: enableDisable,
      default: 'disable',
      ours: true,
      help: 'IKEv2: when the IKE SA nears the end of its lifetime, prove both sides anew instead of renewing keys only; revoked certificates are noticed then.',
      ja: 'IKEv2: IKE SAの寿命が近づくと、鍵の更新だけで済ませず双方の認証をやり直す。証明書の失効はこのとき検出する。',
    },
    {
      path: `${at}.mobike`,
      type: enableDisable,
      default: 'disable',
      ours: true,
      help: 'IKEv2: when our address changes, tell the peer so instead of negotiating anew (RFC 4555). IKE then uses UDP 4500. A peer that moves is followed in any case.',
      ja: 'IKEv2: 自分側のアドレスが変わったとき、再折衝せずに相手へ通知する(RFC 4555)。有効時のIKEはUDP 4500を使用する。相手側のアドレス変更には設定によらず追従する。',
    },
    {
      path: `${at}.legacy`,
      type: enableDisable,
      default: 'disable',
      ours: true,
      help: 'IKEv2: allow algorithms that are broken (MD5, modp1024), for a peer that can do nothing else.',
      ja: 'IKEv2: 破られたアルゴリズム(MD5、modp1024)を許可する。ほかに使えるもののない相手のための設定。',
    },
  ];
}

/** `type`: the kinds of identity there are. */
export function identifiers(at: string, type: ValueType): readonly Leaf[] {
  return [
    {
      path: `${at}.check-level`,
      type: oneOf('obey', 'claim', 'strict', 'exact'),
      default: 'obey',
      help: "How a responder treats the peer's lifetime and PFS: obey them, claim ours when shorter, or refuse (strict, exact).",
      ja: '応答側として相手の寿命とPFSをどう扱うか。obey: 相手に従う、claim: 自分側の方が短ければその値を主張する、strictとexact: 合わなければ拒否する。',
    },
    {
      path: `${at}.my-identifier.type`,
      type,
      default: 'address',
      help: 'Kind of identity we send.',
      ja: '送信する自分側IDの種別。',
    },
    {
      path: `${at}.my-identifier.address`,
      type: address,
      ours: true,
      help: 'Our identity as an address, where it is not our outer one: behind a NAT a peer may want the public one.',
      ja: '自分側のID(IPアドレス)。外側アドレスと異なる場合に指定する。NATの内側では相手がグローバルアドレスを要求することがある。',
    },
    {
      path: `${at}.my-identifier.fqdn`,
      type: text(255, 1),
      help: 'Our identity as a domain name.',
      ja: '自分側のID(ドメイン名)。',
    },
    {
      path: `${at}.my-identifier.user-fqdn`,
      type: text(255, 1),
      help: 'Our identity as user@domain.',
      ja: '自分側のID(user@domain形式)。',
    },
    {
      path: `${at}.my-identifier.key-id`,
      type: text(255, 1),
      ours: true,
      help: 'Our identity as a text that means something to the two of us alone.',
      ja: '自分側のID(双方の間でのみ意味を持つ文字列)。',
    },
    {
      path: `${at}.peers-identifier.type`,
      type,
      default: 'address',
      help: 'Kind of identity the peer must send.',
      ja: '相手が送信すべきIDの種別。',
    },
    {
      path: `${at}.peers-identifier.address`,
      type: address,
      ours: true,
      help: "The peer's identity as an address, where it is not its outer one.",
      ja: '相手側のID(IPアドレス)。外側アドレスと異なる場合に指定する。',
    },
    {
      path: `${at}.peers-identifier.fqdn`,
      type: text(255, 1),
      help: "The peer's identity as a domain name.",
      ja: '相手側のID(ドメイン名)。',
    },
    {
      path: `${at}.peers-identifier.user-fqdn`,
      type: text(255, 1),
      help: "The peer's identity as user@domain.",
      ja: '相手側のID(user@domain形式)。',
    },
    {
      path: `${at}.peers-identifier.key-id`,
      type: text(255, 1),
      ours: true,
      help: "The peer's identity as a text that means something to the two of us alone.",
      ja: '相手側のID(双方の間でのみ意味を持つ文字列)。',
    },
  ];
}

export function habits(at: string): readonly Leaf[] {
  return [
    {
      path: `${at}.initial-contact`,
      type: enableDisable,
      default: 'enable',
      help: 'Tell the peer to forget SAs from before our restart (RFC 2407 4.6.3.3, RFC 7296 2.4).',
      ja: '再起動前のSAを破棄するよう相手に通知する(RFC 2407 4.6.3.3、RFC 7296 2.4)。',
    },
    {
      path: `${at}.dpd`,
      type: enableDisable,
      default: 'enable',
      help: 'Ask a silent peer whether it lives (RFC 3706; RFC 7296 2.4). Timing: ike.dpd-interval, ike.dpd-maxfail.',
      ja: '通信の途絶えた相手の生存を確認する(RFC 3706、RFC 7296 2.4)。間隔と回数: ike.dpd-interval、ike.dpd-maxfail。',
    },
    {
      path: `${at}.dpd-interval`,
      type: integer(1, 3600, 'seconds'),
      ours: true,
      help: 'Time between questions to this peer, where it is not that of all (ike.dpd-interval).',
      ja: 'この相手への生存確認の間隔。全体の値(ike.dpd-interval)と異なる場合に指定する。',
    },
    {
      path: `${at}.dpd-maxfail`,
      type: integer(1, 100),
      ours: true,
      help: 'Questions without an answer before this peer counts as dead, where it is not the number for all (ike.dpd-maxfail).',
      ja: 'この相手を停止とみなすまでの、応答のない生存確認の回数。全体の値(ike.dpd-maxfail)と異なる場合に指定する。',
    },
    {
      path: `${at}.nat-keepalive-interval`,
      type: integer(5, 100_000, 'seconds'),
      ours: true,
      help: 'Time between NAT keepalives to this peer, where it is not that of all (ike.nat-keepalive-interval).',
      ja: 'この相手へのNATキープアライブの送信間隔。全体の値(ike.nat-keepalive-interval)と異なる場合に指定する。',
    },
    {
      path: `${at}.nonce-size`,
      type: integer(8, 256, 'octets'),
      default: 16,
      help: 'Length of our nonces.',
      ja: '送信するnonceの長さ。',
    },
    {
      path: `${at}.prefer-new-phase1`,
      type: enableDisable,
      default: 'enable',
      help: 'Of several ISAKMP SAs use the newest for new exchanges; disable uses the oldest.',
      ja: 'ISAKMP SAが複数あるとき、新規の交換に最新のものを使用する。disable: 最古のものを使用する。',
    },
  ];
}

/** Beyond the lists of both proposals. `at`: "interface.ipsec[].ike" or "ike.peer.[]". */
export function limitation(at: string): readonly Leaf[] {
  return [
    {
      path: `${at}.proposal.offer`,
      type: oneOf('listed', 'all'),
      default: 'listed',
      ours: true,
      help: 'IKEv2: propose what is listed, or all that we can, best first; of the groups the configured one first.',
      ja: 'IKEv2: 提案するアルゴリズム。listed: 設定したもののみ、all: 対応するものすべてを最良のものから順に(グループは設定したものが先頭)。',
    },
    {
      path: `${at}.proposal.accept`,
      type: oneOf('listed', 'all'),
      default: 'listed',
      ours: true,
      help: 'When the peer begins: accept what is listed, or all that we can, the best of what it offers.',
      ja: '相手が始動したときに受け入れるアルゴリズム。listed: 設定したもののみ、all: 対応するものすべて(提案のうち最良のものを選ぶ)。',
    },
  ];
}

/** Of the IKE SA. `at`: "….proposal.phase1", or a peer's "….proposal". */
export function phase1(at: string): readonly Leaf[] {
  return [
    {
      path: `${at}.encryption.[].algorithm`,
      type: cipher,
      refuse: noDes,
      listDefault: ['aes256', 'aes128', '3des'],
      help: 'Ciphers of the IKE SA, best first.',
      ja: 'IKE SAの暗号アルゴリズム(優先順)。',
    },
    {
      path: `${at}.hash.[].algorithm`,
      type: oneOf('sha512', 'sha384', 'sha256', 'sha1', 'md5'),
      listDefault: ['sha256', 'sha1'],
      help: 'Hashes of the IKE SA, best first; under IKEv2 PRF and integrity.',
      ja: 'IKE SAのハッシュアルゴリズム(優先順)。IKEv2ではPRFと認証アルゴリズムに用いる。',
    },
    {
      path: `${at}.dh-group`,
      type: group,
      default: 'modp1536',
      help: 'Diffie-Hellman group of the IKE SA.',
      ja: 'IKE SAのDiffie-Hellmanグループ。',
    },
    {
      path: `${at}.dh-group-alternative.[].group`,
      type: group,
      ours: true,
      help: 'Further groups that we propose and accept after dh-group.',
      ja: 'dh-groupに次いで提案し、受け入れるグループ。',
    },
    {
      path: `${at}.lifetime`,
      type: duration(30, 691_200),
      default: 86400,
      help: 'Lifetime of the IKE SA.',
      ja: 'IKE SAの寿命。',
    },
  ];
}

/** Of the IPsec SA. `at`: "….proposal.phase2", or a policy's "….proposal". */
export function phase2(at: string): readonly Leaf[] {
  return [
    {
      path: `${at}.encryption.[].algorithm`,
      type: cipher,
      refuse: noDes,
      listDefault: ['aes256', 'aes128', '3des'],
      help: 'Ciphers of the IPsec SA, best first.',
      ja: 'IPsec SAの暗号アルゴリズム(優先順)。',
    },
    {
      path: `${at}.authentication.[].algorithm`,
      type: oneOf('hmac-sha512', 'hmac-sha384', 'hmac-sha256', 'hmac-sha1', 'hmac-md5'),
      listDefault: ['hmac-sha256', 'hmac-sha1'],
      help: 'Integrity of the IPsec SA, best first; not used with an AEAD cipher.',
      ja: 'IPsec SAの認証アルゴリズム(優先順)。AEAD暗号では使用しない。',
    },
    {
      path: `${at}.pfs-group`,
      type: either(group, oneOf('none')),
      default: 'none',
      help: 'Group for perfect forward secrecy of the IPsec SA; none follows the initiator.',
      ja: 'IPsec SAのPFSに用いるグループ。none: 始動側に従う。',
    },
    {
      path: `${at}.lifetime-of-time`,
      type: duration(30, 691_200),
      default: 28800,
      help: 'Lifetime of the IPsec SA.',
      ja: 'IPsec SAの寿命。',
    },
    {
      path: `${at}.lifetime-of-byte`,
      type: either(integer(102_400, 999_999_999_999_999, 'octets'), oneOf('none')),
      default: 'none',
      help: 'Traffic after which the IPsec SA is renewed.',
      ja: 'IPsec SAを更新するまでの通信量。',
    },
  ];
}

export function sequence(at: string): readonly Leaf[] {
  return [
    {
      path: `${at}.esn`,
      type: enableDisable,
      default: 'disable',
      ours: true,
      help: 'Extended (64-bit) sequence numbers (RFC 4303 2.2.1), for fast links.',
      ja: '拡張(64ビット)シーケンス番号(RFC 4303 2.2.1)。高速回線向け。',
    },
    {
      path: `${at}.anti-replay-window`,
      type: integer(64, 4096, 'packets'),
      default: 4096,
      ours: true,
      help: 'How far a packet may come late before it counts as replayed.',
      ja: 'リプレイ防止ウィンドウの大きさ。これを超えて遅れたパケットはリプレイとみなす。',
    },
  ];
}
