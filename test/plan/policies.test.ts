// Policy-based IPsec: what becomes of ike.peer, ipsec.security-association and ipsec.security-policy (dialects.md A.3).
import { describe, expect, test } from 'vitest';
import { connectionsOf } from '../../src/plan/desired.ts';
import { planned } from './machine.ts';

const at = (prefix: string, lines: Record<string, string>) =>
  Object.entries(lines).map(([key, value]) => `${prefix}.${key} : ${value}`);

const LAN = [
  'interface.ge0.ipv4.address : 10.0.0.1/24',
  'interface.ge1.ipv4.address : 192.168.1.1/24',
  'interface.ge0.ipv6.address : 2001:db8::1/64',
];
const peer = (n: number, lines: Record<string, string>) =>
  at(`ike.peer.${n}`, { 'preshared-key': 'k', ...lines });
const association = (n: number, lines: Record<string, string>) =>
  at(`ipsec.security-association.sa${n}`, lines);
const policy = (n: number, lines: Record<string, string>) => at(`ipsec.security-policy.${n}`, lines);

const PEER = [
  ...peer(0, { address: '10.0.0.2' }),
  ...association(0, { 'address-type': 'static', 'local-address': 'ge0', 'remote-address': '10.0.0.2' }),
];
const networks = (source: string, destination: string) => ({
  'security-association': 'sa0',
  'source.address': source,
  'destination.address': destination,
});

const plan = (...lines: string[]) => planned([...LAN, ...lines, ''].join('\n'));

describe('two policies to one peer', () => {
  const { tunnels } = plan(
    ...PEER,
    ...policy(100, networks('192.168.1.0/24', '192.168.2.0/24')),
    ...policy(110, {
      ...networks('192.168.1.0/24', '192.168.3.1'),
      protocol: '6',
      'destination.port': '443',
      'ike.proposal.pfs-group': 'modp2048',
      'ike.proposal.lifetime-of-time': '1h',
      'ike.proposal.encryption.0.algorithm': 'aes128',
      'ike.proposal.authentication.0.algorithm': 'hmac-sha256',
    }),
  );

  test('are two children of one connection, under the peer that the association is with', () => {
    const connections = connectionsOf({ tunnels, ike: true });
    expect(connections).toHaveLength(1);
    expect(connections[0]).toMatchObject({
      name: 'sa0',
      at: 'ike.peer.0',
      local: '10.0.0.1',
      remote: '10.0.0.2',
      initiate: 'start',
      version: 1,
    });
    expect(connections[0].children.map((c) => [c.name, c.at])).toEqual([
      ['policy100', 'ipsec.security-policy.100'],
      ['policy110', 'ipsec.security-policy.110'],
    ]);
  });

  test('each with its own traffic and proposals, which are enforced', () => {
    const [one, two] = tunnels.map((t) => t.child);
    expect(one).toMatchObject({
      mode: 'tunnel',
      selectors: { local: ['192.168.1.0/24'], remote: ['192.168.2.0/24'] },
      ports: { local: 0, remote: 0 },
      protocol: 0,
      seconds: 28800,
      loose: false,
    });
    expect(two).toMatchObject({
      selectors: { local: ['192.168.1.0/24'], remote: ['192.168.3.1/32'] },
      protocol: 6,
      ports: { local: 0, remote: 443 },
      pfs: 'modp2048',
      seconds: 3600,
      ciphers: ['aes128'],
      hashes: ['sha256'],
    });
  });

  test('each with a device of its own, without addresses, to which the kernel hands what the policy names', () => {
    expect(tunnels.map(({ name, addresses, catches }) => ({ name, addresses, catches }))).toEqual([
      { name: 'policy100', addresses: [], catches: { index: 100, family: 4 } },
      { name: 'policy110', addresses: [], catches: { index: 110, family: 4 } },
    ]);
    // The overhead of aes128 and hmac-sha256: IPv4 20, UDP 8, ESP 8, IV 16, ICV 16, trailer 2.
    expect(tunnels[1].dataplane).toMatchObject({ mtu: 1422, tos: 0, ipv6: false });
    expect(tunnels[0]).toMatchObject({ deviceMtu: 1422, dataplane: { df: 'set' } });
  });
});

