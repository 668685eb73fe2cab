// ike.peer.N: with whom policy-based IPsec negotiates (dialects.md A.3). ipsec.security-association names it by its address.
import { habits, identifiers, limitation, negotiation, phase1, RESPONDER_ONLY } from './ike-settings.ts';
import type { Leaf } from './leaf.ts';
import { either, enableDisable, ipv4, ipv6, oneOf, text } from './types.ts';

const p = 'ike.peer.[]';

export const ikePeer: readonly Leaf[] = [
  {
    path: `${p}.address`,
    type: either(ipv4, ipv6, oneOf('dynamic')),
    help: "The peer's address; dynamic: it comes from where it is, and is known by its identifier.",
    ja: '相手のIPアドレス。dynamic: アドレス不定の相手を、IDで識別する。',
  },
  {
    path: `${p}.preshared-key`,
    type: text(128, 1),
    secret: true,
    help: 'The key shared with the peer.',
    ja: '相手との事前共有鍵。',
  },
  { path: `${p}.responder-only`, type: enableDisable, default: 'disable', ...RESPONDER_ONLY },
  {
    path: `${p}.nat-traversal`,
    type: oneOf('enable', 'disable', 'force'),
    default: 'enable',
    help: 'UDP encapsulation when a NAT is found, never, or always.',
    ja: 'NATトラバーサル(UDPカプセル化)。enable: NAT検出時のみ、disable: 使用しない、force: 常に使用する。',
  },
  ...negotiation(p),
  ...identifiers(p, oneOf('address', 'fqdn', 'user-fqdn', 'key-id')),
  ...habits(p),
  ...limitation(p),
  ...phase1(`${p}.proposal`),
];
