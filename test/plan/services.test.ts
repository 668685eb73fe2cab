// Filters, NAT, DHCP and DNS as a configuration asks for them (dialects.md A.5, A.6).
import { describe, expect, test } from 'vitest';
import { validate } from '../../src/config/validate.ts';
import { read } from '../../src/dialect/index.ts';
import { parseSeil } from '../../src/dialect/seil/parse.ts';
import { dnsmasqConf } from '../../src/host/dnsmasq.ts';
import { firewallText } from '../../src/plan/firewall.ts';
import { plan } from '../../src/plan/plan.ts';
import type { Lease } from '../../src/plan/services.ts';
import { steps, stepText } from '../../src/plan/steps.ts';
import { planned } from './machine.ts';

const wrong = (...lines: string[]) => validate(parseSeil(lines.join('\n')).tree).errors.map((m) => m.message);
const LAN = 'interface.ge1.ipv4.address : 192.168.1.1/24\n';

describe('filters', () => {
  test('by index, in both directions where none is said, ports mean TCP and UDP', () => {
    const { firewall } = planned(`filter.ipv4.20.interface : any
filter.ipv4.20.action : block
filter.ipv4.3.interface : ge1
filter.ipv4.3.direction : in
filter.ipv4.3.action : pass
filter.ipv4.3.destination.port : 53
filter.ipv4.3.state : enable`);
    expect(firewall.filters).toEqual([
      {
        ...{ key: 'filter.ipv4.3', family: 4, device: 'ge1', direction: 'in', action: 'pass' },
        ...{ protocols: ['tcp', 'udp'], destinationPort: '53', state: true },
      },
      { key: 'filter.ipv4.20', family: 4, direction: 'in', action: 'block', state: false },
      { key: 'filter.ipv4.20', family: 4, direction: 'out', action: 'block', state: false },
    ]);
  });

  test('what is not complete, or does not go together, is one sentence', () => {
    expect(wrong('filter.ipv4.1.action : pass')).toEqual([
      'filter.ipv4.1 is not complete: add filter.ipv4.1.interface.',
    ]);
    expect(
      wrong(
        'filter.ipv6.1.interface : any',
        'filter.ipv6.1.action : pass',
        'filter.ipv6.1.protocol : esp',
        'filter.ipv6.1.source.port : 1-9',
      ),
    ).toEqual([
      'esp has no ports: remove filter.ipv6.1.source.port, or set filter.ipv6.1.protocol : tcp, udp or tcpudp.',
    ]);
    expect(
      wrong(
        'nat.ipv4.snapt.1.interface : ge0',
        'nat.ipv4.snapt.1.protocol : tcp',
        'nat.ipv4.snapt.1.forward.address : 192.168.1.2',
      ),
    ).toEqual(['nat.ipv4.snapt.1 is not complete: add nat.ipv4.snapt.1.listen.port.']);
  });

  test('a wall stands before what is walled in, and goes after it', () => {
    const wall = 'filter.ipv4.1.interface : ge1\nfilter.ipv4.1.action : block\n';
    const [none, walled] = [planned(''), planned(LAN + wall)];
    const up = steps(none, walled).map((s) => s.kind);
    expect(up.indexOf('firewall')).toBeLessThan(up.indexOf('add-address'));
    const down = steps(walled, none).map((s) => s.kind);
    expect(down.indexOf('firewall')).toBeGreaterThan(down.indexOf('remove-address'));
    expect(steps(walled, none).map(stepText)).toContain('TCP MSS clamp; nothing is filtered');
  });

  test('a port is led inside from the addresses of its interface, whichever they are now', () => {
    const config = `interface.ge0.ipv4.address : dhcp
nat.ipv4.snapt.1.interface : ge0
nat.ipv4.snapt.1.protocol : tcp
nat.ipv4.snapt.1.listen.port : 80
nat.ipv4.snapt.1.forward.address : 192.168.1.2`;
    const lease: Lease = { address: '10.0.0.7/24', dns: [] };
    const outside = (known?: Lease) =>
      planned(config, undefined, known ? { leases: new Map([['ge0', known]]) } : {}).firewall.forwards[0]
        .outside;
    expect(outside()).toEqual([]);
    expect(outside(lease)).toEqual(['10.0.0.7']);
    expect(firewallText(planned(config).firewall)).toEqual(['tcp 80 leads to 192.168.1.2']);
  });
});

