// Native ESP against a Linux kernel: strongSwan with XFRM in an emulated machine, seen there by tcpdump.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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
let router: Sekisho | undefined;

beforeAll(async () => {
  lab = await Lab.open('kernel');
  ns = await lab.netns('r');
  host = await lab.netns('h');
  await lab.veth(host, 'eth0', ns, 'ge1');
  await host.address('eth0', '192.168.1.2/24');
  await host.route('default', '192.168.1.1');
  // The guest is the host on the router's WAN; its TAP is what the configuration calls ge0.
  vm = await PeerVm.up(lab, ns, { name: 'peer', hostAddr: '10.0.0.1/24', addr: '10.0.0.2/24' });
  await vm.run(`ip link add lan type dummy && ip addr add ${GUEST}/24 dev lan && ip link set lan up`);
}, 400_000);
afterEach(() => router?.kill());
afterAll(() => lab?.close());

describe.each([1, 2] as const)('IKEv%i', (version) => {
  test.each([
    ['aes256', 'aes256-sha256'],
    ['aes128-gcm16', 'aes128gcm16'],
  ])('%s: ping, a file with a checksum both ways, protocol 50 on the wire', async (cipher, proposal) => {
    await vm.strongswan([
      {
        name: 'seil',
        version,
        local: '10.0.0.2',
        remote: '10.0.0.1',
        psk: 'xeeB5gohvaYi',
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
      'interface.ipsec0.preshared-key : xeeB5gohvaYi',
      'interface.ipsec0.ipv4.source : 10.0.0.1',
      'interface.ipsec0.ipv4.destination : 10.0.0.2',
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
    expect(view.children[0].encapsulation).toBe('native');
    await vm.run('tcpdump -lni eth0 -c 6 proto 50 >/tmp/esp 2>/dev/null </dev/null & echo', {
      timeoutSeconds: 10,
    });
    expect(await pingUntil(host, GUEST, 15_000)).toBe(true);
    expect((await steadyPing(host, GUEST, { count: 10, intervalMs: 100 })).received).toBe(10);
    const esp = /10\.0\.0\.1 > 10\.0\.0\.2: ESP\(spi=0x[0-9a-f]{8},seq=0x/;
    await until(
      async () => {
        await ping(host, GUEST, { count: 2 });
        return esp.test((await vm.run('cat /tmp/esp')).stdout);
      },
      20_000,
      () => 'tcpdump in the guest sees no protocol 50',
    );

    await vm.run(
      'head -c 3000000 /dev/urandom >/tmp/blob; (nc -l -p 5001 >/tmp/in; nc -l -p 5002 </tmp/blob) >/dev/null 2>&1 </dev/null &',
    );
    // The emulated guest takes its time to listen.
    const connect = (port: number) =>
      `until exec 3<>/dev/tcp/${GUEST}/${port}; do sleep 0.2; done 2>/dev/null`;
    const sent = await host.exec(
      [
        'bash',
        '-c',
        `head -c 3000000 /dev/urandom >${lab.tmp}/f; ${connect(5001)}; cat ${lab.tmp}/f >&3; exec 3>&-; sha256sum <${lab.tmp}/f`,
      ],
      { timeoutMs: 60_000 },
    );
    const got = await host.exec(['bash', '-c', `${connect(5002)}; sha256sum <&3`], { timeoutMs: 60_000 });
    expect((await vm.run('sha256sum </tmp/in')).stdout).toBe(sent.stdout);
    expect((await vm.run('sha256sum </tmp/blob')).stdout).toBe(got.stdout);
    expect(await router.stop()).toBe(0);
    expect((await vm.run('ip xfrm state')).stdout).toBe('');
  });
});
