import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/net/secret.ts';
import type { Tunnel } from '../../src/plan/desired.ts';
import { MINIMAL, PSK } from '../interop/seed001.ts';
import { ethernet, MACHINE, planned } from './machine.ts';

/** The first tunnel of the minimal configuration with further lines of interface.ipsec0. */
function tunnel(...lines: string[]): Tunnel {
  return planned(MINIMAL + lines.map((l) => `interface.ipsec0.${l}\n`).join('')).tunnels[0];
}

const withoutProxyIds = MINIMAL.replaceAll(/^.*proxy-id.*\n/gm, '');

describe("seed 001's minimal configuration", () => {
  const desired = planned(MINIMAL);

  test('links and routes', () => {
    expect(desired.links).toEqual([
      { name: 'ge0', device: 'ge0', addresses: ['10.0.0.1/24'], mss: 'auto' },
      { name: 'ge1', device: 'ge1', addresses: ['192.168.1.1/24'], mss: 'auto' },
    ]);
    expect(desired.routes).toEqual([
      { destination: '192.168.2.0/24', family: 4, via: { interface: 'ipsec0' }, distance: 1 },
    ]);
    expect(desired.hostname).toBeUndefined();
  });

  test('the tunnel: the address that ge1 lends, MTU and MSS under the largest overhead', () => {
    expect(desired.tunnels).toHaveLength(1);
    const { policy, child, ...interfaceAndDataplane } = desired.tunnels[0];
    expect(interfaceAndDataplane).toEqual({
      name: 'ipsec0',
      addresses: ['192.168.1.1/32'],
      // 1500 - IPv4 20 - UDP 8 - ESP 8 - IV 16 - ICV 16 is 1432, in blocks of 16 1424, less the trailer's 2.
      dataplane: { name: 'ipsec0', mtu: 1422, mss4: 1382, mss6: 1362, tos: 0, df: 'set', ipv6: true },
      deviceMtu: 1422,
      outerMtu: 1500,
    });
    expect(policy.name).toBe('ipsec0');
    expect(policy.children).toEqual([child]);
  });

  test("the policy: SEIL's default proposals in SEIL's order, lifetimes, the article's proxy-ids", () => {
    const { credential, ...policy } = desired.tunnels[0].policy;
    expect(credential.method === 'preshared-key' && credential.key.equals(new Secret(Buffer.from(PSK)))).toBe(
      true,
    );
    expect(policy).toEqual({
      name: 'ipsec0',
      at: 'interface.ipsec0',
      version: 1,
      local: '10.0.0.1',
      remote: '10.0.0.2',
      myId: { type: 'address', value: '10.0.0.1' },
      peerId: { type: 'address', value: '10.0.0.2' },
      initiate: 'start',
      natTraversal: 'enable',
      rhythm: {},
      initialContact: true,
      dpd: true,
      nonceOctets: 16,
      reauthenticate: false,
      mobike: false,
      childless: false,
      exchangeMode: 'main',
      preferNewPhase1: true,
      checkLevel: 'obey',
      ike: {
        ciphers: ['aes256', 'aes128', '3des'],
        hashes: ['sha256', 'sha1'],
        groups: ['modp1536'],
        lifetime: 86400,
      },
      children: [
        {
          name: 'ipsec0',
          at: 'interface.ipsec0',
          mode: 'tunnel',
          ciphers: ['aes256', 'aes128', '3des'],
          hashes: ['sha256', 'sha1'],
          seconds: 28800,
          esn: false,
          replayWindow: 4096,
          selectors: { local: ['192.168.1.0/24'], remote: ['192.168.2.0/24'] },
          anySelectors: false,
          protocol: 0,
          ports: { local: 0, remote: 0 },
          named: true,
          loose: true,
        },
      ],
    });
  });

  test('the settings are the defaults of dialects.md A.3', () => {
    expect(desired.settings).toEqual({
      interval: 10,
      retry: 5,
      perSend: 1,
      phase1Timeout: 30,
      phase2Timeout: 30,
      dpdInterval: 20,
      dpdMaxfail: 5,
      natKeepaliveInterval: 120,
      exclusiveTail: true,
      randomPaddingValue: true,
      randomPaddingLength: false,
      maximumPadding: 20,
      strictPadding: false,
      fragmentSize: 1280,
    });
  });

  test('the key is nowhere to be read', () => expect(JSON.stringify(desired)).not.toContain(PSK));
});

