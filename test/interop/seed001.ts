// Seed 001's network and its minimal configuration, unchanged: the article's router is SEIL, ours takes its place.

import { Lab, type Ns } from './netns.ts';
import type { Connection } from './swanctl-conf.ts';

/** The article's listing, letter for letter, its stray colons included. */
export const MINIMAL = `route.ipv4.1.destination:                                 : 192.168.2.0/24
route.ipv4.1.gateway:                                     : ipsec0
interface.ge0.ipv4.address                                : 10.0.0.1/24
interface.ge1.ipv4.address                                : 192.168.1.1/24
interface.ipsec0.preshared-key                            : xeeB5gohvaYi
interface.ipsec0.ipv4.source                              : 10.0.0.1
interface.ipsec0.ipv4.destination                         : 10.0.0.2
interface.ipsec0.ike.proposal.phase2.proxy-id.ipv4.local  : 192.168.1.0/24
interface.ipsec0.ike.proposal.phase2.proxy-id.ipv4.remote : 192.168.2.0/24
`;

export const PSK = 'xeeB5gohvaYi';

export type Network = { lab: Lab; host1: Ns; router: Ns; peer: Ns; host2: Ns };

/**
 * host1 192.168.1.2 – ge1 router ge0 10.0.0.1 === 10.0.0.2 wan peer lan – 192.168.2.2 host2. The router's veths are
 * named ge0 and ge1, and it addresses them itself.
 */
export async function openNetwork(label: string): Promise<Network> {
  const lab = await Lab.open(label);
  const [host1, router, peer, host2] = await Promise.all(['h1', 'r', 'p', 'h2'].map((n) => lab.netns(n)));
  await lab.veth(host1, 'eth0', router, 'ge1');
  await lab.veth(router, 'ge0', peer, 'wan');
  await lab.veth(peer, 'lan', host2, 'eth0');
  await host1.address('eth0', '192.168.1.2/24');
  await host1.route('default', '192.168.1.1');
  await peer.address('wan', '10.0.0.2/24');
  await peer.address('lan', '192.168.2.1/24');
  await host2.address('eth0', '192.168.2.2/24');
  await host2.route('default', '192.168.2.1');
  return { lab, host1, router, peer, host2 };
}

/** The article's ipsec.conf in swanctl's words; kernel-libipsec needs the forced encapsulation. */
export function strongswanConnection(
  changes: Partial<Connection> & { espProposals?: string } = {},
): Connection {
  const { espProposals = 'aes256-sha256,aes128-sha1,aes256-sha1,aes128-sha256', ...rest } = changes;
  return {
    name: 'seil',
    version: 1,
    local: '10.0.0.2',
    remote: '10.0.0.1',
    psk: PSK,
    proposals: 'aes256-sha256-modp1536',
    encap: true,
    children: [{ name: 'c', localTs: '192.168.2.0/24', remoteTs: '192.168.1.0/24', espProposals }],
    ...rest,
  };
}
