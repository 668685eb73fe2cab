// Renewals and Deletes of the IKE SA that cross (RFC 7296 2.8.2, 2.25.2), on the simulated network.
import { describe, expect, test } from 'vitest';
import { A, B, policy } from '../simulation.ts';
import {
  act,
  blackhole,
  connection,
  type Deed,
  defects,
  FAULTS,
  finish,
  ikeSa,
  LOWEST,
  leftovers,
  play,
  RETRANSMISSION_MS,
  ROUND_TRIP_MS,
  stage,
  TWO_ROUND_TRIPS_MS,
  verdict,
} from './collisions.ts';

const OFFSETS = [0, 3, 8, 14, 30];
const RENEW: Deed = 'rekey ike';
const BOTH = [
  ['a', RENEW],
  ['b', RENEW],
] as const;

test.each(['a', 'b'] as const)('%s renews, every message lost or late: no packet is', (side) => {
  for (const fault of [undefined, ...FAULTS])
    expect(verdict({ deeds: [[side, RENEW]], ...(fault && { faults: [fault] }) }, 0)).toEqual([]);
});

describe.each(LOWEST)('both renew, the lowest nonce is %s', (lowest) => {
  test('its initiator deletes what it made, and the other SA inherits the child', () => {
    const s = play({ deeds: BOTH, lowest });
    expect(leftovers(s)).toEqual([]);
    expect(ikeSa(s.a).role).toBe(lowest.endsWith('b') ? 'initiator' : 'responder');
    expect(blackhole(s)).toBe(0);
  });

  test('every message lost or late: no packet is', () => {
    for (const fault of FAULTS) expect(verdict({ deeds: BOTH, faults: [fault], lowest }, 0)).toEqual([]);
  });

  test('every two messages lost: no packet is', () => {
    const lost = FAULTS.filter((f) => f.fate === 'drop' && f.times === 1);
    for (const one of lost)
      for (const other of lost)
        if (one !== other) expect(verdict({ deeds: BOTH, faults: [one, other], lowest }, 0)).toEqual([]);
  });

  test('one a little later: it may see no collision', () => {
    for (const at of OFFSETS)
      for (const [first, second] of [
        ['a', 'b'],
        ['b', 'a'],
      ] as const)
        expect(
          verdict(
            {
              deeds: [
                [first, RENEW],
                [second, RENEW, at],
              ],
              lowest,
            },
            0,
          ),
        ).toEqual([]);
  });
});

test('a redundant SA that its initiator never knew is forgotten in the end (2.8.2)', () => {
  // B answers A's renewal, whose answer is lost; B's own stands and B deletes the old SA: A forgets its own.
  const plan = {
    deeds: BOTH,
    lowest: 'Ni of a',
    // No liveness check finds it out.
    changes: { dpd: false },
    faults: [{ target: 'b create response', fate: 'drop', times: 1 }],
  } as const;
  for (let seed = 1; seed <= 8; seed++) {
    const s = play({ ...plan, seed });
    expect(leftovers(s)).toEqual([]);
    expect(blackhole(s)).toBe(0);
    // Nothing had to begin anew.
    expect(s.a.codes().filter((c) => c === 'ike-established')).toHaveLength(1);
  }
});

test.each([
  ['delete ike', 'delete ike'],
  ['rekey ike', 'delete ike'],
  ['delete ike', 'rekey ike'],
] as const)('A: %s, B: %s', (ours, theirs) => {
  for (const initiate of [undefined, 'start'] as const)
    for (const at of OFFSETS) {
      const plan = {
        deeds: [
          ['a', ours],
          ['b', theirs, at],
        ] as const,
        ...(initiate && { changes: { initiate } }),
      };
      expect(verdict(plan, TWO_ROUND_TRIPS_MS)).toEqual([]);
      if (at !== 8) continue;
      for (const fault of FAULTS.filter((f) => f.times === 1))
        expect(verdict({ ...plan, faults: [fault] }, RETRANSMISSION_MS)).toEqual([]);
    }
});

