// Quick crash detection (RFC 6290), reauthentication (RFC 7296 2.8.3, RFC 4478) and a peer that moves (RFC 4555).
import { describe, expect, test } from 'vitest';
import type { IkeSa } from '../../../src/ike/v2/sa.ts';
import { A, B, live, Network, Node, pair, policy, SETTINGS } from '../simulation.ts';

const packet = (n: number) => Uint8Array.of(0x45, n >> 8, n & 255);
const secret = (n: number) => new Uint8Array(32).fill(n);

/** Two nodes whose secrets outlive them. */
function keepers(seed: number) {
  const network = new Network(seed);
  const a = new Node(network, A, SETTINGS, secret(1));
  const b = new Node(network, B, SETTINGS, secret(2));
  a.configure([policy(A, B, { version: 2 })]);
  b.configure([policy(B, A, { version: 2 })]);
  network.run(5);
  expect(live(a)).toHaveLength(1);
  return { network, a, b };
}

describe('quick crash detection', () => {
  test('a peer that lost the SA proves it at the first liveness check, not after 165 s', () => {
    const { network, a, b } = keepers(1);
    b.crash();
    const again = new Node(network, B, SETTINGS, secret(2));
    again.configure([policy(B, A, { version: 2 })]);
    expect(network.runUntil(() => live(again).length > 0, 30)).toBe(true);
    expect(a.facts.find((f) => f.code === 'peer-dead')?.text).toMatch(/crash token/);
  });

  test('also after a renewal of the IKE SA, by either side (4.3)', () => {
    for (const who of [0, 1]) {
      const { network, a, b } = keepers(2 + who);
      (who === 0 ? a : b).input({ kind: 'rekey', connection: 'ipsec0', what: 'ike' });
      network.run(5);
      b.crash();
      const again = new Node(network, B, SETTINGS, secret(2));
      again.configure([policy(B, A, { version: 2 })]);
      expect(network.runUntil(() => live(again).length > 0, 45)).toBe(true);
    }
  });

  test('without the secret nobody is believed: a forged or old answer ends nothing', () => {
    const { network, a, b } = keepers(4);
    b.crash();
    const liar = new Node(network, B, SETTINGS, secret(3));
    liar.configure([]);
    network.run(60);
    expect(a.facts.some((f) => f.code === 'peer-dead')).toBe(false);
    expect(live(a)).toHaveLength(1);
  });
});

test('who turns the initiator flag around gets no token that the peer would believe', () => {
  const { network, a, b } = keepers(5);
  const [sa] = [...b.engine.connections.get('ipsec0')!.sas] as IkeSa[];
  for (const spis of [sa.spiI, sa.spiR]) expect(spis).toHaveLength(8);
  const before = network.log.length;
  const last = network.log.findLast((e) => e.from.address === A)!;
  for (const flags of [0x00, 0x08]) {
    const probe = last.data.slice();
    probe[19] = flags;
    b.input({ kind: 'datagram', local: last.to, remote: last.from, data: probe });
  }
  for (const { from, to, data } of network.log.slice(before))
    a.input({ kind: 'datagram', local: to, remote: from, data });
  network.run(1);
  expect(a.facts.some((f) => f.code === 'peer-dead')).toBe(false);
  expect(live(a)).toHaveLength(1);
});

describe('reauthentication', () => {
  const changes = { version: 2 as const, reauthenticate: true };

  test('a new IKE SA and its child stand before the old ones go: no packet is lost', () => {
    const ike = { ...policy(A, B).ike, lifetime: 60 };
    const { network, a, b } = pair(1, { ...changes, ike });
    network.run(5);
    const first = [...a.engine.connections.get('ipsec0')!.sas][0] as IkeSa;
    let sent = 0;
    const tick = () => {
      if (sent >= 3000) return;
      a.dataplane.transmit('ipsec0', packet(sent++));
      network.after(20, tick);
    };
    tick();
    network.run(65);
    expect(b.received).toHaveLength(3000);
    const sas = [...a.engine.connections.get('ipsec0')!.sas];
    expect(sas).toHaveLength(1);
    expect(sas[0]).not.toBe(first);
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
    expect(a.codes().filter((c) => c === 'ike-established')).toHaveLength(2);
  });

  test('a responder asks for it by AUTH_LIFETIME (RFC 4478)', () => {
    const network = new Network(2);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const ike = { ...policy(A, B).ike, lifetime: 100 };
    a.configure([policy(A, B, { version: 2 })]);
    b.configure([policy(B, A, { ...changes, ike })]);
    network.run(95);
    expect(a.codes().filter((c) => c === 'ike-established').length).toBeGreaterThan(1);
    expect(live(a)).toHaveLength(1);
  });

  test('new keys do not prolong what was proved: AUTH_LIFETIME outlives renewals', () => {
    const network = new Network(7);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const ike = (lifetime: number) => ({ ...policy(A, B).ike, lifetime });
    a.configure([policy(A, B, { version: 2, ike: ike(60) })]);
    b.configure([policy(B, A, { ...changes, ike: ike(300) })]);
    network.run(280);
    expect(a.codes().filter((c) => c === 'ike-rekeyed').length).toBeGreaterThan(2);
    expect(a.codes().filter((c) => c === 'ike-established').length).toBeGreaterThan(1);
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
  });

  test('a new authentication that fails leaves the old SA, and is tried again', () => {
    const ike = { ...policy(A, B).ike, lifetime: 300 };
    const { network, a, b } = pair(3, { ...changes, ike });
    network.run(5);
    network.filter = (_from, _to, data) => data[18] !== 34;
    network.run(250);
    expect(live(a)).toHaveLength(1);
    network.filter = () => true;
    network.run(49);
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
    expect(a.codes().filter((c) => c === 'ike-established')).toHaveLength(2);
  });
});
