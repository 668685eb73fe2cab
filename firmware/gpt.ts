// The disk of a PC: GPT, GRUB for BIOS and for UEFI with one configuration, two slots, data.
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layInto } from './partition.ts';
import { run } from './run.ts';
import { BOOT_SIZE, fat } from './slot.ts';

const MB = 1 << 20;
const SECTOR = 512;

const BOOT = fileURLToPath(new URL('boot/x86_64', import.meta.url));

/** Types of partitions (UEFI 5.3.3, the Discoverable Partitions Specification). */
const TYPES = {
  bios: '21686148-6449-6E6F-744E-656564454649',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
} as const;

/** In order; the initramfs and the update service know them by these names. */
const PARTITIONS = [
  { name: 'biosgrub', type: TYPES.bios, size: MB },
  { name: 'esp', type: TYPES.esp, size: 64 * MB },
  { name: 'boot_a', type: TYPES.linux, size: BOOT_SIZE },
  { name: 'boot_b', type: TYPES.linux, size: BOOT_SIZE },
  { name: 'root_a', type: TYPES.linux, size: 512 * MB },
  { name: 'root_b', type: TYPES.linux, size: 512 * MB },
  { name: 'data', type: TYPES.linux, size: 64 * MB },
] as const;

const MODULES = [
  ...[
    'part_gpt',
    'fat',
    'normal',
    'configfile',
    'linux',
    'loadenv',
    'test',
    'echo',
    'search',
    'regexp',
    'probe',
    'reboot',
    'halt',
  ],
  ...['serial', 'terminal', 'terminfo', 'minicmd', 'ls', 'sleep'],
];
const BIOS_MODULES = ['biosdisk', 'at_keyboard', 'vga_text'];
const EFI_MODULES = ['efi_gop', 'gfxterm', 'video'];

/** What GRUB reads of a slot. */
export function slotFiles(kernel: string, initrd: string): Record<string, string> {
  return { vmlinuz: join(kernel, 'vmlinuz'), initrd, 'words.cfg': join(BOOT, 'words.cfg') };
}

/** Slot A is there and was found good. */
export const FIRST = { ORDER: 'A B', A_OK: '1', A_GOOD: '1', A_TRY: '0', B_OK: '0', B_GOOD: '0', B_TRY: '0' };

/** GRUB's variables: a block of exactly 1,024 octets. */
export function grubenv(state: Readonly<Record<string, string>>): string {
  const lines = ['# GRUB Environment Block', ...Object.entries(state).map(([k, v]) => `${k}=${v}`), ''].join(
    '\n',
  );
  return lines.padEnd(1024, '#');
}

/** Where a partition begins, in octets. */
function offsets(): Record<string, number> {
  let at = MB;
  return Object.fromEntries(
    PARTITIONS.map(({ name, size }) => {
      const here = at;
      at += size;
      return [name, here];
    }),
  );
}

/** `disk.img` in the folder. `images`: what lies in partitions, by their names. */
export function gptDisk(images: Readonly<Record<string, string>>, epoch: number, folder: string): string {
  const disk = join(folder, 'disk.img');
  const at = offsets();
  const end = PARTITIONS.reduce((sum, p) => sum + p.size, MB);
  writeFileSync(disk, '');
  truncateSync(disk, end + MB);
  const script = [
    'label: gpt',
    'label-id: 5E6B1540-0000-4000-8000-000000000000',
    'first-lba: 2048',
    ...PARTITIONS.map(
      ({ name, type, size }, i) =>
        `start=${at[name] / SECTOR}, size=${size / SECTOR}, type=${type}, name=${name}, uuid=5E6B1540-0000-4000-8000-00000000000${i + 1}`,
    ),
  ].join('\n');
  run('sfdisk', ['-q', disk], { input: `${script}\n` });

  const early = join(folder, 'early.cfg');
  writeFileSync(join(folder, 'grubenv'), grubenv(FIRST));
  // Where it was started from says which disk; its partition 2 has the rest.
  writeFileSync(
    early,
    'regexp --set=1:disk "^\\(?(hd[0-9]+)" "$root"\nset root=$disk,gpt2\nset prefix=($root)/grub\nconfigfile $prefix/grub.cfg\n',
  );
  const image = (format: string, prefix: string, modules: readonly string[], to: string) =>
    run('grub-mkimage', [
      '-O',
      format,
      '-p',
      prefix,
      '-c',
      early,
      '-o',
      join(folder, to),
      ...MODULES,
      ...modules,
    ]);
  image('x86_64-efi', '/grub', EFI_MODULES, 'bootx64.efi');
  image('i386-pc', '(hd0,gpt2)/grub', BIOS_MODULES, 'core.img');
  fat(join(folder, 'esp.img'), 64 * MB, 'SEKISHO', '5E6B0002', epoch, {
    'EFI/BOOT/BOOTX64.EFI': join(folder, 'bootx64.efi'),
    'grub/grub.cfg': join(BOOT, 'grub.cfg'),
    'grub/grubenv': join(folder, 'grubenv'),
  });

  const fd = openSync(disk, 'r+');
  layInto(fd, { ...images, esp: join(folder, 'esp.img') }, PARTITIONS, at);
  biosBoot(fd, readFileSync(join(folder, 'core.img')), at.biosgrub);
  closeSync(fd);
  return disk;
}

/** GRUB's first sector and where it finds the second: fields of its boot.img and diskboot.img (grub's boot.h, in words). */
function biosBoot(fd: number, core: Buffer, at: number): void {
  const boot = readFileSync('/usr/lib/grub/i386-pc/boot.img');
  boot.writeBigUInt64LE(BigInt(at / SECTOR), 0x5c);
  // A drive that the BIOS names is a hard disk: the check for floppies is skipped.
  boot.writeUInt16LE(0x9090, 0x66);
  // The table of partitions and the disk's signature behind the code stay.
  writeSync(fd, boot, 0, 440, 0);
  core.writeBigUInt64LE(BigInt(at / SECTOR + 1), 0x1f4);
  core.writeUInt16LE(Math.ceil(core.length / SECTOR) - 1, 0x1fc);
  if (core.length > MB) throw new Error(`GRUB has ${core.length} octets, and its partition ${MB}.`);
  writeSync(fd, core, 0, core.length, at);
}
