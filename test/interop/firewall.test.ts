// Filters, NAPT and port forwards beside tunnels (dialects.md A.5), with real connections:
//   inside 192.168.1.2 – ge1 A ge0 10.0.0.1 ===== 10.0.0.2 ge0 B ge1 – 192.168.2.2 host2; B is also any host outside
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { print, read } from '../../src/dialect/index.ts';
import type { Ns } from './netns.ts';
import { HOST2, HOST2_IPV6, openPair, type Pair, pairConfig } from './pair.ts';
import { until } from './proc.ts';
import { Sekisho } from './sekisho.ts';
import { pingOnce, pingUntil } from './traffic.ts';

const REACH = fileURLToPath(new URL('reach.ts', import.meta.url));
const OUTSIDE = '10.0.0.2';
const ROUTER = '10.0.0.1';
const INSIDE = '192.168.1.2';

let net: Pair;
let a: Sekisho;

const WALL = [
  'nat.ipv4.napt.100.private : 192.168.1.0/24',
  'nat.ipv4.napt.100.interface : ge0',
  'nat.ipv4.snapt.100.protocol : tcpudp',
  'nat.ipv4.snapt.100.listen.port : 8080',
  'nat.ipv4.snapt.100.forward.address : 192.168.1.2',
  'nat.ipv4.snapt.100.forward.port : 7000',
  'nat.ipv4.snapt.100.interface : ge0',
  'nat.ipv4.reflect.100.interface : ge1',
  'filter.ipv4.100.interface : ge0',
  'filter.ipv4.100.direction : out',
  'filter.ipv4.100.action : pass',
  'filter.ipv4.100.state : enable',
  'filter.ipv4.200.interface : ge0',
  'filter.ipv4.200.direction : in',
  'filter.ipv4.200.action : pass',
  'filter.ipv4.200.protocol : tcp',
  'filter.ipv4.200.destination.address : 192.168.1.2',
  'filter.ipv4.200.destination.port : 7000',
  'filter.ipv4.200.state : enable',
  'filter.ipv4.300.interface : ge0',
  'filter.ipv4.300.direction : in',
  'filter.ipv4.300.action : block',
  'filter.ipv6.300.interface : ge0',
  'filter.ipv6.300.direction : in',
  'filter.ipv6.300.action : block',
  'filter.ipv6.400.interface : ipsec0',
  'filter.ipv6.400.direction : out',
  'filter.ipv6.400.action : block',
  'filter.ipv6.400.protocol : tcp',
  'filter.ipv6.400.destination.port : 7001',
  'interface.ge0.ipv6.address : fd00:9::1/64',
];

beforeAll(async () => {
  net = await openPair('wall');
  [a] = await Promise.all([
    Sekisho.start(net.lab, net.a, 'a', pairConfig(1, ...WALL)),
    Sekisho.start(net.lab, net.b, 'b', pairConfig(2, 'interface.ge0.ipv6.address : fd00:9::2/64')),
  ]);
  for (const [ns, port] of [
    [net.host1, 7000],
    [net.host1, 7001],
    [net.a, 7002],
    [net.b, 7000],
    [net.host2, 7000],
    [net.host2, 7001],
  ] as const) {
    const server = ns.spawn([process.execPath, REACH, 'answer', String(port)]);
    await until(
      () => server.stdout.includes('listening'),
      10_000,
      () => `nobody listens:\n${server.stderr}`,
    );
  }
});
afterAll(() => net?.lab.close());

/** What the other end says of the caller; undefined when nothing came back. */
async function reach(from: Ns, ...args: string[]): Promise<string | undefined> {
  const { code, stdout } = await from.exec([process.execPath, REACH, ...args], { allowFail: true });
  return code === 0 ? stdout.trim() : undefined;
}

describe('with filters and NAPT', () => {
  test('the tunnel comes up by rules that nobody wrote, and carries addresses as they are', async () => {
    expect(await pingUntil(net.host1, HOST2, 20_000)).toBe(true);
    expect(await reach(net.host1, 'tcp', HOST2, '7000')).toMatch(/^192\.168\.1\.2 \d+$/);
  });

  test.each(['tcp', 'udp'])(
    '%s from inside has the address of the router, and its answer comes back',
    async (protocol) => {
      expect(await reach(net.host1, protocol, OUTSIDE, '7000')).toMatch(/^10\.0\.0\.1 \d+$/);
    },
  );

  test('what answers a ping from inside passes, one from outside does not', async () => {
    expect(await pingOnce(net.host1, OUTSIDE)).toBe(true);
    expect(await pingOnce(net.b, ROUTER)).toBe(false);
    // The router's own question is answered too.
    expect(await pingOnce(net.a, OUTSIDE)).toBe(true);
  });

  test('a port leads inside; others do not, nor does what is not let through behind it', async () => {
    expect(await reach(net.b, 'tcp', ROUTER, '8080')).toMatch(/^10\.0\.0\.2 \d+$/);
    expect(await reach(net.b, 'udp', ROUTER, '8080')).toBeUndefined();
    expect(await reach(net.b, 'tcp', ROUTER, '7002')).toBeUndefined();
    await net.b.route(`${INSIDE}/32`, ROUTER);
    expect(await reach(net.b, 'tcp', INSIDE, '7001')).toBeUndefined();
    await net.b.ip('route', 'delete', `${INSIDE}/32`);
  });

  test('from inside the port answers at the address outside too', async () => {
    expect(await reach(net.host1, 'tcp', ROUTER, '8080')).toMatch(/^192\.168\.1\.1 \d+$/);
  });

  test('IPv6: neighbours are found, what comes in is blocked, a rule at a tunnel holds', async () => {
    expect(await pingOnce(net.b, 'fd00:9::1')).toBe(false);
    expect(await reach(net.host1, 'tcp', HOST2_IPV6, '7000')).toMatch(/^fd00:1::2 \d+$/);
    expect(await reach(net.host1, 'tcp', HOST2_IPV6, '7001')).toBeUndefined();
  });

  test('show says what each rule met, the router’s own with them', async () => {
    const text = await a.show('status', 'filter');
    expect(text).toMatch(/filter\.ipv4\.300 +block in +ge0 +[1-9]\d* packets/);
    expect(text).toMatch(/IKE and ESP of ipsec0 +pass +ge0, from 10\.0\.0\.2 +[1-9]\d* packets/);
    expect(text).toMatch(/nat\.ipv4\.snapt\.100 +[\s\S]*192\.168\.1\.2:7000 +[1-9]\d* packets/);
  });

  test('they go with the configuration, and a commit says so beforehand', async () => {
    await a.cli('delete', 'filter');
    await a.cli('delete', 'nat');
    expect((await a.cli('commit', 'check')).stdout).toMatch(/nothing is filtered/);
    await a.cli('commit');
    expect(await pingOnce(net.b, ROUTER)).toBe(true);
    expect(await reach(net.b, 'tcp', ROUTER, '7002')).toBeTruthy();
  });
});

