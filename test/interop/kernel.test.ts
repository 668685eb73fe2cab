// ESP, native and in UDP, against a Linux kernel: strongSwan with XFRM in an emulated machine, seen there by tcpdump.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Authority } from './certificates.ts';
import { tcpFromGuest, tcpToGuest } from './guest-tcp.ts';
import { Lab, type Ns } from './netns.ts';
import { PeerVm } from './peervm.ts';
import { until } from './proc.ts';
import { Sekisho } from './sekisho.ts';
import { ping, pingUntil, steadyPing } from './traffic.ts';

const GUEST = '192.168.2.1';

let lab: Lab;
let host: Ns;
let ns: Ns;
let vm: PeerVm;
let ca: Authority;
let router: Sekisho | undefined;

beforeAll(async () => {
  lab = await Lab.open('kernel');
  ns = await lab.netns('r');
  host = await lab.netns('h');
  await lab.veth(host, 'eth0', ns, 'ge1');
  await host.address('eth0', '192.168.1.2/24');
  await host.route('default', '192.168.1.1');
  ca = new Authority(join(lab.tmp, 'pki'));
  for (const address of ['10.0.0.1', '10.0.0.2']) ca.issue([address], 'rsa-2048');
  await boot();
}, 400_000);
/** The guest is the host on the router's WAN; its TAP is what the configuration calls ge0. */
async function boot(): Promise<void> {
  vm = await PeerVm.up(lab, ns, { name: 'peer', hostAddr: '10.0.0.1/24', addr: '10.0.0.2/24' });
  await vm.lan(`${GUEST}/24`);
  ca.equip(vm, '10.0.0.2');
}
// An emulated machine that died of its emulator takes one test with it, not all that follow.
beforeEach(async () => {
  if ((await vm.run('true', { allowFail: true, timeoutSeconds: 20 })).code === 0) return;
  await vm.down().catch(() => {});
  await boot();
}, 400_000);
afterEach(() => router?.kill());
afterAll(() => lab?.close());

describe.each([1, 2] as const)('IKEv%i', (version) => {
  test.each([
    ['native', 'aes256', 'aes256-sha256', 'a preshared key'],
    ['udp', 'aes128-gcm16', 'aes128gcm16', 'certificates'],
  ])('%s, %s, %s, %s: ping, a file both ways, seen on the wire', async (form, cipher, proposal, proof) => {
    const certificates = proof === 'certificates';
    await vm.strongswan([
      {
        name: 'seil',
        version,
        local: '10.0.0.2',
        remote: '10.0.0.1',
        psk: 'xeeB5gohvaYi',
        ...(certificates ? { pubkey: { certs: '10.0.0.2.pem', cacerts: 'ca.pem' } } : {}),
        proposals: 'aes256-sha256-modp2048',
        encap: false,
        children: [
          { name: 'c', localTs: '192.168.2.0/24', remoteTs: '192.168.1.0/24', espProposals: proposal },
        ],
      },
    ]);
    const p = 'interface.ipsec0.ike.proposal';
    const config = [
      'system.interface.ge0.device : pv-peer',
      'interface.ge0.ipv4.address : 10.0.0.1/24',
      'interface.ge1.ipv4.address : 192.168.1.1/24',
      certificates ? ca.lines('10.0.0.1').trimEnd() : 'interface.ipsec0.preshared-key : xeeB5gohvaYi',
      'interface.ipsec0.ipv4.source : 10.0.0.1',
      'interface.ipsec0.ipv4.destination : 10.0.0.2',
      `interface.ipsec0.nat-traversal : ${form === 'udp' ? 'force' : 'enable'}`,
      `interface.ipsec0.ike.version : ${version}`,
      `${p}.phase1.dh-group : modp2048`,
      `${p}.phase2.encryption.0.algorithm : ${cipher}`,
      `${p}.phase2.proxy-id.ipv4.local : 192.168.1.0/24`,
      `${p}.phase2.proxy-id.ipv4.remote : 192.168.2.0/24`,
      'route.ipv4.1.destination : 192.168.2.0/24',
      'route.ipv4.1.gateway : ipsec0',
      '',
    ].join('\n');
    router = await Sekisho.start(lab, ns, `k${version}${cipher}`, config);
    const view = await router.waitUp('ipsec0', 60_000);
    const [child] = view.children;
    expect(child.encapsulation).toBe(form);
    await vm.run(
      "tcpdump -lni eth0 'proto 50 or udp port 4500' >/tmp/esp 2>/dev/null </dev/null & echo $! >/tmp/tcpdump",
      { timeoutSeconds: 10 },
    );
    expect(await pingUntil(host, GUEST, 15_000)).toBe(true);
    expect((await steadyPing(host, GUEST, { count: 10, intervalMs: 100 })).received).toBe(10);
    const line = (from: string, to: string, spi: number) => {
      const [port, prefix] = form === 'udp' ? ['.4500', 'UDP-encap: '] : ['', ''];
      return `${from}${port} > ${to}${port}: ${prefix}ESP(spi=0x${spi.toString(16).padStart(8, '0')},seq=0x`;
    };
    const wanted = [line('10.0.0.1', '10.0.0.2', child.spiOut), line('10.0.0.2', '10.0.0.1', child.spiIn)];
    let seen = '';
    await until(
      async () => {
        await ping(host, GUEST, { count: 2 });
        seen = (await vm.run('cat /tmp/esp')).stdout;
        return wanted.every((text) => seen.includes(text));
      },
      20_000,
      () => `tcpdump in the guest does not see ${wanted.join(' and ')}:\n${seen}`,
    );
    await vm.run('kill $(cat /tmp/tcpdump)');
    // And nothing in the other form.
    for (const text of seen.split('\n').slice(0, -1)) {
      if (text.includes('ESP(')) expect(text.includes('UDP-encap: ')).toBe(form === 'udp');
    }

    const octets = 3_000_000;
    const there = await tcpToGuest(host, vm, { address: GUEST, octets });
    expect(there.received).toBe(there.sent);
    const back = await tcpFromGuest(host, vm, { address: GUEST, octets });
    expect(back.received).toBe(back.sent);
    expect(await router.stop()).toBe(0);
    expect((await vm.run('ip xfrm state')).stdout).toBe('');
  });
});

