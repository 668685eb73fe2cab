// `sekisho probe ike` at strongSwan, at our own router, at a closed port and at nobody.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProbeReport, VersionReport } from '../../src/probe/report.ts';
import { MINIMAL, type Network, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';

const CLI = fileURLToPath(new URL('../../cli/sekisho', import.meta.url));

let net: Network;
let swan: Strongswan;

beforeAll(async () => {
  net = await openNetwork('probe');
  await net.router.address('ge0', '10.0.0.1/24');
  await net.router.address('ge0', '2001:db8::1/64');
  await net.peer.address('wan', '2001:db8::2/64');
  // Its half-open SAs go sooner than its 30 s, so that the tests do not wait for one another.
  const charonOptions = { half_open_timeout: '3' };
  swan = await Strongswan.start(net.lab, net.peer, { name: 'swan', useIpv6: true, charonOptions });
});
afterAll(() => net?.lab.close());

async function probing(...args: string[]): Promise<{ code: number; report: ProbeReport }> {
  const command = [CLI, 'probe', 'ike', '--timeout', '3', '--json', ...args];
  const { code, stdout, stderr } = await net.router.exec(command, { allowFail: true, timeoutMs: 90_000 });
  if (stdout === '') throw new Error(stderr);
  // Half-open SAs of this one are gone before the next.
  await new Promise((resolve) => setTimeout(resolve, 3500));
  return { code, report: JSON.parse(stdout) as ProbeReport };
}

const names = (v: VersionReport | undefined) =>
  Object.fromEntries((v?.accepted ?? []).map((a) => [a.dimension, a.names]));

const V2 = 'interface.ipsec0.ike.version : 2';

const of = (r: ProbeReport, version: 1 | 2) => r.versions.find((v) => v.version === version);

describe('strongSwan', () => {
  test('IKEv2: everything it accepts, groups in its order', async () => {
    const proposals = [
      'aes256-sha256-modp2048',
      'aes128-sha1-ecp256-modp4096',
      'aes128gcm16-prfsha384-x25519',
      'aes256-aesxcbc-modp1024',
    ];
    await swan.load([strongswanConnection({ version: 2, proposals })]);
    const { code, report } = await probing('--version', '2', '10.0.0.2');
    const v = of(report, 2)!;
    expect([code, report.reachable, v.state, v.looksLike]).toEqual([0, true, 'accepted', 'strongSwan']);
    expect(v.preferred?.names.encryption).toEqual(['aes256']);
    const found = names(v);
    expect(found.group).toEqual(['modp2048', 'ecp256', 'modp4096', 'x25519', 'modp1024']);
    expect(found.encryption?.toSorted()).toEqual(['aes128', 'aes128-gcm16', 'aes256']);
    expect(found.integrity?.toSorted()).toEqual(['aes-xcbc', 'sha1', 'sha256']);
    expect(found.prf?.toSorted()).toEqual(['aes-xcbc', 'sha1', 'sha256', 'sha384']);
    expect(v.accepted.every((a) => !a.incomplete)).toBe(true);
    expect(v.accepted.find((a) => a.dimension === 'group')?.weak).toHaveProperty('modp1024');
    expect(v.features).toContain('fragmentation (RFC 7383)');
    expect(v.nat).toEqual({ here: false, there: true }); // Its encap = yes.
    expect(report.packets).toBeLessThanOrEqual(40);
  });

  test('IKEv1: everything it accepts', async () => {
    const proposals = ['aes256-sha256-modp1536', 'aes256-sha256-modp2048', 'aes128-sha1-modp1024'];
    await swan.load([strongswanConnection({ version: 1, proposals })]);
    const { report } = await probing('--version', '1', '10.0.0.2');
    const v = of(report, 1)!;
    expect([v.state, v.looksLike]).toEqual(['accepted', 'strongSwan']);
    const found = names(v);
    expect(found.encryption?.toSorted()).toEqual(['aes128', 'aes256']);
    expect(found.hash).toEqual(['sha256', 'sha1']);
    expect(found.group).toEqual(['modp1536', 'modp2048', 'modp1024']);
    expect(v.findings.map((f) => f.code)).toEqual(['WEAK']);
    expect(v.features).toEqual(expect.arrayContaining(['NAT traversal', 'Dead Peer Detection']));
  });

  test('both versions at once, over IPv6', async () => {
    const both = (version: 1 | 2) =>
      strongswanConnection({
        ...{ name: `v${version}`, version, local: '2001:db8::2', remote: '2001:db8::1' },
        proposals: 'aes256-sha256-modp2048',
        children: [],
      });
    await swan.load([both(1), both(2)]);
    const { report } = await probing('2001:db8::2');
    expect(report.versions.map((v) => [v.version, v.state])).toEqual([
      [2, 'accepted'],
      [1, 'accepted'],
    ]);
    expect(names(of(report, 2)).group).toEqual(['modp2048']);
    expect(names(of(report, 1)).group).toEqual(['modp2048']);
  });

  test('no connection for our address', async () => {
    await swan.load([
      strongswanConnection({ version: 2, remote: '10.0.0.77', proposals: 'aes256-sha256-modp2048' }),
    ]);
    const { code, report } = await probing('10.0.0.2');
    expect(code).toBe(0);
    for (const v of report.versions) {
      expect(v.state).toBe('refused');
      expect(v.findings[0]).toMatchObject({
        code: 'NO_CONNECTION_FOR_PEER',
        text: expect.stringMatching(/no connection for 10\.0\.0\.1/),
      });
    }
  });
});

test('our own router', async () => {
  await net.router.ip('address', 'flush', 'dev', 'ge0');
  const lines = [V2, 'interface.ipsec0.ike.proposal.phase1.dh-group : ecp256', ''];
  const router = await Sekisho.start(net.lab, net.router, 'own', MINIMAL + lines.join('\n'));
  await swan.stop();
  const { stdout } = await net.peer.exec([CLI, 'probe', 'ike', '10.0.0.1', '--version', '2', '--json']);
  await router.stop();
  await net.router.address('ge0', '10.0.0.1/24');
  const [v] = (JSON.parse(stdout) as ProbeReport).versions;
  expect([v.state, v.nat]).toEqual(['accepted', { here: false, there: false }]);
  expect(names(v)).toMatchObject({
    encryption: ['aes256', 'aes128', '3des'],
    integrity: ['sha256', 'sha1'],
    prf: ['sha256', 'sha1'],
    group: ['ecp256'],
  });
});

describe('nobody', () => {
  const run = (...args: string[]) =>
    net.peer.exec([CLI, 'probe', 'ike', '--timeout', '1', ...args], { allowFail: true });

  test('a closed port', async () => {
    const { code, stdout } = await run('10.0.0.1', '--port', '501');
    expect([code, stdout]).toEqual([1, expect.stringMatching(/no program listens on UDP 501/)]);
    expect((await run('localhost')).stdout).toMatch(/^(127\.0\.0\.1|\[::1\])\[500\] \(localhost\) from /);
  });

  test('a filter that drops', async () => {
    await net.router.nft(
      'table ip block {\nchain in {\ntype filter hook input priority 0\nudp dport 500 drop\n}\n}\n',
    );
    const { code, stdout } = await run('10.0.0.1');
    await net.router.nft('delete table ip block\n');
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(
        /no answer: UDP 500 is blocked on the way, no IKE daemon runs at 10\.0\.0\.1, or/,
      ),
    ]);
  });

  test('mistakes in one sentence', async () => {
    const said = async (...args: string[]) => (await run(...args)).stderr;
    expect(await said('10.0.0.1', '--version', '3')).toBe(
      'sekisho: --version 3: it must be a whole number from 1 to 2.\n',
    );
    expect(await said('10.77.0.1')).toMatch(/^sekisho: there is no route to 10\.77\.0\.1\.\n$/);
    expect(await said('no-such-host.invalid')).toMatch(/^sekisho: cannot find the address of no-such-host/);
  });
});
