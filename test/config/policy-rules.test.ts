// Rules of policy-based IPsec: a policy stands on an association, which stands on a peer (dialects.md A.3).
import { describe, expect, test } from 'vitest';
import { validate } from '../../src/config/validate.ts';
import { parseSeil } from '../../src/dialect/seil/parse.ts';

const PEER = 'ike.peer.0';
const SA = 'ipsec.security-association.sa0';
const POLICY = 'ipsec.security-policy.100';

const GOOD: Record<string, string> = {
  [`${PEER}.address`]: '10.0.0.2',
  [`${PEER}.preshared-key`]: 'k',
  [`${SA}.address-type`]: 'static',
  [`${SA}.local-address`]: '10.0.0.1',
  [`${SA}.remote-address`]: '10.0.0.2',
  [`${POLICY}.security-association`]: 'sa0',
  [`${POLICY}.source.address`]: '192.168.1.0/24',
  [`${POLICY}.destination.address`]: '192.168.2.0/24',
};

/** The good configuration with changes; undefined takes a key away. */
function verdict(changes: Record<string, string | undefined>) {
  const lines = Object.entries({ ...GOOD, ...changes }).flatMap(([k, v]) =>
    v === undefined ? [] : [`${k} : ${v}`],
  );
  const { tree, errors } = parseSeil(`${lines.join('\n')}\n`);
  const found = validate(tree);
  return {
    errors: [...errors.filter((e) => !found.errors.some((f) => f.message === e.message)), ...found.errors],
    warnings: found.warnings,
  };
}

test('the good configuration has no mistakes', () => expect(verdict({}).errors).toEqual([]));

const TRANSPORT = {
  [`${POLICY}.mode`]: 'transport',
  [`${POLICY}.source.address`]: undefined,
  [`${POLICY}.destination.address`]: undefined,
};

test.each<[what: string, changes: Record<string, string | undefined>]>([
  ['transport mode between the outer addresses', TRANSPORT],
  [
    'transport mode that names them',
    { ...TRANSPORT, [`${POLICY}.source.address`]: '10.0.0.1', [`${POLICY}.destination.address`]: '10.0.0.2' },
  ],
  [
    'transport mode from an interface',
    {
      ...TRANSPORT,
      'interface.ge0.ipv4.address': '10.0.0.1/24',
      [`${SA}.local-address`]: 'ge0',
      [`${POLICY}.source.address`]: '10.0.0.1/32',
    },
  ],
  ['ports of UDP', { [`${POLICY}.protocol`]: '17', [`${POLICY}.source.port`]: '4739' }],
  ['one host', { [`${POLICY}.source.address`]: '192.168.1.7' }],
  [
    'IPv6',
    { [`${POLICY}.source.address`]: '2001:db8:1::/64', [`${POLICY}.destination.address`]: '2001:db8:2::/64' },
  ],
  ['everything', { [`${POLICY}.destination.address`]: '0.0.0.0/0' }],
])('%s is right', (_, changes) => expect(verdict(changes).errors).toEqual([]));

