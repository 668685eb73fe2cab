// Names of the router itself.
import type { Leaf } from './leaf.ts';

export const system: readonly Leaf[] = [
  {
    path: 'hostname',
    type: {
      allowed: 'letters, digits, hyphens and dots, at most 64',
      parse: (t) => (/^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/.test(t) ? t : undefined),
    },
    help: 'Name of the router.',
  },
];
