// A router between a provider that gives addresses and hosts that want them (RFC 2131), with DNS, NAPT and a tunnel:
//   host1 (DHCP) – ge1 A ge0 (DHCP) ===== 10.0.0.2 ge0 B ge1 – 192.168.2.2 host2; B is the provider too
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPair, type Pair } from './pair.ts';
import { until } from './proc.ts';
import { Sekisho } from './sekisho.ts';
import { pingOnce, pingUntil } from './traffic.ts';

const SCRIPT = fileURLToPath(new URL('../../src/host/dhcp-lease.sh', import.meta.url));

let net: Pair;
let a: Sekisho;

const tunnel = (more: readonly string[]) => [
  'interface.ipsec0.preshared-key : "a key of two routers"',
  'interface.ipsec0.ike.version : 2',
  ...more.map((line) => `interface.ipsec0.${line}`),
];

const PROVIDER = [
  'interface.ge0.ipv4.address : 10.0.0.2/24',
  'interface.ge1.ipv4.address : 192.168.2.1/24',
  'dhcp.server.service : enable',
  'dhcp.server.0.interface : ge0',
  'dhcp.server.0.pool.address : 10.0.0.50/24',
  'dhcp.server.0.pool.count : 10',
  'dns-forwarder.service : enable',
  'dns-forwarder.listen.0.interface : ge0',
  'resolver.host-database.0.hostname : www.example.jp',
  'resolver.host-database.0.address : 11.22.33.44',
  'resolver.host-database.1.hostname : inside.example.jp',
  'resolver.host-database.1.address : 192.168.1.5',
  'ntp.service : enable',
  'ntp.server : enable',
  'route.ipv4.0.destination : 192.168.1.0/24',
  'route.ipv4.0.gateway : ipsec0',
  ...tunnel([
    'ipv4.source : 10.0.0.2',
    'ipv4.destination : any',
    'ike.peers-identifier.type : fqdn',
    'ike.peers-identifier.fqdn : a.example',
  ]),
];

const ROUTER = [
  'interface.ge0.ipv4.address : dhcp',
  'interface.ge1.ipv4.address : 192.168.1.1/24',
  'route.ipv4.0.destination : default',
  'route.ipv4.0.gateway : dhcp',
  'route.ipv4.1.destination : 192.168.2.0/24',
  'route.ipv4.1.gateway : ipsec0',
  'nat.ipv4.napt.0.private : 192.168.1.0/24',
  'nat.ipv4.napt.0.interface : ge0',
  'filter.ipv4.0.interface : ge0',
  'filter.ipv4.0.direction : out',
  'filter.ipv4.0.action : pass',
  'filter.ipv4.0.state : enable',
  'filter.ipv4.1.interface : any',
  'filter.ipv4.1.direction : in',
  'filter.ipv4.1.action : pass',
  'filter.ipv4.1.source.address : 192.168.0.0/16',
  'filter.ipv4.2.interface : any',
  'filter.ipv4.2.direction : in',
  'filter.ipv4.2.action : block',
  'dhcp.server.service : enable',
  'dhcp.server.0.interface : ge1',
  'dhcp.server.0.pool.address : 192.168.1.100/24',
  'dhcp.server.0.pool.count : 50',
  'dhcp.server.0.domain : example.jp',
  'dhcp.server.0.static.entry.0.mac-address : 02:00:5e:10:00:09',
  'dhcp.server.0.static.entry.0.ip-address : 192.168.1.9',
  'dns-forwarder.service : enable',
  'dns-forwarder.0.address : dhcp',
  'dns-forwarder.listen.0.interface : ge1',
  'resolver.host-database.0.hostname : router.example.jp',
  'resolver.host-database.0.address : 192.168.1.1',
  'ntp.service : enable',
  'ntp.server : enable',
  'ntp.client.0.address : 10.0.0.2',
  ...tunnel([
    'ipv4.source : ge0',
    'ipv4.destination : 10.0.0.2',
    'ike.my-identifier.type : fqdn',
    'ike.my-identifier.fqdn : a.example',
  ]),
];

beforeAll(async () => {
  net = await openPair('neighbour');
  await net.host1.ip('address', 'flush', 'dev', 'eth0');
  await Sekisho.start(net.lab, net.b, 'b', `${PROVIDER.join('\n')}\n`);
  a = await Sekisho.start(net.lab, net.a, 'a', `${ROUTER.join('\n')}\n`);
});
afterAll(() => net?.lab.close());

/** What a host's client is told, with this MAC address. */
async function askFor(mac: string): Promise<string> {
  await net.host1.ip('link', 'set', 'eth0', 'address', mac);
  const { stdout } = await net.host1.exec(
    ['udhcpc', '-f', '-q', '-n', '-i', 'eth0', '-s', SCRIPT, '-t', '5', '-T', '1'],
    { allowFail: true },
  );
  return stdout.split('\n').find((line) => line.startsWith('lease bound')) ?? '';
}

/** What a host's question for a name is answered; "" for nothing. */
async function resolve(name: string): Promise<string> {
  const code = `const r = new (require('dns').promises.Resolver)({timeout: 1000, tries: 2}); r.setServers(['192.168.1.1']);
    r.resolve4(${JSON.stringify(name)}).then((a) => console.log(a.join(' ')), () => {})`;
  return (await net.host1.exec([process.execPath, '-e', code])).stdout.trim();
}

