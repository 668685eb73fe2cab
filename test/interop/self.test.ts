// Our router against itself: what strongSwan's userland ESP cannot do here (native ESP, IPv6 inside), NAT and loss.
import { afterEach, describe, expect, test } from 'vitest';
import { HOST1, HOST2, HOST2_IPV6, openPair, type Pair, pairConfig } from './pair.ts';
import { sleep, until } from './proc.ts';
import { Sekisho } from './sekisho.ts';
import { continuousPing, ping, pingUntil, steadyPing, transfer } from './traffic.ts';

let pair: Pair | undefined;
afterEach(async () => {
  await pair?.lab.close();
  pair = undefined;
});

/** Starts both routers; `initiator` is the one that begins. */
async function routers(net: Pair, lines: string[], initiator: 1 | 2 = 1): Promise<[Sekisho, Sekisho]> {
  const passive = 'interface.ipsec0.responder-only : enable';
  const config = (n: 1 | 2) => pairConfig(n, ...lines, ...(n === initiator ? [] : [passive]));
  const [second, first] = initiator === 1 ? [2, 1] : [1, 2];
  const started = new Map<number, Sekisho>();
  for (const n of [second, first] as (1 | 2)[]) {
    started.set(n, await Sekisho.start(net.lab, n === 1 ? net.a : net.b, `r${n}`, config(n)));
  }
  const [a, b] = [started.get(1)!, started.get(2)!];
  await Promise.all([a.waitUp(), b.waitUp()]);
  return [a, b];
}

async function carries(net: Pair, octets = 100e6): Promise<void> {
  expect(await pingUntil(net.host1, HOST2, 5000)).toBe(true);
  expect((await steadyPing(net.host1, HOST2, { count: 20 })).received).toBe(20);
  expect((await steadyPing(net.host1, HOST2_IPV6, { count: 20 })).received).toBe(20);
  const there = await transfer(net.host1, net.host2, HOST2, 5001, octets);
  expect(there.sha256Received).toBe(there.sha256Sent);
  const back = await transfer(net.host2, net.host1, HOST1, 5002, octets / 5);
  expect(back.sha256Received).toBe(back.sha256Sent);
}

const VERSIONS = [1, 2] as const;

