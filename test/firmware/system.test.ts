// What root does for a router that is not: the box's own script, in a mount namespace of its own, with little memory.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../firmware/overlay/usr/libexec/sekisho/system', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-system-'));
  for (const name of ['bin', 'etc', 'run', 'run/sekisho', 'data', 'data/system'])
    mkdirSync(join(folder, name));
  // What would change accounts and services writes down what it was told.
  for (const name of ['chpasswd', 'systemctl']) {
    const stub = `#!/bin/sh\n{ echo "${name} $*"; [ ${name} = systemctl ] || cat; } >>${folder}/told\n`;
    writeFileSync(join(folder, 'bin', name), stub);
    chmodSync(join(folder, 'bin', name), 0o755);
  }
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs it for these wishes; returns what it refused. */
function wish(...lines: string[]): string {
  writeFileSync(join(folder, 'run/sekisho/system'), `${lines.join('\n')}\n`);
  return carryOut();
}

/** Runs it in its own /etc and /run, with 300 MB at most; returns what it refused. */
function carryOut(how = ''): string {
  const inside = [
    `mount --bind ${folder}/etc /etc`,
    `mount --bind ${folder}/run /run`,
    'ulimit -v 300000',
    `PATH=${folder}/bin:$PATH SEKISHO_DATA=${folder}/data sh ${SCRIPT} ${how}`,
    `hostname >${folder}/hostname`,
  ].join(' && ');
  const { status, stderr } = spawnSync('unshare', ['-m', '-u', 'sh', '-c', inside], { encoding: 'utf8' });
  expect([status, stderr.replace(/^sekisho: refused: .*\n/gm, '')]).toEqual([0, '']);
  return stderr;
}

const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
const KEY = 'A'.repeat(372);

test('carries out what it knows, and keeps it for the next start', () => {
  const wishes = [
    'hostname gate.example.jp',
    'sshd on',
    'ssh-password yes',
    'account admin $7$C6..../....salt$hash',
    `key admin ssh-rsa ${KEY}`,
  ];
  expect(wish(...wishes)).toBe('');
  expect(read('hostname')).toBe('gate.example.jp\n');
  expect(read('run/sekisho-ssh/admin')).toBe(`ssh-rsa ${KEY}\n`);
  expect(read('run/sekisho-ssh/user')).toBe('');
  expect(read('run/sshd-settings/wanted.conf')).toBe('PasswordAuthentication yes\n');
  expect(read('told')).toBe(
    'chpasswd -e\nadmin:$7$C6..../....salt$hash\nuser:!\nsystemctl --no-block reload-or-restart ssh.service\n',
  );
  expect(read('data/system/wanted')).toBe(`${wishes.join('\n')}\n`);
});

test('without a word for it nobody logs in', () => {
  expect(wish('hostname gate')).toBe('');
  expect(read('told')).toBe('chpasswd -e\nadmin:!\nuser:!\nsystemctl --no-block stop ssh.service\n');
  expect(read('run/sshd-settings/wanted.conf')).toBe('PasswordAuthentication no\n');
});

test.each([
  ['hostname a;reboot', 'hostname'],
  [`hostname ${'a'.repeat(65)}`, 'hostname'],
  ['timezone ../../etc/shadow', 'timezone'],
  ['sshd on;off', 'sshd'],
  ['ssh-password maybe', 'ssh-password'],
  ['account root $7$C6..../....salt$hash', 'account'],
  ['account admin plain', 'account'],
  ['account admin $7$a:0:0', 'account'],
  ['key root ssh-rsa AAAA', 'key'],
  ['key admin command="x" ssh-rsa', 'key'],
  [`key admin ssh-rsa ${'A'.repeat(16_385)}`, 'key'],
  ['port 22', 'port'],
])('refuses %s', (line, what) => {
  expect(wish(line)).toBe(`sekisho: refused: ${what}\n`);
  expect(read('told')).toMatch(/^chpasswd -e\nadmin:!\nuser:!\n/);
  expect(read('run/sekisho-ssh/admin')).toBe('');
});

test('what was asked for last is carried out again at the next start', () => {
  wish('hostname gate', 'account admin $7$C6..../....salt$hash');
  rmSync(join(folder, 'told'));
  carryOut('again');
  expect(read('told')).toMatch(/^chpasswd -e\nadmin:\$7\$C6\.\.\.\.\/\.\.\.\.salt\$hash\nuser:!\n/);
  expect(read('hostname')).toBe('gate\n');
});

test('a wish that comes while another one is carried out is not lost', () => {
  const later = `[ -e ${folder}/later ] || printf 'hostname second\nsshd on\n' >/run/sekisho/system; : >${folder}/later`;
  writeFileSync(join(folder, 'bin/chpasswd'), `#!/bin/sh\ncat >/dev/null\n${later}\n`);
  wish('hostname first');
  expect(read('hostname')).toBe('second\n');
  expect(read('data/system/wanted')).toBe('hostname second\nsshd on\n');
  expect(read('told')).toMatch(/stop ssh\.service\n.* reload-or-restart ssh\.service\n$/);
  expect(readdirSync(join(folder, 'run/sekisho'))).toEqual([]);
});

test('a wish that cannot be copied whole changes nothing', () => {
  writeFileSync(join(folder, 'bin/head'), '#!/bin/sh\nprintf %s host\nexit 1\n');
  chmodSync(join(folder, 'bin/head'), 0o755);
  expect(wish('hostname gate')).toBe('sekisho: refused: what cannot be copied\n');
  expect(existsSync(join(folder, 'told'))).toBe(false);
  expect(existsSync(join(folder, 'data/system/wanted'))).toBe(false);
});

test('a wish that is no file of its own is none', () => {
  writeFileSync(join(folder, 'secret'), 'hostname stolen\n');
  symlinkSync(join(folder, 'secret'), join(folder, 'run/sekisho/system'));
  expect(carryOut()).toBe('sekisho: refused: what is no file\n');
  expect(existsSync(join(folder, 'data/system/wanted'))).toBe(false);
  expect(existsSync(join(folder, 'told'))).toBe(false);
});
