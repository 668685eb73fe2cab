// Two routers behind one NAT, with one responder that knows them by their names (RFC 3947, RFC 7296 2.23):
//   host1 – a1 10.9.1.1 –┐
//                        nat 10.0.0.1 ===== 10.0.0.2 b – host3
//   host2 – a2 10.9.2.1 –┘
import { afterEach, expect, test } from 'vitest';
import { Lab } from './netns.ts';
import { Sekisho } from './sekisho.ts';
import { continuousPing, pingUntil, steadyPing } from './traffic.ts';

let lab: Lab | undefined;
afterEach(() => lab?.close());

const HOST3 = '192.168.3.2';

function branch(n: number, version: number): string {
  const p = 'interface.ipsec0';
  return [
    `interface.ge0.ipv4.address : 10.9.${n}.1/24`,
    `interface.ge1.ipv4.address : 192.168.${n}.1/24`,
    'route.ipv4.1.destination : default',
    `route.ipv4.1.gateway : 10.9.${n}.254`,
    'route.ipv4.2.destination : 192.168.3.0/24',
    'route.ipv4.2.gateway : ipsec0',
    `${p}.preshared-key : "the key of ${n}"`,
    `${p}.ipv4.source : 10.9.${n}.1`,
    `${p}.ipv4.destination : 10.0.0.2`,
    `${p}.ike.version : ${version}`,
    `${p}.ike.my-identifier.type : fqdn`,
    `${p}.ike.my-identifier.fqdn : a${n}.example`,
    `${p}.ike.proposal.phase2.proxy-id.ipv4.local : 192.168.${n}.0/24`,
    `${p}.ike.proposal.phase2.proxy-id.ipv4.remote : 192.168.3.0/24`,
    '',
  ].join('\n');
}

function centre(version: number): string {
  return [
    'interface.ge0.ipv4.address : 10.0.0.2/24',
    'interface.ge1.ipv4.address : 192.168.3.1/24',
    ...[1, 2].flatMap((n) => {
      const p = `interface.ipsec${n}`;
      return [
        `route.ipv4.${n}.destination : 192.168.${n}.0/24`,
        `route.ipv4.${n}.gateway : ipsec${n}`,
        `${p}.preshared-key : "the key of ${n}"`,
        `${p}.ipv4.source : 10.0.0.2`,
        `${p}.ipv4.destination : any`,
        `${p}.ike.version : ${version}`,
        `${p}.ike.peers-identifier.type : fqdn`,
        `${p}.ike.peers-identifier.fqdn : a${n}.example`,
        `${p}.ike.proposal.phase2.proxy-id.ipv4.local : 192.168.3.0/24`,
        `${p}.ike.proposal.phase2.proxy-id.ipv4.remote : 192.168.${n}.0/24`,
      ];
    }),
    '',
  ].join('\n');
}

test.each([1, 2])('IKEv%i: each has its tunnel, in both directions at once', async (version) => {
  lab = await Lab.open(`onenat${version}`);
  const [h1, h2, h3, a1, a2, nat, b] = await Promise.all(
    ['h1', 'h2', 'h3', 'a1', 'a2', 'nat', 'b'].map((n) => lab!.netns(n)),
  );
  await lab.veth(nat, 'wan', b, 'ge0');
  await lab.veth(b, 'ge1', h3, 'eth0');
  await nat.address('wan', '10.0.0.1/24');
  await h3.address('eth0', `${HOST3}/24`);
  await h3.route('default', '192.168.3.1');
  for (const [n, host, router] of [
    [1, h1, a1],
    [2, h2, a2],
  ] as const) {
    await lab.veth(host, 'eth0', router, 'ge1');
    await lab.veth(router, 'ge0', nat, `in${n}`);
    await nat.address(`in${n}`, `10.9.${n}.254/24`);
    await host.address('eth0', `192.168.${n}.2/24`);
    await host.route('default', `192.168.${n}.1`);
  }
  await lab.masquerade(nat, 'wan', { random: true });
  const middle = await Sekisho.start(lab, b, 'b', centre(version));
  const one = await Sekisho.start(lab, a1, 'a1', branch(1, version));
  const two = await Sekisho.start(lab, a2, 'a2', branch(2, version));
  for (const router of [one, two]) await router.waitUp();
  for (const name of ['ipsec1', 'ipsec2']) await middle.waitUp(name);
  const remotes = (await middle.ike()).map((sa) => sa.remote);
  expect(remotes).toHaveLength(2);
  expect(new Set(remotes).size).toBe(2);
  for (const remote of remotes) expect(remote).toMatch(/^10\.0\.0\.1\[\d+\]$/);
  for (const host of [h1, h2]) expect(await pingUntil(host, HOST3, 5000)).toBe(true);
  const traces = [h1, h2].map((host) => continuousPing(host, HOST3, 20));
  for (const n of [1, 2]) expect((await steadyPing(h3, `192.168.${n}.2`, { count: 20 })).received).toBe(20);
  for (const trace of traces) expect((await trace.stop()).lost).toEqual([]);
});
