import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparePaths, concrete, findLeaf, schema } from '../../src/config/schema/index.ts';
import { anyTree, anyValue, rangesOf } from './trees.ts';

/** dialects.md A.2.1: key after `interface.ipsec[].`, and the stated default; a list is a list's default. */
const IPSEC: readonly [string, (string | number | readonly string[])?][] = [
  ['preshared-key'],
  ['ipv4.source'],
  ['ipv4.destination'],
  ['ipv6.source'],
  ['ipv6.destination'],
  ['ipv4.address', 'ge1'],
  ['ipv4.remote'],
  ['ipv6.forward', 'pass'],
  ['ipv4.tcp-mss', 'auto'],
  ['mtu'],
  ['tx-tos-set', 0],
  ['dynamic-local-address', 'disable'],
  ['dynamic-remote-address', 'disable'],
  ['nat-traversal', 'enable'],
  ['ike.responder-only', 'disable'],
  ['ike.exchange-mode', 'main'],
  ['ike.check-level', 'obey'],
  ['ike.my-identifier.type', 'address'],
  ['ike.my-identifier.fqdn'],
  ['ike.my-identifier.user-fqdn'],
  ['ike.peers-identifier.type', 'address'],
  ['ike.peers-identifier.fqdn'],
  ['ike.peers-identifier.user-fqdn'],
  ['ike.initial-contact', 'enable'],
  ['ike.dpd', 'enable'],
  ['ike.nonce-size', 16],
  ['ike.prefer-new-phase1', 'enable'],
  ['ike.proposal.phase1.encryption.[].algorithm', ['aes256', 'aes128', '3des']],
  ['ike.proposal.phase1.hash.[].algorithm', ['sha256', 'sha1']],
  ['ike.proposal.phase1.dh-group', 'modp1536'],
  ['ike.proposal.phase1.lifetime', 86400],
  ['ike.proposal.phase2.encryption.[].algorithm', ['aes256', 'aes128', '3des']],
  ['ike.proposal.phase2.authentication.[].algorithm', ['hmac-sha256', 'hmac-sha1']],
  ['ike.proposal.phase2.pfs-group', 'none'],
  ['ike.proposal.phase2.lifetime-of-time', 28800],
  ['ike.proposal.phase2.lifetime-of-byte', 'none'],
  ['ike.proposal.phase2.proxy-id.ipv4.local'],
  ['ike.proposal.phase2.proxy-id.ipv4.remote'],
  ['ike.proposal.phase2.proxy-id.ipv6.local'],
  ['ike.proposal.phase2.proxy-id.ipv6.remote'],
  ['ike.proposal.phase2.proxy-id.protocol', 'any'],
  ['floatlink.name-service'],
  ['floatlink.my-node-id'],
  ['floatlink.peer-node-id'],
  ['floatlink.key'],
  ['floatlink.my-address'],
  ['floatlink.address-family'],
  ['description'],
  // Our own additions (issue 2, Configuration).
  ['ike.version', 1],
  ['ike.proposal.phase1.dh-group-alternative.[].group'],
  ['esn', 'disable'],
  ['anti-replay-window', 4096],
];

/** dialects.md A.3. */
const IKE: readonly [string, string | number][] = [
  ['ike.auto-initiation', 'enable'],
  ['ike.interval', 10],
  ['ike.retry', 5],
  ['ike.dpd-interval', 20],
  ['ike.dpd-maxfail', 5],
  ['ike.nat-keepalive-interval', 120],
  ['ike.exclusive-tail', 'enable'],
  ['ike.per-send', 1],
  ['ike.phase1-timeout', 30],
  ['ike.phase2-timeout', 30],
  ['ike.randomize-padding-value', 'enable'],
  ['ike.randomize-padding-length', 'disable'],
  ['ike.maximum-padding-length', 20],
  ['ike.strict-padding-byte-check', 'disable'],
];

