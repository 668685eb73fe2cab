// Keeps wanted tunnels up: after start, loss or refusal the next try comes by itself, each a little later.
import { missing } from './child.ts';
import type { Connection, Core } from './core.ts';
import { type ChildPolicy, keyOf } from './policy.ts';
import type { Reason } from './reason.ts';
import { beginPhase1 } from './v1/begin.ts';
import { beginQuickMode } from './v1/quick-mode.ts';
import { usable } from './v1/sa.ts';
import { createChild } from './v2/create-child-sa.ts';
import { beginInit } from './v2/ike-sa-init.ts';
import { established } from './v2/sa.ts';

const FIRST_RETRY_MS = 3000;
const LONGEST_RETRY_MS = 60_000;

/** Looks at a connection and arranges what is missing; harmless to call at any time. */
export function supervise(core: Core, connection: Connection): void {
  const { policy, failures } = connection;
  const timer = `connection:${policy.name}:retry`;
  if (core.connections.get(policy.name) !== connection) return;
  if (core.closing || !open(connection) || settled(connection)) {
    core.cancel(timer);
    return;
  }
  if (core.armed(timer)) return;
  const delay = failures === 0 ? 0 : Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
  core.arm(timer, Math.max(delay, courtesy(core, connection)), () => begin(core, connection));
}

/** After the peer's main mode its quick mode comes next: ours at the same moment would make a second pair of SAs. */
function courtesy(core: Core, connection: Connection): number {
  const sa = connection.policy.version === 1 ? usable(connection) : undefined;
  return sa?.role === 'responder' ? Math.max(0, sa.establishedAt + FIRST_RETRY_MS - core.now) : 0;
}

/** Why a tunnel that is down stays down without anything having failed: for `show`, since nothing happens to be logged. */
export function passive({ policy }: Connection): Reason | undefined {
  if (policy.initiate !== 'never') return undefined;
  const key = keyOf(policy.at, 'ike.responder-only');
  return {
    code: 'PASSIVE',
    text: `we only respond, and wait for ${policy.remote ?? 'the peer'} to begin`,
    key,
    hint: `if the peer waits too (strongSwan: auto=add), let one of both initiate, here with ${key} : disable and ike.auto-initiation : enable`,
  };
}

/** Whether it is for us to bring something up. */
function open({ policy, asked }: Connection): boolean {
  return policy.initiate === 'start' || (policy.initiate === 'traffic' && asked.size > 0);
}

/** What is to be brought up and is not there. */
export function wanted(connection: Connection): ChildPolicy[] {
  const { policy, asked } = connection;
  return missing(connection).filter((p) => policy.initiate !== 'traffic' || asked.has(p.name));
}

/** A negotiation is under way, or the tunnel stands: both the IKE SA and the children. */
function settled(connection: Connection): boolean {
  const sas = [...connection.sas];
  if (
    sas.some(
      (sa) =>
        sa.role === 'initiator' &&
        sa.state !== 'established' &&
        sa.state !== 'replaced' &&
        sa.state !== 'gone',
    )
  )
    return true;
  return sas.some((sa) => sa.state === 'established') && wanted(connection).length === 0;
}

/** At once, whatever failed before and whoever is to begin. */
export function tryNow(core: Core, connection: Connection): void {
  core.cancel(`connection:${connection.policy.name}:retry`);
  connection.failures = 0;
  for (const { name } of connection.policy.children) connection.asked.add(name);
  begin(core, connection);
}

function begin(core: Core, connection: Connection): void {
  if (core.closing || settled(connection)) return;
  if (connection.policy.version === 2) {
    const sa = established(connection);
    if (!sa) return beginInit(core, connection);
    for (const policy of wanted(connection)) createChild(core, sa, policy);
    return;
  }
  const sa = usable(connection);
  if (!sa) return beginPhase1(core, connection);
  for (const policy of wanted(connection)) beginQuickMode(core, sa, policy);
}
