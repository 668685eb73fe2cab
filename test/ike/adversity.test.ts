// What a review found and what must never come back: storms, reflections, tunnels that sleep, renewals that cross.
import { describe, expect, test } from 'vitest';
import { A, B, live, Network, Node, pair, policy, preshared } from './simulation.ts';

const packet = Uint8Array.of(0x45, 0);

describe.each([1, 2] as const)('IKEv%i', (version) => {
  test('a duplicated packet is answered once, not for ever', () => {
    const { network, a, b } = pair(1, { version });
    network.faults = { duplication: 0.5, jitter: 50 };
    network.run(60);
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
    expect(network.log.length).toBeLessThan(100);
  });

  test('our own messages, handed back to us, make no tunnel', () => {
    for (const natTraversal of ['enable', 'force'] as const) {
      const network = new Network(2);
      const a = new Node(network, A);
      network.filter = (from, to, data) => {
        if (from.address === A) {
          network.after(1, () => a.input({ kind: 'datagram', local: from, remote: to, data }));
        }
        return false;
      };
      a.configure([policy(A, B, { version, natTraversal })]);
      network.run(120);
      expect(a.engine.connections.get('ipsec0')!.children.size).toBe(0);
      expect(a.codes()).not.toContain('ike-established');
    }
  });

  test('two that refuse each other go on trying, and meet once the key is right', () => {
    const network = new Network(3);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    a.configure([policy(A, B, { version, initiate: 'start', credential: preshared('other') })]);
    b.configure([policy(B, A, { version, initiate: 'start' })]);
    network.run(3600);
    const early = network.log.length;
    network.run(600);
    expect(network.log.length).toBeGreaterThan(early);
    expect(live(a)).toHaveLength(0);
    a.configure([policy(A, B, { version, initiate: 'start' })]);
    expect(network.runUntil(() => live(a).length > 0 && live(b).length > 0, 120)).toBe(true);
  });

  test('a stranger who begins again and again in the peer’s name does not hold off our own attempts', () => {
    const { network, a, b } = pair(4, { version });
    network.run(5);
    const [first] = network.log;
    b.crash();
    const spoof = () => {
      const data = first.data.slice();
      data.set(network.bytes(8), 0);
      a.input({
        kind: 'datagram',
        local: { address: A, port: 500 },
        remote: { address: B, port: 500 },
        data,
      });
      network.after(10_000, spoof);
    };
    spoof();
    network.run(300);
    const again = new Node(network, B);
    again.configure([policy(B, A, { version })]);
    expect(network.runUntil(() => live(again).length > 0, 300)).toBe(true);
  });

  test('twins: both begin at once on a slow line, and no direction stays silent', () => {
    for (let seed = 1; seed <= 25; seed++) {
      const { network, a, b } = pair(seed, { version, initiate: 'start' });
      network.faults = { jitter: 100 };
      network.run(60);
      for (const node of [a, b]) node.received.length = 0;
      const tick = () => {
        for (const node of [a, b]) node.dataplane.transmit('ipsec0', packet);
        network.after(100, tick);
      };
      tick();
      network.run(200);
      for (const node of [a, b]) expect(node.received.length, `seed ${seed}`).toBeGreaterThan(1980);
    }
  });

  test.each([
    [['child'], ['child']],
    [['ike'], ['ike']],
    [['child', 'ike'], []],
    [['child'], ['ike']],
    [
      ['child', 'ike'],
      ['child', 'ike'],
    ],
  ] as const)(
    'renewals that cross (%j, %j): traffic goes on in both directions (RFC 7296 2.8.1)',
    (ours, theirs) => {
      for (let seed = 1; seed <= 15; seed++) {
        const { network, a, b } = pair(seed, { version });
        network.run(5);
        network.faults = { jitter: 30 };
        const tick = () => {
          for (const node of [a, b]) node.dataplane.transmit('ipsec0', packet);
          network.after(50, tick);
        };
        tick();
        network.run(2);
        for (const what of ours) a.input({ kind: 'rekey', connection: 'ipsec0', what });
        for (const what of theirs) b.input({ kind: 'rekey', connection: 'ipsec0', what });
        network.run(60);
        for (const node of [a, b]) {
          const times = node.received.map((r) => r.at);
          const gaps = times.map((t, i) => t - (times[i - 1] ?? t));
          expect(Math.max(...gaps), `seed ${seed}`).toBeLessThan(1000);
          expect(live(node).length, `seed ${seed}`).toBeGreaterThanOrEqual(1);
        }
      }
    },
  );
});

test('a replayed Quick Mode makes no second pair of SAs, also long after (RFC 2408 3.1)', () => {
  const { network, b } = pair(5);
  network.run(5);
  const quick = network.log.find(({ data, to }) => to.address === B && data[18] === 32)!;
  network.run(300);
  b.input({ kind: 'datagram', local: quick.to, remote: quick.from, data: quick.data });
  network.run(5);
  expect(b.engine.connections.get('ipsec0')!.children.size).toBe(1);
});

test('a lost message 6 is no wrong key: what comes after it is waited out', () => {
  const { network, a, b } = pair(6, { initiate: 'never' });
  let dropped = false;
  network.filter = (from, _to, data) => {
    const sixth = from.address === B && data[18] === 2 && (data[19] & 1) === 1;
    if (!sixth || dropped) return true;
    dropped = true;
    return false;
  };
  a.configure([policy(A, B)]);
  network.run(30);
  expect(dropped).toBe(true);
  expect(a.facts.some((f) => f.reason?.code === 'AUTHENTICATION')).toBe(false);
  expect(live(a)).toHaveLength(1);
  expect(live(b)).toHaveLength(1);
});