describe.each(VERSIONS)('IKEv%i', (version) => {
  const v = `interface.ipsec0.ike.version : ${version}`;

  test("native ESP with SEIL's default proposals, IPv4 and IPv6 inside", async () => {
    pair = await openPair(`nat${version}`);
    const [a] = await routers(pair, [v]);
    const { children, mtu } = (await a.tunnel())!;
    expect(children[0].encapsulation).toBe('native');
    expect(children[0].suite).toBe('aes256/sha256');
    await carries(pair);
    // A packet that fills the MTU passes, one octet more does not with DF set.
    expect(
      (await steadyPing(pair.host1, HOST2, { count: 2, size: mtu - 28, dontFragment: true })).received,
    ).toBe(2);
    expect((await ping(pair.host1, HOST2, { count: 2, size: mtu - 27, dontFragment: true })).received).toBe(
      0,
    );
    // Without DF it is fragmented before encryption.
    expect((await steadyPing(pair.host1, HOST2, { count: 2, size: 3000 })).received).toBe(2);
  });

  test('UDP encapsulation, AES-GCM, ESN and PFS; the other side initiates', async () => {
    pair = await openPair(`udp${version}`);
    const p = 'interface.ipsec0.ike.proposal';
    const lines = [
      v,
      'interface.ipsec0.nat-traversal : force',
      'interface.ipsec0.esn : enable',
      `${p}.phase1.dh-group : x25519`,
      `${p}.phase2.encryption.0.algorithm : aes256-gcm16`,
      `${p}.phase2.pfs-group : ecp256`,
    ];
    const [a] = await routers(pair, lines, 2);
    expect((await a.tunnel())!.children[0].suite).toBe(
      version === 1 ? 'aes256-gcm16/ecp256/esn' : 'aes256-gcm16/esn',
    );
    expect((await a.tunnel())!.children[0].encapsulation).toBe('udp');
    await carries(pair);
  });

  test('renewal of both SAs under traffic in both directions loses no packet', async () => {
    pair = await openPair(`rk${version}`);
    const p = 'interface.ipsec0.ike.proposal';
    const [a] = await routers(pair, [v, `${p}.phase1.lifetime : 30`, `${p}.phase2.lifetime-of-time : 30`]);
    await pingUntil(pair.host1, HOST2, 5000);
    const traces = [continuousPing(pair.host1, HOST2, 20), continuousPing(pair.host2, HOST1, 20)];
    await a.waitLog((e) => e.code === 'child-rekeyed', 'child', 40_000);
    await a.waitLog((e) => e.code === (version === 1 ? 'ike-rekey' : 'ike-rekeyed'), 'IKE', 40_000);
    await sleep(7000);
    for (const trace of traces) expect((await trace.stop()).lost).toEqual([]);
    expect((await a.tunnel())!.children).toHaveLength(1);
  });

  test('a NAT in between: encapsulation, keepalives, and the tunnel survives a new mapping', async () => {
    pair = await openPair(`masq${version}`);
    const { lab, a, b } = pair;
    // Router A moves behind a NAT: 10.9.9.1 – nat – 10.0.0.1, the address that B expects.
    const nat = await lab.netns('nat');
    await a.ip('link', 'del', 'ge0');
    await lab.veth(a, 'ge0', nat, 'in');
    await lab.veth(nat, 'out', b, 'ge0');
    await nat.address('in', '10.9.9.254/24');
    await nat.address('out', '10.0.0.1/24');
    await lab.masquerade(nat, 'out', { random: true });
    const inside = pairConfig(
      1,
      v,
      'ike.nat-keepalive-interval : 5',
      'route.ipv4.1.destination : default',
      'route.ipv4.1.gateway : 10.9.9.254',
    )
      .replace('10.0.0.1/24', '10.9.9.1/24')
      .replace('ipv4.source       : 10.0.0.1', 'ipv4.source       : 10.9.9.1');
    const rb = await Sekisho.start(
      lab,
      b,
      'rb',
      pairConfig(2, v, 'interface.ipsec0.responder-only : enable'),
    );
    const ra = await Sekisho.start(lab, a, 'ra', inside);
    await ra.waitUp();
    await rb.waitUp();
    expect((await ra.ike())[0].nat).toBe('local');
    expect((await rb.ike())[0].nat).toBe('remote');
    expect((await ra.tunnel())!.children[0].encapsulation).toBe('udp');
    await carries(pair, 5e6);
    const port = (await rb.ike())[0].remote;
    // The NAT forgets its mappings: the next packet of A comes from another port, and B follows it once it verified.
    await nat.ip('link', 'set', 'out', 'down');
    await nat.ip('link', 'set', 'out', 'up');
    await sleep(200);
    expect(await pingUntil(pair.host1, HOST2, 20_000)).toBe(true);
    expect((await rb.ike())[0].remote).not.toBe(port);
    expect(await pingUntil(pair.host2, HOST1, 5000)).toBe(true);
  });

  test('Delete from either side, and a crash: the tunnel comes back', async () => {
    pair = await openPair(`del${version}`);
    const [first, b] = await routers(pair, [v]);
    let a = first;
    const passive = 'interface.ipsec0.responder-only : enable';
    const without = (n: 1 | 2) =>
      pairConfig(n)
        .replace(/^.*ipsec0.*$/gm, '')
        .replace(/^route.*$/gm, '');
    const up = async () => {
      await a.waitUp();
      await b.waitUp();
      expect(await pingUntil(pair!.host1, HOST2, 5000)).toBe(true);
    };
    await a.reload(without(1));
    await b.waitLog((e) => e.code === 'ike-deleted' && /by the peer/.test(e.text), 'Delete at B');
    await a.reload(pairConfig(1, v));
    await up();
    const from = (await a.log()).length;
    await b.reload(without(2));
    await a.waitLog(
      (e) => e.code === 'ike-deleted' && /by the peer/.test(e.text),
      'Delete at A',
      20_000,
      from,
    );
    await b.reload(pairConfig(2, v, passive));
    await up();
    await a.kill();
    a = await Sekisho.start(pair.lab, pair.a, 'again', pairConfig(1, v));
    await b.waitLog((e) => e.code === 'initial-contact', 'INITIAL-CONTACT');
    await up();
    expect((await b.ike()).filter((sa) => sa.status === 'established')).toHaveLength(1);
  });

  test('1 % loss on the line: negotiation and TCP come through', async () => {
    pair = await openPair(`loss${version}`, { offloads: false });
    await pair.lab.lossy(pair.a, { dev: 'ge0' }, 1);
    await pair.lab.lossy(pair.b, { dev: 'ge0' }, 1);
    await routers(pair, [v, 'ike.interval : 1']);
    expect(await pingUntil(pair.host1, HOST2, 5000)).toBe(true);
    const there = await transfer(pair.host1, pair.host2, HOST2, 5001, 5e6);
    expect(there.sha256Received).toBe(there.sha256Sent);
  });
});

