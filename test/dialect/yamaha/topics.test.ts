// Seed 004's 34 topics, each by its command, and what it means in the model (dialects.md B.2, C).
import { describe, expect, test } from 'vitest';
import { dormant } from '../../../src/config/validate.ts';
import { parseSeil } from '../../../src/dialect/seil/parse.ts';
import { printSeil } from '../../../src/dialect/seil/print.ts';
import { parseLine } from '../../../src/dialect/yamaha/line.ts';
import { parseYamaha, Session } from '../../../src/dialect/yamaha/parse.ts';
import { printYamaha } from '../../../src/dialect/yamaha/print.ts';
import { MINIMAL } from '../../interop/seed001.ts';

/** The settings that the lines make of a tunnel, beside those of a bare one. */
function meaning(...lines: string[]): string[] {
  const bare = new Set(rows('tunnel select 1'));
  return rows(...lines).filter((row) => !bare.has(row));
}

function rows(...lines: string[]): string[] {
  const { tree, errors } = parseYamaha(lines.join('\n'));
  expect(errors.filter((m) => m.code === 'syntax')).toEqual([]);
  return printSeil(tree, { maskSecrets: false })
    .split('\n')
    .slice(0, -1)
    .map((row) => row.replace(/ +: /, ' : '));
}

const p = 'interface.ipsec0';
const p1 = `${p}.ike.proposal.phase1`;
const p2 = `${p}.ike.proposal.phase2`;

const TOPICS: readonly [string, string, readonly string[]][] = [
  ['1', 'ipsec use off', ['ike.service : disable']],
  ['2', 'ipsec ike version 1 2', [`${p}.ike.version : 2`]],
  ['3 text', 'ipsec ike pre-shared-key 1 text "a b"', [`${p}.preshared-key : "a b"`]],
  ['3 hex', 'ipsec ike pre-shared-key 1 0x00FF', [`${p}.preshared-key-octets : 0x00ff`]],
  ['4 all', 'ipsec auto refresh on', []],
  ['4 one', 'ipsec auto refresh 1 off', [`${p}.ike.responder-only : enable`]],
  ['6', 'ipsec ike always-on 1 on', [`${p}.yamaha.always-on : enable`]],
  ['7', 'ipsec ike retry 3 7 2', ['yamaha.max-session : 2', 'ike.interval : 7', 'ike.retry : 3']],
  [
    '8 v1',
    'ipsec ike remote name 1 kyoto',
    [
      `${p}.ike.exchange-mode : aggressive`,
      `${p}.ike.peers-identifier.type : key-id`,
      `${p}.ike.peers-identifier.key-id : kyoto`,
    ],
  ],
  ['9', 'ipsec ike remote address 1 198.51.100.1', [`${p}.ipv4.destination : 198.51.100.1`]],
  ['9 any', 'ipsec ike remote address 1 any', [`${p}.ipv4.destination : any`]],
  [
    '9 IPv6',
    'ipsec ike remote address 1 2001:db8::1',
    [`${p}.ipv6.source : ge0`, `${p}.ipv6.destination : 2001:db8::1`],
  ],
  ['10', 'ipsec ike remote id 1 10.2.0.0/16', [`${p2}.proxy-id.ipv4.remote : 10.2.0.0/16`]],
  ['12', 'ipsec ike local address 1 192.0.2.1', [`${p}.ipv4.source : 192.0.2.1`]],
  ['13 alone', 'ipsec ike local id 1 10.1.0.1', [`${p2}.proxy-id.ipv4.local : 10.1.0.1/32`]],
  ['14', 'ipsec ike keepalive use 1 on dpd 15 4', [`${p}.ike.dpd-interval : 15`, `${p}.ike.dpd-maxfail : 4`]],
  ['15', 'ipsec ike keepalive log 1 off', [`${p}.yamaha.keepalive-log : disable`]],
  ['16', 'ipsec ike encryption 1 aes256-cbc', [`${p1}.encryption.0.algorithm : aes256`]],
  ['17', 'ipsec ike queue length 64', ['yamaha.queue-length : 64']],
  ['18', 'ipsec ike group 1 modp2048', [`${p1}.dh-group : modp2048`]],
  ['19', 'ipsec ike hash 1 sha256', [`${p1}.hash.0.algorithm : sha256`]],
  ['21', 'ipsec ike message-id-control 1 on', [`${p}.yamaha.message-id-control : enable`]],
  ['22', 'ipsec ike child-exchange type 1 2', [`${p}.yamaha.child-exchange-type : 2`]],
  ['23', 'ipsec log illegal-spi on', ['yamaha.log-illegal-spi : enable']],
  [
    '24',
    'ipsec ike payload type 1 3 1',
    [`${p}.yamaha.payload-type-1 : 3`, `${p}.yamaha.payload-type-2 : 1`],
  ],
  ['25', 'ipsec ike send info 1 off', [`${p}.yamaha.send-info : disable`]],
  ['26', 'ipsec ike pfs 1 on', [`${p2}.pfs-group : modp1024`]],
  [
    '29 child',
    'ipsec ike duration child-sa 1 3600 2000000 rekey 80%',
    [`${p}.yamaha.child-rekey : 80`, `${p2}.lifetime-of-time : 1h`, `${p2}.lifetime-of-byte : 2048000000`],
  ],
  [
    '29 IKE',
    'ipsec ike duration isakmp-sa 1 3600 rekey off',
    [`${p}.yamaha.ike-rekey : off`, `${p1}.lifetime : 1h`],
  ],
  [
    '30',
    'ipsec sa policy 101 1 esp aes256-cbc sha256-hmac',
    [`${p2}.encryption.0.algorithm : aes256`, `${p2}.authentication.0.algorithm : hmac-sha256`],
  ],
  ['32', 'ipsec ike restrict-dangling-sa 1 off', [`${p}.yamaha.restrict-dangling-sa : off`]],
  [
    '33',
    'ipsec ike nat-traversal 1 on keepalive=60 force=on',
    [`${p}.nat-traversal : force`, `${p}.ike.nat-keepalive-interval : 60`],
  ],
];