test.each(['a', 'b'] as const)('%s deletes, every message lost or late', (side) => {
  expect(verdict({ deeds: [[side, 'delete ike']] }, TWO_ROUND_TRIPS_MS)).toEqual([]);
  for (const fault of FAULTS)
    expect(verdict({ deeds: [[side, 'delete ike']], faults: [fault] }, RETRANSMISSION_MS)).toEqual([]);
});

test('the answer to the Delete of an IKE SA is repeated after its end (2.1)', () => {
  const s = stage();
  s.faults.push({ target: 'b inform response', fate: 'drop', times: 2 });
  act(s.a, 'delete ike');
  s.network.run(13);
  expect(s.a.engine.connections.get('ipsec0')!.sas.size).toBe(1);
});

describe('INVALID_KE_PAYLOAD (1.3)', () => {
  const groups = (...names: ('modp2048' | 'x25519' | 'ecp256')[]) => ({
    ike: { ...policy(A, B).ike, groups: names },
  });

  test('in other orders of preference both sides renew', () => {
    const s = stage();
    s.a.configure([policy(A, B, { version: 2, nonceOctets: 24, ...groups('modp2048', 'x25519') })]);
    s.b.configure([policy(B, A, { version: 2, nonceOctets: 24, ...groups('x25519', 'modp2048') })]);
    s.network.run(10);
    for (const node of [s.a, s.b]) {
      act(node, 'rekey ike');
      s.network.run(10);
    }
    finish(s);
    expect(leftovers(s)).toEqual([]);
    for (const node of [s.a, s.b]) expect(node.codes().filter((c) => c === 'ike-rekeyed')).toHaveLength(2);
  });

  test('the group that the peer asks for is taken up once, at once', () => {
    const s = stage(1, groups('modp2048', 'x25519'));
    // What B takes has changed since, as with a peer that judges renewals by other rules.
    Object.assign(connection(s.a).policy, groups('ecp256', 'x25519'));
    Object.assign(connection(s.b).policy, groups('x25519'));
    ikeSa(s.a).suite = { ...ikeSa(s.a).suite!, group: 'ecp256' };
    act(s.a, 'rekey ike');
    s.network.run(1);
    expect(s.a.codes()).toContain('ike-rekeyed');
    expect(ikeSa(s.a).suite!.group).toBe('x25519');
    finish(s);
    expect([...leftovers(s), ...defects(s)]).toEqual([]);
    expect(blackhole(s)).toBe(0);
  });

  test('a group that we do not take is not taken up: the renewal is refused, and tried again later', () => {
    const s = stage(1, groups('modp2048'));
    Object.assign(connection(s.b).policy, groups('x25519'));
    act(s.a, 'rekey ike');
    s.network.run(15);
    expect(s.a.codes().filter((c) => c === 'rekey-refused')).toHaveLength(2);
    expect(blackhole(s)).toBeLessThanOrEqual(ROUND_TRIP_MS);
  });
});

test('what the peer made while we renewed too is renewed again: the child goes along (2.8.2)', () => {
  // B's own renewal and A's Delete are lost, so that A's renewal is decided upon only when A works with it.
  for (const times of [1, 2])
    for (const again of [25, 40, 4500]) {
      const plan = {
        deeds: [
          ['a', RENEW],
          ['b', RENEW],
          ['a', RENEW, again],
        ],
        faults: [
          { target: 'b create request', fate: 'drop', times },
          { target: 'a inform request', fate: 'drop', times: 1 },
        ],
      } as const;
      expect(verdict(plan, 0)).toEqual([]);
    }
});

test('an SA that is deleted while its renewal is under way takes along what the renewal makes', () => {
  for (const fate of ['drop', 3, 30, 60] as const)
    for (const target of ['a create request', 'a create response', 'b create response'] as const)
      for (const deeds of [
        [
          ['a', RENEW],
          ['a', 'delete ike', 8],
        ],
        [
          ['a', RENEW],
          ['b', RENEW],
          ['a', 'delete ike', 10],
        ],
      ] as const)
        expect(verdict({ deeds, faults: [{ target, fate, times: 1 }] }, RETRANSMISSION_MS)).toEqual([]);
});