describe('a tunnel', () => {
  test('of its own MTU, which no path moves', () => {
    const { dataplane, outerMtu } = tunnel('mtu : 1280');
    expect(dataplane).toMatchObject({ mtu: 1280, mss4: 1240, mss6: 1220 });
    expect(outerMtu).toBeUndefined();
  });

  test('as small as the link or the path to the peer makes it', () => {
    const machine = [MACHINE[0], ethernet('ge0', 2, 9000), MACHINE[2]];
    expect(planned(MINIMAL, machine).tunnels[0].outerMtu).toBe(9000);
    expect(planned(`${MINIMAL}interface.ge0.mtu : 1400`, machine).tunnels[0].outerMtu).toBe(1400);
    const path = { pathMtu: new Map([['ipsec0', 1300]]) };
    expect(planned(MINIMAL, machine, path).tunnels[0].outerMtu).toBe(1300);
    expect(planned(MINIMAL, MACHINE, { pathMtu: new Map([['ipsec0', 9000]]) }).tunnels[0].outerMtu).toBe(
      1500,
    );
  });

  test('too narrow for IPv6 lets its packets in all the same, and holds IPv4 to less by its routes', () => {
    const path = { pathMtu: new Map([['ipsec0', 1300]]) };
    const [narrow, wide] = [planned(MINIMAL, MACHINE, path), planned(MINIMAL)];
    expect(narrow.tunnels[0]).toMatchObject({ dataplane: { mtu: 1230 }, deviceMtu: 1280 });
    expect(narrow.routes[0].mtu).toBe(1230);
    expect(wide.tunnels[0]).toMatchObject({ dataplane: { mtu: 1422 }, deviceMtu: 1422 });
    expect(wide.routes[0]).not.toHaveProperty('mtu');
    const block = planned(`${MINIMAL}interface.ipsec0.ipv6.forward : block`, MACHINE, path);
    expect(block.tunnels[0].deviceMtu).toBe(1230);
    expect(block.routes[0]).not.toHaveProperty('mtu');
  });

  test('tcp-mss', () => {
    expect(tunnel('ipv4.tcp-mss : none').dataplane).toMatchObject({ mss4: 0, mss6: 0 });
    expect(tunnel('ipv4.tcp-mss : 1000').dataplane).toMatchObject({ mss4: 1000, mss6: 1362 });
  });

  test('ToS and IPv6', () => {
    expect(tunnel('tx-tos-set : copy').dataplane.tos).toBe('copy');
    expect(tunnel('tx-tos-set : 184').dataplane.tos).toBe(184);
    expect(tunnel('ipv6.forward : block').dataplane.ipv6).toBe(false);
  });

  test('its inner address: its own, lent, or 169.254.0.1 (dialects.md A.2.1)', () => {
    expect(tunnel('ipv4.address : 10.1.0.1/30').addresses).toEqual(['10.1.0.1/30']);
    expect(tunnel('ipv4.address : 10.1.0.1', 'ipv4.remote : 10.1.0.2')).toMatchObject({
      addresses: ['10.1.0.1/32'],
      peer: '10.1.0.2',
    });
    expect(tunnel('ipv4.address : ge0').addresses).toEqual(['10.0.0.1/32']);
    const alone = planned(MINIMAL.replace(/^interface\.ge1.*\n/m, ''));
    expect(alone.tunnels[0].addresses).toEqual(['169.254.0.1/32']);
  });
});

