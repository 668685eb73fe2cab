// Aggressive mode on the simulated network (RFC 2409 5.4, seed 001 #5172 and #5243-5249).
import { describe, expect, test } from 'vitest';
import type { ConnectionPolicy } from '../../../src/ike/policy.ts';
import { EXCHANGE } from '../../../src/ike/wire/numbers.ts';
import { Secret } from '../../../src/net/secret.ts';
import { A, B, live, Network, Node, pair, policy, preshared } from '../simulation.ts';

const aggressive: Partial<ConnectionPolicy> = { exchangeMode: 'aggressive' };
const ladder = (network: Network) =>
  network.log.map(({ from, data }) => `${from.address === A ? '→' : '←'}${data[18]}:${data.length}`);

describe('aggressive mode', () => {
  test('three messages, then INITIAL-CONTACT and quick mode; the first has the 568 octets of #5243', () => {
    const { network, a, b } = pair(1, aggressive);
    network.run(5);
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
    const { AGGRESSIVE: ag, QUICK_MODE: qm, INFORMATIONAL_V1: info } = EXCHANGE;
    // #5245: HASH_I and two NAT-D in clear, 136 octets.
    expect(ladder(network)).toEqual([
      ...[`→${ag}:568`, `←${ag}:484`, `→${ag}:136`, `→${info}:108`, `→${qm}:316`],
      ...[`←${info}:108`, `←${qm}:172`, `→${qm}:76`],
    ]);
  });

  test('who does not allow it says so, and the initiator explains (#5172-5173, VU#857035)', () => {
    const network = new Network(2);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    a.configure([policy(A, B, aggressive)]);
    b.configure([policy(B, A)]);
    network.run(2);
    expect(live(a)).toHaveLength(0);
    const refusal = b.facts.find((f) => f.code === 'negotiation-refused');
    expect(refusal?.reason).toMatchObject({ code: 'NOT_ALLOWED', key: 'interface.ipsec0.ike.exchange-mode' });
    expect(refusal?.text).toContain('VU#857035');
    expect(a.facts.find((f) => f.code === 'negotiation-failed')?.text).toMatch(/INVALID_EXCHANGE_TYPE/);
    expect(b.engine.connections.get('ipsec0')?.sas.size).toBe(0);
  });

  test('a side that allows it still takes main mode', () => {
    const network = new Network(3);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    a.configure([policy(A, B)]);
    b.configure([policy(B, A, aggressive)]);
    network.run(2);
    expect(live(a)).toHaveLength(1);
  });

  test('forced NAT traversal floats to 4500 with the third message (RFC 3947 4)', () => {
    const { network, a } = pair(4, { ...aggressive, natTraversal: 'force' });
    network.run(5);
    expect(network.log.map(({ from }) => from.port)).toEqual([500, 500, ...Array(6).fill(4500)]);
    expect(live(a)[0].encapsulated).toBe(true);
  });

  test('peers from anywhere are told apart by their identity, each with a key of its own', () => {
    const network = new Network(5);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const anywhere = (name: string, fqdn: string, key: string): ConnectionPolicy => {
      const { remote: _, ...rest } = policy(B, A, { ...aggressive, name, initiate: 'never' });
      return { ...rest, peerId: { type: 'fqdn', value: fqdn }, credential: preshared(key) };
    };
    b.configure([anywhere('ipsec1', 'other.example', 'no'), anywhere('ipsec2', 'a.example', 'yes')]);
    const myId = { type: 'fqdn', value: 'a.example' } as const;
    a.configure([policy(A, B, { ...aggressive, myId, credential: preshared('yes') })]);
    network.run(5);
    expect(live(b, 'ipsec2')).toHaveLength(1);
    expect(live(b, 'ipsec1')).toHaveLength(0);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('comes up over a path that loses a third (seed %d)', (seed) => {
    const { network, a, b } = pair(seed, aggressive);
    network.faults = { loss: 0.33, duplication: 0.2, jitter: 50 };
    expect(network.runUntil(() => live(a).length > 0 && live(b).length > 0, 600)).toBe(true);
    network.faults = {};
    network.run(60);
    const [x, y] = [live(a).at(-1), live(b).at(-1)];
    expect([x?.spiIn, x?.spiOut]).toEqual([y?.spiOut, y?.spiIn]);
  });
});

test('whom nobody expects gets no hash to guess a key by', () => {
  const network = new Network(8);
  const [a, b] = [new Node(network, A), new Node(network, B)];
  a.configure([policy(A, B, { ...aggressive, myId: { type: 'fqdn', value: 'nobody.example' } })]);
  b.configure([policy(B, A, aggressive)]);
  network.run(2);
  expect(b.facts.find((f) => f.code === 'negotiation-refused')?.reason?.code).toBe('ID_MISMATCH');
  expect(network.log.filter((e) => e.from.address === B && e.data[18] === EXCHANGE.AGGRESSIVE)).toEqual([]);
  expect(b.engine.connections.get('ipsec0')?.sas.size).toBe(0);
});

describe('main mode with peers from anywhere', () => {
  test('peers with the same key are told apart by their identity', () => {
    const network = new Network(9);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const anywhere = (name: string, fqdn: string): ConnectionPolicy => {
      const { remote: _, ...rest } = policy(B, A, { name, initiate: 'never' });
      return { ...rest, peerId: { type: 'fqdn', value: fqdn } };
    };
    b.configure(['x', 'a', 'y'].map((n, i) => anywhere(`ipsec${i}`, `${n}.example`)));
    a.configure([policy(A, B, { myId: { type: 'fqdn', value: 'a.example' } })]);
    network.run(5);
    expect(live(b, 'ipsec1')).toHaveLength(1);
  });

  test('message 5 tells whose preshared key it is', () => {
    const network = new Network(6);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const anywhere = (name: string, fqdn: string, key: string): ConnectionPolicy => {
      const { remote: _, ...rest } = policy(B, A, { name, initiate: 'never' });
      return { ...rest, peerId: { type: 'fqdn', value: fqdn }, credential: preshared(key) };
    };
    b.configure(['x', 'y', 'a'].map((n, i) => anywhere(`ipsec${i}`, `${n}.example`, `key of ${n}`)));
    const myId = { type: 'fqdn', value: 'a.example' } as const;
    a.configure([policy(A, B, { myId, credential: preshared('key of a') })]);
    network.run(5);
    expect(live(b, 'ipsec2')).toHaveLength(1);
    expect(b.facts.filter((f) => f.level === 'warning')).toEqual([]);
  });
});

describe('signatures', () => {
  const certificate: Partial<ConnectionPolicy> = {
    credential: {
      method: 'public-key',
      privateKey: { kind: 'rsa', pkcs8: new Secret(new Uint8Array(0)) },
      peer: new Uint8Array(0),
    },
  };

  test.each([
    ['main', 1],
    ['aggressive', 1],
    ['main', 2],
  ] as const)('prove both sides, %s mode, IKEv%d', (exchangeMode, version) => {
    const { network, a, b } = pair(7, { ...certificate, exchangeMode, version });
    network.run(5);
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
  });
});
