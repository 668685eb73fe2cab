// What a router starts with: what was laid down for a new one, what was saved, what a version before or after it saved.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, type Ns } from './netns.ts';
import { Sekisho } from './sekisho.ts';

const KEY = 'a key that was typed on a PC';

const CONF = [
  'hostname : first',
  'interface.ipsec0.ipv4.source : 192.0.2.1',
  'interface.ipsec0.ipv4.destination : 192.0.2.2',
  `interface.ipsec0.preshared-key : "${KEY}"`,
];

let lab: Lab;
let ns: Ns;
let count = 0;
let state: string;
beforeAll(async () => {
  lab = await Lab.open('versions');
  ns = await lab.netns('box');
});
afterAll(() => lab?.close());

/** A router as a box starts it, with what an earlier start left. */
const boot = (folders: { first?: string; system?: string } = {}) =>
  Sekisho.boot(lab, ns, `start${++count}`, { state, ...folders });

/** Files below the folder, with what is in them. */
function texts(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile())
    .map((f) => readFileSync(join(f.parentPath, f.name), 'latin1'))
    .join('\n');
}

function laid(name: string, lines: readonly string[]): string {
  state = join(lab.tmp, `${name}.state`);
  const first = join(lab.tmp, `${name}.first`);
  mkdirSync(first);
  writeFileSync(join(first, 'sekisho.conf'), `${lines.join('\n')}\n`);
  return first;
}

describe('a new router', () => {
  test('begins with what was laid down for it, whose secrets are then sealed and nowhere else', async () => {
    const first = laid('new', CONF);
    const router = await boot({ first });
    expect(await router.show('config')).toMatch(/^hostname *: first$/m);
    expect(existsSync(first)).toBe(false);
    expect(texts(state)).not.toContain(KEY);
    await router.stop();
    const again = await boot({ first });
    expect(await again.show('config')).toMatch(/^interface\.ipsec0\.preshared-key *: /m);
    await again.stop();
  });

  test('does not take a configuration with a mistake in parts, and keeps it for its owner', async () => {
    const first = laid('wrong', [...CONF, 'interface.ipsec0.mtu : enormous']);
    const router = await boot({ first });
    expect(await router.show('config')).not.toMatch(/hostname/);
    await router.waitLog((e) => e.text.includes('interface.ipsec0.mtu'), 'the line', 1000);
    expect(readFileSync(join(first, 'sekisho.conf'), 'utf8')).toContain('enormous');
    await router.stop();
  });
});

describe('an update, and the way back', () => {
  test('what a later version saved stays for it; this one starts with the last commit that it understands', async () => {
    state = join(lab.tmp, 'later.state');
    const old = await boot();
    for (const name of ['one', 'two']) {
      const { code, stderr } = await old.cli('set', 'hostname', name);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect((await old.cli('commit')).stderr).toBe('');
    }
    expect((await old.cli('save')).code).toBe(0);
    await old.stop();
    // Two commits of a version that has more to say.
    const saved = join(state, 'config/startup.conf');
    const history = join(state, 'config/history');
    const last = readdirSync(history).sort().at(-1) ?? '';
    const next = join(history, `${String(Number.parseInt(last, 10) + 1).padStart(6, '0')}.conf`);
    writeFileSync(next, readFileSync(join(history, last)));
    for (const file of [saved, next]) appendFileSync(file, 'interface.ipsec0.teleport : enable\n');
    const text = readFileSync(saved, 'utf8');

    const router = await boot();
    expect(await router.show('config')).toMatch(/^hostname *: two$/m);
    await router.waitLog(
      (e) => /startup\.conf, line \d+: .*interface\.ipsec0\.teleport/.test(e.text),
      'the line that is not understood',
      1000,
    );
    expect(readFileSync(saved, 'utf8')).toBe(text);
    await router.stop();
    expect(readFileSync(saved, 'utf8')).toBe(text);
  });

  test('what an earlier version called otherwise is known, and called by its name', async () => {
    const first = laid('earlier', [...CONF, 'interface.ipsec0.responder-only : enable']);
    const router = await boot({ first });
    const config = await router.show('config');
    expect(config).toMatch(/^interface\.ipsec0\.ike\.responder-only *: enable$/m);
    expect(config).not.toMatch(/ipsec0\.responder-only/);
    await router.stop();
  });
});

describe('a disk that fails in places', () => {
  test('takes nobody’s password and key away: the system around is told nothing until somebody commits', async () => {
    state = join(lab.tmp, 'failing.state');
    mkdirSync(join(state, 'config/startup.conf'), { recursive: true });
    const system = join(lab.tmp, 'failing.system');
    mkdirSync(system);
    const router = await boot({ system });
    await router.waitLog((e) => /startup\.conf cannot be read/.test(e.text), 'what is lost', 1000);
    expect(readdirSync(system)).not.toContain('system');
    expect((await router.cli('set', 'sshd.service', 'enable')).stderr).toBe('');
    expect((await router.cli('commit')).stderr).toBe('');
    expect(readFileSync(join(system, 'system'), 'utf8')).toMatch(/^sshd on$/m);
    await router.stop();
  });

  test('and a new router tells it at once', async () => {
    state = join(lab.tmp, 'blank.state');
    const system = join(lab.tmp, 'blank.system');
    mkdirSync(system);
    const router = await boot({ system });
    expect(readFileSync(join(system, 'system'), 'utf8')).toMatch(/^sshd off$/m);
    await router.stop();
  });
});
