// What is shown of the box and of who is around it.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readGiven } from '../../src/host/dnsmasq.ts';
import { machine } from '../../src/host/machine.ts';
import { showGiven, showNeighbours } from '../../src/show/around.ts';
import { type MachineView, showMachine } from '../../src/show/machine.ts';

beforeAll(() => {
  vi.stubEnv('TZ', 'Asia/Tokyo');
});
afterAll(() => vi.unstubAllEnvs());

const VIEW: MachineView = {
  ...{ version: '1.2.3', kernel: '6.12', node: 'v24', model: 'Raspberry Pi 5 Model B', processors: 4 },
  load: [0.5, 0.25, 1],
  memory: { total: 800e6, used: 200e6, router: 90e6 },
  time: '2026-11-23T00:00:00.000Z',
  uptime: 3661,
};

/** The line that begins with this word. */
const line = (view: MachineView, name: string) =>
  new RegExp(`^${name} +(.*)$`, 'm').exec(showMachine(view))?.[1];

describe('the box', () => {
  test('tells its version, slot, memory, temperature and how long it runs', () => {
    const view = { ...VIEW, slot: 'B', celsius: 51.25, storage: { total: 2e9, used: 5e6 } };
    expect(showMachine(view)).toBe(
      [
        'version     Sekisho 1.2.3, slot B; Linux 6.12; Node v24',
        'machine     Raspberry Pi 5 Model B, 4 processors',
        'load        0.50 0.25 1.00 (1, 5, 15 minutes)',
        'memory      200 of 800 MB used, 90 MB of them by the router',
        'storage     5 of 2000 MB used',
        'temperature 51.3 °C',
        'clock       2026-11-23 09:00:00, which follows nobody: see ntp.client',
        'up          1h 1m',
        '',
      ].join('\n'),
    );
  });

  test('says of its clock whom it follows, that nobody has answered, or why nothing is known', () => {
    const clock = (c: MachineView['clock']) => line({ ...VIEW, clock: c }, 'clock')?.replace(/^[^,]*, /, '');
    expect(clock({ follows: '192.0.2.1', seconds: 0.0123 })).toBe('as 192.0.2.1 says, within 12.3 ms');
    expect(clock({ seconds: 0 })).toBe('which no time server has answered for yet');
    expect(clock({ trouble: 'chronyc is not installed' })).toBe(
      'about which nothing is known: chronyc is not installed',
    );
  });

  test('is this machine, by what Linux says of it', () => {
    const { memory, processors, uptime, storage } = machine('/tmp');
    expect(processors).toBeGreaterThan(0);
    expect(uptime).toBeGreaterThan(0);
    expect(memory.router).toBeGreaterThan(10e6);
    expect(memory.used).toBeLessThan(memory.total);
    expect(storage?.total).toBeGreaterThan(0);
  });
});

describe('who is around', () => {
  test('of leases only what is one is read', () => {
    const text = [
      '1795412475 02:00:5e:10:00:01 192.168.1.100 laptop 01:02:00:5e:10:00:01',
      '0 02:00:5e:10:00:02 192.168.1.101 * *',
      'duid 00:01:00:01:2c',
      '1795412475 not-a-mac 192.168.1.102 x *',
      '',
    ].join('\n');
    expect(readGiven(text)).toEqual([
      {
        ...{ address: '192.168.1.100', mac: '02:00:5e:10:00:01', host: 'laptop' },
        until: '2026-11-23T05:41:15.000Z',
      },
      { address: '192.168.1.101', mac: '02:00:5e:10:00:02' },
    ]);
    expect(showGiven(readGiven(text))).toBe(
      [
        'address        mac                host    until',
        '192.168.1.100  02:00:5e:10:00:01  laptop  2026-11-23T05:41:15.000Z',
        '192.168.1.101  02:00:5e:10:00:02  -       for good',
        '',
      ].join('\n'),
    );
  });

  test('nobody is said so', () => {
    expect(showGiven([])).toBe('(None)\n');
    expect(showNeighbours([])).toBe('(None)\n');
  });
});
