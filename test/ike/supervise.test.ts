// A tunnel that nobody brings up says why, although nothing has failed (seed 001, #3005 as printed).
import { expect, test } from 'vitest';
import { passive } from '../../src/ike/supervise.ts';
import { A, B, pair } from './simulation.ts';

test('two routers that only respond stay down: each is waiting for the other', () => {
  const { network, a, b } = pair(1, { initiate: 'never' });
  network.run(60);
  expect(network.log).toEqual([]);
  for (const [node, peer] of [
    [a, B],
    [b, A],
  ] as const) {
    expect(passive(node.engine.connections.get('ipsec0')!)).toMatchObject({
      code: 'PASSIVE',
      key: 'interface.ipsec0.ike.responder-only',
      text: expect.stringContaining(peer),
    });
  }
});

test('a router that initiates is not passive', () => {
  expect(passive(pair(2).a.engine.connections.get('ipsec0')!)).toBeUndefined();
});
