// Keeps wanted tunnels up: after start, loss or refusal the next try comes by itself, each a little later.
import { current } from './child.ts';
import type { Connection, Core } from './core.ts';
import { keyOf } from './policy.ts';
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
  if (core.closing || !wanted(connection) || settled(connection)) {
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
  const key = keyOf(policy.name, 'ike.responder-only');
  return {
    code: 'PASSIVE',
    text: `we only respond, and wait for ${policy.remote ?? 'the peer'} to begin`,
    key,
    hint: `if the peer waits too (strongSwan: auto=add), let one of both initiate, here with ${key} : disable`,
  };
}

function wanted({ policy, asked }: Connection): boolean {
  return policy.initiate === 'start' || (policy.initiate === 'traffic' && asked);
}

/** A negotiation is under way, or the tunnel stands: both the IKE SA and a child. */
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
  return sas.some((sa) => sa.state === 'established') && current(connection) !== undefined;
}

/** At once, whatever failed before and whoever is to begin. */
export function tryNow(core: Core, connection: Connection): void {
  core.cancel(`connection:${connection.policy.name}:retry`);
  connection.failures = 0;
  begin(core, connection);
}

function begin(core: Core, connection: Connection): void {
  if (core.closing || settled(connection)) return;
  if (connection.policy.version === 2) {
    const sa = established(connection);
    if (sa) createChild(core, sa);
    else beginInit(core, connection);
    return;
  }
  const sa = usable(connection);
  if (!sa) beginPhase1(core, connection);
  else if (!current(connection)) beginQuickMode(core, sa);
}
