import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MINIMAL, type Network, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { strongswanMatrix } from './strongswan-matrix.ts';
import { steadyPing } from './traffic.ts';

describe("seed 001's minimal configuration, unchanged", () => {
  let net: Network;
  beforeAll(async () => {
    net = await openNetwork('seed001');
  });
  afterAll(() => net?.lab.close());

  test('nine messages bring up the tunnel, the article’s ping passes, and SIGTERM leaves nothing', async () => {
    const swan = await Strongswan.start(net.lab, net.peer, { name: 'swan' });
    await swan.load([strongswanConnection()]);
    const router = await Sekisho.start(net.lab, net.router, 'router', MINIMAL);
    const view = await router.waitUp();
    expect(view.children[0].suite).toBe('aes256/sha256');
    expect(view.children[0].selectors).toEqual({ local: ['192.168.1.0/24'], remote: ['192.168.2.0/24'] });
    // #988: the peer's LAN address pings ours.
    expect((await steadyPing(net.peer, '192.168.1.1', { count: 5, source: '192.168.2.1' })).received).toBe(5);
    expect((await steadyPing(net.host1, '192.168.2.2', { count: 5 })).received).toBe(5);

    expect(await router.show('status', 'ike')).toMatch(
      /PHASE1 {2}10\.0\.0\.1\[4500\] <------> 10\.0\.0\.2\[4500\]/,
    );
    expect(await router.show('status', 'ipsec.security-policy')).toMatch(/Local: 192\.168\.1\.0\/24/);
    expect(await router.show('status', 'interface.ipsec0')).toMatch(/Status: link up/);
    expect(await router.show('log')).toMatch(
      /ipsec0: ISAKMP SA established with 10\.0\.0\.2: aes256\/sha256\/modp1536/,
    );
    expect(await router.show('config')).toMatch(/preshared-key +: \*{8}\n/);
    expect(router.stderr()).not.toContain('xeeB5gohvaYi');

    expect(await router.stop()).toBe(0);
    expect((await swan.listSas()).includes('ESTABLISHED')).toBe(false);
    expect(await net.router.ip('route')).toBe('');
    expect(await net.router.ip('link')).not.toMatch(/ipsec0/);
    expect(await net.router.ip('-4', 'address', 'show', 'dev', 'ge0')).toBe('');
    expect((await net.router.exec(['nft', 'list', 'tables'])).stdout).not.toMatch(/sekisho/);
  });
});

describe('strongSwan, IKEv1', () => strongswanMatrix(1));
