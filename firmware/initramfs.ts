// What the kernel starts first: a shell, the modules that lead to the root, and one script.
import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Board } from './board.ts';
import { unpack } from './debian.ts';
import { closure, versionOf } from './kernel.ts';
import { run } from './run.ts';

const INIT = fileURLToPath(new URL('initramfs/init', import.meta.url));

/** `initrd` in the folder. `busybox`: a folder with Debian's static one. */
export function initramfs(board: Board, kernel: string, busybox: string, folder: string): void {
  const root = join(folder, 'root');
  for (const name of ['bin', 'dev', 'proc', 'sys', 'run', 'new'])
    mkdirSync(join(root, name), { recursive: true });
  cpSync(join(busybox, 'usr/bin/busybox'), join(root, 'bin/busybox'));
  symlinkSync('busybox', join(root, 'bin/sh'));
  cpSync(INIT, join(root, 'init'));
  chmodSync(join(root, 'init'), 0o755);
  const version = versionOf(kernel);
  const modules = join('lib/modules', version);
  for (const path of closure(kernel, board.kernel.early)) {
    mkdirSync(join(root, modules, dirname(path)), { recursive: true });
    cpSync(join(kernel, modules, path), join(root, modules, path));
    // Only the whole archive is compressed, which is smaller and needs nothing to unpack it here.
    if (basename(path).endsWith('.xz')) run('xz', ['-d', join(root, modules, path)]);
  }
  run('depmod', ['-b', root, version]);
  const archive =
    'find . -print0 | LC_ALL=C sort -z | cpio --quiet --reproducible -0 -o -H newc -R 0:0 | zstd -q -19 -T1';
  run('sh', ['-c', `find . -exec touch -h -d @0 {} + && ${archive} >../initrd`], { cwd: root });
  rmSync(root, { recursive: true });
}

export function fetchBusybox(board: Board, folder: string): void {
  unpack(board, board.kernel.suite, ['busybox-static'], folder);
}
