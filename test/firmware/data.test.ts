// What each start makes sure of on the data partition: the box's own script, on folders in place of partitions.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const SCRIPTS = ['renew', 'data'].map((name) =>
  fileURLToPath(new URL(`../../firmware/overlay/usr/libexec/sekisho/${name}`, import.meta.url)),
);

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
const boot = (name: string) => at('boot', name);
const data = (...path: string[]) => at('data', ...path);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-data-'));
  for (const name of ['bin', 'boot', 'data']) mkdirSync(at(name));
  writeFileSync(at('cmdline'), 'console=ttyS0 rauc.slot=A\n');
  // Accounts and disks of this machine are none of its business; what it erases is kept here to be looked at.
  stub('chown', `echo "$*" >>${at('owners')}`);
  stub('mkfs.ext4', `echo "$*" >>${at('made')}; rm -rf ${at('data')}/*`);
  stub('resize2fs', 'true');
  stub('sync', 'true');
  stub('shred', `for file; do :; done; rm "$file"; basename "$file" >>${at('erased')}`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function stub(name: string, text: string): void {
  writeFileSync(at('bin', name), `#!/bin/sh\n${text}\n`);
  chmodSync(at('bin', name), 0o755);
}

function start(): void {
  const env = {
    PATH: `${at('bin')}:${process.env.PATH}`,
    ...{ SEKISHO_DATA: at('data'), SEKISHO_BOOT: at('boot'), SEKISHO_CMDLINE: at('cmdline') },
  };
  for (const script of SCRIPTS) {
    const { status, stderr } = spawnSync('sh', [script], { encoding: 'utf8', env });
    expect([status, stderr.replace(/^.*(?:grow|blkid|by-label).*\n/gm, '')]).toEqual([0, '']);
  }
}

const read = (path: string) => readFileSync(path, 'utf8');
const hostKey = () => read(data('ssh', 'ssh_host_ed25519_key'));

describe('the first start', () => {
  test('makes folders and a host key that only root reads, and the next one leaves them', () => {
    start();
    expect(readdirSync(data()).sort()).toEqual(['home', 'rauc', 'sekisho', 'ssh', 'system']);
    expect(statSync(data('ssh', 'ssh_host_ed25519_key')).mode & 0o777).toBe(0o600);
    expect(statSync(data('home', 'admin')).mode & 0o777).toBe(0o750);
    const key = hostKey();
    writeFileSync(data('home', 'admin', 'mine'), '');
    start();
    expect(hostKey()).toBe(key);
    expect(existsSync(data('home', 'admin', 'mine'))).toBe(true);
  });

  test('a host key that was cut short by the power is made anew', () => {
    start();
    rmSync(data('ssh', 'ssh_host_ed25519_key'));
    writeFileSync(data('ssh', 'new'), 'half a k');
    start();
    expect(hostKey()).toMatch(
      /^-----BEGIN OPENSSH PRIVATE KEY-----\n[\s\S]*\n-----END OPENSSH PRIVATE KEY-----\n$/,
    );
  });
});

describe('what lies beside the boot loader', () => {
  test('is taken as it was meant, whoever wrote its lines, and erased', () => {
    writeFileSync(boot('sekisho.conf'), 'hostname : one\r\ninterface.ge0.ipv4.address : dhcp\r\n');
    writeFileSync(boot('sekisho.pub'), 'ssh-ed25519 AAAA someone\n');
    start();
    expect(read(data('sekisho', 'first', 'sekisho.conf'))).toBe(
      'hostname : one\ninterface.ge0.ipv4.address : dhcp\n',
    );
    expect(read(data('sekisho', 'first', 'sekisho.pub'))).toBe('ssh-ed25519 AAAA someone\n');
    expect(readdirSync(at('boot'))).toEqual([]);
    expect(read(at('erased'))).toBe('sekisho.conf.old\nsekisho.pub.old\n');
  });

  test('is erased by the next start where the power went before', () => {
    writeFileSync(boot('sekisho.conf'), 'hostname : one\n');
    start();
    writeFileSync(boot('sekisho.conf'), 'hostname : one\n');
    writeFileSync(boot('sekisho.pub.old'), '\0\0\0\0AAAA someone\n');
    start();
    expect(readdirSync(at('boot'))).toEqual([]);
    expect(existsSync(data('sekisho', 'first', 'sekisho.pub'))).toBe(false);
  });

  test('half of it that was taken before the power went is not all of it', () => {
    mkdirSync(data('sekisho', 'first.new'), { recursive: true });
    writeFileSync(data('sekisho', 'first.new', 'sekisho.conf'), 'host');
    writeFileSync(boot('sekisho.conf'), 'hostname : one\n');
    start();
    expect(read(data('sekisho', 'first', 'sekisho.conf'))).toBe('hostname : one\n');
  });

  test.each(['startup.conf', 'history/000001.conf'])('is left alone on a box that has a %s', (file) => {
    mkdirSync(data('sekisho', 'config', 'history'), { recursive: true });
    writeFileSync(data('sekisho', 'config', file), '');
    writeFileSync(boot('sekisho.conf'), 'hostname : two\n');
    start();
    expect(existsSync(data('sekisho', 'first'))).toBe(false);
    expect(read(boot('sekisho.conf'))).toBe('hostname : two\n');
  });

  test('is taken by a box that was started before, and that nobody has configured', () => {
    start();
    mkdirSync(data('sekisho', 'config', 'history'), { recursive: true });
    writeFileSync(boot('sekisho.conf'), 'hostname : two\n');
    start();
    expect(read(data('sekisho', 'first', 'sekisho.conf'))).toBe('hostname : two\n');
  });
});

describe('a factory reset', () => {
  const lived = () => {
    start();
    mkdirSync(data('sekisho', 'config'));
    writeFileSync(data('home', 'admin', 'mine'), '');
    return hostKey();
  };

  test.each([
    ['the boot menu', () => writeFileSync(at('cmdline'), 'rauc.slot=A sekisho.factory-reset\n')],
    ['a file, once', () => writeFileSync(boot('sekisho.reset'), '')],
  ])('by %s forgets configuration, people and host keys', (_how, ask) => {
    const key = lived();
    ask();
    start();
    expect(existsSync(data('sekisho', 'config'))).toBe(false);
    expect(readdirSync(data('home', 'admin'))).toEqual([]);
    expect(hostKey()).not.toBe(key);
    expect(existsSync(boot('sekisho.reset'))).toBe(false);
    expect(read(at('made'))).toBe('-q -F -L sekisho-data /dev/disk/by-partlabel/data\n');
  });

  test('during which the power went is done again', () => {
    lived();
    writeFileSync(boot('sekisho.resetting'), '');
    start();
    expect(existsSync(data('sekisho', 'config'))).toBe(false);
    expect(readdirSync(at('boot'))).toEqual([]);
  });

  test('whose file cannot be taken away is none: it would be done at every start', () => {
    lived();
    writeFileSync(boot('sekisho.reset'), '');
    stub('mv', 'case $2 in *resetting) exit 1 ;; *) exec /bin/mv "$@" ;; esac');
    expect(start).toThrow();
    expect(existsSync(data('sekisho', 'config'))).toBe(true);
  });

  test('takes a new configuration that came with it', () => {
    lived();
    writeFileSync(boot('sekisho.reset'), '');
    writeFileSync(boot('sekisho.conf'), 'hostname : anew\n');
    start();
    expect(read(data('sekisho', 'first', 'sekisho.conf'))).toBe('hostname : anew\n');
  });
});
