// Policy-based IPsec in namespaces (dialects.md A.3, RFC 4301 4.4.1): with ourselves, with strongSwan, and in transport
// mode with a Linux kernel. What a policy names never travels in clear, whatever becomes of the router.
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { ruleset } from '../../src/host/policies.ts';
import { networkOf } from '../../src/net/address.ts';
import type { Tunnel } from '../../src/plan/desired.ts';
import type { TunnelView } from '../../src/show/view.ts';
import { Lab, type Ns } from './netns.ts';
import { HOST2, HOST2_IPV6, openPair, type Pair, pairConfig } from './pair.ts';
import { until } from './proc.ts';
import { openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { continuousPing, pingOnce, pingUntil, steadyPing, transfer } from './traffic.ts';

let pair: Pair | undefined;
afterEach(async () => {
  await pair?.lab.close();
  pair = undefined;
});

type Policy = { source: string; destination: string; more?: string[] };

/** Router n of the pair, whose policies are numbered from 100 in tens. */
function config(n: 1 | 2, policies: Policy[], ...more: string[]): string {
  const peer = 3 - n;
  return [
    `interface.ge0.ipv4.address : 10.0.0.${n}/24`,
    `interface.ge1.ipv4.address : 192.168.${n}.1/24`,
    `interface.ge1.ipv6.address : fd00:${n}::1/64`,
    `ike.peer.0.address : 10.0.0.${peer}`,
    'ike.peer.0.preshared-key : xeeB5gohvaYi',
    ...(n === 2 ? ['ike.peer.0.responder-only : enable'] : []),
    'ipsec.security-association.sa0.address-type : static',
    'ipsec.security-association.sa0.local-address : ge0',
    `ipsec.security-association.sa0.remote-address : 10.0.0.${peer}`,
    ...policies.flatMap(({ source, destination, more: own = [] }, i) => {
      const at = `ipsec.security-policy.${100 + 10 * i}`;
      return [
        `${at}.security-association : sa0`,
        `${at}.source.address : ${source}`,
        `${at}.destination.address : ${destination}`,
        ...own.map((line) => `${at}.${line}`),
      ];
    }),
    ...more,
    '',
  ].join('\n');
}

const LANS = (n: 1 | 2): Policy[] => [
  { source: `192.168.${n}.0/24`, destination: `192.168.${3 - n}.0/24` },
  { source: `fd00:${n}::/64`, destination: `fd00:${3 - n}::/64` },
];

/** Counts what comes in on a WAN in clear from behind the other router. */
async function watch(ns: Ns): Promise<() => Promise<number>> {
  await ns.nft(`table inet watch {
    counter clear { }
    chain in { type filter hook prerouting priority raw; iifname "ge0" ip saddr 192.168.0.0/16 counter name clear; iifname "ge0" ip6 saddr fd00::/16 counter name clear; }
  }`);
  return async () => {
    const { stdout } = await ns.exec(['nft', 'list', 'counter', 'inet', 'watch', 'clear']);
    return Number(/packets (\d+)/.exec(stdout)?.[1]);
  };
}

describe.each([1, 2] as const)(
  'IKEv%i, two routers of ours, a policy for each family of addresses',
  (version) => {
    test('carries both under one IKE SA; nothing leaves in clear, and what comes in clear is dropped', async () => {
      pair = await openPair(`policies${version}`);
      const { lab, a, b, host1, host2 } = pair;
      const v = `ike.peer.0.version : ${version}`;
      const clear = await watch(b);
      const two = await Sekisho.start(lab, b, 'b', config(2, LANS(2), v));
      const one = await Sekisho.start(lab, a, 'a', config(1, LANS(1), v));
      for (const router of [one, two])
        for (const name of ['policy100', 'policy110']) await router.waitUp(name);
      expect(await one.ike()).toHaveLength(1);
      expect(await pingUntil(host1, HOST2, 5000)).toBe(true);
      expect(await pingUntil(host1, HOST2_IPV6, 5000)).toBe(true);
      expect((await steadyPing(host1, HOST2, { count: 20 })).received).toBe(20);
      const there = await transfer(host1, host2, HOST2, 5001, 10e6);
      expect(there.sha256Received).toBe(there.sha256Sent);
      // The routers themselves are behind their policies too, once they take the address that is.
      expect(await pingOnce(a, HOST2, { source: '192.168.1.1' })).toBe(true);
      const views = await one.json<TunnelView[]>('status', 'ipsec.security-policy');
      expect(views.map((p) => [p.connection, p.policy.by, p.state, p.policy.local, p.policy.remote])).toEqual(
        [
          ['policy100', 'policy', 'up', ['192.168.1.0/24'], ['192.168.2.0/24']],
          ['policy110', 'policy', 'up', ['fd00:1::/64'], ['fd00:2::/64']],
        ],
      );
      expect(await clear()).toBe(0);

      // A renewal of one loses nothing of either.
      const trace = [continuousPing(host1, HOST2, 20), continuousPing(host1, HOST2_IPV6, 20)];
      const spis = views.map((p) => p.children[0].spiIn);
      await one.cli('diagnose', 'policy110');
      await until(
        async () => {
          const now = await one.json<TunnelView[]>('status', 'ipsec');
          return now[1].children.some((c) => c.spiIn !== spis[1] && c.state === 'live');
        },
        20_000,
        () => `policy110 was not renewed:\n${one.stderr()}`,
      );
      for (const t of trace) expect((await t.stop()).lost).toEqual([]);

      // The peer is gone: what the policies name waits for it, and does not leave in clear.
      await two.stop();
      await one.waitLog((e) => e.code === 'ike-deleted', 'ike-deleted');
      expect(await pingOnce(host1, HOST2)).toBe(false);
      expect(await pingOnce(host1, HOST2_IPV6)).toBe(false);
      expect(await clear()).toBe(0);

      // Somebody on the WAN says that he is the other LAN: dropped, by the policy.
      await b.address('ge0', '10.0.0.2/24').catch(() => undefined);
      await b.route('192.168.1.0/24', '10.0.0.1');
      await host1.nft(
        `table inet seen {
      counter c { }
      chain in { type filter hook input priority 0; ip saddr 192.168.2.2 counter name c; }
    }`,
      );
      await pingOnce(host2, '192.168.1.2');
      const seen = async () => (await host1.exec(['nft', 'list', 'counter', 'inet', 'seen', 'c'])).stdout;
      expect(await seen()).toContain('packets 0 ');
      const dropped = (await a.exec(['nft', 'list', 'table', 'inet', 'sekisho_policies'])).stdout;
      expect(dropped).toMatch(/counter packets [1-9]\d* bytes \d+ drop/);

      // A crash takes the devices away, and the rules stay: still nothing leaves in clear.
      await one.kill();
      await a.route('192.168.2.0/24', '10.0.0.2');
      expect(await pingOnce(host1, HOST2)).toBe(false);
      expect(await clear()).toBe(0);

      // A router that was stopped in order leaves nothing behind, and the forged packet shows that it came this far.
      const again = await Sekisho.start(lab, a, 'again', config(1, LANS(1), v));
      expect(await again.stop()).toBe(0);
      expect((await a.exec(['nft', 'list', 'tables'])).stdout).toBe('');
      for (const family of ['-4', '-6']) expect(await a.ip(family, 'rule')).not.toMatch(/^100[01]:/m);
      await a.address('ge1', '192.168.1.1/24').catch(() => undefined);
      await a.address('ge0', '10.0.0.1/24').catch(() => undefined);
      await pingOnce(host2, '192.168.1.2');
      expect(await seen()).toMatch(/packets [1-9]/);
    });
  },
);

test('a policy of one port protects that and leaves the rest alone; one more leaves it as it is', async () => {
  pair = await openPair('policyport');
  const { lab, a, b, host1, host2 } = pair;
  await a.route('192.168.2.0/24', '10.0.0.2').catch(() => undefined);
  const tcp = (n: 1 | 2): Policy[] => [
    {
      source: `192.168.${n}.0/24`,
      destination: `192.168.${3 - n}.0/24`,
      more: ['protocol : 6', `${n === 1 ? 'destination' : 'source'}.port : 5001`],
    },
  ];
  const routes = (n: 1 | 2) => [
    'ike.peer.0.version : 2',
    `route.ipv4.1.destination : 192.168.${3 - n}.0/24`,
    `route.ipv4.1.gateway : 10.0.0.${3 - n}`,
  ];
  const two = await Sekisho.start(lab, b, 'b', config(2, tcp(2), ...routes(2)));
  const one = await Sekisho.start(lab, a, 'a', config(1, tcp(1), ...routes(1)));
  const { children } = await one.waitUp('policy100');
  await two.waitUp('policy100');
  expect(children[0].selectors.remote).toEqual(['192.168.2.0/24 protocol 6:5001-5001']);
  // Pings go in clear, the file protected, another port in clear.
  expect((await steadyPing(host1, HOST2, { count: 5 })).received).toBe(5);
  const packets = async () => (await one.tunnel('policy100'))!.counters!.txPackets;
  expect(await packets()).toBe(0);
  const there = await transfer(host1, host2, HOST2, 5001, 2e6);
  expect(there.sha256Received).toBe(there.sha256Sent);
  const after = await packets();
  expect(after).toBeGreaterThan(100);
  await transfer(host1, host2, HOST2, 5002, 1e6);
  expect(await packets()).toBe(after);

  const more = (n: 1 | 2) => [
    ...tcp(n),
    { source: `192.168.${n}.0/24`, destination: `192.168.${3 - n}.0/24`, more: ['protocol : 1'] },
  ];
  const spi = (await one.tunnel('policy100'))!.children[0].spiIn;
  expect((await two.reload(config(2, more(2), ...routes(2)))).code).toBe(0);
  expect((await one.reload(config(1, more(1), ...routes(1)))).code).toBe(0);
  await one.waitUp('policy110');
  // What did not change stays as it is.
  expect((await one.tunnel('policy100'))!.children.map((c) => c.spiIn)).toEqual([spi]);
  expect(await pingUntil(host1, HOST2, 10_000)).toBe(true);
  expect((await one.tunnel('policy110'))!.counters!.txPackets).toBeGreaterThan(0);
});

describe.each([1, 2] as const)('IKEv%i, strongSwan with two children', (version) => {
  test('both under one IKE SA, renewed from either side without a lost packet', async () => {
    const net = await openNetwork(`polswan${version}`);
    try {
      const swan = await Strongswan.start(net.lab, net.peer, { name: 'swan' });
      await net.peer.address('lan', '192.168.3.1/24');
      const espProposals = 'aes256-sha256';
      const remoteTs = '192.168.1.0/24';
      await swan.load([
        strongswanConnection({
          version,
          children: [
            { name: 'two', localTs: '192.168.2.0/24', remoteTs, espProposals },
            { name: 'three', localTs: '192.168.3.0/24', remoteTs, espProposals: `${espProposals}-modp2048` },
          ],
        }),
      ]);
      const text = config(
        1,
        [
          { source: '192.168.1.0/24', destination: '192.168.2.0/24' },
          {
            source: '192.168.1.0/24',
            destination: '192.168.3.0/24',
            more: ['ike.proposal.pfs-group : modp2048'],
          },
        ],
        `ike.peer.0.version : ${version}`,
      );
      const router = await Sekisho.start(net.lab, net.router, 'router', text);
      for (const name of ['policy100', 'policy110']) await router.waitUp(name);
      for (const child of ['two', 'three']) await swan.waitEstablished(child);
      expect((await swan.listSas()).match(/ESTABLISHED/g)).toHaveLength(1);
      const targets = ['192.168.2.2', '192.168.3.1'];
      for (const target of targets) expect(await pingUntil(net.host1, target, 5000)).toBe(true);
      const traces = targets.map((target) => continuousPing(net.host1, target, 20));
      await swan.rekey({ child: 'three' });
      await router.waitLog(
        (e) => e.code === (version === 1 ? 'child-established' : 'child-rekeyed'),
        'renewal by the peer',
      );
      expect((await router.cli('diagnose', 'policy100')).code).toBe(0);
      await router.waitLog((e) => e.code === 'child-rekeyed', 'renewal by us');
      for (const t of traces) expect((await t.stop()).lost).toEqual([]);
      // The peer asks for one of them anew.
      await swan.terminate({ child: 'three' });
      await router.waitUp('policy110');
      expect(await pingUntil(net.host1, '192.168.3.1', 5000)).toBe(true);
    } finally {
      await net.lab.close();
    }
  });
});

test('beside an interface: what the policy names goes its way, the rest where routes lead', async () => {
  pair = await openPair('polroute');
  const { lab, a, b, host1, host2 } = pair;
  const both = (n: 1 | 2) => {
    const [own, peer] = n === 1 ? ['10.0.0.1', '10.0.0.4'] : ['10.0.0.4', '10.0.0.1'];
    return pairConfig(
      n,
      ...(n === 2
        ? ['interface.ge0.ipv4.alias.0.address : 10.0.0.4/24', 'interface.ipsec0.responder-only : enable']
        : []),
      'interface.ipsec0.ike.version : 2',
      `ike.peer.0.address : ${peer}`,
      'ike.peer.0.preshared-key : another',
      'ike.peer.0.version : 2',
      ...(n === 2 ? ['ike.peer.0.responder-only : enable'] : []),
      'ipsec.security-association.sa0.address-type : static',
      `ipsec.security-association.sa0.local-address : ${own}`,
      `ipsec.security-association.sa0.remote-address : ${peer}`,
      'ipsec.security-policy.100.security-association : sa0',
      `ipsec.security-policy.100.source.address : 192.168.${n}.0/24`,
      `ipsec.security-policy.100.destination.address : 192.168.${3 - n}.0/24`,
    );
  };
  const two = await Sekisho.start(lab, b, 'b', both(2));
  const one = await Sekisho.start(lab, a, 'a', both(1));
  for (const router of [one, two]) for (const name of ['ipsec0', 'policy100']) await router.waitUp(name);
  expect((await one.ike()).map((sa) => sa.remote).sort()).toEqual(['10.0.0.2[500]', '10.0.0.4[500]']);
  const packets = async (name: string) => (await one.tunnel(name))!.counters!.txPackets;
  expect(await pingUntil(host1, HOST2, 5000)).toBe(true);
  const [routed, named] = [await packets('ipsec0'), await packets('policy100')];
  expect(named).toBeGreaterThan(0);
  expect(await pingUntil(host1, HOST2_IPV6, 5000)).toBe(true);
  expect(await packets('ipsec0')).toBeGreaterThan(routed);
  expect(await packets('policy100')).toBe(named);
  const there = await transfer(host1, host2, HOST2, 5001, 2e6);
  expect(there.sha256Received).toBe(there.sha256Sent);
});

test('a branch whose centre takes in its own network keeps it, and a policy without a device lets nothing out', async () => {
  pair = await openPair('policyhub');
  const { lab, a, b, host1 } = pair;
  const clear = await watch(b);
  // Somebody has the name already: this policy gets no device, and comes before the other.
  await lab.veth(a, 'policy100', b, 'somebody');
  await a.ip('link', 'set', 'policy100', 'down');
  const centre = { source: '192.168.2.0/24', destination: '192.168.1.0/24' };
  const branch = { source: '192.168.1.0/24', destination: '192.168.0.0/16' };
  const other = { source: '192.168.1.0/24', destination: '172.16.0.0/16' };
  const version = 'ike.peer.0.version : 2';
  await Sekisho.start(lab, b, 'b', config(2, [centre], version));
  const lines = [version, 'route.ipv4.1.destination : default', 'route.ipv4.1.gateway : 10.0.0.2'];
  const one = await Sekisho.start(lab, a, 'a', config(1, [other, branch], ...lines));
  await one.waitUp('policy110');
  expect(one.stderr()).toMatch(/policy100: .*not up/);
  expect(await pingUntil(host1, HOST2, 5000)).toBe(true);
  // The host and its router.
  expect(await pingOnce(host1, '192.168.1.1')).toBe(true);
  expect(await pingOnce(a, '192.168.1.2')).toBe(true);
  await pingOnce(host1, '172.16.0.1');
  expect(await clear()).toBe(0);
});

test('whatever policies are configured, nftables takes them and replaces them', async () => {
  const lab = await Lab.open('ruleset');
  try {
    const ns = await lab.netns('r');
    const prefix = (family: 4 | 6) =>
      family === 4
        ? fc.tuple(fc.ipV4(), fc.constantFrom(0, 8, 24, 32)).map(([a, n]) => networkOf(`${a}/${n}`))
        : fc.tuple(fc.ipV6(), fc.constantFrom(0, 48, 64, 128)).map(([a, n]) => networkOf(`${a}/${n}`));
    const policy = fc.constantFrom(4 as const, 6 as const).chain((family) =>
      fc.record({
        local: prefix(family),
        remote: prefix(family),
        // TCP, UDP and SCTP have ports, the others have none.
        protocol: fc.constantFrom(0, 1, 6, 17, 47, 50, 58, 132),
        from: fc.constantFrom(0, 1, 500, 65_535),
        to: fc.constantFrom(0, 53),
        family: fc.constant(family),
      }),
    );
    const many = fc.array(policy, { minLength: 1, maxLength: 12 });
    const samples = fc.sample(many, { seed: 4301, numRuns: 60 });
    const text = samples.map((list) => {
      const tunnels = list.map(({ local, remote, protocol, from, to, family }, index) => {
        const ported = [6, 17, 132].includes(protocol);
        const child = {
          selectors: { local: [local], remote: [remote] },
          ports: ported ? { local: from, remote: to } : { local: 0, remote: 0 },
          protocol,
        };
        return { name: `policy${index}`, child, catches: { index, family } } as unknown as Tunnel;
      });
      return ruleset(tunnels);
    });
    for (const rules of text)
      await ns.nft(`table inet sekisho_policies\ndelete table inet sekisho_policies\n${rules}`);
  } finally {
    await lab.close();
  }
});
