// What a change would do, in words, before it is done: the steps, and what becomes of each tunnel.
import { isDeepStrictEqual } from 'node:util';
import { onlyMoved, samePolicy } from '../ike/policy.ts';
import type { Desired } from './desired.ts';
import { connectionsOf, NOTHING } from './desired.ts';
import { type Step, steps, stepText } from './steps.ts';

/** One line each; none where nothing changes. `from` undefined is a router that starts. */
export function effect(from: Desired | undefined, to: Desired): string[] {
  const todo = steps(from, to);
  if (todo.length === 0 && isDeepStrictEqual(from?.dormant, to.dormant)) return [];
  const told = (step: Step) => step.kind !== 'ike';
  const anew = new Set(
    todo.flatMap((step) => (step.kind === 'close-tunnel' ? [step.tunnel.policy.name] : [])),
  );
  return [...todo.filter(told).map(stepText), ...tunnels(from ?? NOTHING, to, anew)];
}

/** `anew`: connections whose device is made anew, and they with it. */
function tunnels(
  from: Pick<Desired, 'tunnels' | 'ike' | 'dormant'>,
  to: Desired,
  anew: ReadonlySet<string>,
): string[] {
  const [before, after] = [connectionsOf(from), connectionsOf(to)];
  const lines = after.map((policy) => {
    const old = before.find((p) => p.name === policy.name);
    if (!old) return `${policy.name} begins`;
    if (samePolicy(old, policy) && !anew.has(policy.name)) return `${policy.name} is untouched`;
    if (policy.mobike && policy.version === 2 && onlyMoved(old, policy))
      return `${policy.name} moves to ${policy.local}`;
    const kept = policy.children.filter((c) => old.children.some((o) => isDeepStrictEqual(o, c)));
    if (kept.length > 0 && samePolicy({ ...policy, children: old.children }, old))
      return `${policy.name} keeps ${kept.map((c) => c.name).join(', ')} and negotiates the rest`;
    return `${policy.name} renegotiates`;
  });
  const gone = before.filter((p) => !after.some((q) => q.name === p.name)).map((p) => `${p.name} goes down`);
  const dormant = to.dormant
    .filter((d) => !from.dormant.some((o) => isDeepStrictEqual(o, d)))
    .map((d) => `${d.name} is not there: ${d.text}`);
  return [...gone, ...lines, ...dormant];
}
