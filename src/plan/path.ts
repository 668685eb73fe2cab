// What the packets of tunnels travel on.
import { splitCidr } from '../net/address.ts';
import type { Known } from './connection.ts';
import type { Link } from './desired.ts';
import type { Device } from './devices.ts';

export type Path = {
  readonly links: readonly Link[];
  readonly devices: ReadonlyMap<string, Device>;
  readonly known: Known;
};

/** The longest packet that the path of a tunnel carries, from one of our addresses, in octets. */
export function outerMtuOf(name: string, local: string, { links, devices, known }: Path): number {
  const outer = links.find((l) => l.addresses.some((a) => splitCidr(a).address === local));
  const linkMtu = outer?.mtu ?? (outer && devices.get(outer.name)?.mtu) ?? 1500;
  return Math.min(linkMtu, known.pathMtu?.get(name) ?? linkMtu);
}
