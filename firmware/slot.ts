// What a slot holds: the root as a squashfs, and a FAT with the kernel and what it starts first.
import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';

/** Octets of a boot slot, whose file system fills it. */
export const BOOT_SIZE = 96 << 20;

/** `rootfs.squashfs` in the folder; `epoch`: seconds, the time of every file. */
export function squash(root: string, epoch: number, folder: string): void {
  run('mksquashfs', [
    ...[
      root,
      join(folder, 'rootfs.squashfs'),
      '-noappend',
      '-no-progress',
      '-comp',
      'zstd',
      '-Xcompression-level',
      '19',
    ],
    ...['-b', '256K', '-no-xattrs', '-all-time', String(epoch), '-mkfs-time', String(epoch)],
  ]);
}

/** A FAT image as `file`, of these files by their names; the same octets for the same files. */
export function fat(
  file: string,
  size: number,
  label: string,
  serial: string,
  epoch: number,
  files: Readonly<Record<string, string>>,
): void {
  writeFileSync(file, '');
  truncateSync(file, size);
  run('mkfs.vfat', ['--invariant', '-F', '32', '-s', '1', '-n', label, '-i', serial, file]);
  const folders = new Set(
    Object.keys(files).flatMap((name) =>
      name
        .split('/')
        .slice(0, -1)
        .map((_, i, parts) => parts.slice(0, i + 1).join('/')),
    ),
  );
  const env = { MTOOLS_SKIP_CHECK: '1', TZ: 'UTC', SOURCE_DATE_EPOCH: String(epoch) };
  for (const folder of folders) run('mmd', ['-i', file, `::${folder}`], { env });
  for (const [name, from] of Object.entries(files)) run('mcopy', ['-i', file, from, `::${name}`], { env });
}

/** Every file of a folder by its name, for `fat`. */
export function filesIn(folder: string, below = ''): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory()
        ? Object.entries(filesIn(path, `${below}${name}/`))
        : [[`${below}${name}`, path]];
    }),
  );
}
