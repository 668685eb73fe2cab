// What the update service and we tell GRUB on a PC: our own script, on a block of variables as GRUB has it. What GRUB makes of it
// is seen in an emulated machine (x86.firmware.test.ts).
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FIRST, grubenv } from '../../firmware/gpt.ts';

const SCRIPT = fileURLToPath(new URL('../../firmware/boot/x86_64/boot-state', import.meta.url));

let folder: string;
const block = () => join(folder, 'grub/grubenv');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-grub-'));
  mkdirSync(join(folder, 'grub'));
  writeFileSync(block(), grubenv(FIRST));
  runs('A');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const runs = (slot: string) =>
  writeFileSync(join(folder, 'cmdline'), `quiet rauc.slot=${slot} fsck.repair=yes`);
const env = () => ({
  ...process.env,
  SEKISHO_BOOT: folder,
  SEKISHO_RUN: folder,
  SEKISHO_CMDLINE: join(folder, 'cmdline'),
});
const state = (...args: string[]) => execFileSync(SCRIPT, args, { env: env(), encoding: 'utf8' }).trim();
const is = (...args: string[]) => spawnSync(SCRIPT, args, { env: env() }).status === 0;
/** As GRUB changes it. */
const grub = (...words: string[]) => execFileSync('grub-editenv', [block(), 'set', ...words]);
const variables = () =>
  execFileSync('grub-editenv', [block(), 'list'], { encoding: 'utf8' }).trim().split('\n');

test('a disk as it comes starts slot A, which is good', () => {
  expect([state('get-current'), state('get-primary'), state('get-state', 'A')]).toEqual(['A', 'A', 'good']);
  expect([state('get-state', 'B'), is('proven', 'A'), is('proven', 'B')]).toEqual(['bad', true, false]);
});

test('an update is wanted, and good once it was found so', () => {
  state('set-state', 'B', 'bad');
  state('set-primary', 'B');
  expect(variables()).toEqual(
    expect.arrayContaining(['ORDER=B A', 'B_OK=1', 'B_GOOD=0', 'B_TRY=0', 'A_GOOD=1']),
  );
  grub('B_TRY=1');
  expect(state('get-state', 'B')).toBe('bad');
  state('set-state', 'B', 'good');
  expect([state('get-primary'), state('get-state', 'B'), is('proven', 'B')]).toEqual(['B', 'good', true]);
  expect(statSync(block()).size).toBe(1024);
});

test('the other one, started once by the menu, is not the wanted one for that', () => {
  grub('ORDER=B A', 'B_OK=1', 'B_GOOD=1', 'B_TRY=1', 'A_TRY=1');
  state('set-state', 'A', 'good');
  expect(variables()).toEqual(expect.arrayContaining(['ORDER=B A', 'A_TRY=0', 'B_TRY=1']));
});

test('where the wanted one did not come up three times, the one that did is wanted', () => {
  grub('A_TRY=3', 'B_OK=1', 'B_GOOD=1', 'B_TRY=1');
  runs('B');
  expect(state('get-state', 'A')).toBe('bad');
  state('set-state', 'B', 'good');
  expect(variables()).toEqual(expect.arrayContaining(['ORDER=B A', 'B_TRY=0', 'A_TRY=3']));
});

describe('a block that cannot be read', () => {
  test.each([
    ['zeros', () => writeFileSync(block(), Buffer.alloc(1024))],
    ['none', () => rmSync(block())],
  ])('is made anew by the slot that runs: %s', (_what, damage) => {
    damage();
    state('set-state', 'A', 'good');
    expect(variables()).toEqual(['ORDER=A B', 'A_OK=1', 'A_GOOD=1', 'A_TRY=0']);
    expect([state('get-primary'), statSync(block()).size]).toEqual(['A', 1024]);
  });
});
