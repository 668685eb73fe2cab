// How an IKE SA begins, is watched over, and ends.
import { hex } from '../../net/bytes.ts';
import { remove, STRAGGLER_MS } from '../child.ts';
import type { Connection, Core } from '../core.ts';
import type { Reason } from '../reason.ts';
import { supervise } from '../supervise.ts';
import { EXCHANGE, PROTOCOL } from '../wire/numbers.ts';
import type { Payload } from '../wire/v2.ts';
import { enqueue, request, tell } from './exchange.ts';
import { rekeyIke } from './rekey-ike.ts';
import { type IkeSa, LIVENESS, ownSpi } from './sa.ts';

export function register(core: Core, sa: IkeSa): void {
  core.sas.set(hex(ownSpi(sa)), sa);
  sa.connection.sas.add(sa);
}

/** The SA carries exchanges from now on: its clocks start. */
export function establish(core: Core, sa: IkeSa): void {
  sa.state = 'established';
  sa.establishedAt = core.now;
  sa.lastHeard = core.now;
  delete sa.proof;
  core.cancel(`sa:${sa.id}:half-open`);
  const { lifetime } = sa.connection.policy.ike;
  const part = (sa.role === 'initiator' ? 0.77 : 0.88) + core.below(300) / 10_000;
  core.arm(`sa:${sa.id}:rekey`, lifetime * part * 1000, () => rekeyIke(core, sa));
  core.arm(`sa:${sa.id}:expire`, lifetime * 1000, () => {
    core.note(
      'warning',
      'ike-expired',
      sa.connection,
      'IKE SA reached the end of its lifetime without a renewal',
    );
    deleteIke(core, sa);
  });
  watch(core, sa);
  if (sa.nat.local) keepalive(core, sa);
}

/** Liveness (RFC 7296 2.4): a silent peer is asked; no answer to any retransmission means it is gone. */
export function watch(core: Core, sa: IkeSa): void {
  if (!sa.connection.policy.dpd) return;
  const interval = core.settings.dpdInterval * 1000;
  core.arm(`sa:${sa.id}:dpd`, interval, () => {
    if (core.now - sa.lastHeard >= interval && !sa.outstanding && !sa.busy) {
      enqueue(sa, () => request(core, sa, EXCHANGE.INFORMATIONAL, [], LIVENESS, () => {}));
    }
    watch(core, sa);
  });
}

/** RFC 3948 2.3: the NAT in front of us must not forget the mapping. */
function keepalive(core: Core, sa: IkeSa): void {
  core.arm(`sa:${sa.id}:keepalive`, core.settings.natKeepaliveInterval * 1000, () => {
    core.effect({ kind: 'keepalive', local: sa.local, remote: sa.remote });
    keepalive(core, sa);
  });
}

/** Forgets the SA and its children, without a word to the peer. */
export function drop(core: Core, sa: IkeSa, graceMs = 0): void {
  if (sa.state === 'gone') return;
  sa.state = 'gone';
  for (const timer of ['retransmit', 'half-open', 'rekey', 'expire', 'dpd', 'keepalive']) {
    core.cancel(`sa:${sa.id}:${timer}`);
  }
  for (const child of [...sa.children]) remove(core, child, graceMs);
  sa.queue.length = 0;
  delete sa.outstanding;
  delete sa.keys;
  if (core.sas.get(hex(ownSpi(sa))) === sa) core.sas.delete(hex(ownSpi(sa)));
  sa.connection.sas.delete(sa);
}

/** The negotiation failed or the peer is gone: say why, forget the SA, try again later. */
export function lost(core: Core, sa: IkeSa, reason: Reason): void {
  const { connection } = sa;
  if (sa.state === 'replaced') return drop(core, sa);
  const dead = sa.state === 'established';
  core.refuse(
    dead ? 'peer-dead' : 'negotiation-failed',
    connection,
    dead ? 'IKE SA lost' : 'negotiation failed',
    reason,
  );
  if (dead) tell(core, sa, EXCHANGE.INFORMATIONAL, [{ type: 'delete', protocol: PROTOCOL.ISAKMP, spis: [] }]);
  drop(core, sa);
  if (!dead) connection.failures++;
  supervise(core, connection);
}

/** Ends an established SA with a Delete (RFC 7296 1.4.1) and sees to a new one where one is wanted. */
export function deleteIke(core: Core, sa: IkeSa): void {
  farewell(core, sa);
  supervise(core, sa.connection);
}

/** Takes an SA out of use and deletes it; its children's stragglers may come in for `graceMs`. */
export function retire(core: Core, sa: IkeSa, graceMs: number): void {
  sa.state = 'replaced';
  core.cancel(`sa:${sa.id}:rekey`);
  const bye: Payload = { type: 'delete', protocol: PROTOCOL.ISAKMP, spis: [] };
  enqueue(sa, () =>
    request(core, sa, EXCHANGE.INFORMATIONAL, [bye], 'Delete of the IKE SA', () => drop(core, sa, graceMs)),
  );
}

/** Deletes without waiting for the answer: the peer that misses it finds out by its liveness check. */
export function farewell(core: Core, sa: IkeSa): void {
  if (sa.state === 'established' || sa.state === 'replaced') {
    tell(core, sa, EXCHANGE.INFORMATIONAL, [{ type: 'delete', protocol: PROTOCOL.ISAKMP, spis: [] }]);
    core.note('info', 'ike-deleted', sa.connection, 'IKE SA deleted by us');
  }
  drop(core, sa);
}

/**
 * Two routers that start together end up with two IKE SAs. Both sides keep the one with the lower initiator SPI, and
 * the initiator of the other deletes it once traffic had time to move.
 */
export function thinOut(core: Core, connection: Connection): void {
  const twins = [...connection.sas].filter(
    (sa): sa is IkeSa => sa.version === 2 && sa.state === 'established' && !sa.rekeying,
  );
  if (twins.length < 2) return;
  twins.sort((a, b) => (hex(a.spiI) < hex(b.spiI) ? -1 : 1));
  for (const sa of twins.slice(1)) {
    if (sa.role !== 'initiator') continue;
    core.arm(`sa:${sa.id}:expire`, STRAGGLER_MS, () => {
      core.note('info', 'ike-redundant', connection, 'a second IKE SA to the same peer is not needed');
      retire(core, sa, STRAGGLER_MS);
    });
  }
}