describe('seed 004', () => {
  test.each(TOPICS)('topic %s: %s', (_topic, line, expected) => {
    const got = meaning('tunnel select 1', line);
    for (const row of expected) expect(got).toContain(row);
    const listing = printYamaha(parseYamaha(`tunnel select 1\n${line}`).tree, { maskSecrets: false });
    expect(listing.unexpressed).toEqual([]);
    const shown = listing.text.split('\n').map((l) => l.trim());
    // Of several spellings one is printed.
    if (!/kyoto|0x00FF|10\.1\.0\.1$|child-sa/.test(line)) expect(shown).toContain(line);
  });

  test('11: our own name under IKEv2 is of the kind that is given', () => {
    const got = meaning('ipsec ike version 1 2', 'ipsec ike local name 1 tokyo.example fqdn');
    expect(got).toContain(`${p}.ike.my-identifier.fqdn : tokyo.example`);
    expect(got.join()).not.toMatch(/exchange-mode/);
  });

  test('5: a responder takes what it can, unless it is strict', () => {
    expect(rows('tunnel select 1')).toContain(`${p}.ike.proposal.accept : all`);
    expect(rows('ipsec ike negotiate-strictly 1 on').join()).not.toMatch(/proposal\.accept/);
  });

  test('20: IKEv2 offers all that it can, unless it is limited', () => {
    expect(rows('tunnel select 1')).toContain(`${p}.ike.proposal.offer : all`);
    expect(rows('ipsec ike proposal-limitation 1 on').join()).not.toMatch(/proposal\.offer/);
  });

  test('4: nobody begins before `ipsec auto refresh on`', () => {
    expect(rows('tunnel select 1')).toContain('ike.auto-initiation : never');
    expect(rows('ipsec auto refresh on').join()).not.toMatch(/auto-initiation/);
  });

  test('18 and 26: the second group is that of PFS, whichever is given first', () => {
    const lines = ['ipsec ike group 1 modp2048 modp1536', 'ipsec ike pfs 1 on'];
    for (const order of [lines, lines.toReversed()]) {
      expect(rows(...order)).toContain(`${p2}.pfs-group : modp1536`);
      expect(rows(...order)).toContain(`${p1}.dh-group : modp2048`);
    }
  });
});

describe('three numbers of one interface', () => {
  const text = (...lines: string[]) => {
    const { tree, errors } = parseYamaha(lines.join('\n'));
    expect(errors).toEqual([]);
    return printYamaha(tree, { maskSecrets: false }).text;
  };

  test('tunnel, policy and gateway keep theirs, in whatever order they are named', () => {
    const lines = [
      'tunnel select 3\nipsec tunnel 205\nip tunnel mtu 1400\ntunnel select none',
      'ipsec sa policy 205 17 esp aes-cbc sha-hmac',
      'ipsec ike remote address 17 198.51.100.9',
    ];
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
      [2, 0, 1],
      [0, 2, 1],
      [1, 2, 0],
    ]) {
      const shown = text(...order.map((i) => lines[i]));
      expect(shown).toMatch(
        /tunnel select 3\n ipsec tunnel 205\n {2}ipsec sa policy 205 17 esp aes-cbc sha-hmac\n/,
      );
      expect(shown).toContain('  ipsec ike remote address 17 198.51.100.9\n');
      expect(shown).toContain(' ip tunnel mtu 1400\n');
      expect(shown.match(/tunnel select \d/g)).toEqual(['tunnel select 3']);
    }
  });

  test('a policy that is bound to another tunnel goes there with its gateway', () => {
    const shown = text(
      'tunnel select 1\nipsec tunnel 101\nip tunnel mtu 1400\nipsec sa policy 101 1 esp aes-cbc sha-hmac',
      'ipsec ike remote address 1 198.51.100.1\ntunnel select 2\nipsec tunnel 101',
    );
    const [one, two] = shown.split('tunnel select 2');
    expect(one).toContain('ip tunnel mtu 1400');
    expect(one).not.toContain('198.51.100.1');
    expect(two).toContain('ipsec tunnel 101');
    expect(two).toContain('ipsec ike remote address 1 198.51.100.1');
  });
});

