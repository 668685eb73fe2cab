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

export const RESPONDER_ONLY = 'Wait for the peer and never initiate.';

/** `at`: "interface.ipsec[].ike" or "ike.peer.[]". */
export function negotiation(at: string): readonly Leaf[] {
  return [
    { path: `${at}.version`, type: integer(1, 2), default: 1, ours: true, help: 'IKE version.' },
    {
      path: `${at}.exchange-mode`,
      type: oneOf('main', 'aggressive'),
      default: 'main',
      help: 'Phase 1 exchange of IKEv1. Aggressive mode lets the preshared key be guessed offline (VU#857035).',
    },
    {
      path: `${at}.childless`,
      type: enableDisable,
      default: 'disable',
      ours: true,
      help: 'IKEv2: negotiate the IPsec SA after the IKE SA, with a key exchange of its own, where the peer can (RFC 6023).',
    },
    {
      path: `${at}.reauthentication`,
      type: enableDisable,
      default: 'disable',
      ours: true,
      help: 'IKEv2: when the IKE SA nears the end of its lifetime, prove both sides anew instead of renewing keys only; revoked certificates are noticed then.',
    },
    {
      path: `${at}.mobike`,
      type: enableDisable,
      default: 'disable',
      ours: true,
      help: 'IKEv2: when our address changes, tell the peer so instead of negotiating anew (RFC 4555). IKE then uses UDP 4500. A peer that moves is followed in any case.',
    },
    {
      path: `${at}.legacy`,
      type: enableDisable,
      default: 'disable',
      ours: true,
      help: 'IKEv2: allow algorithms that are broken (MD5, modp1024), for a peer that can do nothing else.',
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
    },
    {
      path: `${at}.my-identifier.type`,
      type,
      default: 'address',
      help: 'Kind of identity we send.',
    },
    {
      path: `${at}.my-identifier.address`,
      type: address,
      ours: true,
      help: 'Our identity as an address, where it is not our outer one: behind a NAT a peer may want the public one.',
    },
    { path: `${at}.my-identifier.fqdn`, type: text(255, 1), help: 'Our identity as a domain name.' },
    { path: `${at}.my-identifier.user-fqdn`, type: text(255, 1), help: 'Our identity as user@domain.' },
    {
      path: `${at}.my-identifier.key-id`,
      type: text(255, 1),
      ours: true,
      help: 'Our identity as a text that means something to the two of us alone.',
    },
    {
      path: `${at}.peers-identifier.type`,
      type,
      default: 'address',
      help: 'Kind of identity the peer must send.',
    },
    {
      path: `${at}.peers-identifier.address`,
      type: address,
      ours: true,
      help: "The peer's identity as an address, where it is not its outer one.",
    },
    {
      path: `${at}.peers-identifier.fqdn`,
      type: text(255, 1),
      help: "The peer's identity as a domain name.",
    },
    {
      path: `${at}.peers-identifier.user-fqdn`,
      type: text(255, 1),
      help: "The peer's identity as user@domain.",
    },
    {
      path: `${at}.peers-identifier.key-id`,
      type: text(255, 1),
      ours: true,
      help: "The peer's identity as a text that means something to the two of us alone.",
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
    },
    {
      path: `${at}.dpd`,
      type: enableDisable,
      default: 'enable',
      help: 'Ask a silent peer whether it lives (RFC 3706; RFC 7296 2.4). Timing: ike.dpd-interval, ike.dpd-maxfail.',
    },
    {
      path: `${at}.dpd-interval`,
      type: integer(1, 3600, 'seconds'),
      ours: true,
      help: 'Time between questions to this peer, where it is not that of all (ike.dpd-interval).',
    },
    {
      path: `${at}.dpd-maxfail`,
      type: integer(1, 100),
      ours: true,
      help: 'Questions without an answer before this peer counts as dead, where it is not the number for all (ike.dpd-maxfail).',
    },
    {
      path: `${at}.nat-keepalive-interval`,
      type: integer(5, 100_000, 'seconds'),
      ours: true,
      help: 'Time between NAT keepalives to this peer, where it is not that of all (ike.nat-keepalive-interval).',
    },
    {
      path: `${at}.nonce-size`,
      type: integer(8, 256, 'octets'),
      default: 16,
      help: 'Length of our nonces.',
    },
    {
      path: `${at}.prefer-new-phase1`,
      type: enableDisable,
      default: 'enable',
      help: 'Of several ISAKMP SAs use the newest for new exchanges; disable uses the oldest.',
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
    },
    {
      path: `${at}.proposal.accept`,
      type: oneOf('listed', 'all'),
      default: 'listed',
      ours: true,
      help: 'When the peer begins: accept what is listed, or all that we can, the best of what it offers.',
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
    },
    {
      path: `${at}.hash.[].algorithm`,
      type: oneOf('sha512', 'sha384', 'sha256', 'sha1', 'md5'),
      listDefault: ['sha256', 'sha1'],
      help: 'Hashes of the IKE SA, best first; under IKEv2 PRF and integrity.',
    },
    {
      path: `${at}.dh-group`,
      type: group,
      default: 'modp1536',
      help: 'Diffie-Hellman group of the IKE SA.',
    },
    {
      path: `${at}.dh-group-alternative.[].group`,
      type: group,
      ours: true,
      help: 'Further groups that we propose and accept after dh-group.',
    },
    {
      path: `${at}.lifetime`,
      type: duration(30, 691_200),
      default: 86400,
      help: 'Lifetime of the IKE SA.',
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
    },
    {
      path: `${at}.authentication.[].algorithm`,
      type: oneOf('hmac-sha512', 'hmac-sha384', 'hmac-sha256', 'hmac-sha1', 'hmac-md5'),
      listDefault: ['hmac-sha256', 'hmac-sha1'],
      help: 'Integrity of the IPsec SA, best first; not used with an AEAD cipher.',
    },
    {
      path: `${at}.pfs-group`,
      type: either(group, oneOf('none')),
      default: 'none',
      help: 'Group for perfect forward secrecy of the IPsec SA; none follows the initiator.',
    },
    {
      path: `${at}.lifetime-of-time`,
      type: duration(30, 691_200),
      default: 28800,
      help: 'Lifetime of the IPsec SA.',
    },
    {
      path: `${at}.lifetime-of-byte`,
      type: either(integer(102_400, 999_999_999_999_999, 'octets'), oneOf('none')),
      default: 'none',
      help: 'Traffic after which the IPsec SA is renewed.',
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
    },
    {
      path: `${at}.anti-replay-window`,
      type: integer(64, 4096, 'packets'),
      default: 4096,
      ours: true,
      help: 'How far a packet may come late before it counts as replayed.',
    },
  ];
}
