// Several Child SAs under one IKE SA, each for a security policy of its own (RFC 4301 4.4.1, RFC 7296 1.3.1, RFC 2409 5.5).
import { describe, expect, test } from 'vitest';
import type { ChildPolicy } from '../../src/ike/policy.ts';
import type { IkeSa } from '../../src/ike/v2/sa.ts';
import { A, B, live, Network, Node, policy, preshared, SETTINGS } from './simulation.ts';

const SITES: Record<string, [a: string, b: string]> = {
  policy100: ['192.168.1.0/24', '192.168.2.0/24'],
  policy110: ['10.1.0.0/16', '10.2.0.0/16'],
  policy120: ['172.16.1.0/24', '172.16.2.0/24'],
};

const mirrored = (at: string, name: string) =>
  at === A ? SITES[name] : ([...SITES[name]].reverse() as [string, string]);

/** A's and B's sides of the three policies; `changes`: of a policy at a node. */
function children(at: string, changes: Record<string, Partial<ChildPolicy>> = {}): ChildPolicy[] {
  return Object.keys(SITES).map((name) => {
    const [local, remote] = mirrored(at, name);
    return {
      ...policy(A, B).children[0],
      name,
      at: `ipsec.security-policy.${name.slice(6)}`,
      selectors: { local: [local], remote: [remote] },
      anySelectors: false,
      ...changes[name],
    };
  });
}

type Scene = {
  version: 1 | 2;
  initiate?: 'start' | 'traffic';
  reauthenticate?: boolean;
  lifetime?: number;
  a?: Record<string, Partial<ChildPolicy>>;
  b?: Record<string, Partial<ChildPolicy>>;
};

function scene({ version, initiate = 'start', reauthenticate = false, lifetime, a = {}, b = {} }: Scene) {
  const network = new Network(1);
  const nodes = { a: new Node(network, A), b: new Node(network, B) };
  for (const [node, peer, changes] of [
    [nodes.a, B, a],
    [nodes.b, A, b],
  ] as const) {
    const base = policy(node.address, peer, { version, reauthenticate, name: 'sa0' });
    node.configure(
      [
        {
          ...base,
          at: 'ike.peer.0',
          initiate: node === nodes.a ? initiate : 'never',
          ike: { ...base.ike, ...(lifetime && { lifetime }) },
          children: children(node.address, changes),
        },
      ],
      SETTINGS,
    );
  }
  return { network, ...nodes };
}

const names = (node: Node) =>
  live(node, 'sa0')
    .map((c) => c.policy.name)
    .sort();
const ALL = Object.keys(SITES);

/** Which of the tunnels carry a packet from one node to the other. */
function carrying(network: Network, from: Node, to: Node): string[] {
  to.received.length = 0;
  for (const name of ALL) from.dataplane.transmit(name, Uint8Array.of(0x45));
  network.run(0.1);
  return to.received.map((r) => r.tunnel).sort();
}

