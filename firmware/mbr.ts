// The card of a Raspberry Pi: an MBR, since autoboot.txt on a GPT failed on a Pi 4; the Pi's own firmware starts the slots.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { versionOf } from './kernel.ts';
import { layInto } from './partition.ts';
import { run } from './run.ts';
import { BOOT_SIZE, fat, filesIn } from './slot.ts';

const MB = 1 << 20;
const SECTOR = 512;

const BOOT = fileURLToPath(new URL('boot/rpi', import.meta.url));

/** By their numbers; 4 is the extended one around those behind it. */
const PARTITIONS = [
  { number: 1, name: 'esp', type: 'c', size: 64 * MB },
  { number: 2, name: 'boot_a', type: 'c', size: BOOT_SIZE },
  { number: 3, name: 'boot_b', type: 'c', size: BOOT_SIZE },
  { number: 5, name: 'root_a', type: '83', size: 512 * MB },
  { number: 6, name: 'root_b', type: '83', size: 512 * MB },
  { number: 7, name: 'data', type: '83', size: 64 * MB },
] as const;

/** A logical partition has a megabyte before it for its table. */
const GAP = MB;

/** What starts by itself, and what is started once. */
export const AUTOBOOT = '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n';
export const SLOTS = 'A=good\nB=bad\nwanted=A\n';

/** One sector, so that it can be written in place. */
const sector = (text: string) => text.padEnd(SECTOR, '\n');

/** What the Pi's firmware reads of a slot: its own parts, the kernel, device trees, initramfs. */
export function slotFiles(chips: string, kernel: string, initrd: string): Record<string, string> {
  const own = ['usr/lib/raspi-firmware', 'boot/firmware']
    .map((p) => join(chips, p))
    .find((p) => existsSync(p));
  if (own === undefined) throw new Error('raspi-firmware has no firmware.');
  const trees = join(kernel, 'lib/modules', versionOf(kernel), 'dtb/broadcom');
  const files: Record<string, string> = {
    vmlinuz: join(kernel, 'vmlinuz'),
    initrd,
    'config.txt': join(BOOT, 'config.txt'),
    'cmdline.txt': join(BOOT, 'cmdline.txt'),
  };
  for (const name of readdirSync(own))
    if (/^(start4|fixup4)\.(elf|dat)$/.test(name)) files[name] = join(own, name);
  for (const name of readdirSync(trees)) {
    if (!/^bcm271[12]-.*rpi-.*\.dtb$/.test(name)) continue;
    files[name] = join(trees, name);
    // A Pi 5 of stepping D0 asks for its tree by another name than the kernel's.
    const asked = name.replace(/^bcm2712-d-/, 'bcm2712d0-');
    if (asked !== name) files[asked] = join(trees, name);
  }
  return files;
}

/** `disk.img` in the folder. */
export function mbrDisk(images: Readonly<Record<string, string>>, epoch: number, folder: string): string {
  const first = join(folder, 'first');
  mkdirSync(first);
  writeFileSync(join(first, 'autoboot.txt'), sector(AUTOBOOT));
  writeFileSync(join(first, 'slots.txt'), sector(SLOTS));
  fat(join(folder, 'esp.img'), 64 * MB, 'SEKISHO', '5E6B0002', epoch, filesIn(first));
  const disk = join(folder, 'disk.img');
  let at = MB;
  const places: Record<string, number> = {};
  const lines = ['label: dos', 'label-id: 0x5e6b1540'];
  for (const { number, name, type, size } of PARTITIONS) {
    if (number === 5) {
      const whole = PARTITIONS.filter((p) => p.number >= 5).reduce((sum, p) => sum + p.size + GAP, 0);
      lines.push(`${disk}4 : start=${at / SECTOR}, size=${whole / SECTOR}, type=f`);
    }
    if (number >= 5) at += GAP;
    places[name] = at;
    lines.push(`${disk}${number} : start=${at / SECTOR}, size=${size / SECTOR}, type=${type}`);
    at += size;
  }
  writeFileSync(disk, '');
  truncateSync(disk, at);
  run('sfdisk', ['-q', disk], { input: `${lines.join('\n')}\n` });
  const fd = openSync(disk, 'r+');
  layInto(fd, { ...images, esp: join(folder, 'esp.img') }, PARTITIONS, places);
  closeSync(fd);
  return disk;
}
