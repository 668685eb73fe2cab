// One story in three tongues (seed 004's list): what the engine does, as a Yamaha tells it.
import { describe, expect, test } from 'vitest';
import { isMajor } from '../../src/ike/event.ts';
import type { FollowKind } from '../../src/ike/policy.ts';
import { eventLine, yamahaLine } from '../../src/show/log/yamaha.ts';
import {
  A,
  B,
  type Changes,
  live,
  Network,
  Node,
  pair,
  policy,
  preshared,
  SETTINGS,
} from '../ike/simulation.ts';

const numbers = () => ({ tunnel: 1, gateway: 1, policy: 101 });
const lines = (node: Node) => node.events.map((e) => eventLine(e, numbers));

describe("Yamaha's SYSLOG of IKEv2", () => {
  test('a tunnel comes up: assigned, exchanges, NAT, established, bound', () => {
    const { network, a } = pair(1, { version: 2 });
    network.run(2);
    const [sa, recv, send] = [
      ...new Set(a.events.flatMap((e) => (e.about && 'sa' in e.about ? [e.about.sa] : []))),
    ];
    expect(lines(a)).toEqual([
      `[IKE2] SA:${sa}/IKE temporarily assigned`,
      `[IKE2] SA:${sa}/IKE assigned gateway GW:1`,
      `[IKE2] GW:1/SA:${sa}/INIT exchange started`,
      `[IKE2] GW:1/SA:${sa}/INIT exchange terminated`,
      `[IKE2] GW:1/SA:${sa}/INIT no NAT box detected at local side`,
      `[IKE2] GW:1/SA:${sa}/INIT no NAT box detected at remote side`,
      `[IKE2] GW:1/SA:${sa}/AUTH exchange started`,
      `[IKE2] GW:1/SA:${sa}/AUTH exchange terminated`,
      `[IKE2] SA:${sa}/IKE established`,
      `[IKE2] SA:${recv}/CHLD_RECV temporarily assigned`,
      `[IKE2] SA:${send}/CHLD_SEND temporarily assigned`,
      `[IKE2] SA:${recv}/CHLD_RECV bound on SA:${sa}/IKE`,
      `[IKE2] SA:${send}/CHLD_SEND bound on SA:${sa}/IKE`,
      `[IKE2] SA:${recv}/CHLD_RECV assigned policy TN:1/PY:101`,
      `[IKE2] SA:${send}/CHLD_SEND assigned policy TN:1/PY:101`,
      `[IKE2] SA:${recv}/CHLD_RECV established`,
      `[IKE2] SA:${send}/CHLD_SEND established`,
    ]);
    expect(a.events.filter(isMajor).map((e) => e.did)).toEqual([
      'assigned',
      'established',
      'assigned',
      'assigned',
      'established',
      'established',
    ]);
  });

  test('a renewal binds the children to the new IKE SA; keepalives; a peer that is gone', () => {
    const { network, a, b } = pair(2, { version: 2 });
    network.run(2);
    a.input({ kind: 'rekey', connection: 'ipsec0', what: 'ike' });
    network.run(60);
    const all = lines(a).join('\n');
    expect(all).toMatch(/CHLD_SEND bound on SA:\d+\/IKE \(changed\)/);
    expect(all).toMatch(/GW:1\/SA:\d+\/CHLD exchange started/);
    expect(all).toMatch(/INFO send keepalive\n.*INFO received keepalive/s);
    b.crash();
    network.run(300);
    const end = lines(a).join('\n');
    expect(end).toMatch(/INFO iWindow retransmit request\[msgID:\d+ cnt:1\]/);
    expect(end).toMatch(/iWindow retransmission timed out\[msgID:\d+\]\n.*SA:\d+\/IKE dead peer detection/);
    expect(end).toMatch(/SA:\d+\/IKE deleted/);
  });

  test('lost answers and late copies', () => {
    const { network, a, b } = pair(3, { version: 2 });
    network.run(2);
    let lost = 0;
    network.filter = (from, _to, data) => !(from.address === B && data[18] === 37 && lost++ === 0);
    a.input({ kind: 'rekey', connection: 'ipsec0', what: 'ike' });
    network.run(40);
    expect(lines(b).join('\n')).toMatch(/rWindow retransmit response\[msgID:\d+\]/);
    const old = network.log.findLast((e) => e.from.address === A && e.data[18] === 36)!;
    b.input({ kind: 'datagram', local: old.to, remote: old.from, data: old.data });
    expect(lines(b).at(-1)).toMatch(
      /cannot find or create IKE SA|rWindow dropped message|retransmit response/,
    );
  });

  test('refusals: SA, KE and AUTH', () => {
    const refused = (changes: Changes) => {
      const network = new Network(4);
      const [a, b] = [new Node(network, A), new Node(network, B)];
      a.configure([policy(A, B, { version: 2 })]);
      b.configure([policy(B, A, { version: 2, ...changes })]);
      network.run(2);
      return lines(b).join('\n');
    };
    const { ike, children } = policy(A, B);
    const [child] = children;
    expect(refused({ ike: { ...ike, groups: ['modp2048'] } })).toMatch(/\[IKE2\] cannot accept SA payload/);
    expect(refused({ credential: preshared('another') })).toMatch(/GW:1\/SA:\d+\/AUTH unmatched auth data/);
    expect(refused({ child: { ...child, ciphers: ['aes192'] } })).toMatch(/cannot accept SA payload/);
  });

  test('what is broken, unknown or forged', () => {
    const { network, a, b } = pair(5, { version: 2 });
    network.run(2);
    const good = network.log.findLast((e) => e.from.address === A)!;
    const forged = good.data.slice();
    forged[forged.length - 1] ^= 1;
    b.input({ kind: 'datagram', local: good.to, remote: good.from, data: forged });
    expect(lines(b).at(-1)).toBe('[IKE2] authentication is wrong');
    const stray = good.data.slice();
    stray.fill(7, 0, 16);
    b.input({ kind: 'datagram', local: good.to, remote: good.from, data: stray });
    expect(lines(b)).toContain('[IKE2] cannot find or create IKE SA');
    b.input({ kind: 'datagram', local: good.to, remote: good.from, data: good.data.subarray(0, 30) });
    expect(lines(b).at(-1)).toMatch(/^\[IKE2\] cannot process \S+ payload$/);
    expect(a.events.length).toBeGreaterThan(0);
  });

  test('its clock', () => {
    const time = new Date(2026, 10, 22, 1, 2, 3);
    expect(yamahaLine(time, '[IKE2] x')).toBe('2026/11/22 01:02:03: [IKE2] x');
  });
});

