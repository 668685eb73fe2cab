// What a router does around an update: what worked before is remembered, compared, and what is missing is told.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emptyTree } from '../../src/config/tree.ts';
import { answer } from '../../src/daemon/commands.ts';
import { Firmware, slotOf } from '../../src/daemon/firmware.ts';
import { firstConfiguration } from '../../src/daemon/first.ts';
import { type Condition, missing } from '../../src/daemon/health.ts';
import { Log } from '../../src/daemon/log.ts';
import type { Router } from '../../src/daemon/router.ts';
import type { Served } from '../../src/daemon/views.ts';
import { showFirmware } from '../../src/show/firmware.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-first-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('health', () => {
  const before: Condition = { tunnels: ['ipsec0', 'ipsec1'], addressed: ['ge0'], gateways: ['192.0.2.1'] };

  test('what was and is no more is missing; what is new is no matter', () => {
    expect(missing(before, before)).toEqual([]);
    expect(missing(before, { tunnels: ['ipsec1', 'ipsec7'], addressed: [], gateways: [] })).toEqual([
      'ge0 has no address',
      'the gateway 192.0.2.1 does not answer',
      'ipsec0 is not up',
    ]);
    expect(missing({ tunnels: [], addressed: [], gateways: [] }, before)).toEqual([]);
  });

  test('which slot runs is in the words that the kernel was told', () => {
    expect(slotOf('quiet rauc.slot=B sekisho.root=5e6b1540-06')).toBe('B');
    expect(slotOf('quiet xrauc.slot=A rauc.slot=C')).toBeUndefined();
  });

  test('an update does not begin while something is not saved: it would be missed', async () => {
    const asked: string[] = [];
    const install = async (file: string) => {
      asked.push(file);
      return { ok: true as const, text: '' };
    };
    const admin = { role: 'admin', name: 'root' } as const;
    const begin = (unsaved: number) => {
      const served = { changes: { state: () => ({ unsaved }) }, firmware: { install } } as unknown as Served;
      return answer(served, { command: 'firmware-install', file: '/update' }, admin, async () => {});
    };
    expect(await begin(2)).toEqual({
      ok: false,
      error: '2 settings are not saved, and the update would start without: save first.',
    });
    expect(asked).toEqual([]);
    expect(await begin(0)).toEqual({ ok: true, text: '' });
    expect(asked).toEqual(['/update']);
  });

  describe('an update that is remembered', () => {
    const begun = { from: 'A', to: 'B', start: 'one', before: { tunnels: [], addressed: [], gateways: [] } };

    /** What a router that starts in a slot makes of it. */
    async function after(update: object, slot: 'A' | 'B', start: string) {
      const file = join(folder, 'update.json');
      writeFileSync(file, JSON.stringify({ ...begun, ...update }));
      const log = new Log(() => {});
      const state = await new Firmware(null as unknown as Router, file, log, slot, start).state();
      return { outcome: state.outcome, trial: state.trial?.to, kept: existsSync(file) };
    }

    test('and whose slot was left again tells why', async () => {
      expect(await after({ written: true }, 'A', 'two')).toEqual({
        outcome: 'slot B was left again: it did not start',
        trial: undefined,
        kept: false,
      });
      const missing = ['ipsec0 is not up'];
      const { outcome } = await after({ written: true, missing }, 'A', 'two');
      expect(outcome).toBe('slot B was left again: ipsec0 is not up');
    });

    test('and was cut short by the power is told as that', async () => {
      expect(await after({ written: false }, 'A', 'two')).toEqual({
        outcome: 'the update of slot B was cut short: install it again',
        trial: undefined,
        kept: false,
      });
    });

    test('goes on when the router alone begins anew, and its slot is on trial whenever it starts', async () => {
      for (const written of [false, true])
        expect(await after({ written }, 'A', 'one')).toMatchObject({ outcome: undefined, kept: true });
      for (const written of [false, true])
        expect(await after({ written }, 'B', 'two')).toEqual({ outcome: undefined, trial: 'B', kept: true });
    });
  });

  describe('with an update service', () => {
    const PATH = process.env.PATH;
    afterEach(() => {
      process.env.PATH = PATH;
    });

    /** Slot B on trial; the service answers as this script does. */
    function onTrial(slot: 'A' | 'B', service: string) {
      const file = join(folder, 'update.json');
      const before = { tunnels: [], addressed: [], gateways: [] };
      writeFileSync(file, JSON.stringify({ from: 'A', to: 'B', start: 'one', written: false, before }));
      writeFileSync(join(folder, 'rauc'), `#!/bin/sh\necho "$*" >>${folder}/asked\n${service}\n`, {
        mode: 0o755,
      });
      process.env.PATH = `${folder}:${PATH}`;
      const router = { tree: emptyTree, source: { tunnels: [], dormant: [] } };
      return {
        file,
        firmware: new Firmware(router as unknown as Router, file, new Log(() => {}), slot, 'one'),
      };
    }

    test('a slot is kept by it, and the trial goes on until it is', async () => {
      const { file, firmware } = onTrial('B', `echo "{}"; [ -e ${folder}/well ]`);
      await expect(firmware.health()).rejects.toThrow(/rauc status mark-good/);
      expect(existsSync(file)).toBe(true);
      writeFileSync(join(folder, 'well'), '');
      expect((await firmware.health()).missing).toEqual([]);
      expect(existsSync(file)).toBe(false);
      expect((await firmware.state()).outcome).toBe('slot B works as slot A did: it is kept');
    });

    test('has written another one: the slot that is left is not the wanted one again', async () => {
      const { file, firmware } = onTrial('A', 'echo "{}"');
      expect((await firmware.health()).missing).toEqual([]);
      expect(existsSync(join(folder, 'asked'))).toBe(false);
      expect(existsSync(file)).toBe(true);
    });

    test('that is busy still, what it is busy with stays remembered', async () => {
      const { file, firmware } = onTrial(
        'A',
        'echo "LastError: Already processing a different method"; exit 1',
      );
      await firmware.install(join(folder, 'rauc'));
      await expect.poll(async () => (await firmware.state()).installing?.error).toMatch(/Already processing/);
      expect(existsSync(file)).toBe(true);
    });
  });

  test('is told in one look', () => {
    const text = showFirmware({
      ...{ version: '0.2.0', slot: 'B' },
      slots: [
        { name: 'A', good: true, version: '0.1.0' },
        { name: 'B', good: true, version: '0.2.0' },
      ],
      trial: { from: 'A', to: 'B', missing: ['ipsec0 is not up'] },
    });
    expect(text).toBe(
      [
        'Sekisho 0.2.0, started from slot B',
        '  slot A: 0.1.0, good',
        '  slot B: runs, 0.2.0, on trial',
        'On trial after slot A: ipsec0 is not up',
        '',
      ].join('\n'),
    );
  });
});