describe.each([1, 2] as const)('transport mode, IKEv%i', (version) => {
  test.each([
    ['native', 'aes256', 'hmac-sha256', 'aes256-sha256'],
    ['udp', 'aes128', 'hmac-sha1', 'aes128-sha1'],
  ])(
    '%s, %s: what the two ends say to each other, whole and in fragments (RFC 4303 3.1.1)',
    async (form, cipher, mac, proposal) => {
      await vm.strongswan([
        {
          name: 'host',
          version,
          local: '10.0.0.2',
          remote: '10.0.0.1',
          psk: 'xeeB5gohvaYi',
          proposals: 'aes256-sha256-modp2048',
          encap: false,
          children: [
            { name: 'c', mode: 'transport', localTs: 'dynamic', remoteTs: 'dynamic', espProposals: proposal },
          ],
        },
      ]);
      const policy = 'ipsec.security-policy.1';
      const config = [
        'system.interface.ge0.device : pv-peer',
        'interface.ge0.ipv4.address : 10.0.0.1/24',
        'ike.peer.0.address : 10.0.0.2',
        'ike.peer.0.preshared-key : xeeB5gohvaYi',
        `ike.peer.0.version : ${version}`,
        `ike.peer.0.nat-traversal : ${form === 'udp' ? 'force' : 'enable'}`,
        'ike.peer.0.proposal.dh-group : modp2048',
        'ipsec.security-association.sa0.address-type : static',
        'ipsec.security-association.sa0.local-address : ge0',
        'ipsec.security-association.sa0.remote-address : 10.0.0.2',
        `${policy}.security-association : sa0`,
        `${policy}.mode : transport`,
        `${policy}.ike.proposal.encryption.0.algorithm : ${cipher}`,
        `${policy}.ike.proposal.authentication.0.algorithm : ${mac}`,
        '',
      ].join('\n');
      router = await Sekisho.start(lab, ns, `t${version}${cipher}`, config);
      const [child] = (await router.waitUp('policy1', 60_000)).children;
      expect(child).toMatchObject({ mode: 'transport', encapsulation: form });
      const both = async () => (await vm.run('ip xfrm state')).stdout.match(/mode transport/g)?.length === 2;
      await until(both, 10_000, () => 'the kernel has no two SAs in transport mode');
      await vm.run(
        "tcpdump -lni eth0 'icmp or tcp' >/tmp/clear 2>/dev/null </dev/null & echo $! >/tmp/tcpdump",
        { timeoutSeconds: 10 },
      );
      expect(await pingUntil(ns, '10.0.0.2', 15_000)).toBe(true);
      expect((await steadyPing(ns, '10.0.0.2', { count: 10, intervalMs: 100 })).received).toBe(10);
      expect((await steadyPing(ns, '10.0.0.2', { count: 3, size: 4000 })).received).toBe(3);
      const octets = 1_000_000;
      const there = await tcpToGuest(ns, vm, { address: '10.0.0.2', octets });
      expect(there.received).toBe(there.sent);
      const back = await tcpFromGuest(ns, vm, { address: '10.0.0.2', octets });
      expect(back.received).toBe(back.sent);
      await vm.run('kill $(cat /tmp/tcpdump)');
      // A tap shows the kernel's packets once more after it has opened them: those have no line of their own here.
      expect((await vm.run('cat /tmp/clear')).stdout.trim()).toBe('');
      const { in: received, out: sent } = (await router.tunnel('policy1'))!.children[0];
      expect(Math.min(received.octets, sent.octets)).toBeGreaterThan(octets);
      expect(await router.stop()).toBe(0);
      expect((await vm.run('ip xfrm state')).stdout).toBe('');
    },
  );
});