describe('a policy', () => {
  test('who starts', () => {
    expect(tunnel('responder-only : enable').policy.initiate).toBe('never');
    const waiting = planned(`${MINIMAL}ike.auto-initiation : disable`);
    expect(waiting.tunnels[0].policy.initiate).toBe('traffic');
  });

  test('proposals as configured, in the order of their indexes', () => {
    const {
      ike,
      children: [child],
    } = tunnel(
      'ike.version : 2',
      'ike.proposal.phase1.encryption.200.algorithm : aes192',
      'ike.proposal.phase1.encryption.100.algorithm : aes256-gcm16',
      'ike.proposal.phase1.hash.0.algorithm : sha512',
      'ike.proposal.phase1.dh-group : x25519',
      'ike.proposal.phase1.dh-group-alternative.1.group : x25519',
      'ike.proposal.phase1.dh-group-alternative.0.group : modp2048',
      'ike.proposal.phase1.lifetime : 777',
      'ike.proposal.phase2.authentication.0.algorithm : hmac-sha1',
      'ike.proposal.phase2.pfs-group : ecp256',
      'ike.proposal.phase2.lifetime-of-time : 1h',
      'ike.proposal.phase2.lifetime-of-byte : 1000000',
    ).policy;
    expect(ike).toEqual({
      ciphers: ['aes256-gcm16', 'aes192'],
      hashes: ['sha512'],
      groups: ['x25519', 'modp2048'],
      lifetime: 777,
    });
    expect(child).toMatchObject({ hashes: ['sha1'], pfs: 'ecp256', seconds: 3600, octets: 1_000_000 });
  });

  test('switches', () => {
    const { policy } = tunnel(
      'nat-traversal : force',
      'ike.initial-contact : disable',
      'ike.dpd : disable',
      'ike.nonce-size : 32',
      'ike.prefer-new-phase1 : disable',
      'ike.check-level : strict',
      'esn : enable',
      'anti-replay-window : 64',
      'ike.proposal.phase2.proxy-id.protocol : 17',
    );
    expect(policy).toMatchObject({
      natTraversal: 'force',
      initialContact: false,
      dpd: false,
      nonceOctets: 32,
      preferNewPhase1: false,
      checkLevel: 'strict',
      children: [{ esn: true, replayWindow: 64, protocol: 17 }],
    });
  });

  test('identities', () => {
    const { myId, peerId } = tunnel(
      'ike.my-identifier.type : fqdn',
      'ike.my-identifier.fqdn : a.example',
      'ike.peers-identifier.type : user-fqdn',
      'ike.peers-identifier.user-fqdn : b@example',
    ).policy;
    expect([myId, peerId]).toEqual([
      { type: 'fqdn', value: 'a.example' },
      { type: 'user-fqdn', value: 'b@example' },
    ]);
  });

  test.each([
    ['', ['0.0.0.0/0']],
    ['interface.ipsec0.ike.version : 2', ['0.0.0.0/0', '::/0']],
    ['interface.ipsec0.ike.version : 2\ninterface.ipsec0.ipv6.forward : block', ['0.0.0.0/0']],
  ])('without proxy-ids everything, and IPv6 under IKEv2 alone: %j', (lines, all) => {
    const { child } = planned(withoutProxyIds + lines).tunnels[0];
    expect(child).toMatchObject({ selectors: { local: all, remote: all }, anySelectors: true });
  });
});

describe('links and routes', () => {
  test('addresses: the primary, the aliases in order, IPv6', () => {
    const { links } = planned(`interface.ge0.ipv4.alias.20.address : 10.0.0.3/24
interface.ge0.ipv4.alias.3.address : 10.0.0.2/24
interface.ge0.ipv6.address : 2001:db8::1/64
interface.ge0.ipv4.address : 10.0.0.1/24
interface.ge0.ipv4.tcp-mss : none
interface.ge0.mtu : 1400`);
    const addresses = ['10.0.0.1/24', '10.0.0.2/24', '10.0.0.3/24', '2001:db8::1/64'];
    expect(links).toEqual([{ name: 'ge0', device: 'ge0', addresses, mtu: 1400, mss: 'none' }]);
  });

  test('gateways: an address, an interface by its device, a tunnel, nowhere', () => {
    const route = (n: number, family: 4 | 6, gateway: string, more = '') =>
      `route.ipv${family}.${n}.destination : default\nroute.ipv${family}.${n}.gateway : ${gateway}\n${more}`;
    const { routes } = planned(
      MINIMAL.replaceAll(/^route.*\n/gm, '') +
        route(1, 4, '10.0.0.254', 'route.ipv4.1.distance : 20\n') +
        route(2, 4, 'ge1', 'system.interface.ge1.device : eth7\n') +
        route(3, 4, 'discard') +
        route(1, 6, 'ipsec0'),
      [...MACHINE, ethernet('eth7', 9)],
    );
    expect(routes.map((r) => [r.family, r.via, r.distance])).toEqual([
      [4, { address: '10.0.0.254' }, 20],
      [4, { interface: 'eth7' }, 1],
      [4, 'discard', 1],
      [6, { interface: 'ipsec0' }, 1],
    ]);
  });
});
