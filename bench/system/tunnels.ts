// Many tunnels between two routers of ours, each with outer addresses of its own, and one host behind each.

import { IPSEC_INTERFACES } from '../../src/config/schema/interface-ipsec.ts';
import type { TunnelView } from '../../src/show/view.ts';
import { type Pair, pairConfig } from '../../test/interop/pair.ts';
import { until } from '../../test/interop/proc.ts';
import type { Sekisho } from '../../test/interop/sekisho.ts';
import { PASSIVE, type Suite, startRouters, suiteLines } from './sekisho.ts';
import { outer } from './topology.ts';

/** As many as the issue asks for, or as the configuration knows. */
export const TUNNELS = Math.min(1000, IPSEC_INTERFACES);
/** Inner destinations, in host2: one behind each tunnel, or all behind one. */
export const DESTINATIONS = TUNNELS;
export const FIRST_DESTINATION = '10.200.0.0';
const INNER = '10.200.0.0/16';
/** Those of router A, and of router B, are reached by way of its address on the WAN: one neighbour, not a thousand. */
const OUTER = ['10.101.0.0/16', '10.102.0.0/16'];
/** Numbers of routes that pair.ts does not use. */
const ROUTES = 1000;
/** Tunnels that are made at once, and how long they may take. */
const STEP = 100;
const UP_MS = 30_000;

const SUITE: Suite = { cipher: 'aes128-gcm16', mac: 'hmac-sha256', form: 'udp' };

export async function startTunnels(net: Pair, count: number): Promise<void> {
  await net.host2.ip('route', 'add', 'local', INNER, 'dev', 'lo');
  const [a, b] = await startRouters(net, suiteLines(SUITE));
  // In steps: no command of the operator's, who waits for it, is to take longer than half a minute.
  for (let part = Math.min(count, STEP); ; part = Math.min(count, part + STEP)) {
    await reload(b, pairConfig(2, ...configuration(2, part), PASSIVE));
    await reload(a, pairConfig(1, ...configuration(1, part)));
    for (const router of [a, b]) await allUp(router, part);
    if (part === count) return;
  }
}

async function reload(router: Sekisho, config: string): Promise<void> {
  const { code, stderr } = await router.reload(config);
  if (code !== 0) throw new Error(stderr);
}

async function allUp(router: Sekisho, count: number): Promise<void> {
  let up = 0;
  const look = async () => {
    const tunnels = await router.json<TunnelView[]>('status', 'ipsec');
    up = tunnels.filter((t) => t.state === 'up').length;
    return up === count;
  };
  await until(look, UP_MS, () => `${up} of ${count} tunnels came up`, 500);
}

function configuration(n: 1 | 2, count: number): string[] {
  const lines = suiteLines(SUITE);
  const peer = n === 1 ? 2 : 1;
  lines.push(`route.ipv4.2.destination : ${OUTER[peer - 1]}`, `route.ipv4.2.gateway : ${outer(peer)}`);
  if (n === 2) lines.push(`route.ipv4.1.destination : ${INNER}`, 'route.ipv4.1.gateway : 192.168.2.2');
  else lines.push(`route.ipv4.1.destination : ${INNER}`, 'route.ipv4.1.gateway : ipsec0');
  // ipsec0 is there already, between the routers' first addresses.
  for (let i = 1; i < count; i++) {
    const low = `${i >> 8}.${i & 255}`;
    const tunnel = `interface.ipsec${i}`;
    const route = `route.ipv4.${ROUTES + i}`;
    lines.push(
      `interface.ge0.ipv4.alias.${i}.address : 10.${100 + n}.${low}/32`,
      `${tunnel}.ipv4.source : 10.${100 + n}.${low}`,
      `${tunnel}.ipv4.destination : 10.${100 + peer}.${low}`,
      `${tunnel}.preshared-key : "a key of two routers"`,
      `${tunnel}.ike.responder-only : ${n === 2 ? 'enable' : 'disable'}`,
      ...suiteLines(SUITE, i),
      ...(n === 1 ? [`${route}.destination : 10.200.${low}/32`, `${route}.gateway : ipsec${i}`] : []),
    );
  }
  return lines;
}
