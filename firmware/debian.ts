// Debian's part of an image: a root with packages installed, and packages that are only unpacked beside it.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Board, SUITE } from './board.ts';
import { emulated } from './emulation.ts';
import { run } from './run.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** What no router reads. */
const UNREAD = ['doc', 'man', 'locale', 'info', 'lintian', 'bash-completion', 'perl', 'pixmaps', 'icons'];

/** The mirrors this machine's own apt uses. */
function mirrors(): { readonly debian: string; readonly security?: string } {
  const rows = run('apt-get', ['indextargets', '--format', '$(LABEL) $(REPO_URI)', 'Created-By: Packages'])
    .split('\n')
    .map((line) => line.split(' '));
  const of = (label: string) => rows.find(([l]) => l === label)?.[1];
  const debian = of('Debian');
  if (debian === undefined)
    throw new Error('apt knows no Debian mirror on this machine: add one to its sources.');
  const security = of('Debian-Security');
  return { debian, ...(security === undefined ? {} : { security }) };
}

function sources(suites: readonly string[]): string[] {
  const { debian, security } = mirrors();
  return suites.flatMap((suite) => [
    `deb [signed-by=${KEYRING}] ${debian} ${suite} main non-free-firmware`,
    ...(suite === SUITE && security !== undefined
      ? [`deb [signed-by=${KEYRING}] ${security} ${suite}-security main non-free-firmware`]
      : []),
  ]);
}

type Bootstrap = {
  readonly variant: 'minbase' | 'extract';
  readonly architectures: readonly string[];
  readonly suites: readonly string[];
  readonly packages: readonly string[];
  readonly more?: readonly string[];
};

/** A new Debian at the target, a folder or an archive by its name; `list` is where it comes from. */
function bootstrap(
  { variant, architectures, suites, packages, more = [] }: Bootstrap,
  target: string,
  list: string,
): void {
  writeFileSync(list, `${sources(suites).join('\n')}\n`);
  run(
    'mmdebstrap',
    [
      '--mode=root',
      `--variant=${variant}`,
      `--architectures=${architectures.join(',')}`,
      '--aptopt=APT::Install-Recommends "false"',
      ...more,
      `--include=${packages.join(',')}`,
      SUITE,
      target,
      list,
    ],
    // Passwords have a day of change; every file's time is set when the root is packed.
    { env: { SOURCE_DATE_EPOCH: '86400' } },
  );
}

/** `root.tar` in the folder: Debian with the board's packages, fresh from the mirror. */
export function installRoot({ architecture, packages }: Board, folder: string): void {
  const more = [
    '--dpkgopt=force-unsafe-io',
    ...UNREAD.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
  ];
  const what = {
    variant: 'minbase',
    architectures: [architecture],
    suites: [SUITE],
    packages,
    more,
  } as const;
  emulated(architecture, () => bootstrap(what, join(folder, 'root.tar'), join(folder, 'sources.list')));
}

/** The packages and all that they need, unpacked but not installed: programs of this machine's own architecture run in it. */
export function unpackRoot(
  { architecture }: Board,
  suite: string,
  packages: readonly string[],
  folder: string,
): void {
  const own = run('dpkg', ['--print-architecture']).trim();
  const architectures = [...new Set([own, architecture])];
  const list = `${folder}.list`;
  bootstrap({ variant: 'extract', architectures, suites: [suite, SUITE], packages }, folder, list);
  rmSync(list);
  // Where programs look for each other, which a package of its own would make when it is installed.
  for (const name of ['bin', 'sbin', 'lib', 'lib64'])
    if (!existsSync(join(folder, name))) symlinkSync(`usr/${name}`, join(folder, name));
}

/** The packages, and what `dependencies` matches of theirs, unpacked into the folder; their names and versions in `versions`. */
export function unpack(
  { architecture }: Board,
  suite: string,
  packages: readonly string[],
  folder: string,
  dependencies?: RegExp,
): void {
  const work = mkdtempSync(join(tmpdir(), 'sekisho-apt-'));
  try {
    for (const name of ['lists/partial', 'cache/partial', 'debs'])
      mkdirSync(join(work, name), { recursive: true });
    writeFileSync(join(work, 'status'), '');
    writeFileSync(join(work, 'sources.list'), `${sources([suite, SUITE]).join('\n')}\n`);
    writeFileSync(
      join(work, 'apt.conf'),
      [
        `Dir::Etc::SourceList "${work}/sources.list";`,
        ...['SourceParts', 'Preferences', 'PreferencesParts'].map((key) => `Dir::Etc::${key} "/dev/null";`),
        `Dir::State::Lists "${work}/lists";`,
        `Dir::State::Status "${work}/status";`,
        `Dir::Cache "${work}/cache";`,
        'APT::Sandbox::User "root";',
        'Acquire::Languages "none";',
        `APT::Architecture "${architecture}";`,
        `APT::Architectures {"${architecture}";};`,
        ...(suite === SUITE ? [] : [`APT::Default-Release "${suite}";`]),
      ].join('\n'),
    );
    const env = { APT_CONFIG: join(work, 'apt.conf') };
    run('apt-get', ['-qq', 'update'], { env });
    const wanted = new Set(packages);
    for (const name of wanted) {
      const needs = run('apt-cache', ['depends', '--important', name], { env }).matchAll(
        /^ *Depends: (\S+)/gm,
      );
      for (const [, need] of needs) if (dependencies?.test(need)) wanted.add(need);
    }
    run('apt-get', ['-qq', 'download', ...wanted], { cwd: join(work, 'debs'), env });
    const debs = readdirSync(join(work, 'debs')).sort();
    for (const deb of debs) run('dpkg-deb', ['-x', join(work, 'debs', deb), folder]);
    const versions = debs.map((deb) =>
      // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own way to name fields
      run('dpkg-deb', ['-W', '--showformat=${Package} ${Version} ${Architecture}', join(work, 'debs', deb)]),
    );
    writeFileSync(join(folder, 'versions'), `${versions.join('\n')}\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