const WRONG: [what: string, changes: Record<string, string | undefined>, key: string, words: RegExp][] = [
  [
    'a peer without a key',
    { [`${PEER}.preshared-key`]: undefined },
    `${PEER}.preshared-key`,
    /add ike\.peer\.0\.preshared-key/,
  ],
  [
    'two peers of one address',
    { 'ike.peer.1.address': '10.0.0.2', 'ike.peer.1.preshared-key': 'k' },
    'ike.peer.1.address',
    /already that of ike\.peer\.0/,
  ],
  [
    'a dynamic peer that its address is to identify',
    {
      [`${PEER}.address`]: 'dynamic',
      [`${SA}.address-type`]: 'dynamic',
      [`${SA}.remote-address`]: undefined,
    },
    `${PEER}.peers-identifier.type`,
    /set ike\.peer\.0\.peers-identifier\.type to fqdn/,
  ],
  [
    'an association without its ends',
    { [`${SA}.local-address`]: undefined },
    `${SA}.local-address`,
    /add ipsec\.security-association\.sa0\.local-address/,
  ],
  [
    'an association without a peer',
    { [`${PEER}.address`]: '10.0.0.7' },
    `${SA}.remote-address`,
    /add ike\.peer\.N\.address : 10\.0\.0\.2/,
  ],
  [
    'a dynamic association with an address',
    { [`${SA}.address-type`]: 'dynamic' },
    `${SA}.remote-address`,
    /has no meaning for a dynamic peer/,
  ],
  [
    'a policy without an association',
    { [`${POLICY}.security-association`]: undefined },
    `${POLICY}.security-association`,
    /add ipsec\.security-policy\.100\.security-association/,
  ],
  [
    'a policy of an association that is none',
    { [`${POLICY}.security-association`]: 'sa7' },
    `${POLICY}.security-association`,
    /or use sa0/,
  ],
  [
    'a policy without a side',
    { [`${POLICY}.destination.address`]: undefined },
    `${POLICY}.destination.address`,
    /add ipsec\.security-policy\.100\.destination\.address/,
  ],
  [
    'host bits',
    { [`${POLICY}.source.address`]: '192.168.1.1/24' },
    `${POLICY}.source.address`,
    /write 192\.168\.1\.0\/24/,
  ],
  [
    'a port of no protocol',
    { [`${POLICY}.source.port`]: '80' },
    `${POLICY}.source.port`,
    /set ipsec\.security-policy\.100\.protocol : 6/,
  ],
  [
    'two families',
    { [`${POLICY}.destination.address`]: '2001:db8::/64' },
    `${POLICY}.destination.address`,
    /both sides must be IPv4 or IPv6/,
  ],
  [
    'transport mode for networks',
    { [`${POLICY}.mode`]: 'transport' },
    `${POLICY}.source.address`,
    /must be ipsec\.security-association\.sa0\.local-address \(10\.0\.0\.1\)/,
  ],
  [
    'the same on both sides',
    { [`${POLICY}.source.address`]: '0.0.0.0/0', [`${POLICY}.destination.address`]: '0.0.0.0/0' },
    `${POLICY}.destination.address`,
    /one of them must be narrower/,
  ],
  [
    'an interface without an address',
    { [`${SA}.local-address`]: 'ge0' },
    `${SA}.local-address`,
    /add interface\.ge0\.ipv4\.address/,
  ],
  [
    'transport mode for a network behind the interface',
    {
      ...TRANSPORT,
      'interface.ge0.ipv4.address': '10.0.0.1/24',
      [`${SA}.local-address`]: 'ge0',
      [`${POLICY}.source.address`]: '192.168.1.0/24',
    },
    `${POLICY}.source.address`,
    /in transport mode: remove it/,
  ],
  [
    'a policy of a number too high',
    {
      'ipsec.security-policy.1000.security-association': 'sa0',
      'ipsec.security-policy.1000.source.address': '192.168.1.0/24',
      'ipsec.security-policy.1000.destination.address': '192.168.9.0/24',
    },
    'ipsec.security-policy.1000.security-association',
    /0 to 999/,
  ],
  [
    'a weak algorithm of a policy under IKEv2',
    { [`${PEER}.version`]: '2', [`${POLICY}.ike.proposal.pfs-group`]: 'modp1024' },
    `${POLICY}.ike.proposal.pfs-group`,
    /ike\.peer\.0\.legacy : enable/,
  ],
];

describe('wrong, with one sentence that says what to do', () => {
  test.each(WRONG)('%s', (_, changes, key, words) => {
    const { errors } = verdict(changes);
    expect(errors.map((e) => e.key)).toContain(key);
    expect(errors.find((e) => e.key === key)?.message).toMatch(words);
  });
});

test('transport mode needs to know both ends', () => {
  const { errors } = verdict({
    ...TRANSPORT,
    [`${PEER}.address`]: 'dynamic',
    [`${PEER}.peers-identifier.type`]: 'fqdn',
    [`${PEER}.peers-identifier.fqdn`]: 'b.example',
    [`${SA}.address-type`]: 'dynamic',
    [`${SA}.remote-address`]: undefined,
  });
  expect(errors.map((e) => [e.key, e.message])).toEqual([
    [`${POLICY}.mode`, expect.stringContaining('use tunnel')],
  ]);
});

test('what is weak in a policy is warned of, under the name of its key', () => {
  const { errors, warnings } = verdict({ [`${POLICY}.ike.proposal.authentication.0.algorithm`]: 'hmac-md5' });
  expect(errors).toEqual([]);
  expect(warnings.map((w) => w.message).join()).toMatch(/md5/);
});
