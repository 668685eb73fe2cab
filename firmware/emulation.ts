// Programs of the other architecture run on this machine while a root is made, and not after.
import { existsSync, writeFileSync } from 'node:fs';
import { run } from './run.ts';

const FOLDER = '/proc/sys/fs/binfmt_misc';
const NAME = 'sekisho-aarch64';

/** An ELF program for AArch64 (the kernel's binfmt-misc.rst), kept open so that it works in a root without the emulator. */
const RULE =
  `:${NAME}:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:` +
  '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:' +
  '/usr/bin/qemu-aarch64-static:F';

export function emulated(architecture: 'amd64' | 'arm64', work: () => void): void {
  if (architecture === 'amd64' || process.arch === 'arm64') return work();
  const mounted = existsSync(`${FOLDER}/register`);
  const registered = existsSync(`${FOLDER}/qemu-aarch64`) || existsSync(`${FOLDER}/${NAME}`);
  if (!mounted) run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', FOLDER]);
  if (!registered) writeFileSync(`${FOLDER}/register`, RULE);
  // Programs that run meanwhile get the signal too, end, and so does work().
  const leave = () => {
    if (!registered && existsSync(`${FOLDER}/${NAME}`)) writeFileSync(`${FOLDER}/${NAME}`, '-1');
    if (!mounted) run('umount', [FOLDER]);
  };
  try {
    work();
  } finally {
    leave();
  }
}
