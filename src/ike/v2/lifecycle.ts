// How an IKE SA begins, is watched over, and ends.
import { isDeepStrictEqual } from 'node:util';
import { compareBytes, hex, Reader } from '../../net/bytes.ts';
import { type ChildSa, remove, STRAGGLER_MS } from '../child.ts';
import type { Connection, Core } from '../core.ts';
import type { Reason } from '../reason.ts';
import { supervise } from '../supervise.ts';
import { EXCHANGE, PROTOCOL } from '../wire/numbers.ts';
import type { Payload } from '../wire/v2.ts';
import { deleteChild } from './create-child-sa.ts';
import { enqueue, request, tell } from './exchange.ts';
import { beginInit } from './ike-sa-init.ts';
import { rekeyIke } from './rekey-ike.ts';
import { about, type IkeSa, LIVENESS, ownSpi } from './sa.ts';

/** A new authentication that failed is tried again while the old SA stands. */
const REAUTHENTICATE_AGAIN_MS = 10_000;

/** A peer that wants to see us more often wants too much. */
const SHORTEST_AUTHENTICATION_S = 30;

/** A peer that retransmits as we do has given up by then (165 s). */
const PEER_GAVE_UP_MS = 180_000;

export function register(core: Core, sa: IkeSa): void {
  core.event({ about: about(sa), did: 'assigned' });
  core.event({ about: about(sa), did: 'gateway', connection: sa.connection.policy.name });
  core.sas.set(hex(ownSpi(sa)), sa);
  sa.connection.sas.add(sa);
}

