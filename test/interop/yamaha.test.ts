// A configuration pasted from a cloud provider's guide, in Yamaha's commands and unchanged but for addresses and networks
// (dialects.md B.3), against strongSwan.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Network, openNetwork, PSK, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { pingUntil, steadyPing } from './traffic.ts';

const HOST2 = '192.168.2.2';

/** The guide's, in the guide's order, with this network's addresses; around it what the router has anyway. */
const GUIDE = `ip lan1 address 192.168.1.1/24
ip lan2 address 10.0.0.1/24
tunnel select 1
 ipsec tunnel 101
  ipsec sa policy 101 1 esp aes256-cbc sha256-hmac
  ipsec ike version 1 2
  ipsec ike duration child-sa 1 3600
  ipsec ike duration ike-sa 1 28800
  ipsec ike encryption 1 aes256-cbc
  ipsec ike group 1 modp2048
  ipsec ike hash 1 sha256
  ipsec ike pfs 1 on
  ipsec ike proposal-limitation 1 on
  ipsec ike child-exchange type 1 2
  ipsec ike message-id-control 1 on
  ipsec ike keepalive use 1 on rfc4306 10 3
  ipsec ike nat-traversal 1 on
  ipsec ike local address 1 10.0.0.1
  ipsec ike local name 1 10.0.0.1 ipv4-addr
  ipsec ike remote address 1 10.0.0.2
  ipsec ike remote name 1 10.0.0.2 ipv4-addr
  ipsec ike pre-shared-key 1 text ${PSK}
 ip tunnel tcp mss limit auto
 tunnel enable 1
ip route 192.168.2.0/24 gateway tunnel 1
ipsec auto refresh on
`;

let net: Network;
let swan: Strongswan;
let router: Sekisho;

/** The cloud's side: one proposal. Its traffic is narrower than 0.0.0.0/0, or this peer would send its own IKE into the tunnel. */
const cloud = (changes: Parameters<typeof strongswanConnection>[0] = {}) =>
  strongswanConnection({
    version: 2,
    proposals: 'aes256-sha256-modp2048',
    espProposals: 'aes256-sha256-modp2048',
    ...changes,
  });

beforeAll(async () => {
  net = await openNetwork('yamaha');
  swan = await Strongswan.start(net.lab, net.peer, { name: 'swan' });
  await swan.load([cloud()]);
  router = await Sekisho.start(net.lab, net.router, 'router', GUIDE);
});
afterAll(() => net?.lab.close());

describe("the guide's configuration", () => {
  test('brings the tunnel up and carries traffic', async () => {
    const view = await router.waitUp();
    expect(view.children[0].suite).toMatch(/^aes256\/sha256/);
    expect(await pingUntil(net.host1, HOST2, 5000)).toBe(true);
    expect((await steadyPing(net.host1, HOST2, { count: 20 })).received).toBe(20);
  });

  test('renews with the group of the guide', async () => {
    await swan.rekey({ child: 'c' });
    await router.waitLog((e) => e.code === 'child-rekeyed', 'the renewal');
    expect((await router.tunnel())?.children.some((c) => c.suite.includes('modp2048'))).toBe(true);
  });

  test('says what it is in both dialects', async () => {
    expect(await router.show('config', 'yamaha')).toContain('  ipsec ike proposal-limitation 1 on\n');
    expect(await router.show('config')).toMatch(
      /interface\.ipsec0\.ike\.proposal\.phase1\.dh-group +: modp2048/,
    );
    expect(await router.show('config', 'yamaha')).not.toContain(PSK);
  });
});

test('without a limitation a peer that can little is met: what it wants is among all that is offered', async () => {
  await swan.load([
    cloud({
      proposals: 'aes192-sha384-modp3072',
      espProposals: 'aes192-sha384',
    }),
  ]);
  const { code, stderr } = await router.reload(
    GUIDE.replace('ipsec ike proposal-limitation 1 on', 'ipsec ike proposal-limitation 1 off').replace(
      'ipsec ike pfs 1 on',
      'ipsec ike pfs 1 off',
    ),
  );
  expect([code, stderr]).toEqual([0, '']);
  const view = await router.waitUp();
  expect(view.children[0].suite).toMatch(/^aes192\/sha384/);
  expect(await pingUntil(net.host1, HOST2, 5000)).toBe(true);
});

test('with auto refresh off it waits: the tunnel comes up when the peer begins', async () => {
  await swan.load([cloud()]);
  await router.reload(GUIDE.replace('ipsec auto refresh on', 'ipsec auto refresh off'));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const idle = await router.tunnel();
  expect([idle?.state, idle?.reason?.code]).toEqual(['down', 'PASSIVE']);
  await swan.initiate('c');
  await router.waitUp();
  expect(await pingUntil(net.host1, HOST2, 5000)).toBe(true);
});
