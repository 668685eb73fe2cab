// Phase 1 as initiator: in which mode, and where to.
import type { Endpoint } from '../../net/endpoint.ts';
import type { Connection, Core } from '../core.ts';
import { PORT_IKE } from '../wire/numbers.ts';
import { beginAggressiveMode } from './aggressive-mode.ts';
import { beginMainMode } from './main-mode.ts';
import { usable } from './sa.ts';

export function beginPhase1(core: Core, connection: Connection): void {
  const remote = peerOf(connection);
  if (!remote) return;
  if (connection.policy.exchangeMode === 'aggressive') beginAggressiveMode(core, connection, remote);
  else beginMainMode(core, connection, remote);
}

/** Its configured address, or where one without was last heard of. */
function peerOf(connection: Connection): Endpoint | undefined {
  const { remote } = connection.policy;
  return remote === undefined ? usable(connection)?.remote : { address: remote, port: PORT_IKE };
}
