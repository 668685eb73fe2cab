// Random collisions: whatever both sides renew and delete, and whatever happens to their messages, one tunnel is left.
import { A, B, generator, policy } from '../simulation.ts';
import { act, blackhole, type Deed, defects, finish, leftovers, ROUND_TRIP_MS, stage } from './collisions.ts';

/** A request that is lost again and again: 4 s, and each wait 1.8 times the one before, until the peer counts as dead. */
const MOST_MS = 175_000;

/** Runs one seed; what is wrong in the end, empty when all is well. Even seeds only renew and must lose no packet. */
export function interleave(seed: number): string[] {
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)];
  const renewals = seed % 2 === 0;
  const deeds: readonly Deed[] = renewals
    ? ['rekey child', 'rekey ike']
    : ['rekey child', 'rekey ike', 'delete child', 'delete ike'];
  const pfs = pick([undefined, 'x25519'] as const);
  const both = random() < 0.5;
  const s = stage(seed, {
    ...(both && { initiate: 'start' }),
    child: { ...policy(A, B).children[0], ...(pfs && { pfs }) },
  });
  s.rhythm = [20, 200];
  s.network.faults = { loss: random() * 0.3, duplication: random() * 0.3, jitter: random() * 200 };
  for (let n = 2 + Math.floor(random() * 6); n > 0; n--) {
    // Most of them close together.
    const at = random() < 0.7 ? random() * 100 : random() * 20_000;
    const [node, deed] = [pick([s.a, s.b]), pick(deeds)];
    s.network.after(at, () => act(node, deed));
  }
  s.network.run(20);
  s.network.faults = {};
  const before = blackhole(s);
  finish(s, 10);
  const wrong = [...leftovers(s), ...defects(s)];
  if (renewals && blackhole(s) > ROUND_TRIP_MS + s.rhythm[0]) wrong.push(`silence of ${blackhole(s)} ms`);
  if (before > MOST_MS) wrong.push(`silence of ${before} ms`);
  return wrong.map((w) => `seed ${seed}: ${w}`);
}
