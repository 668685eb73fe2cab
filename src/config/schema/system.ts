// The router itself: its name, and how its dataplane works.
import type { Leaf } from './leaf.ts';
import { either, integer, ipv4, ipv6, oneOf } from './types.ts';

export const system: readonly Leaf[] = [
  {
    path: 'hostname',
    type: {
      allowed: 'letters, digits, hyphens and dots, at most 64',
      parse: (t) => (/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/.test(t) ? t : undefined),
    },
    help: 'Name of the router.',
  },
  {
    path: 'system.dataplane.native-esp',
    type: oneOf('auto', 'af-xdp', 'af-packet', 'raw'),
    default: 'auto',
    help: 'How native ESP passes the network interface: the fastest way that works there (auto), or this one and no other.',
  },
  {
    path: 'system.metrics.address',
    type: either(oneOf('none'), ipv4, ipv6),
    default: 'none',
    help: 'Our address at which Prometheus may fetch /metrics. Everybody who reaches it may: choose one inside.',
  },
  {
    path: 'system.metrics.port',
    type: integer(1, 65_535),
    default: 9477,
    help: 'TCP port for it.',
  },
];
