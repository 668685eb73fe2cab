// Two engines on the simulated network: the ladders of both versions, and what comes of loss, delay and repetition.
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/net/bytes.ts';
import { A, B, live, Network, Node, pair, policy, preshared } from './simulation.ts';

const packet = (n: number) => Uint8Array.of(0x45, n >> 8, n & 255);

/** Both ends send a packet every `interval` ms; resolves what was lost and the longest silence. */
function traffic(network: Network, from: Node, to: Node, interval: number) {
  let sent = 0;
  const start = to.received.length;
  const tick = () => {
    if (from.alive) from.dataplane.transmit('ipsec0', packet(sent++));
    network.after(interval, tick);
  };
  tick();
  return () => {
    const times = to.received.slice(start).map((r) => r.at);
    const gaps = times.map((t, i) => t - (times[i - 1] ?? t));
    return { sent, received: times.length, longestGapMs: Math.max(0, ...gaps) };
  };
}

describe('IKEv1 (RFC 2409)', () => {
  test("main mode and quick mode in nine messages and SEIL's INITIAL-CONTACT from both, with the lengths of seed 001", () => {
    const { network, a, b } = pair(1);
    network.run(5);
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
    // #978-987: 360 offered, 92 with identity and hash, 108 INITIAL-CONTACT, 316 the first of quick mode. Here the
    // responder is SEIL too, which sends an INITIAL-CONTACT of its own (#1016).
    const lengths = network.log.map(({ from, data }) =>
      [from.address === A ? '→' : '←', data.length].join(''),
    );
    const phase1 = ['→360', '←168', '→316', '←316', '→92', '←92'];
    expect(lengths).toEqual([...phase1, '←108', '→108', '→316', '←172', '→76']);
    expect(network.log.every(({ from }) => from.port === 500)).toBe(true);
  });

  test('forced NAT traversal floats to port 4500 at message 5 (RFC 3947 4)', () => {
    const { network, a } = pair(2, { natTraversal: 'force' });
    network.run(5);
    expect(network.log.map(({ from }) => from.port)).toEqual([500, 500, 500, 500, ...Array(7).fill(4500)]);
    expect(live(a)[0].encapsulated).toBe(true);
  });

  test('set proxy-ids must mirror the peer’s; swapped ones are named as such (ike.md 0.7)', () => {
    const network = new Network(3);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const base = policy(A, B).children[0];
    const child = (local: string, remote: string) => ({
      ...base,
      anySelectors: false,
      selectors: { local: [local], remote: [remote] },
    });
    a.configure([policy(A, B, { child: child('192.168.2.0/24', '192.168.1.0/24') })]);
    b.configure([policy(B, A, { child: child('192.168.2.0/24', '192.168.1.0/24') })]);
    network.run(2);
    const refusal = b.facts.find((f) => f.code === 'negotiation-refused');
    expect(refusal?.reason).toMatchObject({
      code: 'SELECTORS',
      key: 'interface.ipsec0.ike.proposal.phase2.proxy-id',
    });
    expect(refusal?.text).toMatch(/local and remote swapped/);
    expect(a.facts.find((f) => f.code === 'negotiation-failed')?.text).toMatch(/INVALID_ID_INFORMATION/);
    expect(live(a)).toHaveLength(0);
  });

  test('unset proxy-ids accept any pair and echo it', () => {
    const network = new Network(4);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const selectors = { local: ['192.168.1.0/24'], remote: ['192.168.2.0/24'] };
    a.configure([policy(A, B, { child: { ...policy(A, B).children[0], anySelectors: false, selectors } })]);
    b.configure([policy(B, A)]);
    network.run(2);
    expect(live(b)[0].selectors).toEqual({ local: ['192.168.2.0/24'], remote: ['192.168.1.0/24'] });
  });

  test('DPD asks every 20 s; a peer that is gone is noticed after five questions, and met again (RFC 3706)', () => {
    const { network, a, b } = pair(5);
    network.run(10);
    b.crash();
    network.run(20 * 6 + 5);
    expect(a.codes()).toContain('peer-dead');
    expect(live(a)).toHaveLength(0);
    const again = new Node(network, B);
    again.configure([policy(B, A)]);
    expect(network.runUntil(() => live(a).length === 1 && live(again).length === 1, 120)).toBe(true);
  });
});

