// What Yamaha's commands ask of the engine: table C's traps are met with Yamaha's meaning (dialects.md C).
import { describe, expect, test } from 'vitest';
import type { Tree } from '../../src/config/tree.ts';
import { parseYamaha } from '../../src/dialect/yamaha/parse.ts';
import { connectionsOf } from '../../src/plan/desired.ts';
import { resolveDevices } from '../../src/plan/devices.ts';
import { plan } from '../../src/plan/plan.ts';
import { A, B, live, Network, Node } from '../ike/simulation.ts';
import { MACHINE } from './machine.ts';

function read(lines: readonly string[]): Tree {
  const { tree, errors } = parseYamaha(lines.join('\n'));
  expect(errors).toEqual([]);
  return tree;
}

const desired = (...lines: string[]) => {
  const tree = read(lines);
  return plan(tree, resolveDevices(tree, MACHINE).devices);
};

/** One side of two; `more` comes behind what both need. */
function side(n: 1 | 2, ...more: string[]): string[] {
  return [
    'tunnel select 1',
    'ipsec tunnel 101',
    'ipsec sa policy 101 1 esp aes-cbc sha-hmac',
    `ipsec ike local address 1 10.0.0.${n}`,
    `ipsec ike remote address 1 10.0.0.${3 - n}`,
    'ipsec ike pre-shared-key 1 text xeeB5gohvaYi',
    ...more,
    'tunnel enable 1',
  ];
}

/** Two routers that are configured so, after a while. */
function meet(one: readonly string[], two: readonly string[]) {
  const network = new Network(5);
  const nodes = [new Node(network, A), new Node(network, B)];
  for (const [i, lines] of [one, two].entries()) {
    const { tunnels, ike, settings } = desired(...lines);
    const connections = connectionsOf({ tunnels, ike }).map((c) => ({ ...c, name: 'ipsec0' }));
    nodes[i].configure(connections, settings);
  }
  network.run(30);
  return { network, a: nodes[0], b: nodes[1] };
}

const on = 'ipsec auto refresh on';

describe('who begins', () => {
  test('nobody, before auto refresh is on', () => {
    const { network } = meet(side(1), side(2));
    expect(network.log).toEqual([]);
    expect(desired(...side(1)).tunnels[0].policy.initiate).toBe('never');
    expect(desired(...side(1, on)).tunnels[0].policy.initiate).toBe('start');
    expect(desired(...side(1, on, 'ipsec auto refresh 1 off')).tunnels[0].policy.initiate).toBe('never');
  });
});

describe('what is offered and accepted', () => {
  test('IKEv1 offers one transform; a responder takes what it can, whatever it is set to', () => {
    const strong = [
      'ipsec ike encryption 1 aes256-cbc',
      'ipsec ike hash 1 sha256',
      'ipsec ike group 1 modp2048',
    ];
    const { a, b } = meet(side(1, on, ...strong), side(2));
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
  });

  test('unless it is strict: then the refusal tells what differs', () => {
    const { b } = meet(
      side(1, on, 'ipsec ike encryption 1 aes256-cbc'),
      side(2, 'ipsec ike negotiate-strictly 1 on'),
    );
    const refusal = b.facts.find((f) => f.reason?.code === 'NO_PROPOSAL');
    expect(refusal?.reason?.nearest).toMatchObject({ dimension: 'encryption', accepted: ['3des'] });
  });

  test('IKEv2 without a limitation offers everything; with one what is configured', () => {
    const v2 = 'ipsec ike version 1 2';
    const [all] = desired(...side(1, v2)).tunnels;
    expect(all.policy.ike.groups.slice(0, 2)).toEqual(['modp1024', 'x25519']);
    expect(all.policy.ike.ciphers).toContain('aes192');
    expect(all.policy.ike.hashes).toEqual(['sha512', 'sha384', 'sha256', 'sha1', 'md5']);
    const [one] = desired(...side(1, v2, 'ipsec ike proposal-limitation 1 on')).tunnels;
    expect(one.policy.ike).toMatchObject({ ciphers: ['3des'], hashes: ['sha1'], groups: ['modp1024'] });
    expect(one.child).toMatchObject({ ciphers: ['aes128'], hashes: ['sha1'] });
  });

  test('and a responder takes the best of it', () => {
    const v2 = 'ipsec ike version 1 2';
    const { a, b } = meet(side(1, on, v2), side(2, v2));
    expect(live(a)[0].suite.cipher).toBe('aes256-gcm16');
    expect([...b.engine.connections.values()][0].sas.values().next().value?.suite).toMatchObject({
      cipher: 'aes256-gcm16',
      prf: 'sha512',
    });
  });
});

