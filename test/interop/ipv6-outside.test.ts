// IPv6 carries the tunnel: between two of our own, native and in UDP, and with strongSwan in both versions and roles.
import { afterEach, describe, expect, test } from 'vitest';
import type { Lab } from './netns.ts';
import { HOST1, HOST2, HOST2_IPV6, openPair, type Pair, pairConfig } from './pair.ts';
import { until } from './proc.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { ping, pingUntil, steadyPing, transfer } from './traffic.ts';

let lab: Lab | undefined;
afterEach(() => lab?.close());

/** The pair's configuration with 2001:db8::n outside in place of 10.0.0.n. */
function overIpv6(n: 1 | 2, ...more: string[]): string {
  const own = [`interface.ge0.ipv6.address : 2001:db8::${n}/64`].concat([
    `interface.ipsec0.ipv6.source : 2001:db8::${n}`,
    `interface.ipsec0.ipv6.destination : 2001:db8::${3 - n}`,
  ]);
  return pairConfig(n, ...own, ...more)
    .split('\n')
    .filter((line) => !/ipsec0\.ipv4\.(source|destination)|ge0\.ipv4/.test(line))
    .join('\n');
}

/** Addresses are usable at once: duplicate detection takes a second that no test needs. */
async function open(label: string): Promise<Pair> {
  const pair = await openPair(label);
  lab = pair.lab;
  for (const ns of [pair.a, pair.b])
    await ns.exec(['sysctl', '-qw', 'net.ipv6.conf.ge0.accept_dad=0', 'net.ipv6.conf.all.forwarding=1']);
  return pair;
}

test.each([
  [1, 'native', []],
  [2, 'native', []],
  [1, 'udp', ['interface.ipsec0.nat-traversal : force']],
  [2, 'udp', ['interface.ipsec0.nat-traversal : force']],
] as const)(
  'between our own, IKEv%d, %s: both families inside, TCP, full packets',
  async (version, form, more) => {
    const pair = await open(`v6out${version}${form}`);
    const lines = [`interface.ipsec0.ike.version : ${version}`, ...more];
    const [a] = await Promise.all([
      Sekisho.start(pair.lab, pair.a, 'a', overIpv6(1, ...lines)),
      Sekisho.start(pair.lab, pair.b, 'b', overIpv6(2, ...lines)),
    ]);
    const view = await a.waitUp();
    expect(view).toMatchObject({ local: '2001:db8::1', remote: '2001:db8::2' });
    expect(view.children[0].encapsulation).toBe(form);
    expect(await pingUntil(pair.host1, HOST2, 5000)).toBe(true);
    expect((await steadyPing(pair.host1, HOST2, { count: 10 })).received).toBe(10);
    expect((await steadyPing(pair.host1, HOST2_IPV6, { count: 10 })).received).toBe(10);
    const there = await transfer(pair.host1, pair.host2, HOST2, 5001, 30e6);
    expect(there.sha256Received).toBe(there.sha256Sent);
    const back = await transfer(pair.host2, pair.host1, HOST1, 5002, 10e6);
    expect(back.sha256Received).toBe(back.sha256Sent);
    // The outer header takes 20 octets more than IPv4's.
    const { mtu } = view;
    expect(mtu).toBe(1500 - 40 - 8 - 8 - 16 - 16 - 2 - ((1500 - 40 - 8 - 8 - 16 - 16) % 16));
    const whole = { count: 3, size: mtu - 28, dontFragment: true };
    expect((await steadyPing(pair.host1, HOST2, whole)).received).toBe(3);
    expect((await ping(pair.host1, HOST2, { ...whole, count: 2, size: mtu - 27 })).received).toBe(0);
  },
);

test('a path that narrows is learned by Packet Too Big (RFC 8201)', async () => {
  const pair = await open('v6mtu');
  const lines = ['interface.ipsec0.ike.version : 2'];
  const [a] = await Promise.all([
    Sekisho.start(pair.lab, pair.a, 'a', overIpv6(1, ...lines)),
    Sekisho.start(pair.lab, pair.b, 'b', overIpv6(2, ...lines)),
  ]);
  const { mtu } = await a.waitUp();
  expect(await pingUntil(pair.host1, HOST2, 5000)).toBe(true);
  // What a router in between would say: the kernel takes it as the route's MTU.
  await pair.a.exec(['ip', '-6', 'route', 'add', '2001:db8::2/128', 'dev', 'ge0', 'mtu', '1400']);
  await ping(pair.host1, HOST2, { count: 2, size: mtu - 28, dontFragment: true });
  await until(
    async () => (await a.tunnel())!.mtu === mtu - 96,
    5000,
    () => 'the tunnel does not follow the path',
  );
  const sent = await transfer(pair.host1, pair.host2, HOST2, 5001, 5e6);
  expect(sent.sha256Received).toBe(sent.sha256Sent);
});

describe('strongSwan', () => {
  test.each([
    [1, 4],
    [2, 4],
    [1, 6],
    [2, 6],
  ] as const)('IKEv%d, IPv%d inside, both roles', async (version, family) => {
    const pair = await open(`v6swan${version}${family}`);
    const [ours, theirs, target] =
      family === 4 ? ['192.168.1.0/24', '192.168.2.0/24', HOST2] : ['fd00:1::/64', 'fd00:2::/64', HOST2_IPV6];
    await pair.b.exec(['ip', 'address', 'add', '2001:db8::2/64', 'dev', 'ge0', 'nodad']);
    await pair.b.exec(['ip', 'address', 'add', '192.168.2.1/24', 'dev', 'ge1']);
    await pair.b.exec(['ip', 'address', 'add', 'fd00:2::1/64', 'dev', 'ge1', 'nodad']);
    const swan = await Strongswan.start(pair.lab, pair.b, { name: 'swan', useIpv6: true });
    await swan.load([
      {
        name: 'seil',
        version,
        local: '2001:db8::2',
        remote: '2001:db8::1',
        psk: 'a key of two routers',
        proposals: 'aes256-sha256-modp1536',
        children: [{ name: 'c', localTs: theirs, remoteTs: ours, espProposals: 'aes256-sha256' }],
      },
    ]);
    const id = `interface.ipsec0.ike.proposal.phase2.proxy-id.ipv${family}`;
    const lines = [
      `interface.ipsec0.ike.version : ${version}`,
      `${id}.local : ${ours}`,
      `${id}.remote : ${theirs}`,
    ];
    const router = await Sekisho.start(pair.lab, pair.a, 'a', overIpv6(1, ...lines));
    await router.waitUp();
    expect(await pingUntil(pair.host1, target, 5000)).toBe(true);
    expect((await steadyPing(pair.host1, target, { count: 10 })).received).toBe(10);

    await router.reload(overIpv6(1, ...lines, 'interface.ipsec0.ike.responder-only : enable'));
    await until(
      async () => !(await swan.established('c')),
      10_000,
      () => 'the old SA is still there',
    );
    await swan.initiate('c');
    await router.waitUp();
    expect((await router.ike())[0].side).toBe('responder');
    expect(await pingUntil(pair.host1, target, 5000)).toBe(true);
  });
});
