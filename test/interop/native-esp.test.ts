// Native ESP through each way past the network interface, between two of our own routers.
import { afterEach, describe, expect, test } from 'vitest';
import { HOST1, HOST2, openPair, type Pair, pairConfig } from './pair.ts';
import { Sekisho } from './sekisho.ts';
import { ping, pingUntil, steadyPing, transfer } from './traffic.ts';

let pair: Pair | undefined;
afterEach(async () => {
  await pair?.lab.close();
  pair = undefined;
});

async function routers(net: Pair, way: string, ...more: string[]): Promise<[Sekisho, Sekisho]> {
  const lines = [`system.dataplane.native-esp : ${way}`, 'interface.ipsec0.ike.version : 2', ...more];
  const b = await Sekisho.start(
    net.lab,
    net.b,
    'b',
    pairConfig(2, ...lines, 'interface.ipsec0.responder-only : enable'),
  );
  const a = await Sekisho.start(net.lab, net.a, 'a', pairConfig(1, ...lines));
  await Promise.all([a.waitUp(), b.waitUp()]);
  return [a, b];
}

describe.each(['af-xdp', 'af-packet', 'raw'])('%s', (way) => {
  test('TCP both ways with a checksum, full packets, fragments, nothing left behind', async () => {
    pair = await openPair(way.replace('-', ''));
    const [a, b] = await routers(pair, way);
    expect((await a.tunnel())!.nativeEsp?.name).toBe(way);
    expect(await pingUntil(pair.host1, HOST2, 5000)).toBe(true);
    expect((await steadyPing(pair.host1, HOST2, { count: 20 })).received).toBe(20);
    const there = await transfer(pair.host1, pair.host2, HOST2, 5001, 50e6);
    expect(there.sha256Received).toBe(there.sha256Sent);
    const back = await transfer(pair.host2, pair.host1, HOST1, 5002, 20e6);
    expect(back.sha256Received).toBe(back.sha256Sent);
    const { mtu } = (await a.tunnel())!;
    expect(
      (await steadyPing(pair.host1, HOST2, { count: 3, size: mtu - 28, dontFragment: true })).received,
    ).toBe(3);
    expect((await ping(pair.host1, HOST2, { count: 2, size: mtu - 27, dontFragment: true })).received).toBe(
      0,
    );
    expect((await steadyPing(pair.host1, HOST2, { count: 3, size: 4000 })).received).toBe(3);
    await Promise.all([a.stop(), b.stop()]);
    expect((await pair.a.exec(['ip', '-d', 'link', 'show', 'ge0'])).stdout).not.toMatch(/prog\/xdp/);
  });
});

test('auto takes AF_XDP where the driver can, and a change of the way loses nothing but what is under way', async () => {
  pair = await openPair('natauto');
  const [a] = await routers(pair, 'auto');
  expect((await a.tunnel())!.nativeEsp).toMatchObject({ name: 'af-xdp', refused: '' });
  for (const way of ['raw', 'af-packet', 'af-xdp']) {
    const lines = [`system.dataplane.native-esp : ${way}`, 'interface.ipsec0.ike.version : 2'];
    expect((await a.reload(pairConfig(1, ...lines))).stdout).toContain(`native ESP by ${way}`);
    expect((await a.tunnel())!.nativeEsp?.name).toBe(way);
    expect((await steadyPing(pair.host1, HOST2, { count: 20 })).received).toBe(20);
  }
});

test('a way that cannot be had is refused with its reason', async () => {
  pair = await openPair('natno');
  // Frames of 9000 octets do not fit the memory pages that a driver fills.
  const jumbo = 'interface.ge0.mtu : 9000';
  const [a] = await routers(pair, 'auto', jumbo);
  const { nativeEsp } = (await a.tunnel())!;
  expect(nativeEsp?.name).toBe('af-packet');
  expect(nativeEsp?.refused).toMatch(/^af-xdp on ge0: MTU 9000 does not fit a memory page$/);
  expect((await steadyPing(pair.host1, HOST2, { count: 5, size: 8000 })).received).toBe(5);
});
