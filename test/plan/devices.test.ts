import { describe, expect, test } from 'vitest';
import { parseSeil } from '../../src/dialect/seil/parse.ts';
import { type Device, resolveDevices } from '../../src/plan/devices.ts';
import { ethernet } from './machine.ts';

const board: readonly Device[] = [
  { name: 'lo', index: 1, ethernet: false, mtu: 65536 },
  ethernet('enp3s0', 5),
  ethernet('enp2s0', 4),
  { name: 'br0', index: 6, ethernet: false, mtu: 1500 },
  ethernet('wan', 7),
];

function resolve(
  source: string,
  present: readonly Device[] = board,
  before: readonly (readonly [string, string])[] = [],
) {
  const { devices, absent, mistakes } = resolveDevices(parseSeil(source).tree, present, new Map(before));
  const names = Object.fromEntries([...devices].map(([name, d]) => [name, d.name]));
  return { devices: names, mistakes: [...absent.values(), ...mistakes] };
}

const address = (n: number) => `interface.ge${n}.ipv4.address : 10.0.${n}.1/24\n`;
const told = (n: number, device: string) => `system.interface.ge${n}.device : ${device}\n`;

describe('which device geN is', () => {
  test('the one that is told', () => {
    const { devices, mistakes } = resolve(address(0) + told(0, 'wan') + told(1, 'br0') + address(1));
    expect(devices).toEqual({ ge0: 'wan', ge1: 'br0' });
    expect(mistakes).toEqual([]);
  });

  test('else its namesake, whatever its index', () => {
    const present = [...board, ethernet('ge1', 90), { ...ethernet('ge0', 91), ethernet: false }];
    expect(resolve(address(0) + address(1), present).devices).toEqual({ ge0: 'ge0', ge1: 'ge1' });
  });

  test('else the N-th Ethernet device by index: no loopback, no bridge', () => {
    const { devices } = resolve(address(0) + address(1) + address(2));
    expect(devices).toEqual({ ge0: 'enp2s0', ge1: 'enp3s0', ge2: 'wan' });
  });

  test('by where it is plugged in rather than by index: built in before USB, and those before what is virtual', () => {
    const at = (name: string, index: number, place: string) => ({
      ...ethernet(name, index),
      place: `/sys/devices/${place}`,
    });
    const present = [
      ethernet('veth0', 2),
      at('eth0', 3, 'platform/scb/fd500000.pcie/pci0000:00/0000:01:00.0/usb2/2-1/2-1:1.0'),
      at('eth1', 4, 'pci0000:00/0000:00:1d.0/0000:03:00.0'),
      at('eth2', 5, 'pci0000:00/0000:00:1c.0/0000:02:00.0'),
    ];
    expect(resolve([0, 1, 2, 3].map(address).join(''), present).devices).toEqual({
      ...{ ge0: 'eth2', ge1: 'eth1', ge2: 'eth0', ge3: 'veth0' },
    });
  });

  test('nobody slips into the place of one that is gone', () => {
    const source = address(0) + address(1) + address(2);
    const was = [
      ['ge0', 'enp2s0'],
      ['ge1', 'enp3s0'],
      ['ge2', 'wan'],
    ] as const;
    const left = board.filter((d) => d.name !== 'enp3s0');
    const { devices, mistakes } = resolve(source, left, was);
    expect(devices).toEqual({ ge0: 'enp2s0', ge2: 'wan' });
    expect(mistakes).toMatchObject([{ key: 'system.interface.ge1.device' }]);
    expect(resolve(source, board, was).devices.ge1).toBe('enp3s0');
    expect(resolve(source + told(1, 'wan') + told(2, 'br0'), left, was).devices.ge1).toBe('wan');
  });

  test('what is told wins over the namesake', () => {
    expect(resolve(address(0) + told(0, 'wan'), [...board, ethernet('ge0', 90)]).devices).toEqual({
      ge0: 'wan',
    });
  });

  test('interfaces that are only referred to count: a gateway, a lender of an address', () => {
    expect(resolve('route.ipv4.1.gateway : ge1').devices).toEqual({ ge1: 'enp3s0' });
    expect(resolve('interface.ipsec0.ipv4.address : ge2').devices).toEqual({ ge2: 'wan' });
  });

  test.each(['hostname : ge7', 'interface.ipsec0.description : ge7', 'interface.ipsec0.preshared-key : ge7'])(
    'text that reads like an interface is none: %s',
    (line) => {
      expect(resolve(line, [])).toEqual({ devices: {}, mistakes: [] });
    },
  );

  test('interfaces that are not mentioned do not', () => {
    expect(resolve('hostname : r1')).toEqual({ devices: {}, mistakes: [] });
  });
});

describe('mistakes list what exists', () => {
  const all = 'lo, enp3s0, enp2s0, br0, wan';

  test('a device that is told and not there', () => {
    const { devices, mistakes } = resolve(address(0) + told(0, 'eth9'));
    expect(devices).toEqual({});
    expect(mistakes).toEqual([
      {
        code: 'conflict',
        key: 'system.interface.ge0.device',
        message: `there is no device eth9: set system.interface.ge0.device to one that exists (${all}).`,
      },
    ]);
  });

  test('fewer devices than interfaces', () => {
    expect(resolve(address(3)).mistakes).toMatchObject([
      { key: 'system.interface.ge3.device', message: expect.stringContaining(`no device for ge3`) },
    ]);
    expect(resolve(address(3)).mistakes[0].message).toContain(`(${all})`);
  });

  test('none at all', () => {
    expect(resolve(address(0), []).mistakes[0].message).toContain('(none)');
  });

  test('two interfaces on one device, by whatever rule', () => {
    const { devices, mistakes } = resolve(told(0, 'enp3s0') + address(1));
    expect(devices).toEqual({ ge0: 'enp3s0' });
    expect(mistakes).toEqual([
      {
        code: 'conflict',
        key: 'system.interface.ge1.device',
        message: `ge1 and ge0 would both be enp3s0: set system.interface.ge1.device to another device (${all}).`,
      },
    ]);
  });

  test('every mistake is told, not the first alone', () => {
    expect(resolve(told(0, 'a') + told(1, 'b') + address(2)).mistakes).toHaveLength(2);
  });
});