describe('DHCP and DNS', () => {
  const server = (first: string, count: number) =>
    `${LAN}dhcp.server.service : enable
dhcp.server.0.interface : ge1
dhcp.server.0.pool.address : ${first}
dhcp.server.0.pool.count : ${count}
`;

  test('a pool, with our address as gateway and name server where none is given', () => {
    expect(planned(server('192.168.1.100/24', 50)).services.pools).toEqual([
      {
        ...{ key: 'dhcp.server.0', device: 'ge1', first: '192.168.1.100', last: '192.168.1.149', length: 24 },
        ...{ hours: 24, gateway: '192.168.1.1', dns: ['192.168.1.1'], ntp: [], fixed: [] },
      },
    ]);
  });

  test('a pool beyond its network, in another one, or at an interface without an address', () => {
    expect(wrong(server('192.168.1.250/24', 6))).toEqual([
      expect.stringMatching(/goes beyond the network 192\.168\.1\.0\/24/),
    ]);
    expect(wrong(server('192.168.1.250/24', 5))).toEqual([]);
    expect(wrong(server('192.168.9.1/24', 5))).toEqual([
      expect.stringMatching(/not in the network of ge1, 192\.168\.1\.0\/24/),
    ]);
    expect(wrong(server('192.168.1.5/24', 5).replace(LAN, ''))).toEqual([
      expect.stringMatching(/ge1 has no address of its own/),
    ]);
  });

  test('what the network outside gave us: address, gateway, name servers; without it nothing of them', () => {
    const config = `interface.ge0.ipv4.address : dhcp
route.ipv4.0.destination : default
route.ipv4.0.gateway : dhcp
dns-forwarder.service : enable
dns-forwarder.0.address : dhcp
dns-forwarder.1.address : 192.0.2.53
dns-forwarder.listen.0.interface : ge1`;
    const lease: Lease = { address: '10.0.0.7/24', router: '10.0.0.1', dns: ['10.0.0.2', '10.0.0.3'] };
    const given = planned(config, undefined, { leases: new Map([['ge0', lease]]) });
    expect(given.links[0].addresses).toEqual(['10.0.0.7/24']);
    expect(given.routes).toMatchObject([{ destination: 'default', via: { address: '10.0.0.1' } }]);
    expect(given.services.dns?.servers).toEqual(['10.0.0.2', '10.0.0.3', '192.0.2.53']);
    const before = planned(config);
    expect([before.links[0].addresses, before.routes, before.services.dns?.servers]).toEqual([
      [],
      [],
      ['192.0.2.53'],
    ]);
    expect(before.services.clients).toEqual([{ name: 'ge0', device: 'ge0' }]);
  });

  test('a host that always gets the same gets what it can have, and what nobody else has', () => {
    const fixed = (...entries: [mac: string, address: string][]) =>
      wrong(
        LAN,
        server('192.168.1.100/24', 50),
        ...entries.flatMap(([mac, address], i) => [
          `dhcp.server.0.static.entry.${i}.mac-address : 02:00:5e:00:00:${mac}`,
          `dhcp.server.0.static.entry.${i}.ip-address : ${address}`,
        ]),
      );
    expect(fixed(['01', '192.168.1.20'], ['02', '192.168.1.21'])).toEqual([]);
    expect(fixed(['01', '192.168.1.20'], ['02', '192.168.1.20'])).toEqual([
      expect.stringMatching(
        /entry\.1\.ip-address 192\.168\.1\.20 is already dhcp\.server\.0\.static\.entry\.0\.ip-address/,
      ),
    ]);
    expect(fixed(['01', '192.168.1.20'], ['01', '192.168.1.21'])).toEqual([
      expect.stringMatching(/entry\.1\.mac-address .* is already/),
    ]);
    for (const address of ['10.9.9.9', '192.168.1.255', '192.168.1.0'])
      expect(fixed(['01', address])).toEqual([
        expect.stringMatching(/is no host's address in 192\.168\.1\.0\/24/),
      ]);
    expect(fixed(['01', '192.168.1.1'])).toEqual([expect.stringMatching(/is our own address/)]);
    expect(wrong(LAN, server('192.168.1.0/24', 5))).toEqual([expect.stringMatching(/is the network itself/)]);
    expect(wrong(LAN, server('192.168.1.100/24', 5), 'dhcp.server.0.gateway : 192.168.2.1')).toEqual([
      expect.stringMatching(/gateway 192\.168\.2\.1 is not in the network of ge1/),
    ]);
  });

  test('who is asked in a private network knows names there: only then answers may lead inside', () => {
    const conf = (address: string) => {
      const { services } = planned(
        `${LAN}dns-forwarder.service : enable\ndns-forwarder.0.address : ${address}\ndns-forwarder.listen.0.interface : ge1\n`,
      );
      return dnsmasqConf(services, { leases: '/tmp/leases' });
    };
    for (const address of ['192.0.2.53', 'dhcp']) expect(conf(address)).toMatch(/^stop-dns-rebind$/m);
    for (const address of ['10.1.2.3', '192.168.2.10', '172.31.0.1', 'fd00::53'])
      expect(conf(address)).not.toMatch(/rebind|bogus-priv/);
  });

  test('NAT has addresses of its own in the network outside, and those are ours', () => {
    const links = (global: string) =>
      planned(
        `interface.ge0.ipv4.address : 203.0.113.2/24\nnat.ipv4.napt.0.interface : ge0\nnat.ipv4.napt.0.private : auto\nnat.ipv4.napt.0.global : ${global}\n`,
      ).links[0].addresses;
    expect(links('203.0.113.9')).toEqual(['203.0.113.2/24', '203.0.113.9/32']);
    expect(links('203.0.113.2')).toEqual(['203.0.113.2/24']);
    // One that is led to us need not be on the link.
    expect(links('198.51.100.9')).toEqual(['203.0.113.2/24']);
  });

  test('two interfaces in one network are warned of', () => {
    const warned = parseSeil(`${LAN}interface.ge0.ipv4.address : 192.168.1.2/25\n`).warnings;
    expect(warned.map((w) => w.message)).toEqual([
      'ge1 and ge0 are both in 192.168.1.0/24, and hosts of one will not be reached: set interface.ge1.ipv4.address to another network.',
    ]);
  });

  test('a gateway by DHCP that may be one of two is asked for, as is one that needs an interface', () => {
    const two = ['interface.ge0.ipv4.address : dhcp', 'interface.ge2.ipv4.address : dhcp'];
    const route = ['route.ipv4.0.destination : default', 'route.ipv4.0.gateway : dhcp'];
    expect(wrong(two[0], ...route)).toEqual([]);
    expect(wrong(...two, ...route)).toEqual([expect.stringMatching(/that of ge0 or ge2: give its address/)]);
    expect(wrong('route.ipv6.0.destination : default', 'route.ipv6.0.gateway : fe80::1')).toEqual([
      expect.stringMatching(/fe80::1 is a link-local address, which is known but not built yet/),
    ]);
  });

  test('a DNS forwarder that listens nowhere answers nowhere, and says so', () => {
    const config = 'dns-forwarder.service : enable\ndns-forwarder.0.address : 192.0.2.53\n';
    expect(planned(config).services.dns).toBeUndefined();
    expect(parseSeil(config).warnings.map((w) => w.message)).toEqual([
      expect.stringMatching(/listens nowhere: add dns-forwarder\.listen\.0\.interface/),
    ]);
    // Nor where its port is not there yet.
    const { tree } = parseSeil(`${config}dns-forwarder.listen.0.interface : ge1`);
    expect(plan(tree, new Map()).services.dns).toBeUndefined();
    const yamaha = read('dns service recursive', 'yamaha').tree;
    expect(yamaha.value('dns-forwarder.listen.0.interface')).toBe('ge1');
  });
});
