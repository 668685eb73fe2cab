// A journal replays a run to the octet: both versions, with loss, renewals, a refusal, signatures.
import { expect, test } from 'vitest';
import { Engine } from '../../src/ike/engine.ts';
import type { Effect, Env, Input } from '../../src/ike/io.ts';
import { Recorder, replay, sameEffects } from '../../src/ike/journal.ts';
import { A, B, Network, Node, policy, preshared, SETTINGS } from './simulation.ts';

/** A node whose steps go through a recorder. */
function record(node: Node, lines: string[], steps: Effect[][]): void {
  const engine = new Engine(SETTINGS);
  const recorder = new Recorder(engine, { settings: SETTINGS }, (line) => lines.push(line));
  Object.assign(node, {
    engine: {
      step(input: Input, env: Env) {
        const effects = recorder.step(input, env);
        steps.push(effects);
        return effects;
      },
      connections: engine.connections,
    },
  });
}

test.each([1, 2] as const)('IKEv%d: an hour with loss, renewals and another key', (version) => {
  for (const seed of [1, 2, 3]) {
    const network = new Network(seed);
    const [a, b] = [new Node(network, A), new Node(network, B)];
    const [lines, steps]: [string[], Effect[][]] = [[], []];
    record(a, lines, steps);
    const ike = { ...policy(A, B).ike, lifetime: 300 };
    const child = { ...policy(A, B).children[0], seconds: 120, pfs: 'modp1536' as const };
    a.configure([policy(A, B, { version, ike, child })]);
    b.configure([policy(B, A, { version, ike, child })]);
    network.faults = { loss: 0.1, duplication: 0.1, jitter: 30 };
    network.run(1800);
    b.configure([policy(B, A, { version, ike, child, credential: preshared('another') })]);
    network.run(600);
    expect(steps.length).toBeGreaterThan(100);
    expect(steps.flat().some((e) => e.kind === 'note' && e.fact.reason !== undefined)).toBe(true);

    let at = 0;
    const again = replay(lines, (_entry, effects) => {
      if (!sameEffects(effects, steps[at])) expect(effects).toEqual(steps[at]);
      at++;
    });
    expect(at).toBe(steps.length);
    expect(again.connections.size).toBe(1);
  }
});

test('a journal of another run does not fit', () => {
  const network = new Network(9);
  const a = new Node(network, A);
  const [lines, steps]: [string[], Effect[][]] = [[], []];
  record(a, lines, steps);
  a.configure([policy(A, B, { version: 2 })]);
  network.run(20);
  const draws = lines.findIndex((line) => /"drawn":\[\{/.test(line));
  const broken = lines.with(draws, lines[draws].replace(/"drawn":\[\{.*?\}/, '"drawn":[{"$octets":""}'));
  expect(() => replay(broken, () => {})).toThrow(/line \d+ of the journal drew otherwise/);
  expect(() => replay([], () => {})).toThrow('the journal is empty');
});
