// A Linux kernel's ESP behind two routers, whose link can be narrowed: MTU discovery, and renewal under traffic.
//   host 192.168.1.2 – ge1 router ge0 10.0.0.1 ===== near ===(narrow)=== far ===== 10.0.9.2 guest – 192.168.2.1
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ChildView } from '../../src/show/view.ts';
import { tcpFromGuest, tcpToGuest } from './guest-tcp.ts';
import { Lab, type Ns } from './netns.ts';
import { PeerVm } from './peervm.ts';
import { until } from './proc.ts';
import { Sekisho } from './sekisho.ts';
import { continuousPing, pingUntil } from './traffic.ts';

const [GUEST, GUEST_IPV6] = ['192.168.2.1', 'fd00:2::1'];
const PSK = 'xeeB5gohvaYi';

/** What a router at the Internet usually lets in: answers alone. */
const WALL = [
  ['100', 'out', 'pass'],
  ['900', 'in', 'block'],
].flatMap(([n, direction, action]) => [
  `filter.ipv4.${n}.interface : ge0`,
  `filter.ipv4.${n}.direction : ${direction}`,
  `filter.ipv4.${n}.action : ${action}`,
]);

let lab: Lab;
let host: Ns;
let ns: Ns;
let near: Ns;
let far: Ns;
let vm: PeerVm;
let router: Sekisho | undefined;
let starts = 0;

beforeAll(async () => {
  lab = await Lab.open('kwan');
  [host, ns, near, far] = await Promise.all(['h', 'r', 'near', 'far'].map((name) => lab.netns(name)));
  await lab.veth(host, 'eth0', ns, 'ge1');
  await lab.veth(ns, 'ge0', near, 'in');
  await lab.veth(near, 'narrow', far, 'narrow');
  await host.address('eth0', '192.168.1.2/24');
  await host.address('eth0', 'fd00:1::2/64');
  await host.route('default', '192.168.1.1');
  await host.route('default', 'fd00:1::1');
  await near.address('in', '10.0.0.254/24');
  await near.address('narrow', '10.0.5.1/24');
  await far.address('narrow', '10.0.5.2/24');
  await near.route('10.0.9.0/24', '10.0.5.2');
  await far.route('10.0.0.0/24', '10.0.5.1');
  vm = await PeerVm.up(lab, far, {
    name: 'wan',
    hostAddr: '10.0.9.1/24',
    addr: '10.0.9.2/24',
    gw: '10.0.9.1',
  });
  await vm.lan(`${GUEST}/24`, `${GUEST_IPV6}/64`);
  await vm.run('ip -6 route add fd00:1::/64 dev lan');
}, 400_000);
afterEach(async () => {
  await router?.stop();
  router = undefined;
});
afterAll(() => lab?.close());

type Form = 'native' | 'udp';

/** Brings the tunnel up; `lines` are more of our configuration. */
async function up(version: 1 | 2, form: Form, lines: string[]): Promise<Sekisho> {
  const connection = {
    name: 'seil',
    version,
    local: '10.0.9.2',
    remote: '10.0.0.1',
    psk: PSK,
    proposals: 'aes128-sha256-x25519',
    encap: false,
    children: [
      {
        name: 'c',
        localTs: version === 1 ? '192.168.2.0/24' : ['192.168.2.0/24', 'fd00:2::/64'],
        remoteTs: version === 1 ? '192.168.1.0/24' : ['192.168.1.0/24', 'fd00:1::/64'],
        espProposals: 'aes128gcm16-x25519',
      },
    ],
  };
  await vm.strongswan([connection]);
  const p = 'interface.ipsec0.ike.proposal';
  const config = [
    'interface.ge0.ipv4.address : 10.0.0.1/24',
    'interface.ge1.ipv4.address : 192.168.1.1/24',
    'interface.ge1.ipv6.address : fd00:1::1/64',
    `interface.ipsec0.preshared-key : ${PSK}`,
    'interface.ipsec0.ipv4.source : 10.0.0.1',
    'interface.ipsec0.ipv4.destination : 10.0.9.2',
    `interface.ipsec0.nat-traversal : ${form === 'udp' ? 'force' : 'enable'}`,
    `interface.ipsec0.ike.version : ${version}`,
    `${p}.phase1.encryption.0.algorithm : aes128`,
    `${p}.phase1.hash.0.algorithm : sha256`,
    `${p}.phase1.dh-group : x25519`,
    `${p}.phase2.encryption.0.algorithm : aes128-gcm16`,
    `${p}.phase2.pfs-group : x25519`,
    `${p}.phase2.proxy-id.ipv4.local : 192.168.1.0/24`,
    `${p}.phase2.proxy-id.ipv4.remote : 192.168.2.0/24`,
    ...(version === 1
      ? []
      : [`${p}.phase2.proxy-id.ipv6.local : fd00:1::/64`, `${p}.phase2.proxy-id.ipv6.remote : fd00:2::/64`]),
    'route.ipv4.1.destination : default',
    'route.ipv4.1.gateway : 10.0.0.254',
    'route.ipv4.2.destination : 192.168.2.0/24',
    'route.ipv4.2.gateway : ipsec0',
    'route.ipv6.1.destination : fd00:2::/64',
    'route.ipv6.1.gateway : ipsec0',
    ...lines,
    '',
  ].join('\n');
  router = await Sekisho.start(lab, ns, `router${starts++}`, config);
  const view = await router.waitUp('ipsec0', 60_000);
  expect(view.children[0].encapsulation).toBe(form);
  expect(await pingUntil(host, GUEST, 15_000)).toBe(true);
  return router;
}