describe('ipsec ike log: message-info, payload-info, key-info', () => {
  const all: readonly FollowKind[] = ['message-info', 'payload-info', 'key-info'];
  const settings = { ...SETTINGS, follow: { ipsec0: all, '': all } };
  const hexLine = (data: Uint8Array) =>
    [...data.subarray(0, 16)].map((o) => o.toString(16).padStart(2, '0')).join(' ');

  test.each([1, 2] as const)('IKEv%i: every octet that goes, what is in it, and no key', (version) => {
    const { network, a, b } = pair(6, { version }, settings);
    network.run(3);
    for (const node of [a, b]) {
      const text = lines(node).join('\n');
      const label = version === 1 ? '\\[IKE\\]' : '\\[IKE2\\]';
      const own = network.log.find((e) => e.from.address === node.address)!;
      expect(text).toContain(` send message:\n  ${hexLine(own.data)}`);
      expect(text).toMatch(new RegExp(`${label} .*receive message:\\n {2}`));
      expect(text).toMatch(/encrypting message: \(pad size:\d+\):\n {2}/);
      expect(text).toMatch(/decrypted message: \(pad size:\d+\):\n {2}/);
      expect(text).toMatch(/generate IKE header\[msgID:\d+\]/);
      expect(text).toMatch(
        version === 1 ? /process HASH payload/ : /process IDi? payload|process IDr payload/,
      );
      const { sas, children } = node.engine.connections.get('ipsec0')!;
      const keys = [...sas].flatMap((sa) => Object.entries(sa.keys ?? {}) as [string, Uint8Array][]);
      expect(keys.length).toBeGreaterThan(3);
      for (const [name, key] of keys.filter(([, k]) => k.length > 0)) {
        expect(text, name).not.toContain(hexLine(key));
        expect(text).toContain(`(${key.length} octets; whole by "export keys")`);
      }
      for (const { esp } of children) expect(text).not.toContain(hexLine(esp!.in.key.reveal()));
      expect(text).toMatch(version === 1 ? /CKY-I:\n {2}/ : /SPIi:\n {2}.*/);
      expect(text).toMatch(/SPI\(send\):\n.*\n.*key material\(send\): \(\d+ octets/);
    }
  });

  test('the responder tells of a first message before it knows whose it is; others tell nothing', () => {
    const { network, a, b } = pair(7, { version: 2 }, { ...SETTINGS, follow: { '': ['message-info'] } });
    network.run(3);
    expect(lines(b).filter((l) => l.startsWith('[IKE2] receive message:'))).toHaveLength(1);
    expect(lines(a).join('\n')).not.toContain('message:');
  });

  test('to follow more is no reason to begin anew', () => {
    const { network, a } = pair(8, { version: 2 });
    network.run(3);
    const before = a.events.length;
    a.configure([policy(A, B, { version: 2 })], settings);
    network.run(1);
    expect(a.events.slice(before)).toEqual([]);
    expect(live(a)).toHaveLength(1);
  });
});