describe('what was put beside the boot loader', () => {
  const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA me';

  test('nothing is nothing', () => {
    expect(firstConfiguration(folder)).toBeUndefined();
  });

  test('a key alone: an address by DHCP, and SSH with that key', () => {
    put('sekisho.pub', `${key}\n`);
    const { tree, mistakes } = firstConfiguration(folder) ?? { mistakes: ['none'] };
    expect(mistakes).toEqual([]);
    expect(tree?.value('interface.ge0.ipv4.address')).toBe('dhcp');
    expect(tree?.value('sshd.service')).toBe('enable');
    expect(tree?.value('sshd.authorized-keys.0.pubkey')).toBe(key);
  });

  test('a configuration in either dialect, and the key with those it has', () => {
    put('sekisho.pub', key);
    put('sekisho.conf', 'ip lan1 address 192.168.1.1/24\nsshd service on\n');
    expect(firstConfiguration(folder)?.tree.value('interface.ge1.ipv4.address')).toBe('192.168.1.1/24');
    put('sekisho.conf', 'sshd.authorized-keys.4.pubkey : "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5BBBB"');
    expect(firstConfiguration(folder)?.tree.value('sshd.authorized-keys.5.pubkey')).toBe(key);
  });

  test('a mistake: nothing of it is taken, and it is told by its line', () => {
    put('sekisho.conf', 'interface.ge0.ipv4.address : 300.1.1.1/24\n');
    const { tree, mistakes } = firstConfiguration(folder) ?? { mistakes: [] };
    expect(mistakes[0]).toMatch(/^sekisho\.conf:1:/);
    expect(tree?.value('interface.ge0.ipv4.address')).toBe('dhcp');
  });

  test('what is no key is left out and told by its line; comments say nothing', () => {
    put('sekisho.pub', `# of the administrator\n\n${key}\nnot a key\nssh-ed25519 "quoted"\n`);
    const { tree, mistakes } = firstConfiguration(folder) ?? {};
    expect(mistakes).toEqual(
      [4, 5].map(
        (n) => `sekisho.pub:${n}: this is no public key, and is left out: one looks like ssh-ed25519 AAAA….`,
      ),
    );
    expect(tree?.list('sshd.authorized-keys.', '.pubkey')).toEqual([key]);
    expect(tree?.enabled('sshd.service')).toBe(true);
  });
});
