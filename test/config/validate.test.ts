import { describe, expect, test } from 'vitest';
import type { MistakeCode } from '../../src/config/mistake.ts';
import { validate } from '../../src/config/validate.ts';
import { parseSeil } from '../../src/dialect/seil/parse.ts';
import { MINIMAL } from '../interop/seed001.ts';

const verdict = (...lines: string[]) => validate(parseSeil(`${MINIMAL}${lines.join('\n')}\n`).tree);
const alone = (...lines: string[]) => validate(parseSeil(lines.join('\n')).tree);
const ipsec = (key: string) => `interface.ipsec0.${key}`;
const proposal = (key: string) => ipsec(`ike.proposal.${key}`);
const proxy = (key: string) => proposal(`phase2.proxy-id.${key}`);

const tunnel = (name: string, from: string, to: string) =>
  ['preshared-key : k', `ipv4.source : ${from}`, `ipv4.destination : ${to}`].map(
    (l) => `interface.${name}.${l}`,
  );

/** `about`: the further keys that the rule looked at. */
type Case = [what: string, lines: string[], code: MistakeCode, key: string, words: RegExp, about?: string[]];

const WRONG: Case[] = [
  [
    'an AEAD phase-1 cipher under version 1 (RFC 5282)',
    [`${proposal('phase1.encryption.100.algorithm')} : chacha20-poly1305`],
    'conflict',
    proposal('phase1.encryption.100.algorithm'),
    /set interface\.ipsec0\.ike\.version : 2 or use aes256/,
    [ipsec('ike.version')],
  ],
  [
    "a gateway's number that another tunnel has",
    [...tunnel('ipsec4', '10.0.0.1', '10.0.0.9'), `${ipsec('yamaha.gateway')} : 5`],
    'conflict',
    ipsec('yamaha.gateway'),
    /is 5, the number that ipsec4 has already: give another, or delete it\./,
    ['interface.ipsec4.yamaha.gateway'],
  ],
  [
    'a type of identifier without the identifier',
    [`${ipsec('ike.my-identifier.type')} : fqdn`],
    'missing',
    ipsec('ike.my-identifier.type'),
    /add interface\.ipsec0\.ike\.my-identifier\.fqdn\./,
    [ipsec('ike.my-identifier.fqdn')],
  ],
  [
    'an identity that moves with the address (RFC 4555)',
    [`${ipsec('ike.version')} : 2`, `${ipsec('ike.mobike')} : enable`],
    'conflict',
    ipsec('ike.mobike'),
    /set interface\.ipsec0\.ike\.my-identifier\.type to fqdn/,
    [ipsec('ike.my-identifier.type')],
  ],
  [
    'an identifier of another type',
    [
      `${ipsec('ike.peers-identifier.type')} : fqdn`,
      `${ipsec('ike.peers-identifier.fqdn')} : b.example`,
      `${ipsec('ike.peers-identifier.user-fqdn')} : b@example`,
    ],
    'conflict',
    ipsec('ike.peers-identifier.user-fqdn'),
    /has no effect while .*type is fqdn/,
    [ipsec('ike.peers-identifier.type')],
  ],
  [
    'an identifier beside the default type, address',
    [`${ipsec('ike.my-identifier.fqdn')} : a.example`],
    'conflict',
    ipsec('ike.my-identifier.fqdn'),
    /set the type to fqdn/,
    [ipsec('ike.my-identifier.type')],
  ],
  [
    'half of a pair of proxy-ids',
    [`${ipsec('ike.version')} : 2`, `${proxy('ipv6.local')} : 2001:db8:1::/64`],
    'missing',
    proxy('ipv6.remote'),
    /pair: add .*ipv6\.remote/,
  ],
  [
    'proxy-ids of both families under IKEv1, whose Quick Mode carries one pair (RFC 2409 5.5)',
    [`${proxy('ipv6.local')} : 2001:db8:1::/64`, `${proxy('ipv6.remote')} : 2001:db8:2::/64`],
    'conflict',
    proxy('ipv6.local'),
    /ike\.version : 2/,
    [ipsec('ike.version')],
  ],
  [
    'a tunnel to ourselves',
    tunnel('ipsec1', '10.0.0.1', '10.0.0.1'),
    'conflict',
    'interface.ipsec1.ipv4.destination',
    /our own address 10\.0\.0\.1/,
  ],
  [
    'a tunnel beyond ipsec1023',
    tunnel('ipsec1024', '10.0.0.1', '10.0.0.3'),
    'conflict',
    'interface.ipsec1024.preshared-key',
    /ipsec0 to ipsec1023/,
  ],
  [
    'one device for two interfaces',
    ['system.interface.ge0.device : eth0', 'system.interface.ge1.device : eth0'],
    'conflict',
    'system.interface.ge1.device',
    /eth0 is already the device of ge0/,
  ],
  [
    'a route to a tunnel that is not there',
    ['route.ipv4.2.destination : 10.9.0.0/16', 'route.ipv4.2.gateway : ipsec5'],
    'missing',
    'route.ipv4.2.gateway',
    /add interface\.ipsec5/,
  ],
  [
    'a route without a gateway',
    ['route.ipv6.2.destination : default'],
    'missing',
    'route.ipv6.2.gateway',
    /add route\.ipv6\.2\.gateway/,
  ],
  [
    'a destination with host bits',
    ['route.ipv4.2.destination : 10.9.0.1/16', 'route.ipv4.2.gateway : 10.0.0.254'],
    'bad-value',
    'route.ipv4.2.destination',
    /write 10\.9\.0\.0\/16/,
  ],
];

