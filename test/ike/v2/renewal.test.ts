// Renewal of a Child SA that the peer refuses (RFC 7296 1.3.3, 2.8).
import { expect, test } from 'vitest';
import type { HashName } from '../../../src/ike/crypto/algorithm.ts';
import { B, live, type Node, pair, policy } from '../simulation.ts';

const child = { ...policy(B, B).children[0], hashes: ['sha256' as const], seconds: 600 };

/** From now on the node takes these hashes and no others; its SAs stay. */
function rule(node: Node, ...hashes: HashName[]): void {
  Object.assign(node.engine.connections.get('ipsec0')!.policy.children[0], { hashes });
}

const refusals = (node: Node) => node.facts.filter((f) => f.code === 'child-refused');

test('what a peer refuses as a renewal is asked for as a Child SA of its own, and the old one goes', () => {
  const { network, a, b } = pair(1, { version: 2, child });
  network.run(5);
  const [before] = live(a);
  rule(b, 'sha1');
  network.filter = () => {
    if (refusals(b).length > 0) rule(b, 'sha256');
    expect(live(a).length).toBeGreaterThan(0);
    return true;
  };
  network.run(500);
  expect(refusals(a)).toHaveLength(1);
  expect(live(a)).toHaveLength(1);
  expect(live(a)[0].spiIn).not.toBe(before.spiIn);
  expect(live(b).map((c) => c.spiOut)).toEqual([live(a)[0].spiIn]);
  // Had it said REKEY_SA, the second were a renewal.
  const made = b.codes().filter((code) => /^child-(established|rekeyed)/.test(code));
  expect(made).toEqual(['child-established', 'child-established']);
});

test('refused either way, both are tried again every ten seconds, and the SA serves to its end', () => {
  const { network, a, b } = pair(1, { version: 2, child });
  network.run(5);
  rule(b, 'sha1');
  expect(network.runUntil(() => refusals(a).length === 6, 550)).toBe(true);
  network.run(2);
  expect(refusals(a)).toHaveLength(6);
  expect(network.now).toBeLessThan((600 * 0.8 + 5 + 22) * 1000);
  expect(live(a)).toHaveLength(1);
});
