// An update: what a slot holds, signed, in rauc's verity format, which is verified block by block as it is read.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Board } from './board.ts';
import type { Signer } from './keys.ts';
import { run } from './run.ts';

export function bundle(
  board: Board,
  version: string,
  slot: { readonly root: string; readonly boot: string },
  signer: Signer,
  to: string,
): void {
  const content = `${to}.content`;
  mkdirSync(content);
  cpSync(slot.root, join(content, 'rootfs.squashfs'));
  cpSync(slot.boot, join(content, 'boot.vfat'));
  writeFileSync(
    join(content, 'manifest.raucm'),
    [
      ...['[update]', `compatible=sekisho-${board.name}`, `version=${version}`, ''],
      ...['[bundle]', 'format=verity', ''],
      ...['[image.rootfs]', 'filename=rootfs.squashfs', ''],
      ...['[image.boot]', 'filename=boot.vfat', ''],
    ].join('\n'),
  );
  rmSync(to, { force: true });
  run('rauc', [
    'bundle',
    `--cert=${signer.certificate}`,
    `--key=${signer.key}`,
    '--mksquashfs-args=-comp zstd -Xcompression-level 3',
    content,
    to,
  ]);
  rmSync(content, { recursive: true });
}
