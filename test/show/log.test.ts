// One story in three tongues (seed 004's list): what the engine does, as a Yamaha tells it.
import { describe, expect, test } from 'vitest';
import { isMajor } from '../../src/ike/event.ts';
import { eventLine, yamahaLine } from '../../src/show/log/yamaha.ts';
import { A, B, type Changes, Network, Node, pair, policy, preshared } from '../ike/simulation.ts';

const lines = (node: Node) => node.events.map(eventLine);

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