/** dialects.md A.3: policy-based IPsec. */
const POLICY: readonly [string, (string | number | readonly string[])?][] = [
  ...[
    ['address'],
    ['preshared-key'],
    ['exchange-mode', 'main'],
    ['check-level', 'obey'],
    ['my-identifier.type', 'address'],
    ['my-identifier.fqdn'],
    ['my-identifier.user-fqdn'],
    ['peers-identifier.type', 'address'],
    ['peers-identifier.fqdn'],
    ['peers-identifier.user-fqdn'],
    ['initial-contact', 'enable'],
    ['nat-traversal', 'enable'],
    ['dpd', 'enable'],
    ['nonce-size', 16],
    ['prefer-new-phase1', 'enable'],
    ['responder-only', 'disable'],
    ['proposal.encryption.[].algorithm', ['aes256', 'aes128', '3des']],
    ['proposal.hash.[].algorithm', ['sha256', 'sha1']],
    ['proposal.dh-group', 'modp1536'],
    ['proposal.lifetime', 86400],
    // Our own additions, as at an interface.
    ['version', 1],
    ['childless', 'disable'],
    ['mobike', 'disable'],
    ['legacy', 'disable'],
    ['reauthentication', 'disable'],
    ['proposal.dh-group-alternative.[].group'],
  ].map(([key, value]): [string, (string | number | readonly string[])?] => [
    `ike.peer.[].${key}`,
    value as string | undefined,
  ]),
  ['ipsec.security-association.sa[].address-type'],
  ['ipsec.security-association.sa[].local-address'],
  ['ipsec.security-association.sa[].remote-address'],
  ['ipsec.security-association.sa[].share-session', 'enable'],
  ['ipsec.security-policy.[].security-association'],
  ['ipsec.security-policy.[].source.address'],
  ['ipsec.security-policy.[].source.port', 'any'],
  ['ipsec.security-policy.[].destination.address'],
  ['ipsec.security-policy.[].destination.port', 'any'],
  ['ipsec.security-policy.[].protocol', 'any'],
  ['ipsec.security-policy.[].ike.proposal.authentication.[].algorithm', ['hmac-sha256', 'hmac-sha1']],
  ['ipsec.security-policy.[].ike.proposal.encryption.[].algorithm', ['aes256', 'aes128', '3des']],
  ['ipsec.security-policy.[].ike.proposal.lifetime-of-time', 28800],
  ['ipsec.security-policy.[].ike.proposal.lifetime-of-byte', 'none'],
  ['ipsec.security-policy.[].ike.proposal.pfs-group', 'none'],
  // Issue 4, and ours.
  ['ipsec.security-policy.[].mode', 'tunnel'],
  ['ipsec.security-policy.[].description'],
  ['ipsec.security-policy.[].esn', 'disable'],
  ['ipsec.security-policy.[].anti-replay-window', 4096],
];

const OTHERS = [
  'hostname',
  'system.interface.ge[].device',
  'interface.ge[].description',
  'interface.ge[].ipv4.address',
  'interface.ge[].ipv4.alias.[].address',
  'interface.ge[].ipv4.tcp-mss',
  'interface.ge[].mtu',
  'route.ipv4.[].destination',
  'route.ipv4.[].gateway',
  'route.ipv4.[].distance',
];

const leafOf = (path: string) => schema.find((leaf) => leaf.path === path);

describe('the keys', () => {
  test.each(IPSEC)('interface.ipsec[].%s has its default (dialects.md A.2.1)', (key, expected) => {
    const leaf = leafOf(`interface.ipsec[].${key}`);
    expect(leaf).toBeDefined();
    expect(leaf?.listDefault ?? leaf?.default).toEqual(expected);
  });

  test.each(IKE)('%s is %s by default (dialects.md A.3)', (key, expected) => {
    expect(leafOf(key)?.default).toBe(expected);
  });

  test.each(POLICY)('%s has its default (dialects.md A.3)', (key, expected) => {
    const leaf = leafOf(key);
    expect(leaf).toBeDefined();
    expect(leaf?.listDefault ?? leaf?.default).toEqual(expected);
  });

  test.each(OTHERS)('%s exists (issue 2, Configuration)', (key) => expect(leafOf(key)).toBeDefined());

  // SEIL has no key for the outer DF bit; Yamaha has (dialects.md B.3), and both dialects stand on one model. It has
  // IKEv1 only, and so no fragments of IKEv2.
  const OWN = ['interface.ipsec[].tx-df-set', 'ike.fragment-size'];

  test('no tunnel key and no ike key beside those of the tables and our own', () => {
    const known = [
      ...IPSEC.map(([key]) => `interface.ipsec[].${key}`),
      ...IKE.map(([key]) => key),
      ...POLICY.map(([key]) => key),
      ...OWN,
    ];
    const strangers = schema
      .filter((leaf) => /^(interface\.ipsec|ike\.|ipsec\.)/.test(leaf.path) && !leaf.ours)
      .map((leaf) => leaf.path)
      .filter((path) => !known.includes(path));
    expect(strangers).toEqual([]);
    expect(known.filter((path) => !schema.some((leaf) => leaf.path === path))).toEqual([]);
  });

  test('keys for secrets are secret', () => {
    const secrets = schema.filter((leaf) => leaf.secret).map((leaf) => leaf.path);
    expect(secrets).toEqual([
      'interface.ipsec[].preshared-key',
      'interface.ipsec[].preshared-key-octets',
      'interface.ipsec[].floatlink.key',
      'ike.peer.[].preshared-key',
      'login.admin.encrypted-password',
      'login.user.encrypted-password',
      'sshd.hostkey',
      'yamaha.kept.[].command-with-secret',
    ]);
  });

  test('both spellings of responder-only are one key (seed 001; dialects.md 0.2)', () => {
    const canonical = 'interface.ipsec7.ike.responder-only';
    expect(findLeaf('interface.ipsec7.responder-only')?.path).toBe(canonical);
    expect(findLeaf(canonical)?.path).toBe(canonical);
  });
});