describe('what is said', () => {
  test('Quick Mode names no traffic, and names what is given (RFC 2409 5.5)', () => {
    const silent = meet(side(1, on), side(2));
    expect(live(silent.a)[0]).toMatchObject({
      selectors: { local: ['10.0.0.1/32'], remote: ['10.0.0.2/32'] },
    });
    const ids = (n: number) => [
      `ipsec ike local id 1 192.168.${n}.0/24`,
      `ipsec ike remote id 1 192.168.${3 - n}.0/24`,
    ];
    const named = meet(side(1, on, ...ids(1)), side(2, ...ids(2)));
    expect(live(named.a)[0].selectors).toEqual({ local: ['192.168.1.0/24'], remote: ['192.168.2.0/24'] });
  });

  test('nobody looks for a NAT unless NAT traversal is on, in either version', () => {
    for (const version of [1, 2]) {
      const v = `ipsec ike version 1 ${version}`;
      const forced = 'ipsec ike nat-traversal 1 on force=on';
      expect(live(meet(side(1, on, v, forced), side(2, v)).a)[0].encapsulated).toBe(false);
      expect(live(meet(side(1, on, v, forced), side(2, v, forced)).a)[0].encapsulated).toBe(true);
    }
  });

  test('a name is a key-id, and makes IKEv1 aggressive', () => {
    const one = side(1, on, 'ipsec ike local name 1 tokyo');
    const two = side(2, 'ipsec ike remote name 1 tokyo').map((l) =>
      l.replace(/remote address 1 .*/, 'remote address 1 any'),
    );
    const { a, b, network } = meet(one, two);
    expect(live(a)).toHaveLength(1);
    expect(live(b)).toHaveLength(1);
    expect(network.log[0].data[18]).toBe(4);
    expect(desired(...one).tunnels[0].policy.myId).toEqual({ type: 'key-id', value: 'tokyo' });
  });

  test('under IKEv2 both names must be right, kind and all', () => {
    const v2 = 'ipsec ike version 1 2';
    const names = (kind: string) => [
      v2,
      'ipsec ike local name 1 tokyo fqdn',
      `ipsec ike remote name 1 kyoto ${kind}`,
    ];
    const two = side(2, v2, 'ipsec ike local name 1 kyoto fqdn', 'ipsec ike remote name 1 tokyo fqdn');
    expect(live(meet(side(1, on, ...names('fqdn')), two).a)).toHaveLength(1);
    const { a } = meet(side(1, on, ...names('key-id')), two);
    expect(live(a)).toHaveLength(0);
    expect(a.facts.some((f) => f.reason?.code === 'ID_MISMATCH')).toBe(true);
  });
});

describe('what is not there', () => {
  test('a tunnel that is not enabled, or not complete; its routes lead nowhere, not outside in clear', () => {
    const off = desired(...side(1, 'ip route 10.9.0.0/16 gateway tunnel 1').slice(0, -1));
    expect(off.tunnels).toEqual([]);
    expect(off.routes).toMatchObject([{ destination: '10.9.0.0/16', via: 'discard' }]);
    expect(off.dormant).toMatchObject([{ name: 'ipsec0', key: 'interface.ipsec0.administration' }]);
    const half = desired('tunnel select 1', 'tunnel enable 1');
    expect(half.dormant[0].text).toMatch(/add interface\.ipsec0\.ipv4\.destination/);
  });

  test('a tunnel whose interface outside has no address waits for one, and says so', () => {
    const lines = side(1).filter((line) => !line.includes('local address'));
    const { tunnels, dormant } = desired(...lines);
    expect(tunnels).toEqual([]);
    expect(dormant[0].text).toMatch(/^ge0 has no IPv4 address .* add interface\.ge0\.ipv4\.address/);
    expect(desired(...lines, 'ip lan2 address 10.0.0.1/24').tunnels).toHaveLength(1);
  });

  test('ipsec use off: devices stay, so that nothing leaves in clear, and nobody negotiates', () => {
    const d = desired(...side(1, on, 'ipsec use off'));
    expect(d.tunnels).toHaveLength(1);
    expect(connectionsOf(d)).toEqual([]);
  });
});
