// The command line and the control socket as an operator meets them.
import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab, type Ns } from './netns.ts';
import { MINIMAL } from './seed001.ts';
import { Sekisho } from './sekisho.ts';

const CLI = fileURLToPath(new URL('../../cli/sekisho', import.meta.url));

let lab: Lab;
let ns: Ns;
let router: Sekisho;

beforeAll(async () => {
  lab = await Lab.open('cli');
  ns = await lab.netns('r');
  const [wan, lan] = [await lab.netns('w'), await lab.netns('l')];
  await lab.veth(ns, 'ge0', wan, 'eth0');
  await lab.veth(ns, 'ge1', lan, 'eth0');
  router = await Sekisho.start(lab, ns, 'r', MINIMAL);
});
afterAll(() => lab?.close());

const sekisho = (args: string[], env: Record<string, string> = {}) =>
  ns.exec([CLI, ...args], { allowFail: true, env });

function file(name: string, text: string): string {
  const path = join(lab.tmp, name);
  writeFileSync(path, text);
  return path;
}

describe('check', () => {
  test('a good file: exit code 0', async () => {
    const { code, stdout } = await sekisho(['check', file('good', MINIMAL)]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/no mistakes/)]);
  });

  test('every mistake on standard error with its place, exit code 1, no stack trace', async () => {
    const bad = file(
      'bad',
      `${MINIMAL}interface.ipsec0.ike.verison : 2\ninterface.ipsec0.mtu : big\nnonsense\n`,
    );
    const { code, stdout, stderr } = await sekisho(['check', bad]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.match(/^.*bad:\d+:\d+: /gm)).toHaveLength(4);
    expect(stderr).toMatch(/warning: ipsec0: weak algorithms/);
    expect(stderr).toMatch(/bad:10:1: .*did you mean interface\.ipsec0\.ike\.version\?/);
    expect(stderr).toMatch(/bad:11:24: .*a whole number from 576 to 9216 octets/);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('a missing file is one sentence', async () => {
    const { code, stderr } = await sekisho(['check', '/nowhere/at/all']);
    expect([code, stderr]).toEqual([1, 'sekisho: cannot read /nowhere/at/all: there is no such file.\n']);
  });
});

describe('the socket', () => {
  test('is told by --socket before or after the command, or by SEKISHO_SOCKET', async () => {
    const s = router.socket;
    expect((await sekisho(['--socket', s, 'show', 'config'])).code).toBe(0);
    expect((await sekisho(['show', 'config', '--socket', s])).code).toBe(0);
    expect((await sekisho(['show', 'config'], { SEKISHO_SOCKET: s })).code).toBe(0);
    const { code, stderr } = await sekisho(['show', 'config', '--socket', '/nowhere/sock']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/no router runs at \/nowhere\/sock/)]);
  });

  test('has mode 0660, and a second router does not take it over', async () => {
    const { stdout } = await ns.exec(['stat', '-c', '%a %U', router.socket]);
    expect(stdout).toBe('660 root\n');
    const second = await sekisho(['run', '--config', file('second', MINIMAL), '--socket', router.socket]);
    expect([second.code, second.stderr]).toEqual([1, expect.stringMatching(/another router listens at/)]);
    expect((await sekisho(['--socket', router.socket, 'show', 'config'])).code).toBe(0);
  });

  test('a caller who is not root may look, and changes nothing', async () => {
    await ns.exec(['chmod', '0666', router.socket]);
    const ask = (request: object) =>
      ns.exec(
        [
          'setpriv',
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          'perl',
          '-MIO::Socket::UNIX',
          '-e',
          'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die $!; print $s "$ARGV[1]\\n"; print scalar <$s>',
          router.socket,
          JSON.stringify(request),
        ],
        { allowFail: true },
      );
    await ns.exec(['chmod', '0755', lab.tmp]);
    expect((await ask({ command: 'show', what: 'status ike' })).stdout).toMatch(/"ok":true/);
    const refused = await ask({ command: 'stop' });
    expect(refused.stdout).toMatch(/Only root and the router's owner may stop/);
    expect((await ask({ command: 'reload', file: 'x', source: '' })).stdout).toMatch(/Only root/);
    await ns.exec(['chmod', '0660', router.socket]);
    expect(router.running).toBe(true);
  });

  test('nonsense gets an answer, and the router lives on', async () => {
    const answers = await new Promise<string>((resolve) => {
      const socket = createConnection(router.socket);
      let text = '';
      socket.on('data', (d) => {
        text += d;
        if (text.split('\n').length > 3) socket.end();
      });
      socket.on('close', () => resolve(text));
      socket.write('no json\n{"command":"dance"}\n{"command":"show","what":"__proto__"}\n');
    });
    expect(
      answers
        .split('\n')
        .slice(0, 3)
        .every((line) => JSON.parse(line).ok === false),
    ).toBe(true);
    expect(router.running).toBe(true);
  });
});

