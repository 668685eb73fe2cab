// The fast path between two namespaces with static keys: what happens to a packet, told by counters and by who gets it.
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Ns } from '../interop/netns.ts';
import { HOST2, HOST2_IPV6 } from '../interop/pair.ts';
import { sleep } from '../interop/proc.ts';
import { continuousPing, iperf3, ping, pingUntil, steadyPing } from '../interop/traffic.ts';
import { type End, openRig, type Rig } from './rig.ts';

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.lab.close();
  rig = undefined;
});

/** Counts packets that match `what` on their way into or out of a namespace. */
async function counter(
  ns: Ns,
  hook: 'prerouting' | 'postrouting',
  what: string,
): Promise<() => Promise<number>> {
  const name = `t${Math.random().toString(36).slice(2)}`;
  await ns.nft(
    `table inet ${name} { chain c { type filter hook ${hook} priority -500; ${what} counter comment "here"; }; }`,
  );
  return async () => {
    const { stdout } = await ns.exec(['nft', 'list', 'table', 'inet', name]);
    return Number(/counter packets (\d+)/.exec(stdout)![1]);
  };
}

test('the data threads go on while the event loop stands still for a second', async () => {
  rig = await openRig('blocked');
  expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
  const trace = continuousPing(rig.host1, HOST2, 10);
  for (const end of [rig.endA, rig.endB]) await end.ask('block 1000', /^blocked$/m);
  const answered = trace.received;
  for (const end of [rig.endA, rig.endB]) await end.said(/^unblocked$/m);
  expect(trace.received - answered).toBeGreaterThan(50);
  expect((await trace.stop()).lost).toEqual([]);
});

/** How often each of its workers gave its processor back. */
function sleeps({ proc }: End): number[] {
  const tasks = `/proc/${proc.pid}/task`;
  return readdirSync(tasks)
    .filter((id) => /^esp-\d+$/m.test(readFileSync(`${tasks}/${id}/comm`, 'utf8')))
    .map((id) =>
      Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`${tasks}/${id}/status`, 'utf8'))![1]),
    );
}

test('one worker carries little, others help with much and rest again', async () => {
  rig = await openRig('crew');
  expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
  const { endB } = rig;
  await sleep(100);
  const before = sleeps(endB);
  expect(before.length).toBeGreaterThan(1);
  expect((await steadyPing(rig.host1, HOST2, { count: 20 })).received).toBe(20);
  const little = sleeps(endB);
  expect(little[0]).toBeGreaterThan(before[0]);
  expect(little.slice(1)).toEqual(before.slice(1));
  expect(await iperf3(rig.host1, rig.host2, HOST2, { seconds: 1, streams: 2 })).toBeGreaterThan(0);
  await sleep(100);
  const much = sleeps(endB);
  expect(much[1]).toBeGreaterThan(little[1]);
  expect((await steadyPing(rig.host1, HOST2, { count: 20 })).received).toBe(20);
  expect(sleeps(endB).slice(1)).toEqual(much.slice(1));
});

describe('selectors of an inbound SA (RFC 4301 5.2, step 4)', () => {
  test('what lies outside is dropped and counted, either family', async () => {
    rig = await openRig('sel', { trafficOfB: { local: ['192.168.2.0/24'], remote: ['192.168.1.2/32'] } });
    await rig.host1.address('eth0', '192.168.1.3/24');
    expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
    expect((await rig.endB.drops())['selector-mismatch']).toBeUndefined();
    expect((await ping(rig.host1, HOST2, { count: 5, source: '192.168.1.3' })).received).toBe(0);
    expect((await rig.endB.drops())['selector-mismatch']).toBe(5);
    expect((await ping(rig.host1, HOST2_IPV6, { count: 5 })).received).toBe(0);
    expect((await rig.endB.drops())['selector-mismatch']).toBe(10);
  });

  test('ranges of both families let both through', async () => {
    rig = await openRig('sel2', {
      trafficOfB: { local: ['192.168.2.0/24', 'fd00:2::/64'], remote: ['0.0.0.0/0', 'fd00:1::/64'] },
    });
    expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
    expect((await steadyPing(rig.host1, HOST2_IPV6, { count: 5 })).received).toBe(5);
  });
});

describe('congestion marks (RFC 6040)', () => {
  const ECT0 = 'ip ecn ect0';
  const mark = (ns: Ns) =>
    ns.nft(
      'table ip ce { chain c { type filter hook postrouting priority 0; udp dport 4500 ip ecn set ce; }; }',
    );

  test.each([true, false])(
    'outside: copied only where the peer carries them in (4.1), here %s',
    async (ecn) => {
      rig = await openRig('ecnout', { ecn });
      expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
      const count = await counter(rig.b, 'prerouting', `udp dport 4500 ${ECT0}`);
      await rig.host1.exec(['ping', '-c', '5', '-i', '0.02', '-Q', '2', HOST2]);
      expect(await count()).toBe(ecn ? 5 : 0);
    },
  );

  test('inside: a mark met under way reaches the receiver (4.2)', async () => {
    rig = await openRig('ecnin', { ecn: true });
    expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
    const count = await counter(rig.host2, 'prerouting', 'icmp type echo-request ip ecn ce');
    await mark(rig.a);
    await rig.host1.exec(['ping', '-c', '5', '-i', '0.02', '-Q', '2', HOST2]);
    expect(await count()).toBe(5);
  });

  test('inside: a packet that cannot be marked is dropped instead, and counted', async () => {
    rig = await openRig('ecndrop', { ecn: true });
    expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
    await mark(rig.a);
    expect((await ping(rig.host1, HOST2, { count: 5 })).received).toBe(0);
    expect((await rig.endB.drops()).congestion).toBe(5);
  });
});