describe('what is forwarded and translated is not our own IKE and ESP', () => {
  // As manuals of Yamaha's have it, all ports lead somewhere, and what goes out gets another address.
  const lines = [
    'interface.ge0.ipv4.alias.0.address : 10.0.0.9/24',
    'nat.ipv4.napt.1.private : auto',
    'nat.ipv4.napt.1.interface : ge0',
    'nat.ipv4.napt.1.global : 10.0.0.9',
    ...['udp', '50'].flatMap((protocol, n) => [
      `nat.ipv4.snapt.${n}.protocol : ${protocol}`,
      `nat.ipv4.snapt.${n}.forward.address : 192.168.1.2`,
      `nat.ipv4.snapt.${n}.listen.address : 10.0.0.1`,
      `nat.ipv4.snapt.${n}.interface : ge0`,
    ]),
    'nat.ipv4.snapt.0.listen.port : 1-65535',
  ];

  test.each(['initiator', 'responder'])(
    'as %s',
    async (role) => {
      // The kernel has not seen either end yet: what it knows it does not translate anew.
      const fresh = await openPair(role);
      try {
        const waits = role === 'responder' ? ['interface.ipsec0.ike.responder-only : enable'] : [];
        const router = await Sekisho.start(fresh.lab, fresh.a, 'a', pairConfig(1, ...lines, ...waits));
        await Sekisho.start(fresh.lab, fresh.b, 'b', pairConfig(2));
        const view = await router.waitUp('ipsec0', 40_000);
        expect(view.children[0].encapsulation).toBe('native');
        expect(await pingUntil(fresh.host1, HOST2, 20_000)).toBe(true);
        // And everything else is.
        const server = fresh.b.spawn([process.execPath, REACH, 'answer', '7000']);
        await until(
          () => server.stdout.includes('listening'),
          10_000,
          () => `nobody listens:\n${server.stderr}`,
        );
        expect(await reach(fresh.host1, 'tcp', OUTSIDE, '7000')).toMatch(/^10\.0\.0\.9 \d+$/);
      } finally {
        await fresh.lab.close();
      }
    },
    90_000,
  );
});

describe("the same in Yamaha's commands", () => {
  const lines = [
    'nat descriptor type 1 masquerade',
    'nat descriptor address inner 1 192.168.1.0/24',
    'nat descriptor masquerade static 1 1 192.168.1.2 tcp 8080=7000',
    'nat descriptor masquerade static 1 2 192.168.1.2 udp 8080=7000',
    'ip lan2 nat descriptor 1',
    'ip filter 10 pass * 192.168.1.2 tcp * 7000',
    'ip filter 99 pass * *',
    'ip filter dynamic 1 * * tcp',
    'ip filter dynamic 2 * * udp',
    'ip filter dynamic 3 * * ping',
    'ip lan2 secure filter in 10',
    'ip lan2 secure filter out 99 dynamic 1 2 3',
  ];

  test('what no filter lets in is dropped, what is asked for comes back, a port leads inside, the tunnel stands', async () => {
    await a.stop();
    const tunnel = print(read(pairConfig(1), 'seil').tree, 'yamaha', { maskSecrets: false }).text;
    a = await Sekisho.start(net.lab, net.a, 'y', `${tunnel}${lines.join('\n')}\n`);
    expect(await pingUntil(net.host1, HOST2, 20_000)).toBe(true);
    expect(await reach(net.host1, 'tcp', OUTSIDE, '7000')).toMatch(/^10\.0\.0\.1 \d+$/);
    expect(await reach(net.host1, 'udp', OUTSIDE, '7000')).toMatch(/^10\.0\.0\.1 \d+$/);
    expect([await pingOnce(net.host1, OUTSIDE), await pingOnce(net.b, ROUTER)]).toEqual([true, false]);
    expect(await reach(net.b, 'tcp', ROUTER, '8080')).toMatch(/^10\.0\.0\.2 \d+$/);
    expect(await reach(net.b, 'udp', ROUTER, '8080')).toBeUndefined();
    expect(await reach(net.b, 'tcp', ROUTER, '7002')).toBeUndefined();
    for (const line of lines) expect((await a.cli('show', 'config', 'yamaha')).stdout).toContain(line);
  }, 90_000);
});
