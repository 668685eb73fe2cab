// `bench`: what a tunnel carries, to somebody at the other end and to the machine itself.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HOST2, openPair, type Pair, pairConfig } from './pair.ts';
import { until } from './proc.ts';
import { Sekisho } from './sekisho.ts';

let net: Pair;
let a: Sekisho;
let b: Sekisho;

beforeAll(async () => {
  net = await openPair('bench');
  b = await Sekisho.start(
    net.lab,
    net.b,
    'b',
    pairConfig(2, 'interface.ipsec0.ike.version : 2', 'interface.ipsec0.responder-only : enable'),
  );
  a = await Sekisho.start(net.lab, net.a, 'a', pairConfig(1, 'interface.ipsec0.ike.version : 2'));
  await a.waitUp();
});
afterAll(() => net?.lab.close());

test('to an address behind it: latency and loss; throughput once the other end answers', async () => {
  const before = await a.cli('bench', 'tunnel', 'ipsec0', HOST2);
  expect(before.stdout).toMatch(/^ipsec0 to 192\.168\.2\.2\n {2}latency +[\d.]+ ms there and back/);
  expect(before.stdout).toMatch(/loss +0% of 200 echo requests/);
  expect(before.stdout).toMatch(/not measured: nobody answers iperf3 .*`bench serve`/);
  expect((await b.cli('bench', 'serve')).stdout).toMatch(/answered for 10 minutes, TCP and UDP port 5201/);
  let after = '';
  await until(
    async () => {
      after = (await a.cli('bench', 'tunnel', 'ipsec0', '192.168.2.1')).stdout;
      return !after.includes('not measured');
    },
    60_000,
    () => `nothing is measured:\n${after}`,
  );
  expect(after).toMatch(/send +[\d.]+ [MG]bit\/s of TCP\n {2}receive +[\d.]+ [MG]bit\/s of TCP\n/);
  expect(after).toMatch(/packets +[\d,]+ a second of 64 octets arrived, [\d.]+% of what was sent did not/);
}, 90_000);

test('to itself: by the suite that was agreed on, and every packet arrives', async () => {
  const said = (await a.cli('bench', 'tunnel', 'ipsec0', 'loopback')).stdout;
  expect(said).toMatch(/^ipsec0 to this machine itself, aes256\/sha256, one core, no network$/m);
  expect(said).toMatch(/loss +0% of [\d,]+ packets/);
  expect(said).toMatch(/throughput +[\d.]+ [MG]bit\/s[^\n]*\n {2}packets +[\d,]+ a second of 64 octets/);
});

test('a tunnel that is not there, and an address that is none, get a sentence', async () => {
  for (const words of [['ipsec7', 'loopback'], ['ipsec7']]) {
    const { code, stderr } = await a.cli('bench', 'tunnel', ...words);
    expect(code).not.toBe(0);
    expect(stderr).toBe('There is no tunnel ipsec7: ipsec0.\n');
  }
});