describe('DSCP: the outer ToS octet', () => {
  test.each([
    ['copy', 'af41'],
    [0xb8, 'ef'],
  ] as const)('%s', async (tos, seen) => {
    rig = await openRig('tos', { tunnel: { tos } });
    expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
    const count = await counter(rig.b, 'prerouting', `udp dport 4500 ip dscp ${seen}`);
    await rig.host1.exec(['ping', '-c', '5', '-i', '0.02', '-Q', '0x88', HOST2]);
    expect(await count()).toBe(5);
  });
});

describe.each([true, false])('the outer DF bit (RFC 4301 8.1), UDP encapsulation %s', (encapsulated) => {
  const OUTER = encapsulated ? 'udp dport 4500' : 'ip protocol esp';
  const nativeEsp = 'raw' as const;

  test.each([
    ['set', false, true],
    ['set', true, true],
    ['clear', true, false],
    ['copy', true, true],
    ['copy', false, false],
  ] as const)('%s: inner %s gives outer %s', async (df, inner, outer) => {
    rig = await openRig('df', { encapsulated, nativeEsp, tunnel: { df } });
    expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
    const count = await counter(rig.b, 'prerouting', `${OUTER} ip frag-off & 0x4000 == 0x4000`);
    await rig.host1.exec(['ping', '-c', '5', '-i', '0.02', '-M', inner ? 'do' : 'dont', HOST2]);
    expect(await count()).toBe(outer ? 5 : 0);
  });

  test('clear: outer packets that the path cannot carry whole are cut and put together again', async () => {
    rig = await openRig('cut', { encapsulated, nativeEsp, tunnel: { df: 'clear' } });
    for (const ns of [rig.a, rig.b]) await ns.ip('link', 'set', 'ge0', 'mtu', '1000');
    expect((await steadyPing(rig.host1, HOST2, { count: 10, size: 1372 })).received).toBe(10);
    const { tunnels } = await rig.endB.statistics();
    expect(tunnels[0].drops).toEqual({});
  });

  test('set: what the path cannot carry is dropped, counted and told', async () => {
    rig = await openRig('toobig', { encapsulated, nativeEsp });
    for (const ns of [rig.a, rig.b]) await ns.ip('link', 'set', 'ge0', 'mtu', '1000');
    expect((await ping(rig.host1, HOST2, { count: 3, size: 1372 })).received).toBe(0);
    expect((await rig.endA.drops())['too-big']).toBe(3);
    await rig.endA.proc.waitOutput(/"kind":"path-mtu","remote":"10.0.0.2","mtu":1000/);
  });
});

describe.each(['af-xdp', 'af-packet'] as const)(
  'a port of native ESP follows its interface: %s',
  (nativeEsp) => {
    test('a smaller MTU is dropped by, counted and told', async () => {
      rig = await openRig('portmtu', { encapsulated: false, nativeEsp });
      expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
      for (const ns of [rig.a, rig.b]) await ns.ip('link', 'set', 'ge0', 'mtu', '1000');
      await sleep(1100); // asked once a second
      expect((await ping(rig.host1, HOST2, { count: 5, size: 1372 })).received).toBe(0);
      expect((await rig.endA.drops())['too-big']).toBe(5);
      await rig.endA.proc.waitOutput(/"kind":"path-mtu","remote":"10.0.0.2","mtu":1000/);
      expect((await steadyPing(rig.host1, HOST2, { count: 5, size: 500 })).received).toBe(5);
    });

    test('what comes by another interface still comes', async () => {
      rig = await openRig('portway', { encapsulated: false, nativeEsp });
      await rig.lab.veth(rig.a, 'ge2', rig.b, 'ge2');
      await rig.a.address('ge2', '10.0.9.1/24');
      await rig.b.address('ge2', '10.0.9.2/24');
      await rig.b.route('10.0.0.1/32', '10.0.9.1', 'src', '10.0.0.2');
      await rig.a.sysctl({ 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.ge2.rp_filter': 0 });
      expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
      expect((await steadyPing(rig.host1, HOST2, { count: 20 })).received).toBe(20);
    });

    test('an interface that is replaced gets a port of its own', async () => {
      rig = await openRig('portnew', { encapsulated: false, nativeEsp });
      expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
      await rig.a.ip('link', 'delete', 'ge0');
      await rig.lab.veth(rig.a, 'ge0', rig.b, 'ge0');
      await rig.a.address('ge0', '10.0.0.1/24');
      await rig.b.address('ge0', '10.0.0.2/24');
      await sleep(5000); // looked at every two seconds
      expect(await pingUntil(rig.host1, HOST2, 5000)).toBe(true);
      for (const end of [rig.endA, rig.endB]) expect((await end.statistics()).ports[0].name).toBe(nativeEsp);
      const sent = await counter(rig.b, 'prerouting', 'ip protocol esp');
      expect((await steadyPing(rig.host1, HOST2, { count: 20 })).received).toBe(20);
      // The kernel sees what AF_PACKET sees too, but of AF_XDP only what keeps the neighbour known.
      if (nativeEsp === 'af-xdp') expect(await sent()).toBeLessThan(5);
    });
  },
);
