// Our dataplane against a Linux kernel's ESP with static keys: every suite, with and without ESN, native and encapsulated
// in UDP, IPv4 and IPv6 inside, fragments. The kernel is an emulated machine's.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type End, INTEGRITY_KEY_OCTET, keyOf, type RigOptions, SPI, startEnd } from '../dataplane/rig.ts';
import { Lab, type Ns } from './netns.ts';
import { PeerVm } from './peervm.ts';
import { pingUntil, steadyPing } from './traffic.ts';
import { xfrm } from './xfrm.ts';

const [GUEST, GUEST_IPV6] = ['192.168.2.1', 'fd00:2::1'];

let lab: Lab;
let host: Ns;
let ns: Ns;
let vm: PeerVm;
let end: End | undefined;

beforeAll(async () => {
  lab = await Lab.open('ksuites');
  ns = await lab.netns('r');
  host = await lab.netns('h');
  await lab.veth(host, 'eth0', ns, 'ge1');
  for (const [one, n] of [
    [host, 2],
    [ns, 1],
  ] as const) {
    const device = one === host ? 'eth0' : 'ge1';
    await one.address(device, `192.168.1.${n}/24`);
    await one.address(device, `fd00:1::${n}/64`);
  }
  await host.route('default', '192.168.1.1');
  await host.route('default', 'fd00:1::1');
  await ns.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 });
  vm = await PeerVm.up(lab, ns, { name: 'suites', hostAddr: '10.0.0.1/24', addr: '10.0.0.2/24' });
  await vm.lan(`${GUEST}/24`, `${GUEST_IPV6}/64`);
  await vm.run(
    [
      'ip route add 192.168.1.0/24 via 10.0.0.1',
      'ip -6 route add fd00:1::/64 dev lan',
      // A socket that hands ESP in UDP to the kernel (UDP_ENCAP_ESPINUDP).
      `(perl -e 'socket(S,2,2,17); bind(S,pack("S n N x8",2,4500,0)); setsockopt(S,17,100,pack("i",2)); sleep 9999' >/dev/null 2>&1 </dev/null &)`,
    ].join('; '),
  );
}, 400_000);
afterEach(() => end?.proc.stop());
afterAll(() => lab?.close());

type Suite = NonNullable<RigOptions['suite']>;

/** Ours of xfrm.ts's name for it. */
function suiteOf(name: string): Suite {
  const [cipher, integrity] = name.split('/');
  const { keyOctets: key, macOctets: integrityKey } = xfrm(name);
  return { cipher, key, ...(integrity && { integrity, integrityKey }) } as Suite;
}

async function connect(name: string, esn: boolean, encapsulated: boolean): Promise<void> {
  const suite = suiteOf(name);
  const options = (spi: number) =>
    xfrm(name).options(keyOf(spi, suite.key), INTEGRITY_KEY_OCTET.repeat(suite.integrityKey ?? 0));
  const encap = encapsulated ? 'encap espinudp 4500 4500 0.0.0.0' : '';
  const state = (src: string, dst: string, spi: number) =>
    `ip xfrm state add src ${src} dst ${dst} proto esp spi 0x${spi.toString(16)} reqid 1 mode tunnel replay-window 128 flag af-unspec ${esn ? 'flag esn' : ''} ${options(spi)} ${encap}`;
  const policy = (dir: string, from: string, to: string, src: string, dst: string) =>
    `ip xfrm policy add src ${from} dst ${to} dir ${dir} tmpl src ${src} dst ${dst} proto esp reqid 1 mode tunnel`;
  const lines = ['ip xfrm state flush', 'ip xfrm policy flush'];
  lines.push(state('10.0.0.1', '10.0.0.2', SPI[2]), state('10.0.0.2', '10.0.0.1', SPI[1]));
  for (const [us, them] of [
    ['192.168.1.0/24', '192.168.2.0/24'],
    ['fd00:1::/64', 'fd00:2::/64'],
  ]) {
    lines.push(
      policy('in', us, them, '10.0.0.1', '10.0.0.2'),
      policy('out', them, us, '10.0.0.2', '10.0.0.1'),
    );
  }
  await vm.run(lines.join(' && '));
  end = await startEnd(ns, 1, { suite, esn, encapsulated });
}

const SUITES = [
  'aes128-gcm16',
  'aes256-gcm16',
  'chacha20-poly1305',
  'aes128/sha1',
  'aes192/sha256',
  'aes256/sha256',
  'aes256/sha384',
  'aes256/sha512',
  'aes128/md5',
  '3des/sha1',
];

describe.each(SUITES)('%s', (suite) => {
  test.each([
    ['native', false],
    ['native', true],
    ['udp', false],
    ['udp', true],
  ] as const)('%s, ESN %s', async (form, esn) => {
    await connect(suite, esn, form === 'udp');
    expect(await pingUntil(host, GUEST, 10_000)).toBe(true);
    expect((await steadyPing(host, GUEST, { count: 10, size: 1372 })).received).toBe(10);
    expect((await steadyPing(host, GUEST_IPV6, { count: 5, size: 1352 })).received).toBe(5);
    // In fragments, before encryption on our side and after it on the kernel's.
    expect((await steadyPing(host, GUEST, { count: 3, size: 4000 })).received).toBe(3);
    const drops = await end!.drops();
    expect(drops).toEqual({});
  });
});