describe('IKEv2 (RFC 7296)', () => {
  test('two exchanges', () => {
    const { network, a, b } = pair(1, { version: 2 });
    network.run(5);
    expect(network.log).toHaveLength(4);
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
  });

  test('INVALID_KE_PAYLOAD: the responder’s group is taken up in a second try (1.2)', () => {
    const network = new Network(2);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const ike = policy(A, B).ike;
    a.configure([policy(A, B, { version: 2, ike: { ...ike, groups: ['modp2048', 'x25519'] } })]);
    b.configure([policy(B, A, { version: 2, ike: { ...ike, groups: ['x25519'] } })]);
    network.run(2);
    expect(network.log[1].data.length).toBe(38);
    expect(live(a)).toHaveLength(1);
    expect(a.facts.map((f) => f.text).join()).toMatch(/x25519 instead of modp2048/);
  });

  test('narrowing: the child carries what both sides allow (2.9)', () => {
    const network = new Network(3);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const child = policy(A, B).children[0];
    const wide = { local: ['0.0.0.0/0', '::/0'], remote: ['0.0.0.0/0', '::/0'] };
    const narrow = { local: ['192.168.2.0/24'], remote: ['192.168.0.0/16'] };
    a.configure([policy(A, B, { version: 2, child: { ...child, selectors: wide } })]);
    b.configure([policy(B, A, { version: 2, child: { ...child, selectors: narrow, anySelectors: false } })]);
    network.run(2);
    expect(live(a)[0].selectors).toEqual({ local: ['192.168.0.0/16'], remote: ['192.168.2.0/24'] });
  });

  test('no common traffic: TS_UNACCEPTABLE, explained on both sides, and the IKE SA stays', () => {
    const network = new Network(4);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const child = { ...policy(A, B).children[0], anySelectors: false };
    const of = (n: number) => ({ local: [`192.168.${n}.0/24`], remote: ['10.0.0.0/8'] });
    a.configure([policy(A, B, { version: 2, child: { ...child, selectors: of(1) } })]);
    b.configure([policy(B, A, { version: 2, child: { ...child, selectors: of(2) } })]);
    network.run(2);
    expect(b.facts.find((f) => f.code === 'child-refused')?.reason?.code).toBe('SELECTORS');
    expect(a.facts.find((f) => f.code === 'child-refused')?.text).toMatch(/TS_UNACCEPTABLE/);
    expect([...a.engine.connections.get('ipsec0')!.sas].map((s) => s.state)).toEqual(['established']);
  });

  test('a silent peer is dead after 165 s of retransmissions (4 s × 1.8ⁿ, five times)', () => {
    const { network, a, b } = pair(5, { version: 2 });
    network.run(10);
    b.crash();
    network.run(165);
    expect(a.codes()).not.toContain('peer-dead');
    network.run(20);
    expect(a.codes()).toContain('peer-dead');
  });

  test('a repeated request gets the same octets again (2.1)', () => {
    const { network, a, b } = pair(6, { version: 2 });
    network.run(5);
    const [, , request, response] = network.log;
    const before = network.log.length;
    b.input({ kind: 'datagram', local: request.to, remote: request.from, data: request.data });
    expect(network.log.slice(before).map((l) => hex(l.data))).toEqual([hex(response.data)]);
    expect(live(b)).toHaveLength(1);
    expect(a.alive).toBe(true);
  });

  test('under a flood of forged first messages memory stays flat, and a real peer gets in by a cookie (2.6)', () => {
    const network = new Network(7);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    b.configure([policy(B, A, { version: 2 })]);
    const probe = new Node(network, '10.0.0.9');
    probe.configure([policy('10.0.0.9', B, { version: 2, initiate: 'start' })]);
    network.run(0.002); // its first message waits for a key pair
    const { data } = network.log[0];
    probe.crash();
    for (let n = 0; n < 5000; n++) {
      const forged = data.slice();
      forged.set(network.bytes(8), 0);
      const remote = { address: A, port: 1024 + (n % 60_000) };
      b.input({ kind: 'datagram', local: { address: B, port: 500 }, remote, data: forged });
    }
    expect(b.engine.connections.get('ipsec0')!.sas.size).toBeLessThanOrEqual(32);
    a.configure([policy(A, B, { version: 2 })]);
    expect(network.runUntil(() => live(a).length === 1, 20)).toBe(true);
  });
});