/** What the router says to a packet of `octets` that must not be cut; undefined when it went through. */
async function refusal(dest: string, octets: number): Promise<string | undefined> {
  // What the host was told earlier is forgotten, so that it asks again.
  for (const family of ['-4', '-6']) await host.ip(family, 'route', 'flush', 'cache');
  const size = String(octets - (dest.includes(':') ? 48 : 28));
  const command = ['ping', '-n', '-c', '1', '-W', '5', '-M', 'do', '-s', size, dest];
  const { stdout } = await host.exec(command, { allowFail: true });
  expect(stdout).toMatch(/^From |bytes from/m);
  return /^From .*$/m.exec(stdout)?.[0];
}

/** How many octets the link between the two routers carries; what anybody learned of it earlier is forgotten. */
async function setPath(mtu: number): Promise<void> {
  for (const one of [near, far]) await one.ip('link', 'set', 'narrow', 'mtu', String(mtu));
  for (const one of [host, ns]) await one.ip('route', 'flush', 'cache');
  await vm.run('ip route flush cache');
}

test.each(['native', 'udp'] as const)(
  'a path of 1,300 octets is learned, senders are told, TCP goes on (RFC 4301 8.2): %s',
  async (form) => {
    await setPath(1300);
    // Without the clamp nothing but ICMP makes segments shorter.
    const r = await up(2, form, [
      'interface.ipsec0.ipv4.tcp-mss : none',
      'filter.ipv4.100.state : enable',
      ...WALL,
    ]);
    const { mtu } = (await r.tunnel())!;
    const octets = 300_000;
    const first = await tcpToGuest(host, vm, { address: GUEST, octets });
    expect(first.received).toBe(first.sent);
    await r.waitLog((e) => e.code === 'path-mtu' && / carries 1300 octets$/.test(e.text), 'path MTU');
    const learned = mtu - 200;
    expect((await r.tunnel())!.mtu).toBe(learned);
    expect(await refusal(GUEST, learned)).toBeUndefined();
    expect(await refusal(GUEST, learned + 1)).toBe(
      `From 192.168.1.1 icmp_seq=1 Frag needed and DF set (mtu = ${learned})`,
    );
    // What every link must carry for IPv6 goes all the same, in pieces outside (RFC 8200 5, RFC 4213 3.2.2).
    expect(await refusal(GUEST_IPV6, 1281)).toBe('From fd00:1::1 icmp_seq=1 Packet too big: mtu=1280');
    // The kernel itself sends no such pieces, so nothing large comes back by IPv6.
    for (const { sent, received } of [
      await tcpFromGuest(host, vm, { address: GUEST, octets }),
      await tcpToGuest(host, vm, { address: GUEST_IPV6, octets }),
    ]) {
      expect(received).toBe(sent);
    }
  },
);

test.each([
  [1, 'udp'],
  [2, 'native'],
] as const)(
  'renewal by either side under traffic, with PFS, loses no packet and doubles none: IKEv%i, %s',
  async (version, form) => {
    await setPath(1500);
    const limit = 5_000_000;
    const r = await up(version, form, [`interface.ipsec0.ike.proposal.phase2.lifetime-of-byte : ${limit}`]);
    // Close to what renews the SA, 77 to 80 %; what follows gets there while the traffic lasts, and never to the limit
    // itself, however long the emulated peer takes.
    const burst = await tcpToGuest(host, vm, { address: GUEST, octets: 0.7 * limit });
    expect(burst.received).toBe(burst.sent);
    const { drops } = (await r.tunnel())!.counters!;
    const from = (await r.log()).length;
    const trace = continuousPing(host, GUEST, 20);
    const paced = { address: GUEST, octets: 900_000, pace: 150_000 };
    const transfers = Promise.all([tcpToGuest(host, vm, paced), tcpFromGuest(host, vm, paced)]);
    transfers.catch(() => {}); // awaited below
    await r.waitLog((e) => e.code === 'child-rekeyed', 'renewal by us', 20_000, from);
    const live = async () => (await r.tunnel())!.children.filter((c) => c.state === 'live');
    const [ours] = await live();
    await vm.swanctl('--rekey --child c');
    const carries = (c: ChildView) => c.spiIn !== ours.spiIn && c.in.packets > 50 && c.out.packets > 50;
    await until(
      async () => (await live()).some(carries),
      20_000,
      () => 'no renewal by the peer',
    );
    for (const { sent, received } of await transfers) expect(received).toBe(sent);
    expect(await trace.stop(2000)).toMatchObject({ lost: [], twice: [] });
    expect((await live()).map((c) => c.suite)).toEqual(['aes128-gcm16/x25519']);
    // Of the two renewals we asked for one.
    expect((await r.log()).slice(from).filter((e) => e.code === 'child-rekey')).toHaveLength(1);
    expect((await r.tunnel())!.counters!.drops).toEqual(drops);
  },
);
