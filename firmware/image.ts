// A board's image from beginning to end: a disk image, an update, their signatures and what is in them.
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonSources, buildAddon } from './addon.ts';
import { INPUTS, installApp } from './app.ts';
import { type Board, SUITE } from './board.ts';
import { bundle } from './bundle.ts';
import { installRoot, unpack } from './debian.ts';
import * as gpt from './gpt.ts';
import { fetchBusybox, initramfs } from './initramfs.ts';
import { fetchKernel } from './kernel.ts';
import { sign } from './keys.ts';
import * as mbr from './mbr.ts';
import { assembleRoot } from './root.ts';
import { run } from './run.ts';
import { debianParts, npmParts, spdx, unpackedParts } from './sbom.ts';
import { BOOT_SIZE, fat, squash } from './slot.ts';
import { digest, type Make, size, Workshop } from './workshop.ts';

const HOME = fileURLToPath(new URL('..', import.meta.url));
const RECIPES = join(HOME, 'firmware');

const ORIGINS = [...INPUTS, 'native', 'firmware'];

export type Order = {
  readonly cache: string;
  readonly out: string;
  readonly version: string;
  readonly signer: { readonly key: string; readonly certificate: string };
  readonly fresh: boolean;
  readonly refresh: boolean;
};

/** Where steps are kept for the next build. */
export function usualCache(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sekisho/firmware');
}

/** Files of what was made. */
export type Product = {
  readonly image: string;
  readonly update: string;
  /** What a slot holds. */
  readonly root: string;
  readonly boot: string;
  /** The kernel, its modules and device trees, as they were fetched. */
  readonly kernel: string;
};

export function build(board: Board, { cache, out, version, signer, fresh, refresh }: Order): Product {
  const began = performance.now();
  // Every time in an image is that of the last change of what goes into it.
  const epoch = Number(run('git', ['log', '-1', '--format=%ct', '--', ...ORIGINS], { cwd: HOME }).trim());
  const shop = new Workshop(cache, fresh);
  const download = (what: string, inputs: unknown, make: Make) =>
    shop.step(`${what}-${board.name}`, inputs, make, refresh || fresh);
  const { name, architecture, packages, kernel: k } = board;
  const recipe = digest([RECIPES]);
  const signerText = readFileSync(signer.certificate, 'utf8');

  const debian = download('debian', [SUITE, architecture, packages], (f) => installRoot(board, f));
  // Modules of our own with it: a mirror has the headers as long as it has the kernel.
  const own = k.own.map((file) => join(RECIPES, 'boot', name, file));
  const kernel = download('kernel', [k, digest(own)], (f) => fetchKernel(board, own, f));
  const busybox = download('busybox', [k.suite, architecture], (f) => fetchBusybox(board, f));
  const firmware = download('chips', [board.firmware], (f) => unpack(board, SUITE, board.firmware, f));
  const addon = shop.step(`addon-${name}`, digest(addonSources(HOME)), (f) => buildAddon(board, HOME, f));
  const app = shop.step(`app-${name}`, [digest(INPUTS.map((i) => join(HOME, i))), addon, recipe], (f) =>
    installApp(board, HOME, join(addon, 'sekisho.node'), f),
  );
  const stamp = {
    PRETTY_NAME: `Sekisho ${version}`,
    NAME: 'Sekisho',
    ID: 'sekisho',
    ID_LIKE: 'debian',
    VERSION_ID: version,
    VARIANT_ID: name,
  };
  const inputs = [debian, kernel, app, firmware, recipe, stamp, signerText, epoch];
  const root = shop.step(`root-${name}`, inputs, (f) => {
    assembleRoot(
      board,
      { debian, kernel, app, firmware, board: join(RECIPES, 'boot', name) },
      stamp,
      signerText,
      f,
    );
    squash(join(f, 'root'), epoch, f);
    rmSync(join(f, 'root'), { recursive: true });
  });
  const initrd = shop.step(`initramfs-${name}`, [kernel, busybox, k.early, recipe], (f) =>
    initramfs(board, kernel, busybox, f),
  );
  const slot = shop.step(`boot-${name}`, [kernel, initrd, firmware, recipe, epoch], (f) => {
    const first = join(initrd, 'initrd');
    const files = name === 'rpi' ? mbr.slotFiles(firmware, kernel, first) : gpt.slotFiles(kernel, first);
    fat(join(f, 'boot.vfat'), BOOT_SIZE, 'SEKISHOBOOT', '5E6B0001', epoch, files);
  });
  const squashfs = join(root, 'rootfs.squashfs');
  const boot = join(slot, 'boot.vfat');
  const disk = shop.step(`disk-${name}`, [root, slot, recipe, epoch], (f) => {
    const data = dataPartition(f, epoch);
    const makeDisk = name === 'rpi' ? mbr.mbrDisk : gpt.gptDisk;
    makeDisk({ boot_a: boot, root_a: squashfs, data }, epoch, f);
  });

  mkdirSync(out, { recursive: true });
  const base = join(out, `sekisho-${version}-${name}`);
  const image = `${base}.img.zst`;
  run('zstd', ['-q', '-f', '-T2', '-10', '--long', join(disk, 'disk.img'), '-o', `${image}.half`]);
  renameSync(`${image}.half`, image);
  bundle(board, version, { root: squashfs, boot }, signer, `${base}.raucb`);
  const parts = [
    ...debianParts(readFileSync(join(root, 'status'), 'utf8')),
    ...[kernel, busybox, firmware].flatMap((folder) =>
      unpackedParts(readFileSync(join(folder, 'versions'), 'utf8')),
    ),
    ...npmParts(readFileSync(join(HOME, 'package-lock.json'), 'utf8'), board.node),
  ];
  writeFileSync(`${base}.spdx.json`, spdx(`sekisho-${name}`, version, epoch, parts));
  cpSync(signer.certificate, `${base}.certificate.pem`);
  const files = [image, `${base}.raucb`, `${base}.spdx.json`];
  for (const file of files) {
    const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
    writeFileSync(`${file}.sha256`, `${sum}  ${file.slice(out.length + 1)}\n`);
    sign(file, signer);
  }
  process.stdout.write(
    [
      '',
      `a slot: root ${size(statSync(squashfs).size)}, kernel and initramfs ${size(statSync(join(kernel, 'vmlinuz')).size + statSync(join(initrd, 'initrd')).size)}`,
      ...files.map((file) => `${file}  ${size(statSync(file).size)}`),
      `${parts.length} parts, ${((performance.now() - began) / 1000).toFixed(0)} s`,
      '',
    ].join('\n'),
  );
  return { image, update: `${base}.raucb`, root: squashfs, boot, kernel };
}

/** An empty ext4, which grows at the first start. */
function dataPartition(folder: string, epoch: number): string {
  const file = join(folder, 'data.img');
  writeFileSync(file, '');
  truncateSync(file, 64 << 20);
  const id = '5e6b1540-0000-4000-8000-0000000000da';
  run(
    'mkfs.ext4',
    [
      '-q',
      '-b',
      '4096',
      '-L',
      'sekisho-data',
      '-U',
      id,
      '-E',
      `hash_seed=${id},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0`,
      '-m',
      '0',
      file,
    ],
    {
      env: { E2FSPROGS_FAKE_TIME: String(epoch) },
    },
  );
  return file;
}