describe.each([1, 2] as const)('both ends of IKEv%i', (version) => {
  test('a wrong preshared key says so on both sides', () => {
    const network = new Network(20 + version);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    a.configure([policy(A, B, { version })]);
    b.configure([policy(B, A, { version, credential: preshared('other') })]);
    network.run(20);
    for (const node of [a, b]) {
      const refusal = node.facts.find((f) => f.reason?.code === 'AUTHENTICATION');
      expect(refusal?.reason?.key).toBe('interface.ipsec0.preshared-key');
    }
    expect(live(a)).toHaveLength(0);
    expect(JSON.stringify([a.facts, b.facts])).not.toMatch(/xeeB5gohvaYi|other"/);
  });

  test('an unknown peer is told apart from a refused proposal', () => {
    const network = new Network(30 + version);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    a.configure([policy(A, B, { version })]);
    b.configure([policy(B, '10.0.0.7', { version })]);
    network.run(2);
    const refusal = b.facts.find((f) => f.code === 'negotiation-refused');
    expect(refusal?.reason?.code).toBe('NO_CONNECTION_FOR_PEER');
    expect(refusal?.reason?.hint).toMatch(/ipsec0, which expects the peer at 10\.0\.0\.7/);
  });

  test('both begin at once: one tunnel comes of it and carries traffic', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { network, a, b } = pair(seed, { version, initiate: 'start' });
      network.run(30);
      const flows = [traffic(network, a, b, 100), traffic(network, b, a, 100)];
      network.run(30);
      for (const flow of flows) expect(flow().longestGapMs).toBeLessThan(400);
      if (version === 2) expect(a.engine.connections.get('ipsec0')!.sas.size).toBe(1);
    }
  });

  test('loss, duplication and reordering: every seed comes up', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { network, a, b } = pair(seed, { version, initiate: seed % 2 ? 'start' : 'never' });
      if (seed % 2 === 0) a.configure([policy(A, B, { version })]);
      network.faults = { loss: 0.2, duplication: 0.2, jitter: 300 };
      const up = network.runUntil(() => live(a).length > 0 && live(b).length > 0, 600);
      expect(up, `seed ${seed}: ${a.codes()} / ${b.codes()}`).toBe(true);
    }
  });

  test('a day of renewals under traffic loses no packet', () => {
    const child = { ...policy(A, B).children[0], seconds: 600 };
    const ike = { ...policy(A, B).ike, lifetime: 1000 };
    const { network, a, b } = pair(40 + version, { version, child, ike });
    network.run(5);
    const flows = [traffic(network, a, b, 1000), traffic(network, b, a, 1000)];
    network.run(86_400);
    for (const flow of flows) {
      const { sent, received } = flow();
      expect(sent - received).toBeLessThanOrEqual(1); // the last one is under way
    }
    expect(a.codes().filter((c) => c === 'child-rekeyed').length).toBeGreaterThan(150);
    expect(live(a)).toHaveLength(1);
    expect(a.engine.connections.get('ipsec0')!.children.size).toBeLessThanOrEqual(2);
    expect(a.engine.connections.get('ipsec0')!.sas.size).toBeLessThanOrEqual(2);
  });

  test('a lifetime in octets renews the SA before it ends', () => {
    const child = { ...policy(A, B).children[0], octets: 2_000_000 };
    const { network, a, b } = pair(50 + version, { version, child });
    network.run(5);
    const big = new Uint8Array(1000).fill(0x45);
    for (let n = 0; n < 5000; n++) network.after(n * 10, () => a.dataplane.transmit('ipsec0', big));
    network.run(60);
    expect(b.received).toHaveLength(5000);
    expect(a.codes().filter((c) => c === 'child-rekeyed').length).toBeGreaterThanOrEqual(2);
  });

  test('the initiator restarts: INITIAL-CONTACT replaces what was', () => {
    const { network, a, b } = pair(60 + version, { version });
    network.run(5);
    a.crash();
    const again = new Node(network, A);
    again.configure([policy(A, B, { version })]);
    network.run(10);
    expect(live(again)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
    expect(b.codes()).toContain('initial-contact');
    expect(b.engine.connections.get('ipsec0')!.sas.size).toBe(1);
  });

  test('removal of the tunnel deletes it at the peer; a peer that waits does not begin', () => {
    const { network, a, b } = pair(70 + version, { version });
    network.run(5);
    a.configure([]);
    network.run(20);
    expect(live(b)).toHaveLength(0);
    expect(b.engine.connections.get('ipsec0')!.sas.size).toBe(0);
    const sent = network.log.length;
    network.run(120);
    expect(network.log.length).toBe(sent);
  });

  test('waits for traffic where ike.auto-initiation is disabled', () => {
    const { network, a } = pair(80 + version, { version, initiate: 'traffic' });
    network.run(30);
    expect(network.log).toHaveLength(0);
    a.dataplane.transmit('ipsec0', packet(1));
    network.run(5);
    expect(live(a)).toHaveLength(1);
  });

  test('an untouched connection survives a new configuration', () => {
    const { network, a } = pair(90 + version, { version });
    network.run(5);
    const spi = live(a)[0].spiIn;
    const sent = network.log.length;
    a.configure([
      policy(A, B, { version }),
      policy(A, '10.0.0.5', { version, name: 'ipsec1', initiate: 'never' }),
    ]);
    network.run(5);
    expect(live(a)[0].spiIn).toBe(spi);
    expect(network.log.length).toBe(sent);
  });

  test('the same seed gives the same run', () => {
    const run = () => {
      const { network } = pair(99, { version });
      network.faults = { loss: 0.1, duplication: 0.1, jitter: 100 };
      network.run(600);
      return network.log.map(({ at, data }) => `${at} ${data.length}`);
    };
    expect(run()).toEqual(run());
  });
});
