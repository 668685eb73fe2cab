// A peer that answers TEMPORARY_FAILURE and nothing else (RFC 7296 2.25), on the simulated network.
import { expect, test } from 'vitest';
import { live } from '../simulation.ts';
import { act, type Deed, ikeSa, stage } from './collisions.ts';

test.each<Deed>(['rekey ike', 'rekey child'])('%s: asked for patience for minutes, we begin anew', (deed) => {
  const s = stage();
  s.busy = false;
  const before = ikeSa(s.a).id;
  // B is about something that never ends.
  const stuck = ikeSa(s.b);
  if (deed === 'rekey ike') stuck.busy = true;
  else stuck.rekeying = { what: 'ike', deleted: new Set() };
  act(s.a, deed);
  s.network.run(170);
  expect(ikeSa(s.a).id).toBe(before);
  expect(live(s.a)).toHaveLength(1);
  s.network.run(60);
  expect(ikeSa(s.a).id).not.toBe(before);
  expect(live(s.a)).toHaveLength(1);
  expect(s.a.facts.map((f) => f.reason?.text)).toContain(
    'the peer has answered TEMPORARY_FAILURE for 3 minutes',
  );
});

test('a peer that is busy now and then is not given up', () => {
  const s = stage();
  s.busy = false;
  const before = ikeSa(s.a).spiI;
  for (let round = 0; round < 8; round++) {
    ikeSa(s.b).rekeying = { what: 'ike', deleted: new Set() };
    act(s.a, 'rekey child');
    s.network.run(30);
    delete ikeSa(s.b).rekeying;
    s.network.run(30);
  }
  expect(ikeSa(s.a).spiI).toEqual(before);
  expect(live(s.a)).toHaveLength(1);
});

test('two refusals with hours between them have nothing to do with each other', () => {
  const s = stage();
  s.busy = false;
  const before = ikeSa(s.a).spiI;
  for (let round = 0; round < 2; round++) {
    const stuck = ikeSa(s.b);
    stuck.rekeying = { what: 'ike', deleted: new Set() };
    act(s.a, 'rekey child');
    s.network.run(1);
    delete stuck.rekeying;
    // The peer renews it itself, and our next try has nothing left to do.
    act(s.b, 'rekey child');
    s.network.run(1800);
  }
  expect(ikeSa(s.a).spiI).toEqual(before);
  expect(live(s.a)).toHaveLength(1);
});
