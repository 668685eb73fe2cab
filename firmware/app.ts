// Our own part of an image: sources, the packages they run on, Node and the native module of the board.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Board } from './board.ts';
import { run } from './run.ts';

/** What of the repository goes in. */
export const SOURCES = ['src', 'cli', 'package.json', 'LICENSE'] as const;

/** What of it the app needs to be made anew for. */
export const INPUTS = [...SOURCES, 'package-lock.json'] as const;

/** `usr/lib/sekisho` and `usr/bin/sekisho` below the folder. `home`: the repository. `addon`: the board's native module. */
export function installApp(board: Board, home: string, addon: string, folder: string): void {
  const app = join(folder, 'usr/lib/sekisho');
  mkdirSync(join(app, 'native/build/Release'), { recursive: true });
  for (const name of [...SOURCES, 'package-lock.json'])
    cpSync(join(home, name), join(app, name), { recursive: true });
  run(
    'npm',
    [
      'ci',
      '--omit=dev',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      `--cpu=${board.node}`,
      '--os=linux',
    ],
    {
      cwd: app,
    },
  );
  for (const name of readdirSync(join(app, 'node_modules'))) {
    if (name.startsWith('node-linux-') && name !== `node-linux-${board.node}`)
      rmSync(join(app, 'node_modules', name), { recursive: true });
  }
  const node = join(app, `node_modules/node-linux-${board.node}`);
  if (!existsSync(join(node, 'bin/node'))) throw new Error(`npm installed no Node for ${board.node}.`);
  // Headers and manuals are for building; the program alone runs.
  for (const name of readdirSync(node))
    if (!['bin', 'package.json', 'LICENSE'].includes(name)) rmSync(join(node, name), { recursive: true });
  run(`${board.triplet}-strip`, ['--strip-unneeded', join(node, 'bin/node')]);
  rmSync(join(app, 'package-lock.json'));
  rmSync(join(app, 'node_modules/.package-lock.json'), { force: true });
  const module = join(app, 'native/build/Release/sekisho.node');
  cpSync(addon, module);
  run(`${board.triplet}-strip`, ['--strip-unneeded', module]);
  chmodSync(module, 0o644);
  mkdirSync(join(folder, 'usr/bin'), { recursive: true });
  symlinkSync('../lib/sekisho/cli/sekisho', join(folder, 'usr/bin/sekisho'));
}
