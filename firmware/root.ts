// Debian's root becomes the router's: what no router uses goes, our files, users and application come.
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Board } from './board.ts';
import { emulated } from './emulation.ts';
import { run } from './run.ts';

const COMPILED = 'usr/lib/sekisho/compiled';

const OVERLAY = fileURLToPath(new URL('overlay', import.meta.url));

/** Numbers that stay the same over versions: files on the data partition belong to them. */
const USERS = [
  { name: 'sekisho', id: 900, comment: 'The router', home: '/data/sekisho', shell: '/usr/sbin/nologin' },
  { name: 'admin', id: 1000, comment: 'Administrator', home: '/data/home/admin', shell: '/usr/bin/sekisho' },
  { name: 'user', id: 1001, comment: 'May look', home: '/data/home/user', shell: '/usr/bin/sekisho' },
] as const;

/** Who may speak with the router, and who may change it. */
const GROUPS = [
  { name: 'sekisho', id: 900, members: ['admin', 'user'] },
  // The router itself sees what an administrator brings, as updates are.
  { name: 'sekisho-admin', id: 901, members: ['admin', 'sekisho'] },
] as const;

/** Packages' files that only installing, asking people or building needs. */
const UNUSED = [
  ...[
    'apt',
    'aptitude',
    'bug',
    'debconf',
    'debianutils',
    'dpkg',
    'gcc',
    'gdb',
    'grub',
    'keyrings',
    'perl5',
    'polkit-1',
    'pam-configs',
    'zsh',
    'fish',
    'common-licenses',
    'bash-completion',
    'locale',
    'i18n',
  ].map((n) => `usr/share/${n}`),
  ...[
    'apt',
    'dpkg',
    'perl',
    'perl5',
    'grub',
    'mime',
    'pcrlib',
    'kernel',
    'valgrind',
    'compat-ld',
    'ispell',
  ].map((n) => `usr/lib/${n}`),
  ...['hwdb.d', 'hwdb.bin'].map((n) => `usr/lib/udev/${n}`),
  ...['cache', 'lib/apt', 'lib/dpkg', 'lib/systemd/catalog', 'log'].map((n) => `var/${n}`),
  ...[
    'apt',
    'dpkg',
    'kernel',
    'cron.daily',
    'cron.weekly',
    'init.d',
    'rc0.d',
    'rc1.d',
    'rc2.d',
    'rc3.d',
    'rc4.d',
    'rc5.d',
    'rc6.d',
    'rcS.d',
    'grub.d',
    'logrotate.d',
    'chrony',
    'machine-id',
    'motd',
    'update-motd.d',
    'resolv.conf',
    'hostname',
  ].map((n) => `etc/${n}`),
  // What people had before the last change, and folders that are not there.
  ...['group-', 'gshadow-', 'passwd-', 'shadow-'].map((n) => `etc/${n}`),
  'usr/share/dbus-1/system.d/de.pengutronix.rauc.conf',
  ...['home', 'legacy', 'x11'].map((n) => `usr/lib/tmpfiles.d/${n}.conf`),
  ...['boot', 'media', 'mnt', 'opt', 'srv'],
];

/** Programs that are found by their names in a folder of programs. */
const UNUSED_PROGRAMS =
  /^(apt|dpkg|deb-|debconf|perl|cpan|grub-(?!editenv)|update-(rc|alternatives|passwd|initramfs)|ssh-(add|agent|argv0|copy-id|keyscan|pkcs11)|sqv|x86_64$|dselect|tarcat|rmt|add-shell|remove-shell|savelog|which\.debianutils|bashbug|localedef|iconvconfig|gpgv|tic|infocmp|systemd-(hwdb|cryptsetup|repart|sysext|confext|firstboot|dissect|nspawn|creds|cryptenroll|vmspawn|vpick|measure|pcr|tpm2|(hibernate-resume|rc-local|run|ssh|system-update|sysv|gpt-auto)-generator))/;

/** Units of Debian's that a router has no use for. */
const UNUSED_UNITS = new RegExp(
  `^(${[
    'apt-|dpkg-|e2scrub|fstrim|chrony|nftables|ssh@|ssh\\.socket|rescue-ssh|initrd-|getty-static|system-update|plymouth|ldconfig|rc-local',
    // File systems that nothing here looks at.
    'dev-hugepages|dev-mqueue|sys-fs-fuse|sys-kernel-|proc-sys-fs-binfmt',
    `systemd-(${[
      'networkd|resolved|timesyncd|hwdb|firstboot|boot-|homed|userdbd|portabled|pcr|tpm2|sysext|confext|pstore|quotacheck|binfmt',
      'battery|bsod|ask-password|machine-id|update-done|sysusers|journal-catalog|journal-flush|initctl|hibernate|random-seed|creds',
    ].join('|')})`,
  ].join('|')})`,
);

