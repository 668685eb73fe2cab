// The harness proves itself before anything of ours meets a peer in it: strongSwan against strongSwan.

import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { alive, Lab, type Ns, netnsNames, netnsPids } from './netns.ts';
import { type Connection, Strongswan } from './strongswan.ts';
import { continuousPing, iperf3, ping, pingOnce, pingUntil, steadyPing, transfer } from './traffic.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // two busy cores may be slow

function connection(local: string, remote: string, localTs: string, remoteTs: string): Connection {
  return {
    ...{ name: 't', version: 2, local, remote, psk: 'a "quoted" # secret' },
    proposals: 'aes256-sha256-modp2048',
    children: [{ name: 'c', localTs, remoteTs, espProposals: 'aes128gcm16' }],
  };
}

describe('host1 – routerA ===== routerB – host2', () => {
  let lab: Lab;
  let host1: Ns;
  let host2: Ns;
  let routerA: Ns;
  let routerB: Ns;
  let a: Strongswan;
  let b: Strongswan;

  beforeAll(async () => {
    lab = await Lab.open('self');
    host1 = await lab.netns('host1');
    routerA = await lab.netns('routerA');
    routerB = await lab.netns('routerB');
    host2 = await lab.netns('host2');
    await lab.veth(host1, 'eth0', routerA, 'lan');
    await lab.veth(routerA, 'wan', routerB, 'wan', { offloads: false });
    await lab.veth(routerB, 'lan', host2, 'eth0');
    await host1.address('eth0', '10.1.0.2/24');
    await routerA.address('lan', '10.1.0.1/24');
    await routerA.address('wan', '192.0.2.1/24');
    await routerB.address('wan', '192.0.2.2/24');
    await routerB.address('lan', '10.2.0.1/24');
    await host2.address('eth0', '10.2.0.2/24');
    await host1.route('default', '10.1.0.1');
    await host2.route('default', '10.2.0.1');
    a = await Strongswan.start(lab, routerA, { name: 'a', charonOptions: { retransmit_tries: '2' } });
    b = await Strongswan.start(lab, routerB, { name: 'b' });
    await a.load([connection('192.0.2.1', '192.0.2.2', '10.1.0.0/24', '10.2.0.0/24')]);
    await b.load([connection('192.0.2.2', '192.0.2.1', '10.2.0.0/24', '10.1.0.0/24')]);
  });

  afterAll(() => lab.close());

  test('nothing passes without a tunnel', async () => {
    expect(await pingOnce(host1, '10.2.0.2', { timeoutMs: 300 })).toBe(false);
    expect(await a.established('c')).toBe(false);
  });

  test('IKEv2 brings a tunnel up', async () => {
    await a.initiate('c');
    await b.waitEstablished('c');
    expect(await a.listSas()).toMatch(/AES_GCM_16-128/);
    await b.waitLog(/CHILD_SA c\{\d+\} established/);
    const paced = { count: 20, intervalMs: 10, size: 1000 };
    const { sent, received } = await steadyPing(host1, '10.2.0.2', paced);
    expect([sent, received]).toEqual([20, 20]);
  });

  test('five megabytes arrive as they were sent, and a rate is measured', async () => {
    const { sha256Sent, sha256Received, received } = await transfer(
      host1,
      host2,
      '10.2.0.2',
      4000,
      5_000_000,
    );
    expect(sha256Received).toBe(sha256Sent);
    expect(received).toBe(5_000_000);
    expect(await iperf3(host1, host2, '10.2.0.2', { seconds: 1, streams: 2 })).toBeGreaterThan(0);
  });

  test('a rekey leaves the tunnel in service', async () => {
    const from = b.log().length;
    const trace = continuousPing(host1, '10.2.0.2', 10);
    await a.rekey({ child: 'c' });
    await b.waitLog(/CHILD_SA c\{\d+\} established/, 10_000, from);
    await expect.poll(() => trace.received, { timeout: 5000 }).toBeGreaterThan(50);
    const { sent, received, lost } = await trace.stop();
    expect(sent).toBe(received + lost.length);
    expect(lost.length).toBeLessThan(5);
    expect(await a.established('c')).toBe(true);
  });

  test('loss is what was asked for', async () => {
    const loss = await lab.lossy(routerB, { dev: 'wan' }, 30, 'udp dport 4500');
    const measured = await ping(host1, '10.2.0.2', { count: 400, intervalMs: 5 });
    const { seen, dropped } = await loss.counts();
    expect(seen).toBeGreaterThanOrEqual(400);
    expect(measured.sent - measured.received).toBe(dropped);
    // 400 draws at 30 %: 15 points are more than six standard deviations.
    expect(Math.abs(measured.lossPercent - 30)).toBeLessThan(15);
    await loss.set(100);
    expect((await ping(host1, '10.2.0.2', { count: 3, intervalMs: 10 })).received).toBe(0);
    await loss.remove();
    expect(await pingOnce(host1, '10.2.0.2')).toBe(true);
  });

  test('a crash is silent, and charon starts again with what it had', async () => {
    await b.kill();
    expect(await pingOnce(host1, '10.2.0.2', { timeoutMs: 300 })).toBe(false);
    expect(await a.established('c')).toBe(true);
    await b.restart();
    await a.terminate({ ike: 't' }, { force: true });
    await b.initiate('c');
    expect(await pingUntil(host2, '10.1.0.2')).toBe(true);
    await b.stop();
    await a.waitLog(/received DELETE for IKE_SA/);
  });
});

test('a masquerading router hides its lan', async () => {
  const lab = await Lab.open('nat');
  try {
    const inside = await lab.netns('inside');
    const nat = await lab.netns('nat');
    const outside = await lab.netns('outside');
    await lab.veth(inside, 'eth0', nat, 'lan');
    await lab.veth(nat, 'wan', outside, 'eth0', { mtu: 1400 });
    await inside.address('eth0', '10.9.0.2/24');
    await nat.address('lan', '10.9.0.1/24');
    await nat.address('wan', '198.51.100.1/24');
    await outside.address('eth0', '198.51.100.2/24');
    await inside.route('default', '10.9.0.1');
    expect(await pingOnce(inside, '198.51.100.2', { timeoutMs: 300 })).toBe(false);
    await lab.masquerade(nat, 'wan');
    expect(await pingOnce(inside, '198.51.100.2')).toBe(true);
  } finally {
    await lab.close();
  }
});

test('nothing is left behind', async () => {
  const lab = await Lab.open('gone');
  const ns = await lab.netns('n');
  const proc = ns.spawn(['sleep', '600']);
  await ns.exec(['bash', '-c', 'setsid sleep 600 >/dev/null 2>&1 &']); // a daemon that we hold no handle of
  const pids = netnsPids(ns.name);
  expect(pids).toContain(proc.pid);
  expect(pids).toHaveLength(2);
  await lab.close();
  expect(netnsNames().filter((name) => name.includes(`-${process.pid}.`))).toEqual([]);
  await expect.poll(() => pids.filter(alive)).toEqual([]);
  expect(existsSync(lab.tmp)).toBe(false);
});
