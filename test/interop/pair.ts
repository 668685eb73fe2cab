// Two of our own routers and two hosts, as the demo and the tests against ourselves use them:
//   host1 192.168.1.2 – ge1 A ge0 10.0.0.1 ===== 10.0.0.2 ge0 B ge1 – 192.168.2.2 host2
import { Lab, type Ns } from './netns.ts';

export type Pair = { lab: Lab; host1: Ns; a: Ns; b: Ns; host2: Ns };

export type PairOptions = {
  /** WAN veth without segmentation offloads: every packet is one on the wire, and loss hits single packets. */
  offloads?: boolean;
};

export async function openPair(label: string, options: PairOptions = {}): Promise<Pair> {
  const lab = await Lab.open(label);
  const [host1, a, b, host2] = await Promise.all(['h1', 'a', 'b', 'h2'].map((n) => lab.netns(n)));
  await lab.veth(host1, 'eth0', a, 'ge1');
  await lab.veth(a, 'ge0', b, 'ge0', options.offloads === undefined ? {} : { offloads: options.offloads });
  await lab.veth(b, 'ge1', host2, 'eth0');
  for (const [host, n] of [
    [host1, 1],
    [host2, 2],
  ] as const) {
    await host.address('eth0', `192.168.${n}.2/24`);
    await host.address('eth0', `fd00:${n}::2/64`);
    await host.route('default', `192.168.${n}.1`);
    await host.route('default', `fd00:${n}::1`);
  }
  return { lab, host1, a, b, host2 };
}

/** Router n (1 or 2) of the pair; `more` holds further lines, of which `{n}` and `{peer}` are its numbers. */
export function pairConfig(n: 1 | 2, ...more: string[]): string {
  const peer = 3 - n;
  return [
    `interface.ge0.ipv4.address         : 10.0.0.${n}/24`,
    `interface.ge1.ipv4.address         : 192.168.${n}.1/24`,
    `interface.ge1.ipv6.address         : fd00:${n}::1/64`,
    'interface.ipsec0.preshared-key     : "a key of two routers"',
    `interface.ipsec0.ipv4.source       : 10.0.0.${n}`,
    `interface.ipsec0.ipv4.destination  : 10.0.0.${peer}`,
    `route.ipv4.100.destination         : 192.168.${peer}.0/24`,
    'route.ipv4.100.gateway             : ipsec0',
    `route.ipv6.100.destination         : fd00:${peer}::/64`,
    'route.ipv6.100.gateway             : ipsec0',
    ...more,
    '',
  ].join('\n');
}

export const HOST1 = '192.168.1.2';
export const HOST2 = '192.168.2.2';
export const HOST2_IPV6 = 'fd00:2::2';