/** `root` in the folder. */
export function assembleRoot(
  board: Board,
  parts: {
    readonly debian: string;
    readonly kernel: string;
    readonly app: string;
    readonly firmware: string;
    readonly board: string;
  },
  stamp: Readonly<Record<string, string>>,
  keyring: string,
  folder: string,
): void {
  const root = join(folder, 'root');
  mkdirSync(root);
  run('tar', ['-xpf', join(parts.debian, 'root.tar'), '-C', root]);
  writeFileSync(join(folder, 'status'), readFileSync(join(root, 'var/lib/dpkg/status')));
  // Debian enables what it installs; here that is said by the overlay alone.
  for (const name of ['system', 'user'])
    rmSync(join(root, 'etc/systemd', name), { recursive: true, force: true });
  for (const path of UNUSED) rmSync(join(root, path), { recursive: true, force: true });
  for (const place of ['usr/bin', 'usr/sbin', 'usr/lib/systemd', 'usr/lib/systemd/system-generators'])
    prune(join(root, place), UNUSED_PROGRAMS);
  prune(join(root, 'usr/lib/systemd/system'), UNUSED_UNITS);
  for (const wants of readdirSync(join(root, 'usr/lib/systemd/system')).filter((n) => n.endsWith('.wants')))
    prune(join(root, 'usr/lib/systemd/system', wants), UNUSED_UNITS);
  for (const name of readdirSync(join(root, 'etc/ssh')))
    if (name.startsWith('ssh_host')) rmSync(join(root, 'etc/ssh', name));
  for (const name of ['boot', 'data', 'media', 'mnt', 'etc/systemd/system', 'var/cache', 'var/log'])
    mkdirSync(join(root, name), { recursive: true });

  run('cp', ['-a', '--no-preserve=ownership', `${parts.kernel}/lib/modules`, join(root, 'usr/lib/')]);
  if (existsSync(join(parts.firmware, 'usr/lib/firmware')))
    run('cp', [
      '-a',
      '--no-preserve=ownership',
      join(parts.firmware, 'usr/lib/firmware'),
      join(root, 'usr/lib/'),
    ]);
  for (const part of [parts.app, OVERLAY]) cpSync(part, root, { recursive: true, verbatimSymlinks: true });
  mkdirSync(join(root, 'etc/rauc'), { recursive: true });
  writeFileSync(join(root, 'etc/rauc/keyring.pem'), keyring);
  cpSync(join(parts.board, 'system.conf'), join(root, 'etc/rauc/system.conf'));
  for (const name of ['boot-state', 'restart'])
    cpSync(join(parts.board, name), join(root, 'usr/libexec/sekisho', name));
  const rules = join(parts.board, '65-sekisho.rules');
  if (existsSync(rules)) cpSync(rules, join(root, 'usr/lib/udev/rules.d/65-sekisho.rules'));
  writeFileSync(
    join(root, 'usr/lib/os-release'),
    `${Object.entries(stamp)
      .map(([k, v]) => `${k}=${JSON.stringify(v)}`)
      .join('\n')}\n`,
  );
  users(root);
  emulated(board.architecture, () => {
    run('chroot', [root, '/usr/sbin/ldconfig', '-X']);
    // It remembers files by their times and places, which are others in every build.
    rmSync(join(root, 'var/cache/ldconfig'), { recursive: true, force: true });
    compile(root);
  });
}

/**
 * What V8 makes of our sources, so that it need not be made at every start (cli/sekisho looks for it).
 * The two flags make it the same octets each time; V8 leaves them out of what it compares when it takes a cache.
 */
function compile(root: string): void {
  const SAME = '--random-seed=1 --predictable';
  const sekisho = (args: readonly string[]) =>
    run('chroot', [root, 'env', '-i', 'PATH=/usr/bin:/usr/sbin', `NODE_COMPILE_CACHE=/${COMPILED}`, ...args]);
  const packages = readdirSync(join(root, 'usr/lib/sekisho/node_modules'));
  const node = packages.find((name) => name.startsWith('node-linux-'));
  const program = `/usr/lib/sekisho/node_modules/${node}/bin/node ${SAME}`;
  sekisho(['sh', '-c', `${program} /usr/lib/sekisho/cli/main.ts --help`]);
  // The router's own beginning, which goes no further than this word.
  sekisho(['sh', '-c', `${program} /usr/lib/sekisho/src/daemon/main.ts --nothing 2>/dev/null || true`]);
  // Node looks for it by who asks.
  for (const name of readdirSync(join(root, COMPILED)).filter((n) => n.endsWith('-0')))
    for (const { id } of USERS) symlinkSync(name, join(root, COMPILED, name.replace(/0$/, String(id))));
  run('find', [join(root, COMPILED), '-type', 'd', '-exec', 'chmod', '755', '{}', '+']);
  run('find', [join(root, COMPILED), '-type', 'f', '-exec', 'chmod', '644', '{}', '+']);
}

function prune(folder: string, unused: RegExp): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder))
    if (unused.test(name)) rmSync(join(folder, name), { recursive: true });
}

function users(root: string): void {
  const add = (file: string, lines: readonly string[]) =>
    appendFileSync(join(root, 'etc', file), lines.map((l) => `${l}\n`).join(''));
  add(
    'group',
    GROUPS.map((g) => `${g.name}:x:${g.id}:${g.members.join(',')}`),
  );
  add(
    'group',
    USERS.filter((u) => !GROUPS.some((g) => g.id === u.id)).map((u) => `${u.name}:x:${u.id}:`),
  );
  add(
    'passwd',
    USERS.map((u) => `${u.name}:x:${u.id}:${u.id}:${u.comment}:${u.home}:${u.shell}`),
  );
  // No password opens them until one is set; 1 is no day that a password could be too old for.
  add(
    'shadow',
    USERS.map((u) => `${u.name}:!:1::::::`),
  );
  add('shells', ['/usr/bin/sekisho']);
}
