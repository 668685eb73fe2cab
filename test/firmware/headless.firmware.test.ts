// A PC that was told everything before its first start, by files beside its boot loader: ten tunnels, and nobody at the console.
// Then it is made to forget all of it, from the boot menu.
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BOARDS } from '../../firmware/board.ts';
import { usualCache } from '../../firmware/image.ts';
import { ownSigner } from '../../firmware/keys.ts';
import { Lab, type Ns } from '../interop/netns.ts';
import { exec, until } from '../interop/proc.ts';
import { Strongswan } from '../interop/strongswan.ts';
import { BOOT_MS, Box, keepConsoles } from './box.ts';
import { image, unpacked } from './image.ts';
import { ssh } from './ssh.ts';
import { openWan } from './wan.ts';

const TUNNELS = Array.from({ length: 10 }, (_, n) => n);

/** Of all programs together, with ten tunnels up. */
const MEMORY = 250e6;

/** Where the boot partition begins in the image. */
const BOOT = '2M';

const peerOf = (n: number) => `192.0.2.${11 + n}`;
const keyOf = (n: number) => `the key of site ${n}`;

const CONF = [
  'hostname : headless',
  'interface.ge0.ipv4.address : 192.0.2.100/24',
  'interface.ge1.ipv4.address : 192.168.1.1/24',
  'filter.ipv4.100.interface : ge0',
  'filter.ipv4.100.direction : out',
  'filter.ipv4.100.action : pass',
  'filter.ipv4.100.state : enable',
  'filter.ipv4.900.interface : ge0',
  'filter.ipv4.900.direction : in',
  'filter.ipv4.900.action : block',
  'dhcp.server.service : enable',
  'dhcp.server.0.interface : ge1',
  'dhcp.server.0.pool.address : 192.168.1.100/24',
  'dhcp.server.0.pool.count : 50',
  'dns-forwarder.service : enable',
  'dns-forwarder.0.address : 192.0.2.254',
  'dns-forwarder.listen.0.interface : ge1',
  'ntp.service : enable',
  'ntp.client.0.address : 192.0.2.254',
  ...TUNNELS.flatMap((n) => [
    ...[
      'ipv4.source : ge0',
      `ipv4.destination : ${peerOf(n)}`,
      `preshared-key : "${keyOf(n)}"`,
      'ike.version : 2',
      'ike.proposal.phase1.encryption.0.algorithm : aes256',
      'ike.proposal.phase1.hash.0.algorithm : sha256',
      'ike.proposal.phase1.dh-group : modp2048',
      'ike.proposal.phase2.encryption.0.algorithm : aes256',
      'ike.proposal.phase2.authentication.0.algorithm : hmac-sha256',
      'ike.proposal.phase2.proxy-id.ipv4.local : 192.168.1.0/24',
      `ike.proposal.phase2.proxy-id.ipv4.remote : 10.${n}.0.0/16`,
    ].map((line) => `interface.ipsec${n}.${line}`),
    `route.ipv4.${n}.destination : 10.${n}.0.0/16`,
    `route.ipv4.${n}.gateway : ipsec${n}`,
  ]),
];

let lab: Lab;
let lan: Ns;
let disk: string;
let key: string;
let box: Box;

