// What starts an update on a Pi: our kernel module tells the Pi's firmware that the next start is an attempt. No emulator has the
// firmware of a Pi 4 or 5, but that of a Pi 3 is asked by the same interface, and writes down what it does not know.
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BOARDS } from '../../firmware/board.ts';
import { usualCache } from '../../firmware/image.ts';
import { versionOf } from '../../firmware/kernel.ts';
import { ownSigner } from '../../firmware/keys.ts';
import { Lab } from '../interop/netns.ts';
import { exec, Proc, tail, until } from '../interop/proc.ts';
import { image } from './image.ts';

/** In place of ours: what `restart` does, and what happens without the hardware. */
const INIT = `#!/bin/sh
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
busybox modprobe tryboot && echo told || echo refused
busybox rmmod tryboot && echo taken back
busybox sleep 1000
`;

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open('tryboot');
});
afterAll(() => lab?.close());

test('the firmware of a Pi hears that the next start is an attempt', async () => {
  const { boot, kernel } = image(BOARDS.rpi, ownSigner(join(usualCache(), 'signer')));
  const modules = join('lib/modules', versionOf(kernel));
  const own = join(lab.tmp, 'own');
  mkdirSync(join(own, modules, 'extra'), { recursive: true });
  writeFileSync(join(own, 'init'), INIT);
  chmodSync(join(own, 'init'), 0o755);
  expect(readdirSync(join(kernel, modules, 'extra'))).toEqual(['tryboot.ko']);
  await exec(lab.scope, ['cp', join(kernel, modules, 'extra/tryboot.ko'), join(own, modules, 'extra')]);
  await exec(lab.scope, ['sh', '-c', `printf 'extra/tryboot.ko:\\n' >${own}/${modules}/modules.dep`]);
  // A second archive behind the slot's own initramfs, whose files count.
  await exec(lab.scope, ['mcopy', '-i', boot, '::initrd', join(lab.tmp, 'initrd')]);
  await exec(lab.scope, [
    'sh',
    '-c',
    `cd ${own} && find . | cpio --quiet -o -H newc | zstd -q >>${lab.tmp}/initrd`,
  ]);
  const words = join(lab.tmp, 'words');
  const tree = join(kernel, modules, 'dtb/broadcom/bcm2837-rpi-3-b.dtb');
  const machine = ['qemu-system-aarch64', '-M', 'raspi3b', '-display', 'none', '-no-reboot'];
  const console = join(lab.tmp, 'console');
  const says = ['-serial', 'null', '-serial', `file:${console}`, '-d', 'unimp', '-D', words];
  const starts = ['-kernel', join(kernel, 'vmlinuz'), '-dtb', tree, '-initrd', join(lab.tmp, 'initrd')];
  const line = 'console=ttyS1,115200 panic=-1';
  writeFileSync(console, '');
  const pi = Proc.start(lab.scope, [...machine, ...says, ...starts, '-append', line]);
  // The emulated machine has no way to go off.
  const said = () => readFileSync(console, 'latin1');
  await until(
    () => /^told\r?\n(?:.*\n)*?taken back/m.test(said()),
    120_000,
    () => tail(said()),
  );
  await pi.stop('SIGKILL');
  expect(readFileSync(words, 'latin1').match(/unhandled tag 0x00038064/g)).toHaveLength(2);
});