describe('rules across keys', () => {
  test("seed 001's minimal configuration has no mistakes, and is told once that its defaults are weak", () => {
    const message = expect.stringMatching(/^ipsec0: weak algorithms .* \(3des, sha1, modp1536\)/);
    expect(verdict()).toEqual({
      errors: [],
      warnings: [{ code: 'weak', key: 'interface.ipsec0.ike.proposal', message }],
    });
  });

  test('a thousand tunnels with the same weakness make one warning, strong ones none', () => {
    const strong = ['phase1.encryption.0.algorithm : aes256', 'phase1.hash.0.algorithm : sha256'].concat(
      ['phase1.dh-group : modp2048', 'phase2.encryption.0.algorithm : aes256-gcm16'],
      ['phase2.authentication.0.algorithm : hmac-sha256'],
    );
    expect(verdict(...strong.map((line) => proposal(line))).warnings).toEqual([]);
    const more = ['1', '2'].flatMap((n) => [
      `interface.ipsec${n}.preshared-key : k`,
      `interface.ipsec${n}.ipv4.source : 10.0.0.1`,
      `interface.ipsec${n}.ipv4.destination : 10.0.0.${n}9`,
    ]);
    const { warnings } = verdict(...more);
    expect(warnings.map((w) => w.message)).toEqual([expect.stringMatching(/^ipsec0 and 2 more: weak/)]);
  });

  test.each(WRONG)('refused: %s', (_what, lines, code, key, words, about) => {
    const { errors } = verdict(...lines);
    expect(errors).toEqual([{ code, key, message: expect.stringMatching(words), about }]);
  });

  test.each(['preshared-key', 'ipv4.source', 'ipv4.destination'])('a tunnel needs %s', (missing) => {
    const lines = { 'preshared-key': 'k', 'ipv4.source': '10.0.0.1', 'ipv4.destination': '10.0.0.2' };
    const given = Object.entries(lines).filter(([key]) => key !== missing);
    expect(alone(...given.map(([key, value]) => `${ipsec(key)} : ${value}`)).errors).toEqual([
      {
        code: 'missing',
        key: ipsec(missing),
        message: `interface.ipsec0 is not complete: add ${ipsec(missing)}.`,
        about: [ipsec('ike.authentication')],
      },
    ]);
  });

  test('host bits of a proxy-id', () => {
    const { errors } = validate(parseSeil(MINIMAL.replace('192.168.1.0/24', '192.168.1.1/24')).tree);
    expect(errors).toMatchObject([{ code: 'bad-value', key: proxy('ipv4.local') }]);
    expect(errors[0].message).toContain('write 192.168.1.0/24');
  });

  test.each(['aes256-gcm16', 'aes128-gcm16'])(
    '%s in phase 1 under version 2, in phase 2 under both',
    (cipher) => {
      const phase1 = `${proposal('phase1.encryption.0.algorithm')} : ${cipher}`;
      const phase2 = `${proposal('phase2.encryption.0.algorithm')} : ${cipher}`;
      expect(verdict(phase1, phase2, `${ipsec('ike.version')} : 2`).errors).toEqual([]);
      expect(verdict(phase2).errors).toEqual([]);
      expect(verdict(phase1).errors).toHaveLength(1);
    },
  );

  test('chacha20-poly1305 under version 2 alone, in both phases (RFC 7634)', () => {
    const lines = ['phase1', 'phase2'].map(
      (phase) => `${proposal(`${phase}.encryption.0.algorithm`)} : chacha20-poly1305`,
    );
    expect(verdict(...lines, `${ipsec('ike.version')} : 2`).errors).toEqual([]);
    expect(verdict(...lines).errors.map((m) => [m.code, m.key])).toEqual([
      ['conflict', proposal('phase1.encryption.0.algorithm')],
      ['conflict', proposal('phase2.encryption.0.algorithm')],
    ]);
    // So the sentence on phase 1 does not send it to phase 2.
    expect(verdict(lines[0]).errors).toMatchObject([{ key: proposal('phase1.encryption.0.algorithm') }]);
    expect(verdict(lines[0]).errors[0].message).not.toContain('phase2');
  });

  test('identifiers that fit their type', () => {
    const lines = (who: string, type: string, value: string) => [
      `${ipsec(`ike.${who}.type`)} : ${type}`,
      `${ipsec(`ike.${who}.${type}`)} : ${value}`,
    ];
    const all = [...lines('my-identifier', 'fqdn', 'a.b'), ...lines('peers-identifier', 'user-fqdn', 'a@b')];
    expect(verdict(...all).errors).toEqual([]);
  });

  test('both families of proxy-ids under IKEv2', () => {
    const pair = [`${proxy('ipv6.local')} : 2001:db8:1::/64`, `${proxy('ipv6.remote')} : 2001:db8:2::/64`];
    expect(verdict(...pair, `${ipsec('ike.version')} : 2`).errors).toEqual([]);
  });
});

