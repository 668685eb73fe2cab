// Exchanges about the IKE SA that cross exchanges about its child (RFC 7296 2.25.1, 2.25.2), on the simulated network.
import { expect, test } from 'vitest';
import { NOTIFY_V2 } from '../../../src/ike/wire/numbers.ts';
import { A, B, policy } from '../simulation.ts';
import {
  act,
  blackhole,
  type Deed,
  FAULTS,
  finish,
  leftovers,
  PATIENCE_MS,
  RETRANSMISSION_MS,
  ROUND_TRIP_MS,
  stage,
  TWO_ROUND_TRIPS_MS,
  verdict,
} from './collisions.ts';

const CHILD: readonly Deed[] = ['rekey child', 'delete child'];
const IKE: readonly Deed[] = ['rekey ike', 'delete ike'];
const PAIRS = CHILD.flatMap((c) =>
  IKE.flatMap(
    (i) =>
      [
        [c, i],
        [i, c],
      ] as const,
  ),
);

/** What a pair of deeds may cost: nothing, the making of a child that may have to wait, or of an IKE SA. */
function most(...deeds: Deed[]): number {
  if (deeds.includes('delete ike')) return TWO_ROUND_TRIPS_MS + 10;
  return deeds.includes('delete child') ? PATIENCE_MS : 0;
}

test.each(PAIRS)('A: %s, B: %s', (ours, theirs) => {
  for (const pfs of [undefined, 'x25519'] as const)
    for (const initiate of [undefined, 'start'] as const)
      for (const at of [0, 3, 8, 14, 30]) {
        const changes = {
          child: { ...policy(A, B).children[0], ...(pfs && { pfs }) },
          ...(initiate && { initiate }),
        };
        const plan = {
          deeds: [
            ['a', ours],
            ['b', theirs, at],
          ] as const,
          changes,
        };
        expect(verdict(plan, most(ours, theirs))).toEqual([]);
        if (at !== 8 || (pfs === undefined) !== (initiate === undefined)) continue;
        const kept = most(ours, theirs) === 0;
        for (const fault of FAULTS.filter((f) => kept || f.times === 1))
          expect(verdict({ ...plan, faults: [fault] }, kept ? 0 : RETRANSMISSION_MS)).toEqual([]);
      }
});

test('one side renews both, and so does the other: no packet is lost', () => {
  const deeds: readonly Deed[] = ['rekey child', 'rekey ike', 'rekey child'];
  for (const at of [0, 3, 8, 14, 30])
    for (const fault of [undefined, ...FAULTS]) {
      const plan = {
        deeds: [...deeds.map((d) => ['a', d] as const), ...deeds.map((d) => ['b', d, at] as const)],
        ...(fault && { faults: [fault] }),
      };
      expect(verdict(plan, 0)).toEqual([]);
    }
});

test('a child is created while the peer renews the IKE SA: both are refused for now, and both come (2.25)', () => {
  const s = stage();
  // A's new child and B's renewal of the IKE SA are under way at the same time.
  act(s.b, 'delete child');
  s.network.run(0.006);
  act(s.b, 'rekey ike');
  finish(s);
  expect(leftovers(s)).toEqual([]);
  expect(s.a.codes()).toContain('ike-rekeyed');
  expect(blackhole(s)).toBeLessThanOrEqual(RETRANSMISSION_MS);
});

test('a renewal of the IKE SA meets one of the child: TEMPORARY_FAILURE both ways, and both come later', () => {
  const s = stage();
  act(s.a, 'rekey ike');
  act(s.b, 'rekey child');
  s.network.run(1);
  // Both wait: what the other had under way is not there any more when they come again.
  expect(s.a.facts.map((f) => f.text).join()).toContain('TEMPORARY_FAILURE');
  expect(NOTIFY_V2.TEMPORARY_FAILURE).toBe(43);
  finish(s);
  expect(leftovers(s)).toEqual([]);
  for (const node of [s.a, s.b]) expect(node.codes()).toContain('ike-rekeyed');
  for (const node of [s.a, s.b]) expect(node.codes()).toContain('child-rekeyed');
  expect(blackhole(s)).toBe(0);
});

test.each(['a', 'b'] as const)(
  'the limits of a child at %s: soft, and hard where nothing renews it',
  (side) => {
    for (const limit of ['rekey child', 'delete child'] as const)
      for (const fault of [undefined, ...FAULTS]) {
        const plan = { deeds: [[side, limit]] as const, ...(fault && { faults: [fault] }) };
        const soft = limit === 'rekey child';
        expect(verdict(plan, soft ? 0 : fault ? RETRANSMISSION_MS : ROUND_TRIP_MS)).toEqual([]);
      }
  },
);
