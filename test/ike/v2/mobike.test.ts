// An address of ours that changes while an IKE SA stands (RFC 4555), on the simulated network.
import { expect, test } from 'vitest';
import { A, B, type Changes, live, Network, Node, policy, SETTINGS } from '../simulation.ts';

const NEW = '10.0.0.9';
const ID = { myId: { type: 'fqdn', value: 'a.example' } } as const;

/** A knows how to move, B takes it from anywhere. */
function scene(changes: Changes = {}) {
  const network = new Network(1);
  const [a, b] = [new Node(network, A), new Node(network, B)];
  const ours = (local: string) =>
    policy(local, B, { version: 2, ...ID, mobike: true, initiate: 'start', ...changes });
  const { remote: _, ...theirs } = policy(B, A, { version: 2, peerId: ID.myId, initiate: 'never' });
  b.configure([theirs], SETTINGS);
  a.configure([ours(A)], SETTINGS);
  const move = (to = NEW) => {
    a.address = to;
    a.configure([ours(to)], SETTINGS);
  };
  const ike = (node: Node) =>
    [...node.engine.connections.get('ipsec0')!.sas].map((sa) => ('spiI' in sa ? sa.spiI.join() : ''));
  return { network, a, b, move, ike };
}

/** Packets that get there of ten each way. */
function carried({ network, a, b }: ReturnType<typeof scene>): number[] {
  for (const node of [a, b]) node.received.length = 0;
  for (let n = 0; n < 10; n++)
    for (const node of [a, b]) node.dataplane.transmit('ipsec0', Uint8Array.of(0x45));
  network.run(1);
  return [a.received.length, b.received.length];
}

test('the IKE SA goes on from the new address, and children that know it take over', () => {
  const s = scene();
  s.network.run(10);
  const [before, old] = [s.ike(s.a), live(s.a)[0].spiIn];
  s.move();
  s.network.run(10);
  expect(s.ike(s.a)).toEqual(before);
  expect(s.ike(s.b)).toEqual(before);
  expect(live(s.a)).toHaveLength(1);
  expect(live(s.a)[0].spiIn).not.toBe(old);
  expect(live(s.b)[0].remote.address).toBe(NEW);
  expect(carried(s)).toEqual([10, 10]);
  expect(s.a.codes().filter((c) => c === 'initiate')).toHaveLength(1);
});

test('who began moves, whoever has renewed the IKE SA since (RFC 4555 3)', () => {
  const s = scene();
  s.network.run(10);
  s.b.input({ kind: 'rekey', connection: 'ipsec0', what: 'ike' });
  s.network.run(10);
  s.move();
  s.network.run(10);
  expect(s.a.codes().filter((c) => c === 'initiate')).toHaveLength(1);
  expect(carried(s)).toEqual([10, 10]);
});

test('a request under way is sent again from the new address, before the peer is told (3.5)', () => {
  const s = scene();
  s.network.run(10);
  s.network.filter = (from) => from.address !== A;
  s.a.input({ kind: 'rekey', connection: 'ipsec0', what: 'child' });
  s.network.run(1);
  s.move();
  s.network.run(20);
  expect(live(s.b)[0].remote.address).toBe(NEW);
  expect(carried(s)).toEqual([10, 10]);
  expect(s.a.codes().filter((c) => c === 'initiate')).toHaveLength(1);
});

test('where it is not enabled, all is negotiated anew from the new address', () => {
  const s = scene({ mobike: false });
  s.network.run(10);
  s.move();
  s.network.run(30);
  expect(s.a.codes()).not.toContain('moved');
  expect(carried(s)).toEqual([10, 10]);
});

test('another change besides begins anew', () => {
  const s = scene();
  s.network.run(10);
  s.a.address = NEW;
  s.a.configure(
    [policy(NEW, B, { version: 2, ...ID, mobike: true, initiate: 'start', dpd: false })],
    SETTINGS,
  );
  s.network.run(30);
  expect(s.a.codes()).not.toContain('moved');
  expect(carried(s)).toEqual([10, 10]);
});