beforeAll(async () => {
  const product = image(BOARDS.x86_64, ownSigner(join(usualCache(), 'signer')));
  lab = await Lab.open('headless');
  const isp = await openWan(lab, [...TUNNELS.map((n) => `${peerOf(n)}/24`), '192.0.2.254/24']);
  const time = join(lab.tmp, 'time.conf');
  const lines = ['local stratum 8', 'allow 192.0.2.0/24', 'cmdport 0', `pidfile ${time}.pid`, ''];
  writeFileSync(time, lines.join('\n'));
  isp.spawn(['chronyd', '-d', '-x', '-f', time], { log: `${time}.log` });
  for (const n of TUNNELS) await isp.address('lo', `10.${n}.0.1/32`);
  const peer = await Strongswan.start(lab, isp, { name: 'sites' });
  await peer.load(
    TUNNELS.map((n) => ({
      ...{ name: `site${n}`, version: 2, local: peerOf(n), remote: '192.0.2.100', psk: keyOf(n) },
      proposals: 'aes256-sha256-modp2048',
      children: [
        {
          ...{ name: `net${n}`, localTs: `10.${n}.0.0/16`, remoteTs: '192.168.1.0/24' },
          espProposals: 'aes256-sha256',
        },
      ],
    })),
  );
  lan = await lab.netns('lan');
  // What its owner does before the card goes in.
  disk = await unpacked(lab, product);
  key = join(lab.tmp, 'key');
  await exec(lab.scope, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const conf = join(lab.tmp, 'sekisho.conf');
  writeFileSync(conf, CONF.map((line) => `${line}\r\n`).join(''));
  await exec(lab.scope, ['mcopy', '-i', `${disk}@@${BOOT}`, conf, '::sekisho.conf']);
  await exec(lab.scope, ['mcopy', '-i', `${disk}@@${BOOT}`, `${key}.pub`, '::sekisho.pub']);
  box = new Box(lab, {
    ...{ name: 'h', disk: await Box.disk(lab, disk, 'h') },
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

const shell = (...words: string[]) => ssh(lan, key, ...words);

test('starts with what lay beside its boot loader: ten tunnels, and SSH for whoever has the key', async () => {
  await box.powerOn();
  await lan.address('tap-lan', '192.168.1.9/24');
  await lan.route('default', '192.168.1.1');
  let said = '';
  await until(
    async () => {
      said = await shell('show');
      return /headless: 10 of 10 tunnels up/.test(said);
    },
    BOOT_MS,
    () => `not ten tunnels:\n${said}\n${box.said.slice(-1500)}`,
    2000,
  );
  for (const n of TUNNELS) await lan.exec(['ping', '-c', '1', '-W', '5', `10.${n}.0.1`]);
});

test('is content with 250 MB of memory', async () => {
  const { memory } = JSON.parse(await shell('show', 'system', '|', 'json')) as {
    memory: { used: number; router: number };
  };
  process.stdout.write(
    `ten tunnels up: ${(memory.used / 1e6).toFixed(0)} MB used, ${(memory.router / 1e6).toFixed(0)} MB of them by the router\n`,
  );
  expect(memory.used).toBeLessThan(MEMORY);
});

test('has its clock from the server that it was told', async () => {
  await until(
    async () => /^clock .* as 192\.0\.2\.254 says/m.test(await shell('show', 'system')),
    60_000,
    () => 'its clock follows nobody',
    2000,
  );
});

test('keeps no copy of the keys beside its boot loader, and starts with them again', async () => {
  await shell('reboot');
  await box.sees(/Booting `Sekisho \(slot A\)'/, BOOT_MS);
  await box.sees(/Booting `Sekisho \(slot A\)'/, BOOT_MS);
  await until(
    async () => /10 of 10 tunnels up/.test(await shell('show')),
    BOOT_MS,
    () => 'not ten tunnels after a new start',
    2000,
  );
  await box.powerOff();
  const raw = join(lab.tmp, 'after.img');
  await exec(lab.scope, ['qemu-img', 'convert', '-O', 'raw', join(lab.tmp, 'h.qcow2'), raw], {
    timeoutMs: 120_000,
  });
  const { stdout } = await exec(lab.scope, ['mdir', '-b', '-i', `${raw}@@${BOOT}`, '::']);
  expect(stdout).not.toMatch(/sekisho\.(?:conf|pub)/i);
  // Nor what a program that finds lost files would find there.
  const start = Buffer.alloc(128 << 20);
  const fd = openSync(raw, 'r');
  expect(readSync(fd, start)).toBe(start.length);
  closeSync(fd);
  expect(start.includes('the key of site')).toBe(false);
});

test('forgets everything by the boot menu', async () => {
  await box.powerOn();
  await box.sees(/will be executed automatically/, BOOT_MS);
  box.type('\x0e\x0e');
  await box.sees(/\*Factory reset[^\n]*\(slot A\)/, 10_000);
  box.enter();
  await box.sees(/New password: $/, BOOT_MS);
});
