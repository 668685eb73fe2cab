// Ports that are late, are pulled out and come again, as adapters at USB do: the rest of the router does not wait for them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab, type Ns } from './netns.ts';
import { until } from './proc.ts';
import { Sekisho } from './sekisho.ts';

const CONF = [
  'interface.ge0.ipv4.address : 10.0.0.1/24',
  'interface.ge1.ipv4.address : 192.168.1.1/24',
  'route.ipv4.0.destination : 172.16.0.0/16',
  'route.ipv4.0.gateway : 192.168.1.9',
  'filter.ipv4.0.interface : ge1',
  'filter.ipv4.0.direction : in',
  'filter.ipv4.0.action : block',
  'filter.ipv4.0.protocol : tcp',
];

let lab: Lab;
let ns: Ns;
let host: Ns;
let router: Sekisho;

beforeAll(async () => {
  lab = await Lab.open('ports');
  ns = await lab.netns('router');
  host = await lab.netns('host');
  await ns.ip('link', 'add', 'ge0', 'type', 'veth', 'peer', 'name', 'wan', 'netns', host.name);
  const first = join(lab.tmp, 'first');
  mkdirSync(first);
  writeFileSync(join(first, 'sekisho.conf'), `${CONF.join('\n')}\n`);
  router = await Sekisho.boot(lab, ns, 'r', { state: join(lab.tmp, 'state'), first });
}, 60_000);
afterAll(() => lab?.close());

async function plug(): Promise<void> {
  await ns.ip('link', 'add', 'ge1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host.name);
  await host.ip('link', 'set', 'eth0', 'up');
  await host.address('eth0', '192.168.1.9/24');
}

/** Whether a host behind the port reaches us, and we what is behind it. */
async function works(): Promise<void> {
  await until(
    async () => {
      const ping = await host.exec(['ping', '-c', '1', '-W', '1', '192.168.1.1'], { allowFail: true });
      return ping.code === 0 && /172\.16\.0\.0\/16 via 192\.168\.1\.9/.test(await ns.ip('route'));
    },
    20_000,
    () => `ge1 does not work:\n${router.stderr()}`,
    200,
  );
}

test('a port that is not there keeps the router from nothing else', async () => {
  expect(await ns.ip('address', 'show', 'dev', 'ge0')).toContain('10.0.0.1/24');
  expect(await router.show('log')).toMatch(/ge1 has no device, and is taken when it comes/);
  const { code, stdout } = await router.reload(`${CONF.join('\n')}\nhostname : waits\n`);
  expect([code, stdout]).toEqual([0, expect.stringContaining('hostname waits')]);
});

test('who asks for one that was never there is told', async () => {
  const { code, stderr } = await router.reload(
    `${CONF.join('\n')}\ninterface.ge2.ipv4.address : 10.1.0.1/24\n`,
  );
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/there is no device for ge2: set system\.interface\.ge2\.device to one that exists/);
});

test('it is taken when it comes, and again when it was pulled out, with its address, routes and filter', async () => {
  await plug();
  await works();
  await ns.ip('link', 'delete', 'ge1');
  await router.waitLog(
    (e) => /ge1 has no device/.test(e.text),
    'word of the port',
    10_000,
    (await router.log()).length,
  );
  await plug();
  await works();
  expect((await ns.exec(['nft', 'list', 'ruleset'])).stdout).toMatch(/iifname "ge1" jump in_0/);
});

test('another one by the same name, too quick to be missed', async () => {
  await ns.ip('link', 'delete', 'ge1');
  await plug();
  await works();
});