/** The SA carries exchanges from now on: its clocks start. */
export function establish(core: Core, sa: IkeSa): void {
  sa.state = 'established';
  core.event({ about: about(sa), did: 'established' });
  sa.establishedAt = core.now;
  sa.lastHeard = core.now;
  delete sa.proof;
  core.cancel(`sa:${sa.id}:half-open`);
  const { lifetime } = sa.connection.policy.ike;
  const part = (sa.role === 'initiator' ? 0.77 : 0.88) + core.below(300) / 10_000;
  core.arm(`sa:${sa.id}:rekey`, lifetime * part * 1000, () => renew(core, sa));
  const proved = (sa.proved?.until ?? Number.POSITIVE_INFINITY) - core.now;
  askAgain(core, sa);
  core.arm(`sa:${sa.id}:expire`, Math.min(lifetime * 1000, proved), () => {
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

/** By new keys, or by a new SA whose peers have proved themselves again. */
function renew(core: Core, sa: IkeSa): void {
  if (sa.connection.policy.reauthenticate) reauthenticate(core, sa);
  else rekeyIke(core, sa);
}

/** Make before break (RFC 7296 2.8.3): the new SA and its child stand before the old ones go. */
function reauthenticate(core: Core, sa: IkeSa): void {
  // Who waits for the peer has asked it by AUTH_LIFETIME; else the SA ends with its lifetime.
  if (sa.state !== 'established' || sa.connection.policy.initiate === 'never') return;
  const underWay = [...sa.connection.sas].some((s) => s.version === 2 && s.replaces === sa);
  if (underWay) return;
  core.note('info', 'ike-reauthentication', sa.connection, 'authenticating anew');
  beginInit(core, sa.connection, sa);
}

/** Well before what was proved ends. */
function askAgain(core: Core, sa: IkeSa): void {
  if (!sa.proved) return;
  const { from, until } = sa.proved;
  const at = from + (until - from) * 0.8;
  core.arm(`sa:${sa.id}:reauthenticate`, Math.max(0, at - core.now), () => reauthenticate(core, sa));
}

/** The peer wants us to authenticate again within this time (RFC 4478): four octets of seconds. */
export function limitAuthentication(core: Core, sa: IkeSa, data: Uint8Array): void {
  if (data.length !== 4) return;
  const seconds = Math.max(new Reader(data).u32(), SHORTEST_AUTHENTICATION_S);
  // Sooner only: nobody prolongs it by saying it again.
  const until = core.now + seconds * 1000;
  if (sa.proved && sa.proved.until <= until) return;
  sa.proved = { from: core.now, until };
  askAgain(core, sa);
}

/** Liveness (RFC 7296 2.4): a silent peer is asked; no answer to any retransmission means it is gone. */
export function watch(core: Core, sa: IkeSa): void {
  if (!sa.connection.policy.dpd) return;
  const interval = core.settingsOf(sa.connection).dpdInterval * 1000;
  core.arm(`sa:${sa.id}:dpd`, interval, () => {
    if (core.now - sa.lastHeard >= interval && !sa.outstanding && !sa.busy) {
      enqueue(sa, () => request(core, sa, EXCHANGE.INFORMATIONAL, [], LIVENESS, () => {}));
    }
    watch(core, sa);
  });
}

/** RFC 3948 2.3: the NAT in front of us must not forget the mapping. */
function keepalive(core: Core, sa: IkeSa): void {
  core.arm(`sa:${sa.id}:keepalive`, core.settingsOf(sa.connection).natKeepaliveInterval * 1000, () => {
    core.effect({ kind: 'keepalive', local: sa.local, remote: sa.remote });
    keepalive(core, sa);
  });
}

/** How long an SA that the peer deleted still repeats its last answer, which may have been lost (2.1). */
export const LAST_WORD_MS = 60_000;

/** Forgets the SA and its children, without a word to the peer but, for `lingerMs`, the last. */
export function drop(core: Core, sa: IkeSa, graceMs = 0, lingerMs = 0): void {
  if (sa.state === 'gone') return;
  sa.state = 'gone';
  core.event({ about: about(sa), did: 'deleted' });
  for (const timer of ['retransmit', 'half-open', 'rekey', 'reauthenticate', 'expire', 'dpd', 'keepalive']) {
    core.cancel(`sa:${sa.id}:${timer}`);
  }
  for (const child of [...sa.children]) remove(core, child, graceMs);
  sa.queue.length = 0;
  delete sa.outstanding;
  sa.connection.sas.delete(sa);
  thinOut(core, sa.connection);
  const end = () => {
    delete sa.keys;
    if (core.sas.get(hex(ownSpi(sa))) === sa) core.sas.delete(hex(ownSpi(sa)));
  };
  if (lingerMs > 0) core.arm(`sa:${sa.id}:linger`, lingerMs, end);
  else end();
}

/** The negotiation failed or the peer is gone: say why, forget the SA, try again later. */
export function lost(core: Core, sa: IkeSa, reason: Reason): void {
  const { connection } = sa;
  if (sa.state === 'replaced') {
    drop(core, sa);
    return supervise(core, connection);
  }
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
  const old = sa.replaces;
  if (old?.state === 'established')
    core.arm(`sa:${old.id}:reauthenticate`, REAUTHENTICATE_AGAIN_MS, () => reauthenticate(core, old));
  supervise(core, connection);
}

/** A peer that is busy for so long has lost its way (RFC 7296 2.25): a new IKE SA finds it again. */
const MOST_PATIENCE_MS = 180_000;

/** Longer than from one try to the next: two refusals further apart have nothing to do with each other. */
const SERIES_MS = 60_000;

/** The peer answered TEMPORARY_FAILURE: false when it has done so for minutes, and the SA is given up. */
export function patient(core: Core, sa: IkeSa): boolean {
  const { since, last } = sa.putOff ?? { since: core.now, last: core.now };
  sa.putOff = { since: core.now - last > SERIES_MS ? core.now : since, last: core.now };
  if (core.now - sa.putOff.since < MOST_PATIENCE_MS) return true;
  const minutes = MOST_PATIENCE_MS / 60_000;
  const text = `the peer has answered TEMPORARY_FAILURE for ${minutes} minutes`;
  lost(core, sa, { code: 'PEER_REFUSED', text, hint: 'a new IKE SA is negotiated' });
  return false;
}

/** Ends an established SA with a Delete (RFC 7296 1.4.1) and sees to a new one where one is wanted. */
export function deleteIke(core: Core, sa: IkeSa): void {
  const renewal = sa.rekeying?.theirs?.made;
  retire(core, sa);
  // The peer's renewal, not yet known to stand, goes with it: its children may be counted under either.
  if (renewal && 'version' in renewal && renewal.state === 'established') retire(core, renewal);
  core.note('info', 'ike-deleted', sa.connection, 'IKE SA deleted by us');
  supervise(core, sa.connection);
}

/** Takes an SA out of use: another takes over, or is to come. */
function supersede(core: Core, sa: IkeSa): void {
  sa.state = 'replaced';
  core.cancel(`sa:${sa.id}:rekey`);
}

/**
 * Leaves it to the peer to delete an SA that it renewed, or made in vain (2.8.2). But what it made it may have
 * forgotten before our answer came, and what it renewed it may have lost otherwise: then nobody deletes it.
 */
export function leave(core: Core, sa: IkeSa): void {
  supersede(core, sa);
  core.arm(`sa:${sa.id}:expire`, PEER_GAVE_UP_MS, () => drop(core, sa));
}

/** Takes an SA out of use and deletes it: the last request on it (2.8). Its children, if any are left, go with it. */
export function retire(core: Core, sa: IkeSa): void {
  supersede(core, sa);
  core.cancel(`sa:${sa.id}:expire`);
  const bye: Payload = { type: 'delete', protocol: PROTOCOL.ISAKMP, spis: [] };
  const end = () => {
    drop(core, sa, STRAGGLER_MS);
    supervise(core, sa.connection);
  };
  const task = () => {
    // A successor runs what waits here; our Delete still waits its turn.
    if (sa.busy || sa.outstanding) sa.queue.push(task);
    else request(core, sa, EXCHANGE.INFORMATIONAL, [bye], 'Delete of the IKE SA', end);
  };
  enqueue(sa, task);
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
 * Two routers that start together, or miss a child together, end up with two IKE SAs or two children. Both sides keep
 * the one with the lower initiator SPI, and the initiator of the other deletes it once traffic had time to move.
 */
export function thinOut(core: Core, connection: Connection): void {
  const timer = `connection:${connection.policy.name}:twins`;
  if (twins(connection).length === 0) return core.cancel(timer);
  core.arm(timer, STRAGGLER_MS, () => {
    // What crosses now decides for itself what is left.
    if ([...connection.sas].some((sa) => sa.version === 2 && sa.rekeying)) return thinOut(core, connection);
    for (const twin of twins(connection)) {
      const ike = 'version' in twin;
      const text = `a second ${ike ? 'IKE SA' : 'IPsec SA'} to the same peer is not needed`;
      core.note('info', ike ? 'ike-redundant' : 'child-redundant', connection, text);
      if (ike) retire(core, twin);
      else if (twin.ikeSa) deleteChild(core, twin.ikeSa, twin);
    }
  });
}

/** What we made in vain: IKE SAs, or children of the only one. */
function twins(connection: Connection): IkeSa[] | ChildSa[] {
  const all = [...connection.sas].filter((sa): sa is IkeSa => sa.version === 2 && sa.state === 'established');
  // One that hands over to its successor is on its way out.
  const sas = all.filter((sa) => !all.some((other) => other.replaces === sa));
  sas.sort((a, b) => compareBytes(a.spiI, b.spiI));
  if (sas.length > 1) return sas.slice(1).filter((sa) => sa.role === 'initiator');
  const spi = (c: ChildSa) => (c.initiator ? c.spiIn : c.spiOut);
  const children = [...connection.children].filter((c) => c.state === 'live' && c.ikeSa === sas[0]);
  children.sort((a, b) => spi(a) - spi(b));
  const alike = (a: ChildSa, b: ChildSa) =>
    a.policy === b.policy && isDeepStrictEqual(a.selectors, b.selectors);
  return children.filter((c, i) => c.initiator && children.slice(0, i).some((other) => alike(c, other)));
}
