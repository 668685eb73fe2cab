// What stays of a connection whose configuration has changed.
import { isDeepStrictEqual } from 'node:util';
import { type ChildSa, remove } from './child.ts';
import type { Connection, Core } from './core.ts';
import { type ConnectionPolicy, onlyMoved, samePolicy } from './policy.ts';
import { supervise } from './supervise.ts';
import { deleteChild } from './v1/lifecycle.ts';
import { usable } from './v1/sa.ts';
import { decline } from './v2/create-child-sa.ts';
import { movable, move } from './v2/mobike.ts';
import { LIVENESS } from './v2/sa.ts';

/** Carries a connection over to its new configuration; false when it must begin anew. */
export function change(core: Core, connection: Connection, policy: ConnectionPolicy): boolean {
  const old = connection.policy;
  if (onlyMoved(policy, old) && movable(connection).length > 0) {
    core.redefine(connection, { ...old, local: policy.local });
    move(core, connection, policy.local);
    return true;
  }
  // Who is the same has the same object: what lives knows its policy by it.
  const children = policy.children.map((p) => old.children.find((o) => isDeepStrictEqual(o, p)) ?? p);
  const someStay = children.some((p) => old.children.includes(p));
  if (!someStay || !samePolicy({ ...policy, children: old.children }, old) || !calm(connection)) return false;
  core.redefine(connection, { ...policy, children });
  for (const child of [...connection.children])
    if (!children.includes(child.policy)) end(core, child, 'its policy is gone');
  for (const { name } of old.children)
    if (!children.some((p) => p.name === name)) connection.asked.delete(name);
  connection.failures = 0;
  supervise(core, connection);
  return true;
}

/** Nothing is under way that was asked for under the old configuration. */
function calm({ sas, renewing }: Connection): boolean {
  return (
    renewing.size === 0 &&
    [...sas].every((sa) => {
      if (sa.state !== 'established') return false;
      if (sa.version === 1) return [...sa.quick.values()].every((quick) => quick.done);
      const waits = sa.outstanding !== undefined && sa.outstanding.what !== LIVENESS;
      return !waits && !sa.busy && !sa.rekeying && sa.answering === undefined && sa.queue.length === 0;
    })
  );
}

/** It goes at once, and the peer is told. `why`: a clause behind "deleted". */
export function end(core: Core, child: ChildSa, why: string): void {
  const { ikeSa, connection } = child;
  core.note('info', 'child-deleted', connection, `IPsec SA of ${child.policy.name} deleted: ${why}`);
  if (!ikeSa) return deleteChild(core, usable(connection), child, 0);
  remove(core, child, 0);
  decline(core, ikeSa, child.spiIn);
}
