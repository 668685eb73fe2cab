// A PC from its first start to an update that goes wrong in every way, as its owner would see it on the console.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOARDS } from '../../firmware/board.ts';
import { bundle } from '../../firmware/bundle.ts';
import { type Product, usualCache } from '../../firmware/image.ts';
import { ownSigner } from '../../firmware/keys.ts';
import { Lab, type Ns } from '../interop/netns.ts';
import { exec, until } from '../interop/proc.ts';
import { Strongswan } from '../interop/strongswan.ts';
import { Box, keepConsoles } from './box.ts';
import { image, unpacked } from './image.ts';
import { SSH, ssh } from './ssh.ts';
import { openWan } from './wan.ts';

const board = BOARDS.x86_64;
const REACH = fileURLToPath(new URL('../interop/reach.ts', import.meta.url));
const PASSWORD = 'over the mountain';
/** Asks the box for a name. */
const RESOLVE = `const r = new (require('dns').Resolver)(); r.setServers(['192.168.1.1']);
r.resolve4('www.example.org', (e, a) => process.stdout.write(String(e ?? a[0])));`;
let lab: Lab;
let product: Product;
let base: string;
let isp: Ns;
let lan: Ns;
let peer: Strongswan;
let box: Box;
let key: string;
const signer = ownSigner(join(usualCache(), 'signer'));

beforeAll(async () => {
  product = image(board, signer);
  lab = await Lab.open('box');
  key = join(lab.tmp, 'key');
  base = await unpacked(lab, product);
  // The network outside: an address by DHCP, a gateway that answers, and a peer.
  isp = await openWan(lab, ['192.0.2.254/24', '192.0.2.9/24']);
  lan = await lab.netns('lan');
  await isp.address('lo', '192.168.2.1/32');
  const conf = join(lab.tmp, 'isp.conf');
  writeFileSync(
    conf,
    [
      'conf-file=',
      'no-hosts',
      'no-resolv',
      'user=root',
      'bind-interfaces',
      'interface=wan',
      'except-interface=lo',
      'dhcp-range=192.0.2.100,192.0.2.100,255.255.255.0,1h',
      'dhcp-option=option:router,192.0.2.254',
      'dhcp-option=option:dns-server,192.0.2.254',
      `dhcp-leasefile=${join(lab.tmp, 'isp.leases')}`,
      'host-record=www.example.org,9.9.9.9',
      '',
    ].join('\n'),
  );
  isp.spawn(['dnsmasq', '--keep-in-foreground', `--conf-file=${conf}`], { log: join(lab.tmp, 'isp.log') });
  isp.spawn([process.execPath, REACH, 'answer', '8080']);
  peer = await Strongswan.start(lab, isp, { name: 'peer' });
  await peer.load([
    {
      ...{ name: 'box', version: 2, local: '192.0.2.9', remote: '192.0.2.100', psk: 'a key between two' },
      proposals: 'aes256-sha256-modp2048',
      children: [
        { name: 'net', localTs: '192.168.2.0/24', remoteTs: '192.168.1.0/24', espProposals: 'aes256-sha256' },
      ],
    },
  ]);
  box = new Box(lab, {
    name: 'a',
    disk: await Box.disk(lab, base, 'a'),
    cables: [
      { ns: isp, tap: 'tap-wan', bridge: 'wan' },
      { ns: lan, tap: 'tap-lan' },
    ],
  });
});
afterAll(async () => {
  keepConsoles(box);
  await lab?.close();
});

/** An update like the one that was built, but for what `change` does to it. */
function updateWith(name: string, change: (slot: { root: string; boot: string }) => void): string {
  const [root, boot] = ['root', 'boot'].map((part) => join(lab.tmp, `${name}.${part}`));
  cpSync(product.root, root);
  cpSync(product.boot, boot);
  change({ root, boot });
  const file = join(lab.tmp, `${name}.raucb`);
  bundle(board, name, { root, boot }, signer, file);
  return file;
}

