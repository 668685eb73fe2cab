// Renewals and Deletes of one Child SA that cross (RFC 7296 2.8.1, 2.25.1), on the simulated network.
import { describe, expect, test } from 'vitest';
import { EXCHANGE } from '../../../src/ike/wire/numbers.ts';
import { A, B, policy } from '../simulation.ts';
import {
  act,
  blackhole,
  child,
  connection,
  type Deed,
  FAULTS,
  finish,
  LOWEST,
  leftovers,
  play,
  RETRANSMISSION_MS,
  ROUND_TRIP_MS,
  stage,
  verdict,
} from './collisions.ts';

const OFFSETS = [0, 3, 8, 14, 30];

describe.each([
  ['without PFS', undefined],
  ['with PFS', 'x25519'],
] as const)('%s', (_, pfs) => {
  const changes = { child: { ...policy(A, B).children[0], ...(pfs && { pfs }) } };
  const RENEW: Deed = 'rekey child';

  test.each(['a', 'b'] as const)('%s renews, every message lost or late: no packet is', (side) => {
    for (const fault of [undefined, ...FAULTS])
      expect(verdict({ deeds: [[side, RENEW]], changes, ...(fault && { faults: [fault] }) }, 0)).toEqual([]);
  });

  test.each(LOWEST)('both renew, the lowest nonce is %s: its initiator deletes what it made', (lowest) => {
    const s = play({
      deeds: [
        ['a', RENEW],
        ['b', RENEW],
      ],
      lowest,
      changes,
    });
    expect(leftovers(s)).toEqual([]);
    expect(child(s.a).initiator).toBe(lowest.endsWith('b'));
    expect(blackhole(s)).toBe(0);
  });

  test.each(LOWEST)(
    'both renew, the lowest nonce is %s, every message lost or late: no packet is',
    (lowest) => {
      for (const fault of FAULTS)
        expect(
          verdict(
            {
              deeds: [
                ['a', RENEW],
                ['b', RENEW],
              ],
              faults: [fault],
              lowest,
              changes,
            },
            0,
          ),
        ).toEqual([]);
    },
  );

  test('both renew, one a little later: it may see no collision', () => {
    for (const at of OFFSETS)
      for (const lowest of LOWEST)
        for (const order of [
          ['a', 'b'],
          ['b', 'a'],
        ] as const)
          expect(
            verdict(
              {
                deeds: [
                  [order[0], RENEW],
                  [order[1], RENEW, at],
                ],
                lowest,
                changes,
              },
              0,
            ),
          ).toEqual([]);
  });

  test.each([
    ['delete child', 'delete child'],
    ['rekey child', 'delete child'],
    ['delete child', 'rekey child'],
  ] as const)('A: %s, B: %s', (ours, theirs) => {
    for (const initiate of [undefined, 'start'] as const)
      for (const at of OFFSETS) {
        const plan = {
          deeds: [
            ['a', ours],
            ['b', theirs, at],
          ] as const,
          changes: { ...changes, ...(initiate && { initiate }) },
        };
        // The Delete of a child, and then a new one, which asks for patience where it meets another exchange (2.25).
        expect(verdict(plan, ROUND_TRIP_MS + 8)).toEqual([]);
        if (at !== 8) continue;
        for (const fault of FAULTS.filter((f) => f.times === 1))
          expect(verdict({ ...plan, faults: [fault] }, RETRANSMISSION_MS)).toEqual([]);
      }
  });
});

describe('one by one', () => {
  test('no packet leaves on a redundant child: the peer may have deleted it long before we know (2.8.1)', () => {
    const deeds = [
      ['a', 'rekey child'],
      ['b', 'rekey child'],
    ] as const;
    const faults = [
      { target: 'b create response', fate: 'drop', times: 2 },
      { target: 'a inform response', fate: 'drop', times: 2 },
    ] as const;
    expect(verdict({ deeds, faults, lowest: 'Ni of b' }, 0)).toEqual([]);
  });

  test('RFC 7296 2.8.1, second ladder: a renewal that comes too late gets CHILD_SA_NOT_FOUND, which is ignored', () => {
    const s = stage();
    s.faults.push({ target: 'a create request', fate: 'drop', times: 1 });
    for (const node of [s.a, s.b]) act(node, 'rekey child');
    finish(s);
    expect(leftovers(s)).toEqual([]);
    expect(s.a.codes()).not.toContain('child-lost');
    expect(s.a.codes().filter((c) => c === 'child-established')).toHaveLength(1);
  });

  test('a renewal of what the peer does not know: CHILD_SA_NOT_FOUND, and a new child (2.25)', () => {
    const s = stage();
    const lost = child(s.b);
    connection(s.b).children.delete(lost);
    lost.ikeSa!.children.delete(lost);
    act(s.a, 'rekey child');
    s.network.run(10);
    expect(s.a.codes()).toContain('child-lost');
    expect(child(s.a).spiIn).toBe(child(s.b).spiOut);
    expect(child(s.a).spiOut).toBe(child(s.b).spiIn);
    expect(connection(s.a).children.size).toBe(1);
    expect(blackhole(s)).toBeLessThanOrEqual(ROUND_TRIP_MS);
  });

  test('a child that both delete: neither answers with a Delete (1.4.1)', () => {
    // A cipher that shows the length of what it hides.
    const s = stage(1, { ike: { ...policy(A, B).ike, ciphers: ['aes128-gcm16'] } });
    const sent = s.network.log.length;
    for (const node of [s.a, s.b]) act(node, 'delete child');
    s.network.run(0.012);
    const informs = s.network.log.slice(sent).filter(({ data }) => data[18] === EXCHANGE.INFORMATIONAL);
    const lengths = informs.map(({ data }) => data.length);
    expect(lengths).toHaveLength(4);
    // Requests with a Delete, answers without one.
    expect(lengths[2]).toBeLessThan(lengths[0]);
    expect(lengths[3]).toBeLessThan(lengths[1]);
    finish(s);
    expect(leftovers(s)).toEqual([]);
  });
});