describe.each(schema.map((leaf) => [leaf.path, leaf] as const))('%s', (path, leaf) => {
  test('says what it is and what may stand there', () => {
    expect(leaf.help).toMatch(/^[A-Z].*\.$/s);
    expect(leaf.type.allowed).not.toBe('');
    expect(schema.filter((other) => other.path === path)).toHaveLength(1);
    expect(findLeaf(concrete(path, [3, 4, 5]))?.leaf).toBe(leaf);
  });

  test('says so in Japanese too', () => {
    expect(leaf.ja).toMatch(/[\u3040-\u30ff\u4e00-\u9fff]/);
    expect(leaf.ja).not.toBe(leaf.help);
  });

  test('takes its defaults, its listed values and the ends of its range, and nothing just outside', () => {
    const { type } = leaf;
    for (const value of [leaf.default ?? [], leaf.listDefault ?? []].flat()) {
      expect(type.parse(type.print?.(value) ?? String(value))).toBe(value);
    }
    for (const value of type.values ?? []) expect(type.parse(value)).toBe(value);
    for (const [min, max] of rangesOf(leaf)) {
      expect([type.parse(String(min)), type.parse(String(max))]).toEqual([min, max]);
      expect(type.parse(String(max + 1))).toBeUndefined();
      if (min > 0) expect(type.parse(String(min - 1))).toBeUndefined();
    }
  });

  test('prints what it parses', () => {
    fc.assert(
      fc.property(anyValue(leaf), (value) => {
        expect(leaf.type.parse(leaf.type.print?.(value) ?? String(value))).toBe(value);
      }),
      { numRuns: 30 },
    );
  });
});

describe('paths', () => {
  test('numbers lose leading zeros', () => {
    expect(findLeaf('route.ipv4.007.gateway')?.path).toBe('route.ipv4.7.gateway');
    expect(findLeaf('interface.ipsec00.mtu')).toMatchObject({ path: 'interface.ipsec0.mtu', indexes: [0] });
  });

  test.each([
    '',
    'interface',
    'interface.ipsec0',
    'interface.ipsec.mtu',
    'interface.ipsec[].mtu',
    'interface.ipsecx.mtu',
    'interface.ipsec-1.mtu',
    'interface.ipsec0.mtu.1',
    'Interface.ipsec0.mtu',
    'route.ipv4.[].gateway',
    'route.ipv4.gateway',
    'route.ipv4.1234567890.gateway',
    'constructor',
    '__proto__',
    'hostname.',
    '.hostname',
  ])('%j is no key', (path) => expect(findLeaf(path)).toBeUndefined());

  test('their order is total: schema order first, numbers by value', () => {
    expect(comparePaths('route.ipv4.9.gateway', 'route.ipv4.10.gateway')).toBeLessThan(0);
    expect(comparePaths('route.ipv4.10.destination', 'route.ipv4.10.gateway')).toBeLessThan(0);
    expect(comparePaths('interface.ipsec2.mtu', 'interface.ge10.mtu')).toBeGreaterThan(0);
    fc.assert(
      fc.property(anyTree, (tree) => {
        const paths = [...tree.entries()].map(([path]) => path);
        for (const [i, a] of paths.entries()) {
          for (const [j, b] of paths.entries()) expect(Math.sign(comparePaths(a, b))).toBe(Math.sign(i - j));
        }
      }),
      { numRuns: 20 },
    );
  });
});