/** A host inside; one whose cable was out asks again. */
async function askForAddress(): Promise<void> {
  const script = fileURLToPath(new URL('../interop/lease.sh', import.meta.url));
  const ask = ['udhcpc', '-i', 'tap-lan', '-n', '-q', '-t', '10', '-s', script];
  await lan.exec(ask, { timeoutMs: 60_000 });
}

/** Through the LAN, as an administrator with a key brings it. */
async function bring(file: string, name: string): Promise<void> {
  await askForAddress();
  await lan.exec(['scp', '-i', key, ...SSH, file, `admin@192.168.1.1:${name}`], { timeoutMs: 300_000 });
}

const shell = (...words: string[]) => ssh(lan, key, ...words);

/** Installs, waits until the box has started again, and tells what became of it. */
async function install(name: string): Promise<void> {
  box.enter(`firmware install ${name}`);
  await box.sees(/is written: the box starts from it now/, 300_000);
}

async function backAgain(): Promise<string> {
  await box.login(PASSWORD);
  return box.command('firmware status');
}

describe('a new box', () => {
  test('asks five questions at its console, and then has a way outside, a network and a tunnel', async () => {
    await box.powerOn();
    await box.setUp(PASSWORD, {
      ...{ inside: '192.168.1.1/24', peer: '192.0.2.9', network: '192.168.2.0/24' },
      key: 'a key between two',
    });
    await box.until('show', /ipsec0 .*up/);
    expect(box.said).not.toContain(PASSWORD);
    expect(box.said).not.toContain('a key between two');
  });

  test('gives a host inside an address, names, the way outside and through the tunnel', async () => {
    await askForAddress();
    expect(await lan.ip('-4', '-brief', 'address', 'show', 'tap-lan')).toMatch(/192\.168\.1\.\d+\/24/);
    await lan.exec(['ping', '-c', '3', '-W', '3', '192.168.1.1']);
    const seen = await lan.exec([process.execPath, REACH, 'tcp', '192.0.2.254', '8080']);
    expect(seen.stdout).toMatch(/^192\.0\.2\.100 /);
    await lan.exec(['ping', '-c', '3', '-W', '3', '192.168.2.1']);
    const names = await lan.exec([process.execPath, '-e', RESOLVE]);
    expect(names.stdout).toBe('9.9.9.9');
  });

  test('lets in by SSH from inside whoever has the key, and nobody from outside', async () => {
    await exec(lab.scope, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const pub = readFileSync(`${key}.pub`, 'utf8').trim();
    await box.command(`sshd.authorized-keys.0.pubkey : "${pub}"`);
    await box.command('system.update.patience : 90');
    await box.command('commit');
    await box.command('save');
    await until(
      async () => (await shell('show')).includes('ipsec0'),
      60_000,
      () => 'no SSH',
    );
    await expect(isp.exec([process.execPath, REACH, 'tcp', '192.0.2.100', '22'])).rejects.toThrow();
    const refused = await lan.exec(['ssh', ...SSH, '-o', 'BatchMode=yes', 'admin@192.168.1.1', 'show'], {
      allowFail: true,
    });
    expect(refused.code).not.toBe(0);
  });
});

describe('updates', () => {
  test('one that was tampered with, or is cut short, is refused and changes nothing', async () => {
    const [bad, short] = ['bad', 'short'].map((name) => join(lab.tmp, `${name}.raucb`));
    cpSync(product.update, bad);
    const octets = readFileSync(bad);
    octets[octets.length >> 1] ^= 1;
    writeFileSync(bad, octets);
    cpSync(product.update, short);
    truncateSync(short, octets.length >> 1);
    for (const file of [bad, short]) {
      await bring(file, 'update.raucb');
      expect(await box.command('firmware install /data/home/admin/update.raucb', 300_000)).toMatch(
        /The update is not installed, and nothing has changed/,
      );
    }
    expect(await box.command('firmware status')).toMatch(/slot A: runs/);
  });

  test('is written to the other slot, and kept when all works as before', async () => {
    await bring(product.update, 'update.raucb');
    await install('/data/home/admin/update.raucb');
    expect(await backAgain()).toMatch(/started from slot B/);
    await box.until('firmware status', /Last update: slot B works as slot A did: it is kept/, 200_000);
    await lan.exec(['ping', '-c', '3', '-W', '3', '192.168.2.1']);
  });

  test('the power goes in the middle: the box starts from what it had', async () => {
    box.enter('firmware install /data/home/admin/update.raucb');
    await box.sees(/\d% Copying/, 300_000);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await box.powerOff();
    // Nor does it take another disk of the same image for its own.
    box.insert(base);
    await box.powerOn();
    const status = await backAgain();
    expect(status).toMatch(/started from slot B/);
    expect(status).toMatch(/slot A: nothing to start/);
    expect(status).toMatch(/the update of slot A was cut short: install it again/);
    await box.until('show', /ipsec0 .*up/);
  });

  test('what worked works no more: the box goes back by itself', async () => {
    await install('/data/home/admin/update.raucb');
    // The new one finds no network outside.
    await isp.ip('link', 'set', 'tap-wan', 'nomaster');
    await box.sees(/Booting `Sekisho \(slot A\)'/, 200_000);
    await box.sees(/Booting `Sekisho \(slot B\)'/, 400_000);
    await isp.ip('link', 'set', 'tap-wan', 'master', 'wan');
    const status = await backAgain();
    expect(status).toMatch(/started from slot B/);
    expect(status).toMatch(/Last update: slot A was left again: ge0 has no address/);
    await box.until('show', /ipsec0 .*up/);
  });

  test('a slot of garbage: the box goes back by itself', async () => {
    const file = updateWith('garbage', ({ root }) => writeFileSync(root, Buffer.alloc(1 << 20, 'garbage ')));
    await bring(file, 'garbage.raucb');
    await install('/data/home/admin/garbage.raucb');
    await box.sees(/the root on \S+ is none/, 200_000);
    expect(await backAgain()).toMatch(
      /started from slot B\n +slot A: garbage, not to be started[\s\S]*Last update: slot A was left again: it did not start/,
    );
  });

  test('a start that hangs: the watchdog ends it, and the box goes back', async () => {
    const file = updateWith('hang', ({ boot }) => hang(boot));
    await bring(file, 'hang.raucb');
    await install('/data/home/admin/hang.raucb');
    await box.sees(/hangs now/, 200_000);
    expect(await backAgain()).toMatch(
      /started from slot B[\s\S]*Last update: slot A was left again: it did not start/,
    );
    await box.until('show', /ipsec0 .*up/);
  });
});

/** Behind its own initramfs another one, whose init arms the watchdog and then does nothing more. */
function hang(boot: string): void {
  const folder = join(lab.tmp, 'hang');
  mkdirSync(folder);
  const init = readFileSync(fileURLToPath(new URL('../../firmware/initramfs/init', import.meta.url)), 'utf8');
  const armed = init.indexOf('busybox mount -t squashfs');
  writeFileSync(
    join(folder, 'init'),
    `${init.slice(0, armed)}\necho hangs now\nwhile :; do busybox sleep 1000; done\n`,
    { mode: 0o755 },
  );
  const shell = [
    `mcopy -n -i ${boot} ::initrd ${folder}/initrd`,
    // An archive begins at a multiple of four.
    `truncate -s %4 ${folder}/initrd`,
    `(cd ${folder} && echo init | cpio --quiet -o -H newc) >>${folder}/initrd`,
    `mcopy -o -i ${boot} ${folder}/initrd ::initrd`,
  ];
  execFileSync('sh', ['-ec', shell.join('\n')]);
}
