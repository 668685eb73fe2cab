// interface.ipsecN: routing-based IPsec, the core of the product.
import type { Leaf } from './leaf.ts';
import { notBuilt, notBuiltFor } from './leaf.ts';
import {
  duration,
  either,
  enableDisable,
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

export const IPSEC_INTERFACES = 1024;

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
const noDes = notBuiltFor(['des'], 'single DES is broken; use aes256 or aes128');
const identifierType = oneOf('address', 'fqdn', 'user-fqdn', 'distinguished-name');
const file = text(255, 1);
const p = 'interface.ipsec[]';

export const interfaceIpsec: readonly Leaf[] = [
  { path: `${p}.description`, type: text(255), help: 'A label for people.' },
  { path: `${p}.preshared-key`, type: text(128, 1), secret: true, help: 'The key shared with the peer.' },
  {
    path: `${p}.ipv4.source`,
    type: either(ipv4, interfaceName('ge')),
    help: 'Our outer address, or the interface whose address it is.',
  },
  {
    path: `${p}.ipv4.destination`,
    type: either(ipv4, oneOf('any'), hostName),
    help: "The peer's outer address or host name; any: it comes from where it is, and is known by its identifier.",
  },
  {
    path: `${p}.ipv6.source`,
    type: either(ipv6, interfaceName('ge')),
    help: 'Our outer IPv6 address, in place of ipv4.source, or the interface whose address it is.',
  },
  {
    path: `${p}.ipv6.destination`,
    type: either(ipv6, oneOf('any'), hostName),
    help: "The peer's outer IPv6 address or host name, in place of ipv4.destination; any: it comes from where it is.",
  },
  {
    path: `${p}.ipv4.address`,
    type: either(ipv4Cidr, ipv4, interfaceName('ge')),
    default: 'ge1',
    help: 'Inner address: one of its own, or the interface that lends its address.',
  },
  { path: `${p}.ipv4.remote`, type: ipv4, help: "The peer's inner address, for a point-to-point link." },
  {
    path: `${p}.ipv6.forward`,
    type: oneOf('pass', 'block'),
    default: 'pass',
    help: 'Whether IPv6 packets go through the tunnel.',
  },
  {
    path: `${p}.ipv4.tcp-mss`,
    type: tcpMss,
    default: 'auto',
    help: 'Largest TCP segment let through: a number, auto (from the tunnel MTU) or none (untouched).',
  },
  {
    path: `${p}.mtu`,
    type: integer(576, 9216, 'octets'),
    help: 'Largest inner packet; without it what the path and the cipher suite leave.',
  },
  {
    path: `${p}.tx-tos-set`,
    type: either(integer(0, 255), oneOf('copy')),
    default: 0,
    help: 'ToS octet of the outer header, or copy: that of the inner packet.',
  },
  {
    path: `${p}.tx-df-set`,
    type: oneOf('copy', 'set', 'clear'),
    default: 'set',
    help: 'DF bit of the outer header: set (the path MTU is learned), clear (routers may fragment), or that of the inner packet.',
  },
  {
    path: `${p}.dynamic-local-address`,
    type: enableDisable,
    default: 'disable',
    refuse: notBuiltFor(['enable'], 'give ipv4.source'),
    help: 'Our outer address is not fixed.',
  },
  {
    path: `${p}.dynamic-remote-address`,
    type: enableDisable,
    default: 'disable',
    help: "The peer's outer address is not fixed: the same as ipv4.destination or ipv6.destination : any.",
  },
  {
    path: `${p}.nat-traversal`,
    type: oneOf('enable', 'force'),
    default: 'enable',
    help: 'UDP encapsulation when a NAT is found, or always. Between two of our routers force is also the faster form.',
  },
  {
    path: `${p}.ike.responder-only`,
    type: enableDisable,
    default: 'disable',
    alias: [`${p}.responder-only`],
    help: 'Wait for the peer and never initiate.',
  },
  { path: `${p}.ike.version`, type: integer(1, 2), default: 1, ours: true, help: 'IKE version.' },
  {
    path: `${p}.ike.exchange-mode`,
    type: oneOf('main', 'aggressive'),
    default: 'main',
    help: 'Phase 1 exchange of IKEv1. Aggressive mode lets the preshared key be guessed offline (VU#857035).',
  },
  {
    path: `${p}.ike.childless`,
    type: enableDisable,
    default: 'disable',
    ours: true,
    help: 'IKEv2: negotiate the IPsec SA after the IKE SA, with a key exchange of its own, where the peer can (RFC 6023).',
  },
  {
    path: `${p}.ike.reauthentication`,
    type: enableDisable,
    default: 'disable',
    ours: true,
    help: 'IKEv2: when the IKE SA nears the end of its lifetime, prove both sides anew instead of renewing keys only; revoked certificates are noticed then.',
  },
  {
    path: `${p}.ike.legacy`,
    type: enableDisable,
    default: 'disable',
    ours: true,
    help: 'IKEv2: allow algorithms that are broken (MD5, modp1024), for a peer that can do nothing else.',
  },
  {
    path: `${p}.ike.authentication`,
    type: oneOf('preshared-key', 'certificate', 'public-key'),
    default: 'preshared-key',
    ours: true,
    help: 'How both sides prove who they are. IKEv1 signs with RSA keys only.',
  },
  {
    path: `${p}.ike.my-certificate`,
    type: file,
    ours: true,
    help: 'PEM file of our certificate, those between it and the root behind it.',
  },
  {
    path: `${p}.ike.my-private-key`,
    type: file,
    ours: true,
    help: 'PEM file of our private key, without a passphrase.',
  },
  {
    path: `${p}.ike.peers-authority`,
    type: file,
    ours: true,
    help: "PEM file of the authorities that the peer's certificate must come from, and of revocation lists.",
  },
  { path: `${p}.ike.peers-public-key`, type: file, ours: true, help: "PEM file of the peer's public key." },
  {
    path: `${p}.ike.revocation`,
    type: oneOf('disable', 'check', 'require'),
    default: 'check',
    ours: true,
    help: 'Revocation by CRL and OCSP: check refuses what is known to be revoked, require also what nothing is known of.',
  },
  {
    path: `${p}.ike.check-level`,
    type: oneOf('obey', 'claim', 'strict', 'exact'),
    default: 'obey',
    help: "How a responder treats the peer's lifetime and PFS: obey them, claim ours when shorter, or refuse (strict, exact).",
  },
  {
    path: `${p}.ike.my-identifier.type`,
    type: identifierType,
    default: 'address',
    help: 'Kind of identity we send.',
  },
  { path: `${p}.ike.my-identifier.fqdn`, type: text(255, 1), help: 'Our identity as a domain name.' },
  { path: `${p}.ike.my-identifier.user-fqdn`, type: text(255, 1), help: 'Our identity as user@domain.' },
  {
    path: `${p}.ike.peers-identifier.type`,
    type: identifierType,
    default: 'address',
    help: 'Kind of identity the peer must send.',
  },
  {
    path: `${p}.ike.peers-identifier.fqdn`,
    type: text(255, 1),
    help: "The peer's identity as a domain name.",
  },
  {
    path: `${p}.ike.peers-identifier.user-fqdn`,
    type: text(255, 1),
    help: "The peer's identity as user@domain.",
  },
  {
    path: `${p}.ike.peers-identifier.distinguished-name`,
    type: text(255, 1),
    ours: true,
    help: "The subject of the peer's certificate, like C=JP, O=Example, CN=vpn. Ours is the one that our certificate has.",
  },
  {
    path: `${p}.ike.initial-contact`,
    type: enableDisable,
    default: 'enable',
    help: 'Tell the peer to forget SAs from before our restart (RFC 2407 4.6.3.3, RFC 7296 2.4).',
  },
  {
    path: `${p}.ike.dpd`,
    type: enableDisable,
    default: 'enable',
    help: 'Ask a silent peer whether it lives (RFC 3706; RFC 7296 2.4). Timing: ike.dpd-interval, ike.dpd-maxfail.',
  },
  {
    path: `${p}.ike.nonce-size`,
    type: integer(8, 256, 'octets'),
    default: 16,
    help: 'Length of our nonces.',
  },
  {
    path: `${p}.ike.prefer-new-phase1`,
    type: enableDisable,
    default: 'enable',
    help: 'Of several ISAKMP SAs use the newest for new exchanges; disable uses the oldest.',
  },
  {
    path: `${p}.ike.proposal.phase1.encryption.[].algorithm`,
    type: cipher,
    refuse: noDes,
    listDefault: ['aes256', 'aes128', '3des'],
    help: 'Ciphers of the IKE SA, best first.',
  },
  {
    path: `${p}.ike.proposal.phase1.hash.[].algorithm`,
    type: oneOf('sha512', 'sha384', 'sha256', 'sha1', 'md5'),
    listDefault: ['sha256', 'sha1'],
    help: 'Hashes of the IKE SA, best first; under IKEv2 PRF and integrity.',
  },
  {
    path: `${p}.ike.proposal.phase1.dh-group`,
    type: group,
    default: 'modp1536',
    help: 'Diffie-Hellman group of the IKE SA.',
  },
  {
    path: `${p}.ike.proposal.phase1.dh-group-alternative.[].group`,
    type: group,
    ours: true,
    help: 'Further groups that we propose and accept after dh-group.',
  },
  {
    path: `${p}.ike.proposal.phase1.lifetime`,
    type: duration(30, 604800),
    default: 86400,
    help: 'Lifetime of the IKE SA.',
  },
  {
    path: `${p}.ike.proposal.phase2.encryption.[].algorithm`,
    type: cipher,
    refuse: noDes,
    listDefault: ['aes256', 'aes128', '3des'],
    help: 'Ciphers of the IPsec SA, best first.',
  },
  {
    path: `${p}.ike.proposal.phase2.authentication.[].algorithm`,
    type: oneOf('hmac-sha512', 'hmac-sha384', 'hmac-sha256', 'hmac-sha1', 'hmac-md5'),
    listDefault: ['hmac-sha256', 'hmac-sha1'],
    help: 'Integrity of the IPsec SA, best first; not used with an AEAD cipher.',
  },
  {
    path: `${p}.ike.proposal.phase2.pfs-group`,
    type: either(group, oneOf('none')),
    default: 'none',
    help: 'Group for perfect forward secrecy of the IPsec SA; none follows the initiator.',
  },
  {
    path: `${p}.ike.proposal.phase2.lifetime-of-time`,
    type: duration(30, 604800),
    default: 28800,
    help: 'Lifetime of the IPsec SA.',
  },
  {
    path: `${p}.ike.proposal.phase2.lifetime-of-byte`,
    type: either(integer(1_000_000, 999_999_999_999, 'octets'), oneOf('none')),
    default: 'none',
    help: 'Traffic after which the IPsec SA is renewed.',
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.ipv4.local`,
    type: ipv4Cidr,
    help: 'Our side of the traffic as told to the peer (Quick Mode ID, TSi/TSr). Default 0.0.0.0/0.',
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.ipv4.remote`,
    type: ipv4Cidr,
    help: "The peer's side of the traffic as told to the peer. Default 0.0.0.0/0.",
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.ipv6.local`,
    type: ipv6Cidr,
    help: 'The same for IPv6. Under IKEv1 instead of the IPv4 pair, under IKEv2 beside it.',
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.ipv6.remote`,
    type: ipv6Cidr,
    help: "The peer's side for IPv6.",
  },
  {
    path: `${p}.ike.proposal.phase2.proxy-id.protocol`,
    type: ipProtocol,
    default: 'any',
    help: 'IP protocol in the proxy-ids.',
  },
  {
    path: `${p}.esn`,
    type: enableDisable,
    default: 'disable',
    ours: true,
    help: 'Extended (64-bit) sequence numbers (RFC 4303 2.2.1), for fast links.',
  },
  {
    path: `${p}.anti-replay-window`,
    type: integer(64, 4096, 'packets'),
    default: 4096,
    ours: true,
    help: 'How far a packet may come late before it counts as replayed.',
  },
  ...['name-service', 'my-node-id', 'peer-node-id', 'key', 'my-address', 'address-family'].map(
    (name): Leaf => ({
      path: `${p}.floatlink.${name}`,
      type: text(255),
      refuse: notBuilt('give both addresses with ipv4.source and ipv4.destination'),
      help: "The vendor's rendezvous service for peers without fixed addresses.",
      ...(name === 'key' ? { secret: true as const } : {}),
    }),
  ),
];
