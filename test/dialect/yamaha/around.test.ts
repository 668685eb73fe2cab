// What is around the tunnels, in Yamaha's commands (dialects.md B.4): filters, NAT descriptors, DHCP, DNS.
import { describe, expect, test } from 'vitest';
import { parseYamaha } from '../../../src/dialect/yamaha/parse.ts';
import { printYamaha } from '../../../src/dialect/yamaha/print.ts';
import { resolveDevices } from '../../../src/plan/devices.ts';
import { plan } from '../../../src/plan/plan.ts';
import { MACHINE } from '../../plan/machine.ts';

const desired = (...lines: string[]) => {
  const { tree, errors } = parseYamaha(lines.join('\n'));
  expect(errors.map((m) => m.message)).toEqual([]);
  return plan(tree, resolveDevices(tree, MACHINE).devices);
};
const wrong = (...lines: string[]) => parseYamaha(lines.join('\n')).errors.map((m) => m.message);

describe('filters', () => {
  test('stand where a list names them, dynamic ones first, and nothing else passes', () => {
    const { filters } = desired(
      'ip lan2 secure filter in 2 1 dynamic 7',
      'ip filter 1 pass * 192.168.1.2 tcp * www',
      'ip filter 2 reject 10.0.0.0/8 *',
      'ip filter 3 pass * *',
      'ip filter dynamic 7 * * https',
    ).firewall;
    expect(filters.map(({ key, device, direction, action }) => [key, device, direction, action])).toEqual([
      ['filter.dynamic.7', 'ge0', 'in', 'track'],
      ['filter.ipv4.2', 'ge0', 'in', 'block'],
      ['filter.ipv4.1', 'ge0', 'in', 'pass'],
      ['interface.ge0.ipv4.filter.in', 'ge0', 'in', 'block'],
    ]);
    expect(filters[2]).toMatchObject({
      protocols: ['tcp'],
      destination: '192.168.1.2',
      destinationPort: '80',
    });
    expect(filters[0]).toMatchObject({ protocols: ['tcp'], destinationPort: '443' });
  });

  test('a number that is not there lets nothing pass, and is told', () => {
    const { warnings, errors } = parseYamaha('ip lan1 secure filter in 5');
    expect(errors).toEqual([]);
    expect(warnings.map((w) => w.message)).toEqual([
      expect.stringMatching(/names filter 5, which is not there/),
    ]);
    expect(desired('ip lan1 secure filter in 5').firewall.filters.map((f) => f.action)).toEqual(['block']);
  });

  test('what is not built, or cannot be, is one sentence', () => {
    expect(wrong('ip filter 1 reject-log * *')).toEqual([
      expect.stringMatching(/reject-log is known but not built/),
    ]);
    expect(wrong('ip filter 1 pass * * esp 1-9')).toEqual([expect.stringMatching(/esp has no ports/)]);
    expect(wrong('ip filter dynamic 1 * * ftp')).toEqual([
      expect.stringMatching(/ftp is known but not built/),
    ]);
  });
});

describe('NAT descriptors', () => {
  test('many behind the address of the interface, and ports that lead inside', () => {
    const { napt, forwards } = desired(
      'ip lan2 address 10.0.0.1/24',
      'ip lan2 nat descriptor 3',
      'nat descriptor type 3 masquerade',
      'nat descriptor masquerade static 3 1 192.168.1.2 tcp 8080=80',
      'nat descriptor masquerade static 3 2 192.168.1.2 esp',
    ).firewall;
    expect(napt).toEqual([{ key: 'nat.ipv4.napt.3', device: 'ge0' }]);
    expect(forwards).toMatchObject([
      {
        device: 'ge0',
        outside: ['10.0.0.1'],
        protocols: ['tcp'],
        port: '8080',
        to: '192.168.1.2',
        toPort: '80',
      },
      { protocols: ['50'], to: '192.168.1.2' },
    ]);
  });

  test('one at an interface, one interface for each; an entry’s number is its own', () => {
    expect(
      wrong('nat descriptor type 1 masquerade', 'ip lan2 nat descriptor 1', 'ip lan1 nat descriptor 1'),
    ).toEqual([expect.stringMatching(/descriptor 1 stands at lan2 already/)]);
    expect(
      wrong(
        'nat descriptor masquerade static 1 5 192.168.1.2 tcp 80',
        'nat descriptor masquerade static 2 5 192.168.1.2 tcp 81',
      ),
    ).toEqual([expect.stringMatching(/number 5 is taken by descriptor 1/)]);
  });
});

describe('DHCP and DNS', () => {
  const scope = [
    'ip lan1 address 192.168.1.1/24',
    'dhcp service server',
    'dhcp scope 1 192.168.1.10-192.168.1.59/24 expire 24:00',
    'dhcp scope bind 1 192.168.1.10 02:00:5e:10:00:01',
    'dns server dhcp lan2',
    'dns static a router.example.jp 192.168.1.1',
  ];

  test('a scope is where its addresses are; name servers are asked for lan1', () => {
    const { services } = desired(...scope);
    expect(services.pools).toMatchObject([
      { device: 'ge1', first: '192.168.1.10', last: '192.168.1.59', hours: 24, gateway: '192.168.1.1' },
    ]);
    expect(services.pools[0].fixed).toEqual([{ mac: '02:00:5e:10:00:01', address: '192.168.1.10' }]);
    expect(services.dns).toEqual({
      devices: ['ge1'],
      servers: [],
      private: false,
      hosts: [{ name: 'router.example.jp', address: '192.168.1.1' }],
    });
    const { text, unexpressed } = printYamaha(parseYamaha(scope.join('\n')).tree, { maskSecrets: false });
    expect(unexpressed).toEqual([]);
    for (const line of scope) expect(text).toContain(line);
  });

  test('a scope without an interface of its network is refused', () => {
    expect(wrong('dhcp scope 1 192.168.9.10-192.168.9.59/24')).toEqual([
      expect.stringMatching(/no interface is in 192\.168\.9\.0\/24/),
    ]);
  });
});
