// Kernel modules of our own: built against Debian's headers of the very kernel, by the compiler that it was built with, in a root
// that exists for that alone.
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Board } from './board.ts';
import { unpackRoot } from './debian.ts';
import { run } from './run.ts';

/** In kbuild's words. */
const ARCHITECTURE = { amd64: 'x86_64', arm64: 'arm64' } as const;

/** `NAME.ko` in the folder, of each `NAME.c`. `version`: the kernel's, as `uname -r` has it. */
export function buildModules(
  board: Board,
  version: string,
  sources: readonly string[],
  folder: string,
): void {
  const root = join(folder, 'headers');
  const headers = `linux-headers-${version}:${board.architecture}`;
  unpackRoot(board, board.kernel.suite, [headers, 'make', 'dash', 'coreutils', 'sed', 'mawk', 'grep'], root);
  // Choices that installing would make.
  symlinkSync('mawk', join(root, 'usr/bin/awk'));
  const place = join(root, 'module');
  mkdirSync(place);
  const names = sources.map((path) => basename(path, '.c'));
  for (const path of sources) cpSync(path, join(place, basename(path)));
  writeFileSync(join(place, 'Makefile'), `obj-m := ${names.map((name) => `${name}.o`).join(' ')}\n`);
  const how = [`ARCH=${ARCHITECTURE[board.architecture]}`, `CROSS_COMPILE=${board.triplet}-`, 'M=/module'];
  run('chroot', [root, 'make', '-s', '-C', `/usr/src/linux-headers-${version}`, ...how, 'modules']);
  for (const name of names) {
    run('chroot', [root, `${board.triplet}-strip`, '--strip-debug', `/module/${name}.ko`]);
    cpSync(join(place, `${name}.ko`), join(folder, `${name}.ko`));
  }
  rmSync(root, { recursive: true });
}
