// Who may log in and from where, the time, names (dialects.md A.6, B.4): what a configuration asks of the system around.
import { describe, expect, test } from 'vitest';
import { read } from '../../src/dialect/index.ts';
import { chronyConf } from '../../src/host/chrony.ts';
import { ruleset } from '../../src/host/nftables.ts';
import { wishes } from '../../src/host/system.ts';
import { resolveDevices } from '../../src/plan/devices.ts';
import { plan } from '../../src/plan/plan.ts';
import { MACHINE } from './machine.ts';

const desired = (...lines: string[]) => {
  const { tree, errors } = read(lines.join('\n'));
  expect(errors.map((m) => m.message)).toEqual([]);
  return plan(tree, resolveDevices(tree, MACHINE).devices);
};

const HASH = '$7$C6..../....salt$abcdefghijkl';

describe('accounts and SSH', () => {
  test('nobody logs in unless it is said', () => {
    expect(desired('hostname : gate').access).toEqual({
      ...{ timezone: 'UTC', sshd: false, sshPasswords: false, accounts: [], keys: [] },
    });
  });

  test('are wishes of one line each, keys without their labels', () => {
    const { access } = desired(
      'option.timezone : JST',
      'sshd.service : enable',
      `login.admin.encrypted-password : ${HASH}`,
      'sshd.authorized-keys.0.pubkey : "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA who@where"',
    );
    expect(wishes(access, 'gate').split('\n')).toEqual([
      'hostname gate',
      'timezone Asia/Tokyo',
      'sshd on',
      'ssh-password no',
      `account admin ${HASH}`,
      'key admin ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA',
      '',
    ]);
  });

  test('a key or a hash that is none is one sentence, without what it was', () => {
    for (const line of [
      'sshd.authorized-keys.0.pubkey : "ssh-ed25519 AAAA\nroot"',
      'sshd.authorized-keys.0.pubkey : "command=x ssh-ed25519 AAAAC3NzaC1lZDI1"',
      'login.admin.encrypted-password : plain-text-password',
    ]) {
      const { errors } = read(line);
      expect(errors).not.toEqual([]);
      expect(errors[0].message).not.toContain('plain-text-password');
    }
  });

  test('from inside only: what leads outside is closed, for the router itself and nothing behind it', () => {
    const { filters } = desired(
      'interface.ge0.ipv4.address : 192.0.2.2/24',
      'interface.ge1.ipv4.address : 192.168.1.1/24',
      'route.ipv4.0.destination : default',
      'route.ipv4.0.gateway : 192.0.2.1',
      'sshd.service : enable',
      'sshd.access : lan',
    ).firewall;
    expect(filters.map((f) => [f.key, f.device, f.action, f.destinationPort, f.local])).toEqual([
      ['sshd.access', 'ge0', 'block', '22', true],
      ['sshd.access', 'ge0', 'block', '22', true],
    ]);
    expect(filters.map((f) => f.family)).toEqual([4, 6]);
    const text = ruleset([], { filters, napt: [], forwards: [], reflect: [], own: [], ends: [] });
    expect(text).toMatch(/nfproto ipv4 fib daddr type local meta l4proto tcp tcp dport 22 counter drop/);
  });

  test('where all goes through a tunnel, outside is where that leads', () => {
    const { filters } = desired(
      'interface.ge0.ipv4.address : 192.0.2.2/24',
      'interface.ge1.ipv4.address : 192.168.1.1/24',
      'interface.ipsec0.ipv4.source : 192.0.2.2',
      'interface.ipsec0.ipv4.destination : 198.51.100.1',
      'interface.ipsec0.preshared-key : x',
      'route.ipv4.0.destination : 198.51.100.1/32',
      'route.ipv4.0.gateway : 192.0.2.1',
      'route.ipv4.1.destination : default',
      'route.ipv4.1.gateway : ipsec0',
      'sshd.service : enable',
      'sshd.access : lan',
    ).firewall;
    expect(filters.map((f) => [f.key, f.device])).toEqual([
      ['sshd.access', 'ge0'],
      ['sshd.access', 'ge0'],
    ]);
  });

  test('both dialects say the same', () => {
    const lines = ['sshd service on', 'sshd host lan', 'sshd auth method password publickey', 'timezone jst'];
    expect(desired(...lines, 'sshd host key generate').access).toMatchObject({
      ...{ sshd: true, sshPasswords: true, timezone: 'Asia/Tokyo' },
    });
  });
});

describe('the time', () => {
  test('follows servers, and is told inside alone', () => {
    const { services, firewall } = desired(
      'interface.ge0.ipv4.address : dhcp',
      'interface.ge1.ipv4.address : 192.168.1.1/24',
      'ntp.service : enable',
      'ntp.client.0.address : ntp.example.org',
      'ntp.server : enable',
      'filter.ipv4.1.interface : ge0',
      'filter.ipv4.1.direction : in',
      'filter.ipv4.1.action : block',
    );
    expect(services.clock).toEqual({
      servers: ['ntp.example.org'],
      inside: [{ device: 'ge1', networks: ['192.168.1.0/24'] }],
    });
    expect(firewall.own).toContainEqual(expect.objectContaining({ kind: 'ntp', device: 'ge1' }));
    const conf = chronyConf(services.clock ?? { servers: [], inside: [] }, {
      drift: '/tmp/drift',
      pid: '/tmp/pid',
    });
    expect(conf).toMatch(/^server ntp\.example\.org iburst$/m);
    expect(conf).toMatch(/^allow 192\.168\.1\.0\/24$/m);
    expect(conf).not.toMatch(/^port 0$/m);
  });

  test('a schedule of Yamaha’s that asks once a day is a server that is followed', () => {
    const { clock } = desired('schedule at 1 */* 12:00 * ntpdate ntp.nict.jp syslog').services;
    expect(clock).toEqual({ servers: ['ntp.nict.jp'], inside: [] });
  });
});

describe('names', () => {
  test('are asked of those that are told, else of those that hosts inside are answered by', () => {
    expect(desired('resolver.0.address : 192.0.2.53').services.resolvers).toEqual(['192.0.2.53']);
    expect(desired('dns-forwarder.0.address : 192.0.2.54').services.resolvers).toEqual(['192.0.2.54']);
    expect(desired('hostname : gate').services.resolvers).toEqual([]);
  });
});