describe.each([1, 2] as const)('IKEv%i', (version) => {
  test('every policy gets its own IPsec SA under the one IKE SA, and each carries packets both ways', () => {
    const { network, a, b } = scene({ version });
    network.run(10);
    expect([names(a), names(b)]).toEqual([ALL, ALL]);
    expect(a.engine.connections.get('sa0')!.sas.size).toBe(1);
    expect(carrying(network, a, b)).toEqual(ALL);
    expect(carrying(network, b, a)).toEqual(ALL);
    for (const { policy: p, selectors } of live(b, 'sa0'))
      expect([selectors.local, selectors.remote]).toEqual(mirrored(B, p.name).map((s) => [s]));
  });

  test('what is checked and sent is what was negotiated for that policy (RFC 4301 5.2)', () => {
    const { network, a } = scene({ version });
    network.run(10);
    const installed = a.effects.flatMap((e) => (e.kind === 'install-in' ? [e.sa] : []));
    expect(
      installed.map(({ tunnel, traffic, loose }) => ({ tunnel, loose, local: traffic?.local.length })),
    ).toEqual(ALL.map((tunnel) => ({ tunnel, loose: false, local: 1 })));
  });

  test('each is renewed when its own time comes, and no other', () => {
    const { network, a, b } = scene({
      version,
      a: { policy110: { seconds: 600 } },
      b: { policy110: { seconds: 600 } },
    });
    network.run(10);
    const before = new Map(live(a, 'sa0').map((c) => [c.policy.name, c.spiIn]));
    network.run(560);
    const after = new Map(live(a, 'sa0').map((c) => [c.policy.name, c.spiIn]));
    expect(ALL.filter((name) => before.get(name) !== after.get(name))).toEqual(['policy110']);
    expect([names(a), names(b)]).toEqual([ALL, ALL]);
    expect(carrying(network, b, a)).toEqual(ALL);
  });

  test('one that the peer does not want keeps no other down, and its refusal names its keys', () => {
    const { network, a, b } = scene({
      version,
      b: { policy110: { selectors: { local: ['10.9.0.0/16'], remote: ['10.8.0.0/16'] } } },
    });
    network.run(60);
    expect([names(a), names(b)]).toEqual([
      ['policy100', 'policy120'],
      ['policy100', 'policy120'],
    ]);
    const keys = [...a.facts, ...b.facts].map((f) => f.reason?.key).filter((key) => key !== undefined);
    expect(keys).not.toEqual([]);
    for (const key of keys) expect(key).toMatch(/^ipsec\.security-policy\.1[01]0\.source and \.destination$/);
  });

  test('with traffic as the reason to begin, the policy that has traffic is negotiated, and then the next', () => {
    const { network, a } = scene({ version, initiate: 'traffic' });
    network.run(10);
    expect(names(a)).toEqual([]);
    a.dataplane.transmit('policy110', Uint8Array.of(0x45));
    network.run(10);
    expect(names(a)).toEqual(['policy110']);
    a.dataplane.transmit('policy120', Uint8Array.of(0x45));
    network.run(10);
    expect(names(a)).toEqual(['policy110', 'policy120']);
    expect(a.engine.connections.get('sa0')!.sas.size).toBe(1);
  });

  test('one that the peer deletes comes again, the others stay', () => {
    const { network, a, b } = scene({ version });
    network.run(10);
    const before = new Map(live(a, 'sa0').map((c) => [c.policy.name, c.spiIn]));
    const spi = live(b, 'sa0').find((c) => c.policy.name === 'policy100')!.spiIn;
    b.input({ kind: 'expire', spi, limit: 'hard', cause: 'time' });
    network.run(10);
    expect(names(a)).toEqual(ALL);
    const changed = live(a, 'sa0').filter((c) => before.get(c.policy.name) !== c.spiIn);
    expect(changed.map((c) => c.policy.name)).toEqual(['policy100']);
  });

  test('the renewal of the IKE SA keeps them all', () => {
    const { network, a, b } = scene({ version, lifetime: 600 });
    network.run(10);
    const before = live(a, 'sa0').map((c) => c.spiIn);
    network.run(580);
    expect(live(a, 'sa0').map((c) => c.spiIn)).toEqual(before);
    expect(carrying(network, a, b)).toEqual(ALL);
    expect(a.codes().filter((code) => code === 'ike-deleted')).toEqual([]);
  });

  test('one more, and one less, leave the others as they are', () => {
    const s = scene({ version });
    const { network, a, b } = s;
    network.run(10);
    const before = new Map(live(a, 'sa0').map((c) => [c.policy.name, c.spiIn]));
    const configure = (node: Node, keep: (name: string) => boolean, more: ChildPolicy[] = []) => {
      const { policy: old } = node.engine.connections.get('sa0')!;
      node.configure(
        [{ ...old, children: [...children(node.address).filter((c) => keep(c.name)), ...more] }],
        SETTINGS,
      );
    };
    configure(a, (name) => name !== 'policy110');
    network.run(10);
    expect([names(a), names(b)]).toEqual([
      ['policy100', 'policy120'],
      ['policy100', 'policy120'],
    ]);
    const extra = (at: string, local: string, remote: string): ChildPolicy => ({
      ...children(at)[0],
      name: 'policy130',
      selectors: { local: [local], remote: [remote] },
    });
    configure(b, () => true, [extra(B, '172.17.2.0/24', '172.17.1.0/24')]);
    configure(a, (name) => name !== 'policy110', [extra(A, '172.17.1.0/24', '172.17.2.0/24')]);
    network.run(10);
    expect(names(a)).toEqual(['policy100', 'policy120', 'policy130']);
    for (const { policy: p, spiIn } of live(a, 'sa0'))
      if (before.has(p.name)) expect([p.name, spiIn]).toEqual([p.name, before.get(p.name)]);
    expect(a.codes()).not.toContain('ike-deleted');
  });

  test('of several at once the one that is refused is the one that is blamed', () => {
    const pfs = Object.fromEntries(ALL.map((name) => [name, { pfs: 'modp2048' as const }]));
    const other = { selectors: { local: ['10.9.0.0/16'], remote: ['10.8.0.0/16'] } };
    const { network, a } = scene({
      version,
      a: pfs,
      b: { ...pfs, policy110: { ...pfs.policy110, ...other } },
    });
    network.run(60);
    expect(names(a)).toEqual(['policy100', 'policy120']);
    const keys = a.facts.flatMap((f) => f.reason?.key ?? []);
    expect(new Set(keys)).toEqual(new Set(['ipsec.security-policy.110.source and .destination']));
  });

  test('what traffic waits for is negotiated when a new configuration makes it possible', () => {
    const { network, a } = scene({ version, initiate: 'traffic' });
    const { policy: right } = a.engine.connections.get('sa0')!;
    a.configure([{ ...right, credential: preshared('another key') }], SETTINGS);
    a.dataplane.transmit('policy110', Uint8Array.of(0x45));
    network.run(60);
    expect(names(a)).toEqual([]);
    a.configure([right], SETTINGS);
    network.run(60);
    expect(names(a)).toEqual(['policy110']);
  });

  test('the end of the connection ends them all', () => {
    const { network, a, b } = scene({ version });
    network.run(10);
    a.configure([], SETTINGS);
    network.run(10);
    expect([names(a), names(b)]).toEqual([[], []]);
    for (const node of [a, b]) expect(node.dataplane.statistics().sas).toEqual([]);
  });
});

