// The kernel's modules: what a router's hardware needs stays; what finds the root goes into the initramfs too.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Board } from './board.ts';
import { unpack } from './debian.ts';
import { run } from './run.ts';

/** Folders below a kernel's own that are kept, but for some within. */
export type Kept = { readonly folders: readonly string[]; readonly without: readonly string[] };

/** Names of modules, loaded as the hardware asks for them. */
export type Early = readonly string[];

/** The folder gets `vmlinuz`, `lib/modules/VERSION`, and what else the packages had of device trees. */
export function fetchKernel(board: Board, folder: string): void {
  const all = join(folder, 'all');
  mkdirSync(all);
  // The kernel of the day, and since 7.x its modules, come as packages of their own.
  unpack(board, board.kernel.suite, [board.kernel.package], all, /^linux-(image|modules|base|binary)-\d/);
  const from = ['usr/lib/modules', 'lib/modules']
    .map((path) => join(all, path))
    .find((path) => existsSync(path));
  if (from === undefined) throw new Error(`${board.kernel.package} has no modules.`);
  const version = readdirSync(from)[0];
  const modules = join(folder, 'lib/modules', version);
  mkdirSync(modules, { recursive: true });
  for (const name of readdirSync(join(from, version))) {
    if (/^modules\.(order|builtin.*)$|^dtb$/.test(name))
      cpSync(join(from, version, name), join(modules, name), { recursive: true });
  }
  keep(join(from, version, 'kernel'), join(modules, 'kernel'), board.kernel.modules);
  run('depmod', ['-b', folder, version]);
  const image = [
    `boot/vmlinuz-${version}`,
    `usr/lib/modules/${version}/vmlinuz`,
    `usr/lib/linux/vmlinuz-${version}`,
  ]
    .map((path) => join(all, path))
    .find((path) => existsSync(path));
  if (image === undefined) throw new Error(`${board.kernel.package} has no kernel.`);
  cpSync(image, join(folder, 'vmlinuz'));
  cpSync(join(all, 'versions'), join(folder, 'versions'));
  rmSync(all, { recursive: true });
}

function keep(from: string, to: string, { folders, without }: Kept): void {
  for (const folder of folders) {
    if (!existsSync(join(from, folder))) continue;
    mkdirSync(dirname(join(to, folder)), { recursive: true });
    cpSync(join(from, folder), join(to, folder), { recursive: true });
  }
  for (const folder of without) rmSync(join(to, folder), { recursive: true, force: true });
}

export function versionOf(kernel: string): string {
  return readdirSync(join(kernel, 'lib/modules'))[0];
}

/** Paths below lib/modules/VERSION of these modules and all they need, those first that others need. */
export function closure(kernel: string, names: Early): string[] {
  const folder = join(kernel, 'lib/modules', versionOf(kernel));
  const plain = (path: string) =>
    basename(path)
      .replace(/\.ko(\.xz|\.zst|\.gz)?$/, '')
      .replaceAll('-', '_');
  const needs = new Map(
    readFileSync(join(folder, 'modules.dep'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/: ?/))
      .map(([path, rest]) => [path, rest.split(' ').filter(Boolean)] as const),
  );
  const byName = new Map([...needs.keys()].map((path) => [plain(path), path]));
  const found = new Set<string>();
  for (const name of names) {
    const path = byName.get(name.replaceAll('-', '_'));
    // What is built in has no file.
    if (path === undefined) continue;
    for (const each of [...(needs.get(path) ?? []).toReversed(), path]) found.add(each);
  }
  return [...found];
}