test('every cipher suite carries packets, every group makes keys', async () => {
  pair = await openPair('suites');
  const p = 'interface.ipsec0.ike.proposal';
  const [a, b] = await routers(pair, ['interface.ipsec0.ike.version : 2']);
  const passive = 'interface.ipsec0.responder-only : enable';
  const runs: [cipher: string, mac: string, group: string][] = [
    ['aes128', 'sha384', 'modp3072'],
    ['aes192', 'sha512', 'modp4096'],
    ['aes256', 'md5', 'modp6144'],
    ['3des', 'sha1', 'modp1024'],
    ['aes128-gcm16', 'sha256', 'ecp256'],
    ['aes256-gcm16', 'sha384', 'ecp384'],
    ['chacha20-poly1305', 'sha512', 'ecp521'],
    ['aes256-gcm16', 'sha512', 'x448'],
    ['chacha20-poly1305', 'sha256', 'modp8192'],
  ];
  for (const [cipher, mac, group] of runs) {
    const lines = [
      'interface.ipsec0.ike.version : 2',
      'interface.ipsec0.ike.legacy : enable',
      `${p}.phase1.encryption.0.algorithm : ${cipher}`,
      `${p}.phase1.hash.0.algorithm : ${mac}`,
      `${p}.phase1.dh-group : ${group}`,
      `${p}.phase2.encryption.0.algorithm : ${cipher}`,
      `${p}.phase2.authentication.0.algorithm : hmac-${mac}`,
    ];
    expect((await b.reload(pairConfig(2, ...lines, passive))).stderr).toBe('');
    expect((await a.reload(pairConfig(1, ...lines))).stderr).toBe('');
    const view = await a.waitUp();
    expect(view.children[0].suite.split('/')[0]).toBe(cipher);
    expect((await a.ike()).find((v) => v.status === 'established')?.suite).toMatch(new RegExp(`/${group}$`));
    expect(await pingUntil(pair.host1, HOST2, 5000), `${cipher} ${mac}`).toBe(true);
    const { received } = await steadyPing(pair.host1, HOST2, { count: 5, size: 1000 });
    const drops = await Promise.all([a, b].map(async (r) => (await r.tunnel())!.counters));
    expect(received, `${cipher} ${mac} ${JSON.stringify(drops)}`).toBe(5);
  }
});

test('a lifetime in octets renews the SA in the middle of a transfer', async () => {
  pair = await openPair('octets');
  const [a] = await routers(pair, ['interface.ipsec0.ike.proposal.phase2.lifetime-of-byte : 20000000']);
  const sent = await transfer(pair.host1, pair.host2, HOST2, 5001, 60e6);
  expect(sent.sha256Received).toBe(sent.sha256Sent);
  expect((await a.log()).filter((e) => e.code === 'child-rekeyed').length).toBeGreaterThan(0);
});

test('reload touches only what changed: a tunnel beside it loses no packet', async () => {
  pair = await openPair('reload');
  const second = (n: number) => [
    `interface.ipsec1.preshared-key : other`,
    `interface.ipsec1.ipv4.source : 10.0.0.${n}0`,
    `interface.ipsec1.ipv4.destination : 10.0.0.${3 - n}0`,
    `interface.ge0.ipv4.alias.0.address : 10.0.0.${n}0/24`,
  ];
  const passive = 'interface.ipsec0.responder-only : enable';
  const b = await Sekisho.start(
    pair.lab,
    pair.b,
    'b',
    pairConfig(2, passive, ...second(2), 'interface.ipsec1.responder-only : enable'),
  );
  const a = await Sekisho.start(pair.lab, pair.a, 'a', pairConfig(1));
  await a.waitUp();
  await pingUntil(pair.host1, HOST2, 5000);
  const spi = (await a.tunnel())!.children[0].spiIn;
  const trace = continuousPing(pair.host1, HOST2, 10);
  const done = await a.reload(pairConfig(1, ...second(1)));
  expect(done.stdout).toMatch(/ipsec1 is made/);
  expect(done.stdout).not.toMatch(/ipsec0/);
  await a.waitUp('ipsec1');
  await a.reload(pairConfig(1));
  await sleep(500);
  const { sent, lost } = await trace.stop();
  expect(sent).toBeGreaterThan(50);
  expect(lost).toEqual([]);
  expect((await a.tunnel())!.children[0].spiIn).toBe(spi);
  expect((await a.reload(pairConfig(1))).stdout).toBe('Nothing to change.\n');
  expect(b.running).toBe(true);
});

test('a smaller path is learned: senders are told, and TCP goes on (RFC 4301 8.2)', async () => {
  pair = await openPair('pmtu');
  const { lab, a, b } = pair;
  const mid = await lab.netns('mid');
  for (const ns of [a, b]) await ns.ip('link', 'del', 'ge0').catch(() => {});
  await lab.veth(a, 'ge0', mid, 'left');
  await lab.veth(mid, 'right', b, 'ge0', { mtu: 1280 });
  await mid.address('left', '10.0.0.254/32');
  await mid.route('10.0.0.1/32', 'left');
  await mid.route('10.0.0.2/32', 'right');
  await mid.sysctl({ 'net.ipv4.conf.left.proxy_arp': 1, 'net.ipv4.conf.right.proxy_arp': 1 });
  const [ra] = await routers(pair, ['interface.ipsec0.nat-traversal : force']);
  const before = (await ra.tunnel())!.mtu;
  const mtu = async () => (await ra.tunnel())!.mtu;
  await until(
    async () => {
      await ping(pair!.host1, HOST2, { count: 1, size: before - 28, dontFragment: true });
      return (await mtu()) < before;
    },
    10_000,
    () => `the tunnel's MTU stays ${before}`,
  );
  const after = await mtu();
  expect(after).toBeGreaterThan(1280 - 100);
  expect(
    (await steadyPing(pair.host1, HOST2, { count: 2, size: after - 28, dontFragment: true })).received,
  ).toBe(2);
  const there = await transfer(pair.host1, pair.host2, HOST2, 5001, 5e6);
  expect(there.sha256Received).toBe(there.sha256Sent);
});
