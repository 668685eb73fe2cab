// ike.*: timing and padding of the IKE daemon, for all tunnels.
import type { Leaf } from './leaf.ts';
import { duration, enableDisable, integer, oneOf } from './types.ts';

export const ike: readonly Leaf[] = [
  {
    path: 'ike.service',
    type: enableDisable,
    default: 'enable',
    ours: true,
    help: 'Whether there is IPsec at all; disable takes every tunnel down and keeps its settings.',
  },
  {
    path: 'ike.auto-initiation',
    type: oneOf('enable', 'disable', 'never'),
    default: 'enable',
    help: 'Bring tunnels up without waiting for traffic; disable waits for the first packet, never for the peer.',
  },
  {
    path: 'ike.interval',
    type: integer(1, 300, 'seconds'),
    default: 10,
    help: 'Time between retransmissions (IKEv1). IKEv2 has its own: 4 s × 1.8ⁿ.',
  },
  { path: 'ike.retry', type: integer(1, 50), default: 5, help: 'Retransmissions before giving up (IKEv1).' },
  { path: 'ike.per-send', type: integer(1, 5), default: 1, help: 'Copies of each packet sent (IKEv1).' },
  {
    path: 'ike.phase1-timeout',
    type: duration(5, 600),
    default: 30,
    help: 'Longest time for a phase 1 negotiation (IKEv1) or a half-open IKE SA (IKEv2).',
  },
  {
    path: 'ike.phase2-timeout',
    type: duration(5, 600),
    default: 30,
    help: 'Longest time for a phase 2 negotiation (IKEv1).',
  },
  {
    path: 'ike.dpd-interval',
    type: integer(1, 3600, 'seconds'),
    default: 20,
    help: 'Time between questions to the peer whether it lives.',
  },
  {
    path: 'ike.dpd-maxfail',
    type: integer(1, 100),
    default: 5,
    help: 'Questions without an answer before the peer counts as dead (IKEv1).',
  },
  {
    path: 'ike.nat-keepalive-interval',
    type: integer(5, 3600, 'seconds'),
    default: 120,
    help: 'Time between NAT keepalives (RFC 3948 2.3). Many NATs forget a mapping after 30 s of silence.',
  },
  {
    path: 'ike.exclusive-tail',
    type: enableDisable,
    default: 'enable',
    help: 'The last padding octet of an IKEv1 message counts the padding without itself.',
  },
  {
    path: 'ike.randomize-padding-value',
    type: enableDisable,
    default: 'enable',
    help: 'Padding octets of IKEv1 messages are random.',
  },
  {
    path: 'ike.randomize-padding-length',
    type: enableDisable,
    default: 'disable',
    help: 'The padding of IKEv1 messages has a random length.',
  },
  {
    path: 'ike.maximum-padding-length',
    type: integer(0, 255, 'octets'),
    default: 20,
    help: 'Upper limit for padding of random length.',
  },
  {
    path: 'ike.strict-padding-byte-check',
    type: enableDisable,
    default: 'disable',
    help: 'Refuse IKEv1 messages whose last padding octet does not count the padding.',
  },
  {
    path: 'ike.fragment-size',
    type: integer(512, 1500, 'octets'),
    default: 1280,
    help: 'Longest IP packet of an IKEv2 message; longer messages go in fragments, to peers that know them (RFC 7383).',
  },
];
