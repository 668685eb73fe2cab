// Addresses that change while a tunnel carries traffic (MOBIKE, RFC 4555): strongSwan's, and ours.
import { afterEach, expect, test } from 'vitest';
import { MINIMAL, type Network, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { continuousPing, pingUntil, steadyPing } from './traffic.ts';

let net: Network | undefined;
afterEach(() => net?.lab.close());

test('the peer comes from another address: the SAs follow it, nothing is negotiated anew', async () => {
  net = await openNetwork('mobike');
  const swan = await Strongswan.start(net.lab, net.peer, { name: 'swan' });
  await swan.load([strongswanConnection({ version: 2, local: '%any', localId: '10.0.0.2', mobike: true })]);
  const lines = ['interface.ipsec0.ike.version : 2', 'interface.ipsec0.ike.responder-only : enable', ''];
  const router = await Sekisho.start(net.lab, net.router, 'router', MINIMAL + lines.join('\n'));
  await swan.initiate('c');
  await router.waitUp();
  expect(await pingUntil(net.host1, '192.168.2.2', 5000)).toBe(true);
  const [before] = await router.ike();

  // Else the second address of a network goes with the first.
  await net.peer.exec(['sysctl', '-qw', 'net.ipv4.conf.wan.promote_secondaries=1']);
  await net.peer.address('wan', '10.0.0.3/24');
  await net.peer.ip('address', 'del', '10.0.0.2/24', 'dev', 'wan');
  const moved = await router.waitLog((e) => e.code === 'peer-moved', 'the move', 20_000);
  expect(moved.text).toMatch(/peer moved to 10\.0\.0\.3/);
  expect((await router.ike()).map((sa) => sa.spiI)).toEqual([before.spiI]);
  expect(await pingUntil(net.host1, '192.168.2.2', 10_000)).toBe(true);
  expect((await steadyPing(net.host1, '192.168.2.2', { count: 10 })).received).toBe(10);
  expect(await router.show('status', 'ike')).toMatch(/10\.0\.0\.3\[\d+\]/);
});

test.each([
  ['force', 'a NAT is simulated'],
  ['enable', 'no NAT: UDP 4500 all the same (3.3)'],
])('our address changes: the peer is told, the IKE SA stays (nat-traversal %s)', async (nat) => {
  net = await openNetwork('mobikeus');
  const swan = await Strongswan.start(net.lab, net.peer, { name: 'swan' });
  await swan.load([
    strongswanConnection({ version: 2, remote: '%any', remoteId: 'a.example', mobike: true, encap: true }),
  ]);
  const lines = [
    'ike.version : 2',
    'ike.mobike : enable',
    `nat-traversal : ${nat}`,
    'ike.my-identifier.type : fqdn',
    'ike.my-identifier.fqdn : a.example',
  ];
  const config = MINIMAL + lines.map((line) => `interface.ipsec0.${line}\n`).join('');
  const router = await Sekisho.start(net.lab, net.router, 'router', config);
  await router.waitUp();
  expect(await pingUntil(net.host1, '192.168.2.2', 5000)).toBe(true);
  const [before] = await router.ike();
  expect(before.local).toBe('10.0.0.1[4500]');
  const from = (await router.log()).length;
  const trace = continuousPing(net.host1, '192.168.2.2', 20);
  const { stderr } = await router.reload(config.replaceAll('10.0.0.1', '10.0.0.3'));
  expect(stderr).not.toContain('error');
  await router.waitLog(
    (e) => e.code === 'child-rekeyed',
    'the children that know the new address',
    10_000,
    from,
  );
  expect(await pingUntil(net.host1, '192.168.2.2', 5000)).toBe(true);
  expect((await trace.stop()).longestGapMs).toBeLessThan(3000);
  const after = await router.ike();
  expect(after.map((sa) => [sa.spiI, sa.local])).toEqual([[before.spiI, '10.0.0.3[4500]']]);
  expect(await swan.listSas()).toMatch(/remote +'a\.example' @ 10\.0\.0\.3\[4500\]/);
  expect((await router.tunnel())!.local).toBe('10.0.0.3');
  // Nothing was negotiated from the beginning.
  expect((await router.log()).slice(from).map((e) => e.code)).not.toContain('initiate');
  expect((await steadyPing(net.host1, '192.168.2.2', { count: 10 })).received).toBe(10);
});
