// Minutes of real time: renewals again and again under load, and the liveness check of IKEv2 at its own pace.
import { afterEach, expect, test } from 'vitest';
import { HOST1, HOST2, openPair, type Pair, pairConfig } from './pair.ts';
import { sleep } from './proc.ts';
import { MINIMAL, type Network, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { continuousPing, pingUntil, transfer } from './traffic.ts';

let lab: Pair['lab'] | Network['lab'] | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
});

test.each([1, 2])(
  'IKEv%i: five minutes of 30-second lifetimes under load lose no packet',
  async (version) => {
    const pair = await openPair(`soak${version}`);
    lab = pair.lab;
    const p = 'interface.ipsec0.ike.proposal';
    const lines = [
      `interface.ipsec0.ike.version : ${version}`,
      `${p}.phase1.lifetime : 45`,
      `${p}.phase2.lifetime-of-time : 30`,
      `${p}.phase2.encryption.0.algorithm : aes128-gcm16`,
    ];
    const b = await Sekisho.start(
      lab,
      pair.b,
      'b',
      pairConfig(2, ...lines, 'interface.ipsec0.responder-only : enable'),
    );
    const a = await Sekisho.start(lab, pair.a, 'a', pairConfig(1, ...lines));
    await a.waitUp();
    expect(await pingUntil(pair.host1, HOST2, 5000)).toBe(true);
    const traces = [continuousPing(pair.host1, HOST2, 50), continuousPing(pair.host2, HOST1, 50)];
    const end = Date.now() + 300_000;
    while (Date.now() < end) {
      const sent = await transfer(pair.host1, pair.host2, HOST2, 5001, 20e6);
      expect(sent.sha256Received).toBe(sent.sha256Sent);
      await sleep(2000);
    }
    for (const trace of traces) expect((await trace.stop()).lost).toEqual([]);
    const renewals = (await a.log()).filter((e) => e.code === 'child-rekeyed');
    expect(renewals.length).toBeGreaterThanOrEqual(10);
    for (const router of [a, b]) expect((await router.log()).filter((e) => e.level === 'error')).toEqual([]);
    expect((await a.tunnel())!.children.length).toBeLessThanOrEqual(2);
  },
);

test('IKEv2: a peer that died is noticed by retransmissions alone, and met again (RFC 7296 2.4)', async () => {
  const net = await openNetwork('dead');
  lab = net.lab;
  const swan = await Strongswan.start(net.lab, net.peer, { name: 'swan' });
  await swan.load([strongswanConnection({ version: 2 })]);
  const config = `${MINIMAL}interface.ipsec0.ike.version : 2\nike.dpd-interval : 5\n`;
  const router = await Sekisho.start(net.lab, net.router, 'r', config);
  await router.waitUp();
  await swan.kill();
  await router.waitLog((e) => e.code === 'peer-dead', 'dead peer', 200_000);
  await swan.restart();
  await router.waitUp('ipsec0', 60_000);
  expect(await pingUntil(net.host1, '192.168.2.2', 5000)).toBe(true);
});
