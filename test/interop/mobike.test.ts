// A strongSwan that moves to another address while its tunnel carries traffic (MOBIKE, RFC 4555).
import { afterAll, expect, test } from 'vitest';
import { MINIMAL, type Network, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { pingUntil, steadyPing } from './traffic.ts';

let net: Network | undefined;
afterAll(() => net?.lab.close());

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
