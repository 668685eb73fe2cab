// Where every system is measured: host1 – router A – (WAN veth) – router B – host2, fresh for each visit.
import { openPair, type Pair } from '../../test/interop/pair.ts';

/** Outer address and LAN of a router, as pair.ts lays them out. */
export const outer = (n: 1 | 2) => `10.0.0.${n}`;
export const lan = (n: 1 | 2) => `192.168.${n}.0/24`;

/** A visit: opens the namespaces, lets `body` work in them, takes everything away. */
export async function visit<T>(label: string, body: (net: Pair) => Promise<T>): Promise<T> {
  const net = await openPair(label);
  try {
    return await body(net);
  } finally {
    await net.lab.close();
  }
}

/** Addresses for routers that do not set their own. */
export async function addressRouters(net: Pair): Promise<void> {
  for (const [router, n] of sides(net)) {
    await router.address('ge0', `${outer(n)}/24`);
    await router.address('ge1', `192.168.${n}.1/24`);
  }
}

export function sides(net: Pair) {
  return [
    [net.a, 1],
    [net.b, 2],
  ] as const;
}

/** From here on every packet on the WAN is one, as on a real wire: no segmentation offload there. */
export async function makeWireLike(net: Pair): Promise<void> {
  const features = ['tso', 'gso', 'gro', 'tx-udp-segmentation'].flatMap((name) => [name, 'off']);
  for (const [router] of sides(net)) await router.exec(['ethtool', '-K', 'ge0', ...features]);
}
