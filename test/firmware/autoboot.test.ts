// The Pi's chain of starts, which no emulator has: its firmware stood in for by a few lines (autoboot.txt: the partition under
// [all], or the one under [tryboot] for the one start after the module `tryboot` was loaded), our own script as it is on the box.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AUTOBOOT, SLOTS } from '../../firmware/mbr.ts';

const SCRIPT = fileURLToPath(new URL('../../firmware/boot/rpi/boot-state', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-pi-'));
  writeFileSync(join(folder, 'autoboot.txt'), AUTOBOOT.padEnd(512, '\n'));
  writeFileSync(join(folder, 'slots.txt'), SLOTS.padEnd(512, '\n'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A Pi with its card. */
class Pi {
  running: 'A' | 'B' = 'A';
  readonly card: string;

  constructor(card: string) {
    this.card = card;
    this.start();
  }

  /** What the firmware does. */
  start(tryboot = false): 'A' | 'B' {
    const [all, once] = readFileSync(join(this.card, 'autoboot.txt'), 'utf8').split('[tryboot]');
    expect(all).toMatch(/^\[all\]\n/);
    const partition = /boot_partition=(\d)/.exec(tryboot ? once : all)?.[1];
    expect(['2', '3']).toContain(partition);
    this.running = partition === '2' ? 'A' : 'B';
    writeFileSync(join(this.card, 'cmdline'), `quiet rauc.slot=${this.running}`);
    return this.running;
  }

  get env() {
    return { ...process.env, SEKISHO_BOOT: this.card, SEKISHO_CMDLINE: join(this.card, 'cmdline') };
  }

  state(...args: string[]): string {
    return execFileSync(SCRIPT, args, { env: this.env, encoding: 'utf8' }).trim();
  }

  is(...args: string[]): boolean {
    return spawnSync(SCRIPT, args, { env: this.env }).status === 0;
  }

  /** As the script `restart`. */
  restart(): 'A' | 'B' {
    return this.start(this.state('how') === 'tryboot');
  }

  /** What the update service does, in its order. */
  install(): void {
    const other = this.running === 'A' ? 'B' : 'A';
    this.state('set-state', other, 'bad');
    this.state('set-primary', other);
  }
}

describe('a card', () => {
  test('as it comes starts slot A, and says so', () => {
    const pi = new Pi(folder);
    expect(pi.running).toBe('A');
    expect([pi.state('get-current'), pi.state('get-primary'), pi.state('how')]).toEqual(['A', 'A', 'plain']);
    expect(pi.is('proven', 'A')).toBe(true);
    expect(pi.is('proven', 'B')).toBe(false);
  });

  test('an update is tried once; found good it stays', () => {
    const pi = new Pi(folder);
    pi.install();
    expect(pi.restart()).toBe('B');
    expect(pi.is('proven', 'B')).toBe(false);
    pi.state('set-state', 'B', 'good');
    expect(pi.is('proven', 'B')).toBe(true);
    for (let i = 0; i < 3; i++) expect(pi.start()).toBe('B');
    expect(pi.state('how')).toBe('plain');
  });

  test('one that hangs, fails or loses its power goes back by any other start', () => {
    const pi = new Pi(folder);
    pi.install();
    expect(pi.restart()).toBe('B');
    expect(pi.start()).toBe('A');
    expect(pi.start()).toBe('A');
  });

  test('one that is found bad goes back, and is not tried again', () => {
    const pi = new Pi(folder);
    pi.install();
    pi.restart();
    pi.state('set-state', 'B', 'bad');
    expect(pi.state('get-state', 'B')).toBe('bad');
    expect(pi.restart()).toBe('A');
    expect(pi.state('get-primary')).toBe('A');
  });

  test('where nothing is wanted that could be read there is no attempt', () => {
    const pi = new Pi(folder);
    pi.install();
    rmSync(join(folder, 'slots.txt'));
    expect(pi.restart()).toBe('A');
  });

  test('the next update goes to the other slot', () => {
    const pi = new Pi(folder);
    pi.install();
    pi.restart();
    pi.state('set-state', 'B', 'good');
    pi.install();
    expect(pi.restart()).toBe('A');
    expect(pi.start()).toBe('B');
    pi.install();
    pi.restart();
    pi.state('set-state', 'A', 'good');
    expect(pi.start()).toBe('A');
  });

  test('files keep their one sector, so that they are written in place', () => {
    const pi = new Pi(folder);
    pi.install();
    pi.restart();
    pi.state('set-state', 'B', 'good');
    for (const name of ['autoboot.txt', 'slots.txt']) expect(statSync(join(folder, name)).size).toBe(512);
  });
});

describe('the power goes between any two writes', () => {
  test('and some slot that was good starts', () => {
    const install = [
      ['set-state', 'B', 'bad'],
      ['set-primary', 'B'],
    ];
    const pi = new Pi(folder);
    for (const command of install) {
      pi.state(...command);
      expect(pi.start()).toBe('A');
    }
    expect(pi.start(true)).toBe('B');
    // Of the two files that are written then each is whole by itself: the one alone, or both.
    const before = readFileSync(join(folder, 'slots.txt'));
    pi.state('set-state', 'B', 'good');
    const after = readFileSync(join(folder, 'slots.txt'));
    for (const slots of [before, after]) {
      writeFileSync(join(folder, 'slots.txt'), slots);
      expect(pi.start()).toBe('B');
      expect(pi.is('proven', 'B')).toBe(true);
      expect(pi.state('how')).toBe('plain');
    }
  });
});