describe('a binding that would overwrite what is configured', () => {
  const base = [1, 2].map(
    (n) =>
      `tunnel select ${n}\nipsec tunnel 10${n}\nipsec sa policy 10${n} ${n} esp aes256-cbc sha256-hmac\nipsec ike pre-shared-key ${n} text KEY${n}`,
  );
  test.each([
    'ipsec sa policy 103 1 esp aes-gcm',
    'ipsec sa policy 101 2 esp aes-gcm',
    'tunnel select 1\nipsec tunnel 102',
  ])('%s is refused, and nothing is lost', (line) => {
    const before = parseYamaha(base.join('\n'));
    const after = parseYamaha([...base, line].join('\n'));
    expect(after.unread.map((m) => m.message)).toEqual([
      expect.stringMatching(/already: take it away first by no tunnel select/),
    ]);
    expect([...after.tree.entries()]).toEqual([...before.tree.entries()]);
  });

  test('when every tunnel there is is taken, another gateway is refused', () => {
    const all = Array.from({ length: 1024 }, (_, i) => `tunnel select ${i + 1}`).join('\n');
    const { unread, tree } = parseYamaha(`${all}\nipsec ike version 3000 2`);
    expect(unread[0].message).toMatch(/all 1024 tunnels are taken/);
    expect(tree.value('interface.ipsec0.ike.version')).toBe(1);
  });
});

describe('what another dialect said stays', () => {
  const session = (seil: string, ...lines: string[]) => {
    const s = new Session(parseSeil(seil).tree);
    const outcomes = lines.map((line) => {
      const parsed = parseLine(line);
      return parsed.ok ? s.run(parsed.words, 'en')?.message : parsed.message;
    });
    return { tree: s.draft.tree(), outcomes };
  };

  test('half a pair of traffic IDs is not sent, and takes no tunnel down', () => {
    const none = ['no ipsec ike local id 1', 'no ipsec ike remote id 1'];
    const { tree } = session(MINIMAL, ...none, 'ipsec ike local id 1 192.168.1.0/24');
    const send = 'interface.ipsec0.ike.proposal.phase2.proxy-id.send';
    expect(tree.value(send)).toBe('disable');
    expect(dormant(tree).size).toBe(0);
    const whole = session(
      MINIMAL,
      ...none,
      'ipsec ike local id 1 192.168.1.0/24',
      'ipsec ike remote id 1 192.168.2.0/24',
    );
    expect(whole.tree.value(send)).toBe('enable');
  });

  test('an address for a name is no reason for aggressive mode, nor is the version said once more', () => {
    const mode = 'interface.ipsec0.ike.exchange-mode';
    const named =
      'interface.ipsec0.ike.my-identifier.type : fqdn\ninterface.ipsec0.ike.my-identifier.fqdn : a.example\n';
    expect(session(MINIMAL, 'ipsec ike local name 1 10.0.0.1 ipv4-addr').tree.value(mode)).toBe('main');
    expect(session(MINIMAL + named, 'ipsec ike version 1 1').tree.value(mode)).toBe('main');
    expect(session(MINIMAL, 'ipsec ike local name 1 a.example fqdn').tree.value(mode)).toBe('aggressive');
  });

  test('the policy of a tunnel that is up is not taken away under it', () => {
    const { outcomes, tree } = session(MINIMAL, 'no ipsec sa policy 101');
    expect(outcomes).toEqual([expect.stringMatching(/tunnel 1 is up by policy 101.*tunnel disable 1/)]);
    expect([...tree.entries()]).toEqual([...parseSeil(MINIMAL).tree.entries()]);
  });

  test('of several further addresses none is lost', () => {
    const aliases = [0, 1].map((n) => `interface.ge1.ipv4.alias.${n}.address : 10.${n}.0.1/24\n`).join('');
    const { outcomes, tree } = session(MINIMAL + aliases, 'ip lan1 secondary address 10.9.0.1/24');
    expect(outcomes).toEqual([expect.stringMatching(/2 further addresses/)]);
    expect(tree.list('interface.ge1.ipv4.alias.', '.address')).toHaveLength(2);
  });
});

test('what is not complete is not there, and says what is missing; a route to it leads nowhere', () => {
  const { errors, warnings } = parseYamaha(
    'tunnel select 1\ntunnel enable 1\nip route 10.0.0.0/8 gateway tunnel 1',
  );
  expect(errors).toEqual([]);
  expect(warnings.map((w) => w.message).join('\n')).toMatch(
    /ipsec0 is not complete: add interface\.ipsec0\.ipv4\.destination/,
  );
});
