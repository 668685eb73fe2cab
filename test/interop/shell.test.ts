// The shell as a person uses it: at a terminal, with ? and TAB, mistakes, a paste, and a connection that is lost.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openPair, type Pair, pairConfig } from './pair.ts';
import { until } from './proc.ts';
import { Sekisho } from './sekisho.ts';
import { Tmux } from './tmux.ts';
import { pingUntil } from './traffic.ts';

const CLI = fileURLToPath(new URL('../../cli/sekisho', import.meta.url));

let net: Pair;
let a: Sekisho;
let b: Sekisho;
let tmux: Tmux;

beforeAll(async () => {
  net = await openPair('shell');
  [a, b] = await Promise.all([
    Sekisho.start(net.lab, net.a, 'a', pairConfig(1)),
    Sekisho.start(net.lab, net.b, 'b', pairConfig(2)),
  ]);
  tmux = await Tmux.open(net.lab, net.a, [CLI, 'shell', '--socket', a.socket]);
  await tmux.shows(/# *$/);
});
afterAll(async () => {
  await tmux?.close();
  await net?.lab.close();
});

describe('SEIL', () => {
  // What another test left half typed.
  beforeEach(() => tmux.key('C-u'));

  test('the prompt tells who, and that nothing is saved yet', async () => {
    expect(await tmux.shows(/^\S+\[unsaved\]#/m)).toBeTruthy();
  });

  test('? explains at once, at any word, and the line stays as it was', async () => {
    await tmux.type('show sta?');
    await tmux.shows(/status[\s\S]*\S+.*# show sta$/);
    await tmux.type('tus ?');
    await tmux.shows(/ipsec +Tunnels and their IPsec SAs[\s\S]*show status$/m);
    await tmux.key('C-u');
    await tmux.type('set interface.ipsec0.ike.dpd-interval ?');
    expect(
      await tmux.shows(/<value> +Time between questions.*a whole number from 1 to 3600 seconds/),
    ).toBeTruthy();
    await tmux.key('C-u');
  });

  test('TAB completes words, keys and values', async () => {
    await tmux.type('set interf');
    await tmux.key('Tab');
    await tmux.type('ipsec0.ike.vers');
    await tmux.key('Tab');
    await tmux.shows(/set interface\.ipsec0\.ike\.version$/m);
    await tmux.key('C-u');
    await tmux.type('set interface.ipsec0.ike.dpd dis');
    await tmux.key('Tab');
    await tmux.shows(/ike\.dpd disable$/m);
    await tmux.key('C-u');
  });

  test('a mistake is one sentence with what is meant', async () => {
    await tmux.line('set interface.ipsec0.ike.verison 2');
    expect(await tmux.shows(/did you mean interface\.ipsec0\.ike\.version\?/)).not.toMatch(/^ +at /m);
    await tmux.line('shw status');
    await tmux.shows(/There is no such command: did you mean show\?/);
  });

  test('edit, compare, check, commit, save', async () => {
    await tmux.line('set interface.ipsec0.description a line to Kyoto');
    await tmux.shows(/\[1 uncommitted, unsaved\]#$/m);
    await tmux.line('show | compare');
    await tmux.shows(/^\+ interface\.ipsec0\.description : "a line to Kyoto"$/m);
    await tmux.line('set interface.ipsec0.mtu 1300');
    await tmux.line('commit check');
    await tmux.shows(/ipsec0 is changed, MTU 1300[\s\S]*ipsec0 is untouched/);
    await tmux.line('commit comment narrower');
    await tmux.shows(/Commit 2\./);
    await tmux.line('save');
    await tmux.shows(/^[^[]+#$/m);
    await tmux.line('show history');
    await tmux.shows(/0 +2 +\d{4}-\d\d-\d\d .* root +narrower/);
  });

  test('pipes: grep, count, json', async () => {
    await tmux.line('show config | grep -i MTU');
    await tmux.shows(/^interface\.ipsec0\.mtu +: 1300$/m);
    await tmux.line('show config | grep ipsec0 | count');
    await tmux.shows(/^\d+$/m);
    await tmux.line('show status ipsec | json | grep connection');
    await tmux.shows(/"connection": "ipsec0"/);
  });

  test('a commit that works confirms itself', async () => {
    await b.waitUp();
    await tmux.line('set interface.ipsec0.mtu 1350');
    await tmux.line('commit confirmed 5 when tunnel ipsec0 up');
    const confirmed = await a.waitLog((e) => e.code === 'confirm', 'the confirmation', 20_000);
    expect(confirmed.text).toMatch(/by the condition/);
  });

  test('history by the arrow, without secrets', async () => {
    await tmux.clear();
    await tmux.key('Up');
    await tmux.shows(/commit confirmed 5 when tunnel ipsec0 up$/m);
    await tmux.key('C-u');
    const { stdout } = await net.a.exec(['cat', `${net.lab.tmp}/.sekisho_history`]);
    expect(stdout).toContain('show history');
    expect(stdout).not.toMatch(/preshared-key/);
  });
});

describe('Yamaha', () => {
  test('commands act at once, a selection is in the prompt, mistakes are Yamaha’s sentences', async () => {
    await tmux.clear();
    await tmux.line('terminal dialect yamaha');
    await tmux.line('tunnel select 1');
    await tmux.shows(/ tunnel1.*#$/m);
    await tmux.line('ip tunnel mtu 1320');
    await tmux.line('show config | grep "tunnel mtu"');
    await tmux.shows(/^ ip tunnel mtu 1320$/m);
    await tmux.line('ip tunnel mtu 13200');
    await tmux.shows(/Error: .*"13200"/);
    expect((await a.show('config', 'yamaha')).match(/ip tunnel mtu (\d+)/)?.[1]).toBe('1320');
  });

  test('? lists what stands at a word of a command, in Japanese too', async () => {
    await tmux.type('ipsec ike version 1 ?');
    await tmux.shows(/<value> +IKE version: 1 or 2/);
    await tmux.key('C-u');
    await tmux.line('console character ja.utf8');
    await tmux.type('ipsec ike version 1 ?');
    await tmux.shows(/<value> +IKEのバージョン/);
    await tmux.key('C-u');
    await tmux.line('ipsec ike version 1 7');
    await tmux.shows(/エラー：パラメータのキーワードが認識できません/);
    await tmux.line('console character en.ascii');
  });

  test('what cuts us off takes itself back', async () => {
    await tmux.line('rollback timer 10');
    await tmux.line('ipsec ike pre-shared-key 1 text wrong');
    await tmux.shows(/confirm within \d+ s/);
    await a.waitLog((e) => e.code === 'rollback', 'the way back', 20_000);
    await a.waitUp('ipsec0', 30_000);
    expect(await pingUntil(net.host1, '192.168.2.2', 10_000)).toBe(true);
  });

  test('a paste of 200 lines is carried out in its order', async () => {
    const lines = [
      'tunnel select 1',
      'description tunnel really?',
      'tunnel select none',
      ...Array.from({ length: 199 }, (_, i) => `ip route 10.77.${i}.0/24 gateway null`),
    ];
    await tmux.paste(`${lines.join('\n')}\n`);
    await tmux.line('show config | grep 10.77 | count');
    await tmux.shows(/^199$/m, 60_000);
    expect((await a.show('config')).includes('really?')).toBe(true);
    expect((await a.show('history')).split('\n')[0]).toMatch(/line by line/);
  }, 90_000);

  test('show in its layouts', async () => {
    await tmux.clear();
    await tmux.line('show ipsec sa');
    await tmux.shows(
      /Total: isakmp:1 send:1 recv:1[\s\S]*\d+ +1 +- +isakmp +- +\d+ +10\.0\.0\.2[\s\S]*tun\[0001\]esp +send/,
    );
    await tmux.line('show status tunnel 1');
    await tmux.shows(/TUNNEL\[1\]:[\s\S]*Current status is Online\./);
    await tmux.line('show ip route | grep TUNNEL');
    await tmux.shows(/192\.168\.2\.0\/24 .*TUNNEL\[1\] +static/);
  });
});

describe('a session that ends', () => {
  test('when the router goes away it says so, and goes on when it is back', async () => {
    await tmux.clear();
    await a.stop();
    await tmux.line('show ipsec sa');
    await tmux.shows(/no router runs at/);
    a = await Sekisho.start(net.lab, net.a, 'a', pairConfig(1));
    await until(
      async () => (await a.cli('show', 'config')).code === 0,
      10_000,
      () => 'the router is not back',
    );
    await tmux.line('show config | grep console');
    await tmux.shows(/\S+.*#$/m);
  });

  test('Ctrl-C gives the prompt back while the router is at work', async () => {
    await tmux.line('capture ipsec0 60s');
    await until(
      async () => (await a.show('log')).includes('ipsec0 is captured'),
      10_000,
      () => 'nothing is captured',
    );
    await tmux.key('C-c');
    await tmux.shows(/Interrupted: what the router has begun it carries to its end\.\n\S+#$/);
  });

  test('exit asks when something is not saved, and so does Ctrl-D', async () => {
    await tmux.line('ip lan1 mtu 1400');
    await tmux.line('exit');
    await tmux.shows(/Save it\? \(y\/n\)/);
    await tmux.key('x');
    await tmux.shows(/#$/);
    await tmux.key('C-d');
    await tmux.shows(/Save it\? \(y\/n\)/);
    await tmux.key('y');
    await until(
      () => tmux.ended(),
      10_000,
      () => 'the shell is still there',
    );
    expect(await a.show('log')).toMatch(/configuration saved by root/);
  });
});

describe('one-shot and scripts', () => {
  test('the same commands on the command line', async () => {
    const json = await b.cli('show', 'status', 'ipsec', '--json');
    expect(JSON.parse(json.stdout)[0].connection).toBe('ipsec0');
    expect((await b.cli('show', 'statsu')).code).toBe(1);
    // As SSH has it of a login shell.
    const ssh = ['env', `SEKISHO_SOCKET=${b.socket}`, CLI, '-c', 'show log | grep "SA established" | count'];
    const log = await net.b.exec(ssh);
    expect(log.stdout).toMatch(/^[1-9]\d*\n$/);
    expect((await b.cli('show')).stdout).toMatch(/\S+: \d of 1 tunnels up[\s\S]*tunnel +state +peer/);
  });

  test('an argument is one word, whatever is in it', async () => {
    const key = 'a | b > "c" \\ d';
    expect((await b.cli('set', 'interface.ipsec0.preshared-key', key)).stderr).toBe('');
    expect((await b.cli('compare')).stdout).toBe(
      '- interface.ipsec0.preshared-key : ********\n+ interface.ipsec0.preshared-key : ********\n',
    );
    await b.cli('discard');
  });

  test('a script runs to its end, twice with the same outcome, or to its first mistake', async () => {
    const file = (name: string, text: string) => {
      const path = join(net.lab.tmp, name);
      writeFileSync(path, text);
      return path;
    };
    const good = file(
      'good',
      '# a script\nset interface.ge1.description inside\ndelete interface.ge0.mtu\ncommit\n',
    );
    for (const _ of [1, 2]) expect((await b.cli('script', good)).code).toBe(0);
    expect(await b.show('config')).toMatch(/interface\.ge1\.description +: inside/);
    const bad = await b.cli('script', file('bad', 'show status ike\n\nset interface.ge1.mtu huge\ncommit\n'));
    expect([bad.code, bad.stderr]).toEqual([
      1,
      expect.stringMatching(/bad:3: .*interface\.ge1\.mtu cannot be "huge"/),
    ]);
  });

  test('who is not root looks, and changes nothing', async () => {
    await net.b.exec(['chmod', '0666', b.socket]);
    await net.b.exec(['chmod', '0755', net.lab.tmp]);
    const user = (...args: string[]) =>
      net.b.exec(
        ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', CLI, '--socket', b.socket, ...args],
        { allowFail: true },
      );
    expect((await user('show', 'status', 'ipsec')).code).toBe(0);
    for (const args of [
      ['set', 'hostname', 'x'],
      ['commit'],
      ['export', 'keys', 'to', '/tmp'],
      ['capture', 'ipsec0', 'with-keys', '1s'],
      ['renew'],
      ['save'],
    ])
      expect((await user(...args)).stderr).toMatch(/Only root and the router's owner may/);
    await net.b.exec(['chmod', '0660', b.socket]);
  });

  test('a report holds what can be shown, without secrets, and is looked at elsewhere', async () => {
    const path = join(net.lab.tmp, 'report.json.gz');
    expect((await b.cli('report', '--to', path)).code).toBe(0);
    expect(gunzipSync(readFileSync(path)).toString()).not.toContain('a key of two routers');
    const look = (...args: string[]) => net.host1.exec([CLI, ...args, '--report', path], { allowFail: true });
    expect((await look('show', 'status', 'ipsec')).stdout).toMatch(/IPSEC +10\.0\.0\.2 <------> 10\.0\.0\.1/);
    expect((await look('show', 'ipsec', 'sa', '--dialect', 'yamaha')).stdout).toMatch(/^Total: isakmp/);
    expect((await look('commit')).stderr).toMatch(/can only be looked at/);
  });
});