describe('weak algorithms', () => {
  test.each([
    ['phase1.hash.0.algorithm', 'md5'],
    ['phase2.authentication.0.algorithm', 'hmac-md5'],
    ['phase1.dh-group', 'modp1024'],
    ['phase1.dh-group-alternative.0.group', 'modp1024'],
    ['phase2.pfs-group', 'modp1024'],
  ])('%s : %s works with a warning under IKEv1, and under IKEv2 for legacy peers only', (key, value) => {
    const name = value.replace('hmac-', '');
    const { errors, warnings } = verdict(`${proposal(key)} : ${value}`);
    expect(errors).toEqual([]);
    expect(warnings.map((w) => w.message)).toEqual([expect.stringContaining(name)]);

    const v2 = [`${proposal(key)} : ${value}`, `${ipsec('ike.version')} : 2`];
    expect(verdict(...v2).errors).toMatchObject([
      { code: 'conflict', key: proposal(key), message: expect.stringContaining('ike.legacy : enable') },
    ]);
    expect(verdict(...v2, `${ipsec('ike.legacy')} : enable`).errors).toEqual([]);
  });

  test('aggressive mode works with a warning that names VU#857035', () => {
    const { errors, warnings } = verdict(`${ipsec('ike.exchange-mode')} : aggressive`);
    expect(errors).toEqual([]);
    expect(warnings[0]).toMatchObject({ key: ipsec('ike.exchange-mode') });
    expect(warnings[0].message).toContain('VU#857035');
  });

  test.each([
    ['certificate', ['my-certificate', 'my-private-key', 'peers-authority']],
    ['public-key', ['my-private-key', 'peers-public-key']],
  ])('authentication by %s needs its files and no preshared key', (method, files) => {
    const lines = ['ipv4.source : 10.0.0.1', 'ipv4.destination : 10.0.0.2', `ike.authentication : ${method}`];
    expect(alone(...lines.map(ipsec)).errors.map((e) => e.key)).toEqual(files.map((f) => ipsec(`ike.${f}`)));
    const given = [...lines, ...files.map((f) => `ike.${f} : /etc/x.pem`)];
    expect(alone(...given.map(ipsec)).errors).toEqual([]);
  });

  test('a peer from anywhere is known by its name', () => {
    const any = `${ipsec('dynamic-remote-address')} : enable`;
    const base = ['preshared-key : k', 'ipv4.source : 10.0.0.1'].map(ipsec);
    const type = ipsec('ike.peers-identifier.type');
    expect(alone(...base, any).errors).toMatchObject([{ code: 'conflict', key: type }]);
    const named = [`${type} : fqdn`, `${ipsec('ike.peers-identifier.fqdn')} : b.example`];
    expect(alone(...base, any, ...named).errors).toEqual([]);
    expect(alone(...base, `${ipsec('ipv4.destination')} : any`, ...named).errors).toEqual([]);
    const both = `${ipsec('ipv4.destination')} : 10.0.0.2`;
    expect(alone(...base, any, both, ...named).errors).toMatchObject([
      { key: ipsec('dynamic-remote-address') },
    ]);
  });

  test('a key or a name that reads like an algorithm is none', () => {
    const text = MINIMAL.replace('xeeB5gohvaYi', 'md5');
    expect(validate(parseSeil(`${text}interface.ipsec0.description : modp1024`).tree).warnings).toHaveLength(
      1,
    );
  });
});