test('a new authentication takes every child along, and no packet is lost on any of them (RFC 7296 2.8.3)', () => {
  const { network, a, b } = scene({ version: 2, reauthenticate: true, lifetime: 600 });
  network.run(10);
  let sent = 0;
  const tick = () => {
    for (const name of ALL) {
      a.dataplane.transmit(name, Uint8Array.of(0x45));
      b.dataplane.transmit(name, Uint8Array.of(0x45));
    }
    sent += ALL.length;
    if (network.now < 580_000) network.after(100, tick);
  };
  for (const node of [a, b]) node.received.length = 0;
  tick();
  network.run(600);
  expect(a.codes()).toContain('ike-reauthentication');
  expect([names(a), names(b)]).toEqual([ALL, ALL]);
  expect([a.received.length, b.received.length]).toEqual([sent, sent]);
  expect(a.engine.connections.get('sa0')!.sas.size).toBe(1);
});

test('a peer that is busy for a while has every renewal later (RFC 7296 2.25)', () => {
  const { network, a, b } = scene({ version: 2 });
  network.run(10);
  const before = live(a, 'sa0').map((c) => c.spiIn);
  const [sa] = [...b.engine.connections.get('sa0')!.sas] as IkeSa[];
  sa.rekeying = { what: 'ike', deleted: new Set() };
  for (const name of ALL) a.input({ kind: 'rekey', connection: name, what: 'child' });
  network.run(2);
  delete sa.rekeying;
  network.run(30);
  expect(names(a)).toEqual(ALL);
  expect(live(a, 'sa0').filter((c) => before.includes(c.spiIn))).toEqual([]);
});

describe('transport mode', () => {
  const hosts = (at: string): Partial<ChildPolicy> => ({
    mode: 'transport',
    selectors: { local: [`${at}/32`], remote: [`${at === A ? B : A}/32`] },
    protocol: 47,
  });

  test.each([1, 2] as const)('IKEv%i: agreed by both, it is installed as such beside tunnels', (version) => {
    const { network, a, b } = scene({ version, a: { policy120: hosts(A) }, b: { policy120: hosts(B) } });
    network.run(10);
    expect([names(a), names(b)]).toEqual([ALL, ALL]);
    for (const node of [a, b]) {
      const modes = node.effects.flatMap((e) =>
        e.kind === 'install-out' ? [[e.sa.tunnel, e.sa.transport]] : [],
      );
      expect(modes.sort()).toEqual([
        ['policy100', false],
        ['policy110', false],
        ['policy120', true],
      ]);
    }
  });

  test('IKEv1: the other side wants a tunnel, which is refused with both modes named', () => {
    const { network, a, b } = scene({
      version: 1,
      a: { policy120: hosts(A) },
      b: { policy120: { ...hosts(B), mode: 'tunnel' } },
    });
    network.run(20);
    expect(names(a)).toEqual(['policy100', 'policy110']);
    const reason = b.facts.find((f) => f.code === 'negotiation-refused')?.reason;
    expect(reason).toMatchObject({ key: 'ipsec.security-policy.120.mode' });
    expect([reason?.offered?.[0], reason?.accepted?.[0]]).toEqual([
      expect.stringContaining('transport'),
      expect.stringContaining('tunnel'),
    ]);
  });

  test('IKEv2: a responder that answers with a tunnel is declined, and told so by a Delete (RFC 7296 1.3.1)', () => {
    const { network, a, b } = scene({
      version: 2,
      a: { policy120: hosts(A) },
      b: { policy120: { ...hosts(B), mode: 'tunnel' } },
    });
    network.run(20);
    expect([names(a), names(b)]).toEqual([
      ['policy100', 'policy110'],
      ['policy100', 'policy110'],
    ]);
    const reason = a.facts.find((f) => f.code === 'child-refused')?.reason;
    expect(reason).toMatchObject({
      key: 'ipsec.security-policy.120.mode',
      offered: ['tunnel'],
      accepted: ['transport'],
    });
  });

  test('IKEv2: who wants transport mode does not answer with it to who asked for a tunnel', () => {
    const { network, a, b } = scene({
      version: 2,
      a: { policy120: { ...hosts(A), mode: 'tunnel' } },
      b: { policy120: hosts(B) },
    });
    network.run(20);
    expect(names(b)).toEqual(['policy100', 'policy110']);
    const reason = b.facts.find((f) => f.code === 'child-refused')?.reason;
    expect(reason).toMatchObject({ key: 'ipsec.security-policy.120.mode' });
    expect(a.facts.some((f) => f.reason?.text?.includes('NO_PROPOSAL_CHOSEN'))).toBe(true);
  });
});
