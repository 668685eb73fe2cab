// The native module for the board, built here: by this machine's compiler, or the cross compiler of the other architecture.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Board } from './board.ts';
import { run } from './run.ts';

/** What it is made of: not what compilers leave beside it, nor its tests. */
export function addonSources(home: string): string[] {
  const native = join(home, 'native');
  return readdirSync(native)
    .filter(
      (name) => /\.(h|gyp)$/.test(name) || ['crypto', 'io', 'napi', 'path', 'sa', 'x509'].includes(name),
    )
    .sort()
    .map((name) => join(native, name));
}

/** `sekisho.node` in the folder. */
export function buildAddon(board: Board, home: string, folder: string): void {
  const module = join(folder, 'module');
  mkdirSync(module);
  for (const path of addonSources(home)) cpSync(path, join(module, basename(path)), { recursive: true });
  const cross = board.node !== process.arch;
  const compiler: Record<string, string> = cross
    ? { CC: `${board.triplet}-gcc`, CXX: `${board.triplet}-g++`, AR: `${board.triplet}-ar` }
    : {};
  // Names of folders must not reach the module: the same sources are the same octets wherever they are built.
  const flags = `-ffile-prefix-map=${module}=native -g0`;
  run(
    process.execPath,
    [
      ...[
        join(home, 'node_modules/node-gyp/bin/node-gyp.js'),
        'rebuild',
        '--silent',
        '-C',
        module,
        '-j',
        '2',
      ],
      `--arch=${board.node}`,
    ],
    {
      env: {
        ...{ ...compiler, CXXFLAGS: flags, CFLAGS: flags },
        NODE_PATH: join(home, 'node_modules'),
        // By the environment: where npm was told of another Node's headers, that counts for more than an option.
        npm_config_nodedir: nodeFor(board, home, folder),
      },
      cwd: home,
    },
  );
  cpSync(join(module, 'build/Release/sekisho.node'), join(folder, 'sekisho.node'));
  for (const name of ['module', 'node']) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Node's headers for that architecture: npm's package, as package.json pins it. */
function nodeFor({ node }: Board, home: string, folder: string): string {
  const here = join(home, `node_modules/node-linux-${node}`);
  if (existsSync(join(here, 'include'))) return here;
  const version = run(
    process.execPath,
    ['-p', `require('./package.json').optionalDependencies['node-linux-${node}']`],
    { cwd: home },
  ).trim();
  const there = join(folder, 'node');
  mkdirSync(there);
  run('npm', ['pack', '--silent', `node-linux-${node}@${version}`], { cwd: there });
  run('sh', ['-c', 'tar xzf ./*.tgz'], { cwd: there });
  return join(there, 'package');
}