test('the provider gives an address and a gateway, and the tunnel that waited for it comes up', async () => {
  await a.waitLog((e) => e.code === 'dhcp', 'an address', 20_000);
  expect((await net.a.ip('address', 'show', 'dev', 'ge0')).match(/inet (\S+)/)?.[1]).toMatch(
    /^10\.0\.0\.5\d\/24$/,
  );
  expect(await net.a.ip('route')).toMatch(/default via 10\.0\.0\.2/);
  await a.waitUp('ipsec0', 30_000);
});

test('a host gets an address, our address as gateway and name server, and goes out by it', async () => {
  const line = await askFor('02:00:5e:10:00:01');
  expect(line).toMatch(
    /ip=192\.168\.1\.1\d\d mask=255\.255\.255\.0 router=192\.168\.1\.1 dns=192\.168\.1\.1$/,
  );
  await net.host1.address('eth0', `${line.match(/ip=(\S+)/)?.[1]}/24`);
  await net.host1.route('default', '192.168.1.1');
  expect(await pingOnce(net.host1, '10.0.0.2')).toBe(true);
  expect(await pingUntil(net.host1, '192.168.2.2', 10_000)).toBe(true);
});

test('a host that is known gets its own', async () => {
  expect(await askFor('02:00:5e:10:00:09')).toMatch(/ip=192\.168\.1\.9 /);
});

test('names: ours, those that the provider knows, and none that nobody has', async () => {
  expect(await resolve('router.example.jp')).toBe('192.168.1.1');
  expect(await resolve('www.example.jp')).toBe('11.22.33.44');
  expect(await resolve('nobody.example.jp')).toBe('');
  // A name from outside does not lead inside (DNS rebinding).
  expect(await resolve('inside.example.jp')).toBe('');
  // From outside nobody is answered.
  const outside = `const r = new (require('dns').promises.Resolver)({timeout: 500, tries: 1}); r.setServers([process.argv[1]]);
    r.resolve4('router.example.jp').then((a) => console.log(a.join(' ')), () => {})`;
  const own = (await net.a.ip('address', 'show', 'dev', 'ge0')).match(/inet (\S+)\//)?.[1] ?? '';
  expect((await net.b.exec([process.execPath, '-e', outside, own])).stdout.trim()).toBe('');
});

test('the clock follows the provider’s, and hosts follow ours (RFC 5905)', async () => {
  let said = '';
  await until(
    async () => {
      said = await a.show('system');
      return /^clock +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, as 10\.0\.0\.2 says, within \d+\.\d ms$/m.test(said);
    },
    30_000,
    () => `the clock follows nobody:\n${said}`,
  );
  const ask = ['chronyd', '-Q', '-t', '10', '-f', '/dev/null', 'server 192.168.1.1 iburst'];
  const { stderr, stdout } = await net.host1.exec(ask);
  expect(stdout + stderr).toMatch(/System clock wrong by -?0\.\d+ seconds \(ignored\)/);
});

test('show tells who is around, and the shell asks whether they answer', async () => {
  expect(await a.show('status', 'dhcp')).toMatch(
    /^address +mac +host +until\n[\s\S]*^192\.168\.1\.9 +02:00:5e:10:00:09 +\S+ +\d{4}-/m,
  );
  expect(await a.show('status', 'arp')).toMatch(/^ge0 +10\.0\.0\.2 +[\da-f:]{17} +\w/m);
  expect(await a.show('status', 'route')).toMatch(/^default +10\.0\.0\.2 +ge0 +static$/m);
  const reached = await a.cli('ping', '192.168.2.2', 'from', '192.168.1.1');
  expect(reached.stdout).toMatch(/5 packets transmitted, 5 received, 0% packet loss/);
  const none = await a.cli('ping', '192.168.2.77');
  expect(none.stdout).toMatch(/5 packets transmitted, 0 received/);
  expect(none.code).not.toBe(0);
  const mistaken = await a.cli('ping', '--', '-f');
  expect(mistaken.stderr).toMatch(/-f[^\n]*an address or a name/);
});

test('a program that dies is begun again; with the router all of them go', async () => {
  const mine = async () =>
    (await net.b.exec(['ip', 'netns', 'pids', net.a.name])).stdout.split('\n').filter(Boolean);
  const all = (await net.a.exec(['pgrep', '-x', 'dnsmasq'])).stdout.split('\n');
  const [dnsmasq] = (await mine()).filter((pid) => all.includes(pid));
  process.kill(Number(dnsmasq), 'SIGKILL');
  await a.waitLog((e) => e.text.includes('dnsmasq ended by SIGKILL'), 'the end', 5000);
  await until(
    async () => (await resolve('router.example.jp')) === '192.168.1.1',
    15_000,
    () => 'no names any more',
  );
  await a.stop();
  await until(
    async () => (await mine()).length === 0,
    10_000,
    () => 'something is left running',
  );
  expect(await net.a.ip('address', 'show', 'dev', 'ge0')).not.toMatch(/inet /);
});