describe('show and reload', () => {
  test('show system crypto measures every suite', async () => {
    const { code, stdout } = await router.cli('show', 'system', 'crypto', '--json');
    expect(code).toBe(0);
    const { speeds } = JSON.parse(stdout) as { speeds: { suite: string; gbit: number; chosen: boolean }[] };
    for (const suite of ['aes128-gcm16', 'chacha20-poly1305', 'aes256/sha256', '3des/md5']) {
      const list = speeds.filter((s) => s.suite === suite);
      expect(list.filter((s) => s.chosen)).toHaveLength(1);
      expect(list.every((s) => s.gbit > 0)).toBe(true);
    }
  });

  test('what cannot be shown lists what can', async () => {
    const { code, stderr } = await router.cli('show', 'status', 'ipsek');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /status ike, status ipsec, status ipsec\.security-policy, status filter, status port, status arp, status route, status dhcp, system, system crypto, log, log yamaha, config, config yamaha, config candidate, status interface\.ipsec0/,
    );
  });

  test('a tunnel that is down says why', async () => {
    await router.waitLog((e) => e.code === 'initiate', 'initiation');
    expect(await router.show('status', 'ipsec')).toMatch(/Status: negotiating/);
  });

  test('a configuration with a mistake changes nothing', async () => {
    const before = await router.show('config');
    const { code, stderr } = await router.reload(`${MINIMAL}interface.ge1.mtu : 9\n`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/interface\.ge1\.mtu cannot be "9"/)]);
    expect(await router.show('config')).toBe(before);
  });

  test('an interface without a device is refused with the list of what exists', async () => {
    const { code, stderr } = await router.reload(`${MINIMAL}interface.ge7.ipv4.address : 10.7.0.1/24\n`);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /there is no device for ge7: set system\.interface\.ge7\.device to one that exists \(.*ge0.*ge1.*\)/,
    );
  });

  test('stop returns when the router is gone', async () => {
    const { code } = await router.cli('stop');
    expect(code).toBe(0);
    expect(await ns.ip('link')).not.toMatch(/ipsec0/);
  });
});

describe('metrics', () => {
  beforeAll(async () => {
    router = await Sekisho.start(lab, ns, 'metrics', MINIMAL);
  });

  const get = (url: string) =>
    ns.exec([
      process.execPath,
      '-e',
      `fetch('${url}').then(async (r) => console.log(r.status, await r.text()), (e) => console.log(e.cause.code))`,
    ]);

  test('nobody listens unless configured; then a tunnel that is down says so', async () => {
    const url = 'http://127.0.0.1:9477/metrics';
    expect((await get(url)).stdout).toBe('ECONNREFUSED\n');
    const { code, stdout } = await router.reload(`${MINIMAL}system.metrics.address : 127.0.0.1\n`);
    expect([code, stdout]).toEqual([0, expect.stringContaining('metrics at 127.0.0.1 port 9477')]);
    const text = (await get(url)).stdout;
    expect(text).toMatch(/^200 /);
    expect(text).toContain('sekisho_tunnel_up{tunnel="ipsec0",peer="10.0.0.2"} 0');
    expect(text).not.toContain('xeeB5gohvaYi');
    await router.reload(MINIMAL);
    expect((await get(url)).stdout).toBe('ECONNREFUSED\n');
  });

  test('an address that is not ours is told, and the rest works', async () => {
    const from = (await router.log()).length;
    await router.reload(`${MINIMAL}system.metrics.address : 192.0.2.7\n`);
    const failed = await router.waitLog((e) => e.code === 'step-failed', 'the failure', 5000, from);
    expect(failed.text).toMatch(/metrics at 192\.0\.2\.7 port 9477: .*EADDRNOTAVAIL/);
    await router.reload(MINIMAL);
  });
});
