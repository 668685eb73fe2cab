// Certificates and bare keys against strongSwan: every kind of key, both roles, both versions, and each refusal.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Authority, pki } from './certificates.ts';
import { until } from './proc.ts';
import { MINIMAL, type Network, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { pingUntil } from './traffic.ts';

const HOST2 = '192.168.2.2';
const PSK_LINE = /^interface\.ipsec0\.preshared-key.*\n/m;
const NAMES = ['my-identifier.type : fqdn', 'my-identifier.fqdn : a.example'].concat([
  'peers-identifier.type : fqdn',
  'peers-identifier.fqdn : b.example',
]);

describe('certificates against strongSwan', () => {
  let net: Network;
  let swan: Strongswan;
  let router: Sekisho;
  let ca: Authority;

  beforeAll(async () => {
    net = await openNetwork('certs');
    ca = new Authority(join(net.lab.tmp, 'pki'));
    swan = await Strongswan.start(net.lab, net.peer, { name: 'swan' });
    router = await Sekisho.start(net.lab, net.router, 'router', MINIMAL);
  });
  afterAll(() => net?.lab.close());

  const config = (version: 1 | 2, lines: string) =>
    `${MINIMAL.replace(PSK_LINE, '')}interface.ipsec0.ike.version : ${version}\n${lines}`;

  const connection = (version: 1 | 2, more: Parameters<typeof strongswanConnection>[0] = {}) =>
    strongswanConnection({ version, localId: 'b.example', remoteId: 'a.example', ...more });

  async function both(version: 1 | 2, lines: string): Promise<void> {
    expect((await router.reload(config(version, lines))).stderr).toBe('');
    await router.waitUp();
    expect((await router.ike())[0].side).toBe('initiator');
    expect(await pingUntil(net.host1, HOST2, 5000)).toBe(true);

    await router.reload(config(version, `${lines}interface.ipsec0.ike.responder-only : enable\n`));
    await until(
      async () => !(await swan.established('c')),
      10_000,
      () => 'the old SA is still there',
    );
    await swan.initiate('c');
    await router.waitUp();
    expect((await router.ike())[0].side).toBe('responder');
    expect(await pingUntil(net.host1, HOST2, 5000)).toBe(true);
  }

  const KINDS = ['rsa-2048', 'ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'ed25519', 'ed448'];

  test.each(KINDS)('IKEv2, both roles, %s (RFC 7427, RFC 8420)', async (kind) => {
    const [a, b] = [`${kind}.a.example`, `${kind}.b.example`];
    ca.issue([a, 'a.example'], kind);
    ca.issue([b, 'b.example'], kind);
    ca.equip(swan, b);
    await swan.load([connection(2, { pubkey: { certs: `${b}.pem`, cacerts: 'ca.pem' } })]);
    await both(2, ca.lines(a, ...NAMES));
    expect(await router.show('log')).toMatch(/IKE SA established with b\.example/);
  });

  test('IKEv1 with RSA signatures, both roles, main mode and aggressive mode (RFC 2409 5.1)', async () => {
    const pubkey = { certs: 'rsa-2048.b.example.pem', cacerts: 'ca.pem' };
    await swan.load([connection(1, { pubkey })]);
    await both(1, ca.lines('rsa-2048.a.example', ...NAMES));
    // Certificates make message 5 too long for one datagram: both know fragments.
    expect(swan.log()).toMatch(/parsed ID_PROT request 0 \[ FRAG\(1\) \]/);
    await swan.load([connection(1, { pubkey, aggressive: true })]);
    await both(1, ca.lines('rsa-2048.a.example', ...NAMES, 'exchange-mode : aggressive'));
  });

  test('distinguished names as identities, and a certificate whose end is near is called to mind', async () => {
    const names = ['C=JP, O=Example, CN=a', 'C=JP, O=Example, CN=b'];
    ca.issue(['dn.a.example'], 'rsa-2048', '--name', names[0]);
    ca.issue(['dn.b.example'], 'rsa-2048', '--name', names[1], '--days', '9');
    ca.equip(swan, 'dn.b.example');
    const pubkey = { certs: 'dn.b.example.pem', cacerts: 'ca.pem' };
    await swan.load([connection(2, { pubkey, localId: names[1], remoteId: names[0] })]);
    const lines = ['my-identifier.type : distinguished-name', 'peers-identifier.type : distinguished-name'];
    // As LDAP writes it: the other way round.
    const peer = 'peers-identifier.distinguished-name : CN=b,O=Example,C=JP';
    await both(2, ca.lines('dn.a.example', ...lines, peer));
    expect(await router.show('log')).toMatch(
      /the certificate of .*CN=b.* expires on [-\d]+, in [89] days: have it renewed/,
    );
  });

  test('bare keys without certificates', async () => {
    for (const name of ['a', 'b']) {
      execFileSync('openssl', ['genpkey', '-algorithm', 'ED25519', '-out', ca.path(`raw-${name}.key`)]);
      const args = ['pkey', '-in', ca.path(`raw-${name}.key`), '-pubout', '-out', ca.path(`raw-${name}.pub`)];
      execFileSync('openssl', args);
    }
    swan.write('private', 'raw-b.key', ca.text('raw-b.key'));
    swan.write('pubkey', 'a.pub', ca.text('raw-a.pub'));
    swan.write('pubkey', 'own-a.pub', ca.text('raw-b.pub'));
    await swan.load([connection(2, { pubkey: { pubkeys: 'a.pub' } })]);
    const lines = [
      'ike.authentication : public-key',
      `ike.my-private-key : ${ca.path('raw-a.key')}`,
      `ike.peers-public-key : ${ca.path('raw-b.pub')}`,
      ...NAMES.map((line) => `ike.${line}`),
    ];
    await both(2, lines.map((line) => `interface.ipsec0.${line}\n`).join(''));
  });

  describe('refused, and why', () => {
    const rsa = { certs: 'rsa-2048.b.example.pem', cacerts: 'ca.pem' };

    async function refusal(lines: string, code: string): Promise<string> {
      await router.reload(MINIMAL);
      const from = (await router.log()).length;
      const { stderr } = await router.reload(config(2, lines));
      expect(stderr).toBe('');
      return (await router.waitLog((e) => e.reason?.code === code, code, 20_000, from)).text;
    }

    test('an authority that we do not know', async () => {
      await swan.load([connection(2, { pubkey: rsa })]);
      const other = new Authority(join(net.lab.tmp, 'other'), 'CN=Other CA');
      copyFileSync(other.path('ca.pem'), ca.path('other.pem'));
      const lines = ca.lines('rsa-2048.a.example', ...NAMES).replace('/ca.pem', '/other.pem');
      const text = await refusal(lines, 'CERTIFICATE');
      expect(text).toMatch(/certificate of CN=rsa-2048\.b\.example is refused: unable to get local issuer/);
    });

    test('a certificate for another name', async () => {
      const lines = ca.lines('rsa-2048.a.example', ...NAMES).replaceAll('b.example', 'c.example');
      await swan.load([connection(2, { pubkey: rsa, localId: 'CN=rsa-2048.b.example' })]);
      expect(await refusal(lines, 'ID_MISMATCH')).toMatch(
        /the peer calls itself CN=rsa-2048\.b\.example, we expect c\.example/,
      );
    });

    test('a revoked one: by a list in a file, by a list over HTTP, by OCSP', async () => {
      const http = 'http://127.0.0.1:8080';
      ca.issue(['revoked.b.example', 'b.example'], 'rsa-2048', '--crl', `${http}/ca.crl`);
      ca.equip(swan, 'revoked.b.example');
      await swan.load([connection(2, { pubkey: { ...rsa, certs: 'revoked.b.example.pem' } })]);
      const plain = ca.lines('rsa-2048.a.example', ...NAMES);
      await both(2, plain);
      pki('revoke', ca.path('revoked.b.example.pem'), '--authority', ca.folder);
      writeFileSync(ca.path('with-crl.pem'), ca.text('ca.pem') + ca.text('ca.crl'));
      const withList = plain.replace('/ca.pem', '/with-crl.pem');
      expect(await refusal(withList, 'CERTIFICATE')).toMatch(/is refused: certificate revoked/);

      const openssl = ['crl', '-in', ca.path('ca.crl'), '-outform', 'DER', '-out', ca.path('served.crl')];
      execFileSync('openssl', openssl);
      const script = `require('http').createServer((q, r) => r.end(require('fs').readFileSync('${ca.path('served.crl')}'))).listen(8080, '127.0.0.1')`;
      const server = net.router.spawn([process.execPath, '-e', script], {});
      try {
        // What could not be had is not asked for again at once: another router, which asks first now.
        await router.stop();
        router = await Sekisho.start(net.lab, net.router, 'router-http', MINIMAL);
        expect(await refusal(plain, 'CERTIFICATE')).toMatch(/is refused: certificate revoked/);
      } finally {
        await server.stop('SIGTERM', 5000);
      }

      // Nor may the router meet the next certificate before there is somebody to ask about it.
      await router.reload(MINIMAL);
      ca.issue(['ocsp.b.example', 'b.example'], 'rsa-2048', '--ocsp', 'http://127.0.0.1:8888');
      ca.equip(swan, 'ocsp.b.example');
      await swan.load([connection(2, { pubkey: { ...rsa, certs: 'ocsp.b.example.pem' } })]);
      pki('revoke', ca.path('ocsp.b.example.pem'), '--authority', ca.folder);
      const log = join(net.lab.tmp, 'ocsp.log');
      const responder = net.router.spawn(
        [
          ...['openssl', 'ocsp', '-port', '8888', '-index', ca.path('revoked'), '-CA', ca.path('ca.pem')],
          ...['-rkey', ca.path('ca.key'), '-rsigner', ca.path('ca.pem'), '-ndays', '1'],
        ],
        { log },
      );
      try {
        // Not by connecting: it would wait for what the connection never says.
        await until(
          () => /ACCEPT/.test(readFileSync(log, 'utf8')),
          5000,
          () => 'openssl ocsp does not listen',
        );
        expect(await refusal(plain, 'CERTIFICATE')).toMatch(/is refused: OCSP says that it is revoked/);
      } finally {
        await responder.stop('SIGTERM', 5000);
      }
    });

    test('revocation : require refuses what nothing is known of', async () => {
      await swan.load([connection(2, { pubkey: rsa })]);
      const lines = ca.lines('rsa-2048.a.example', ...NAMES, 'revocation : require');
      expect(await refusal(lines, 'CERTIFICATE')).toMatch(/unable to get certificate CRL/);
    });

    test('our own certificate for another name: AUTHENTICATION_FAILED, and a warning told so before', async () => {
      const lines = ca.lines('rsa-2048.a.example', ...NAMES).replaceAll('a.example\n', 'd.example\n');
      const from = (await router.log()).length;
      await refusal(lines, 'AUTHENTICATION');
      const warned = (await router.log()).slice(from).find((e) => e.code === 'certificate');
      expect(warned?.text).toMatch(/does not name d\.example/);
    });

    test('files that are not there, not PEM, not each other’s: nothing is applied, one sentence each', async () => {
      await router.reload(MINIMAL);
      const good = ca.lines('rsa-2048.a.example', ...NAMES);
      for (const [broken, words] of [
        [
          good.replace('2048.a.example.key', '2048.x.key'),
          /my-private-key: cannot read .*: there is no such file/,
        ],
        [good.replace('2048.a.example.key', '2048.b.example.key'), /do not belong together/],
        [good.replace('/ca.pem', '/revoked'), /peers-authority: .* holds nothing in PEM form/],
      ] as const) {
        const { code, stderr } = await router.reload(config(2, broken));
        expect(code).toBe(1);
        expect(stderr.trim().split('\n')).toHaveLength(1);
        expect(stderr).toMatch(words);
      }
      expect((await router.tunnel())?.state).toBeDefined();
    });
  });
});
