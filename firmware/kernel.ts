// The kernel's modules: what a router's hardware needs stays; what finds the root goes into the initramfs too.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Board } from './board.ts';
import { unpack } from './debian.ts';
import { buildModules } from './module.ts';
import { run } from './run.ts';

/** Folders below a kernel's own that are kept, but for some within. */
export type Kept = { readonly folders: readonly string[]; readonly without: readonly string[] };

/** Names of modules, loaded as the hardware asks for them. */
export type Early = readonly string[];

/** The folder gets `vmlinuz`, `lib/modules/VERSION` with modules from these sources, and what there is of device trees. */
export function fetchKernel(board: Board, own: readonly string[], folder: string): void {
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
  run('depmod', ['-b', from.replace(/\/lib\/modules$/, ''), version]);
  for (const path of kept(join(from, version), board.kernel.modules)) {
    mkdirSync(dirname(join(modules, path)), { recursive: true });
    cpSync(join(from, version, path), join(modules, path));
  }
  if (own.length > 0) {
    mkdirSync(join(modules, 'extra'));
    buildModules(board, version, own, join(modules, 'extra'));
  }
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

/** The modules in those folders, and all that they need. */
function kept(folder: string, { folders, without }: Kept): Set<string> {
  const within = (path: string, list: readonly string[]) => list.some((f) => path.startsWith(`kernel/${f}/`));
  const needs = dependencies(folder);
  const chosen = [...needs.keys()].filter((path) => within(path, folders) && !within(path, without));
  return new Set(chosen.flatMap((path) => [path, ...(needs.get(path) ?? [])]));
}

/** Of every module, by its path below the folder: what it needs, the nearest first (modules.dep(5)). */
function dependencies(folder: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    readFileSync(join(folder, 'modules.dep'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/: ?/))
      .map(([path, rest]) => [path, rest.split(' ').filter(Boolean)] as const),
  );
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
  const needs = dependencies(folder);
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