test('policies to different peers, or from different addresses of ours, do not share a connection', () => {
  const { tunnels } = plan(
    'interface.ge0.ipv4.alias.0.address : 10.0.0.3/24',
    ...PEER,
    ...peer(1, { address: '10.0.0.9', version: '2' }),
    ...association(1, {
      'address-type': 'static',
      'local-address': '10.0.0.1',
      'remote-address': '10.0.0.9',
    }),
    ...association(2, {
      'address-type': 'static',
      'local-address': '10.0.0.3',
      'remote-address': '10.0.0.2',
    }),
    ...policy(1, networks('192.168.1.0/24', '192.168.2.0/24')),
    ...policy(2, { ...networks('192.168.1.0/24', '192.168.3.0/24'), 'security-association': 'sa1' }),
    ...policy(3, { ...networks('192.168.1.0/24', '192.168.4.0/24'), 'security-association': 'sa2' }),
  );
  expect(connectionsOf({ tunnels, ike: true }).map((c) => [c.name, c.version, c.local, c.remote])).toEqual([
    ['sa0', 1, '10.0.0.1', '10.0.0.2'],
    ['sa1', 2, '10.0.0.1', '10.0.0.9'],
    ['sa2', 1, '10.0.0.3', '10.0.0.2'],
  ]);
});

test('a dynamic peer is known by its identifier, and waited for', () => {
  const { tunnels } = plan(
    ...peer(0, {
      address: 'dynamic',
      'peers-identifier.type': 'fqdn',
      'peers-identifier.fqdn': 'branch.example',
    }),
    ...association(0, { 'address-type': 'dynamic' }),
    ...policy(7, networks('192.168.1.0/24', '192.168.7.0/24')),
  );
  const [connection] = connectionsOf({ tunnels, ike: true });
  expect(connection).toMatchObject({
    local: '10.0.0.1',
    initiate: 'never',
    peerId: { type: 'fqdn', value: 'branch.example' },
  });
  expect(connection.remote).toBeUndefined();
});

describe('transport mode', () => {
  const { tunnels } = plan(
    ...PEER,
    ...policy(5, { 'security-association': 'sa0', mode: 'transport', protocol: '47' }),
  );

  test('is between the outer addresses', () => {
    expect(tunnels[0].child).toMatchObject({
      mode: 'transport',
      protocol: 47,
      selectors: { local: ['10.0.0.1/32'], remote: ['10.0.0.2/32'] },
    });
  });

  test('takes whole datagrams, since ESP is fragmented in their stead (RFC 4303 3.3.4), and keeps their TOS', () => {
    expect(tunnels[0].deviceMtu).toBe(65_000);
    // One IP header less than a tunnel.
    expect(tunnels[0].dataplane).toMatchObject({ mtu: 1442, tos: 'copy', df: 'clear' });
  });
});

test('a dynamic peer with both families inside comes to one address of ours, by one connection', () => {
  const { tunnels } = plan(
    ...peer(0, { address: 'dynamic', 'peers-identifier.type': 'fqdn', 'peers-identifier.fqdn': 'b.example' }),
    ...association(0, { 'address-type': 'dynamic' }),
    ...policy(1, networks('192.168.1.0/24', '192.168.7.0/24')),
    ...policy(2, networks('2001:db8:1::/64', '2001:db8:7::/64')),
  );
  const connections = connectionsOf({ tunnels, ike: true });
  expect(connections.map((c) => [c.local, c.children.map((child) => child.name)])).toEqual([
    ['10.0.0.1', ['policy1', 'policy2']],
  ]);
});

test('where ports matter datagrams come whole, and ESP is fragmented in their stead', () => {
  const ports = { ...networks('192.168.1.0/24', '192.168.2.0/24'), protocol: '17', 'source.port': '4739' };
  const { tunnels } = plan(...PEER, ...policy(1, ports));
  expect(tunnels[0]).toMatchObject({ deviceMtu: 65_000, dataplane: { df: 'clear', tos: 0 } });
});

test('IPv6 inside and outside', () => {
  const { tunnels } = plan(
    ...peer(0, { address: '2001:db8::2', version: '2' }),
    ...association(0, { 'address-type': 'static', 'local-address': 'ge0', 'remote-address': '2001:db8::2' }),
    ...policy(1, networks('2001:db8:1::/64', '2001:db8:2::/64')),
  );
  expect(connectionsOf({ tunnels, ike: true })[0].local).toBe('2001:db8::1');
  expect(tunnels[0].catches).toEqual({ index: 1, family: 6 });
  expect(tunnels[0].dataplane.ipv6).toBe(true);
});

test('responder-only waits, nat-traversal force encapsulates', () => {
  const { tunnels } = plan(
    ...PEER,
    'ike.peer.0.responder-only : enable',
    'ike.peer.0.nat-traversal : force',
    ...policy(1, networks('192.168.1.0/24', '192.168.2.0/24')),
  );
  expect(connectionsOf({ tunnels, ike: true })[0]).toMatchObject({
    initiate: 'never',
    natTraversal: 'force',
  });
});
