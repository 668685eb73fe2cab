// How an ISAKMP SA begins, is watched over (RFC 3706) and ends.
import { concat, hex, u32Bytes } from '../../net/bytes.ts';
import { type ChildSa, remove } from '../child.ts';
import type { Connection, Core } from '../core.ts';
import type { Reason } from '../reason.ts';
import { supervise } from '../supervise.ts';
import { DOI_IPSEC, NOTIFY_V1, PROTOCOL } from '../wire/numbers.ts';
import type { Payload } from '../wire/v1.ts';
import { beginPhase1 } from './begin.ts';
import { inform } from './exchange.ts';
import { type IsakmpSa, ownCookie } from './sa.ts';

/** A renewal of phase 1 that failed is tried again while the old SA lives. */
const REKEY_AGAIN_MS = 10_000;

export function register(core: Core, sa: IsakmpSa): void {
  core.sas.set(hex(ownCookie(sa)), sa);
  sa.connection.sas.add(sa);
}

/** Phase 1 is over: lifetime, DPD and keepalives start. */
export function establish(core: Core, sa: IsakmpSa): void {
  const { connection } = sa;
  const { policy } = connection;
  sa.state = 'established';
  sa.establishedAt = core.now;
  sa.lastHeard = core.now;
  delete sa.phase1;
  core.cancel(`sa:${sa.id}:half-open`);
  // A newer SA makes the renewal of the older ones unnecessary.
  for (const other of connection.sas) if (other !== sa) core.cancel(`sa:${other.id}:rekey`);
  const lifetime = lifetimeOf(sa);
  const part = (sa.role === 'initiator' ? 0.77 : 0.88) + core.below(300) / 10_000;
  if (policy.initiate !== 'never') {
    core.arm(`sa:${sa.id}:rekey`, lifetime * part * 1000, () => {
      core.note(
        'info',
        'ike-rekey',
        connection,
        'ISAKMP SA nears the end of its lifetime: negotiating a new one',
      );
      beginPhase1(core, connection);
    });
  }
  core.arm(`sa:${sa.id}:expire`, lifetime * 1000, () => {
    core.note('info', 'ike-expired', connection, 'ISAKMP SA reached the end of its lifetime');
    farewell(core, sa);
    supervise(core, connection);
  });
  watch(core, sa);
  if (sa.nat.local) keepalive(core, sa);
}

/** The initiator's wish holds on both sides: seconds. */
export function lifetimeOf(sa: IsakmpSa): number {
  return sa.suite?.lifetime ?? sa.connection.policy.ike.lifetime;
}

/** DPD: a question every interval, whether the peer is silent or not, as SEIL does (seed 001 #994). */
export function watch(core: Core, sa: IsakmpSa): void {
  if (!sa.connection.policy.dpd || !sa.dpd) return;
  const { dpdInterval, dpdMaxfail } = core.settingsOf(sa.connection);
  core.arm(`sa:${sa.id}:dpd`, dpdInterval * 1000, () => {
    if (sa.dpdUnanswered >= dpdMaxfail) {
      dead(core, sa);
      return;
    }
    sa.dpdUnanswered++;
    sa.dpdSequence = (sa.dpdSequence + 1) >>> 0;
    inform(core, sa, [isakmpNotify(sa, NOTIFY_V1.R_U_THERE, u32Bytes(sa.dpdSequence))]);
    watch(core, sa);
  });
}

/** A notify about the ISAKMP SA: its SPI is the pair of cookies (RFC 2408 3.14). */
export function isakmpNotify(sa: IsakmpSa, type: number, data: Uint8Array = new Uint8Array(0)): Payload {
  const spi = concat(sa.cookieI, sa.cookieR);
  return { type: 'notify', doi: DOI_IPSEC, protocol: PROTOCOL.ISAKMP, spi, notify: type, data };
}

function keepalive(core: Core, sa: IsakmpSa): void {
  core.arm(`sa:${sa.id}:keepalive`, core.settingsOf(sa.connection).natKeepaliveInterval * 1000, () => {
    core.effect({ kind: 'keepalive', local: sa.local, remote: sa.remote });
    keepalive(core, sa);
  });
}

/** No answer to DPD: everything with this peer is dead (RFC 3706 5.5). */
function dead(core: Core, sa: IsakmpSa): void {
  const { connection } = sa;
  const { dpdInterval, dpdMaxfail } = core.settingsOf(connection);
  const alive = dpdInterval * dpdMaxfail * 1000;
  // The peer forgot only this SA: it answers on another one.
  if (
    [...connection.sas].some((o) => o !== sa && o.state === 'established' && core.now - o.lastHeard < alive)
  ) {
    core.note('info', 'ike-deleted', connection, 'the peer does not know this ISAKMP SA any more');
    drop(core, sa);
    return supervise(core, connection);
  }
  const reason: Reason = {
    code: 'PEER_DEAD',
    text: `${sa.remote.address} did not answer ${dpdMaxfail} DPD questions`,
    hint: 'the peer or the path to it is down',
  };
  core.refuse('peer-dead', connection, 'ISAKMP SA lost', reason);
  for (const child of [...connection.children]) deleteChild(core, sa, child, 0);
  farewell(core, sa);
  forgetAll(core, connection);
  supervise(core, connection);
}

/** Forgets every SA of a connection that existed before `keep` began, without a word to the peer. */
export function forgetAll(core: Core, connection: Connection, keep?: IsakmpSa): void {
  // What came up while `keep` was being negotiated is no leftover: both sides had started at once.
  const born = (x: { createdAt: number }) => keep === undefined || x.createdAt < keep.createdAt;
  const old = (x: IsakmpSa) =>
    keep === undefined || (x.state === 'established' && x.establishedAt <= keep.createdAt);
  for (const other of [...connection.sas]) {
    if (other.version === 1 && other !== keep && old(other)) drop(core, other);
  }
  for (const child of [...connection.children]) if (born(child)) remove(core, child, 0);
}

/** The peer says that it has no other SA with us: those from before its restart are dead (RFC 2407 4.6.3.3). */
export function initialContact(core: Core, sa: IsakmpSa): void {
  const { connection } = sa;
  const before = connection.sas.size + connection.children.size;
  forgetAll(core, connection, sa);
  if (connection.sas.size + connection.children.size < before) {
    core.note('info', 'initial-contact', connection, 'the peer restarted: its earlier SAs are forgotten');
  }
}

/** Forgets the SA. Its IPsec SAs live on: under IKEv1 they are independent of it. */
export function drop(core: Core, sa: IsakmpSa): void {
  if (sa.state === 'gone') return;
  sa.state = 'gone';
  for (const timer of ['half-open', 'rekey', 'expire', 'dpd', 'keepalive', 'unreadable'])
    core.cancel(`sa:${sa.id}:${timer}`);
  core.cancel(sa.flow.timer);
  for (const quick of sa.quick.values()) {
    core.cancel(quick.flow.timer);
    core.cancel(`${quick.flow.timer}:timeout`);
    // Installed inbound for message 3, which cannot come any more.
    if (quick.child && !quick.done) remove(core, quick.child, 0);
  }
  sa.quick.clear();
  delete sa.keys;
  delete sa.phase1;
  if (core.sas.get(hex(ownCookie(sa))) === sa) core.sas.delete(hex(ownCookie(sa)));
  sa.connection.sas.delete(sa);
}

/** Tells the peer that the SA ends (RFC 2408 3.15), then forgets it. */
export function farewell(core: Core, sa: IsakmpSa): void {
  if (sa.state === 'established') {
    const spis = [concat(sa.cookieI, sa.cookieR)];
    inform(core, sa, [{ type: 'delete', doi: DOI_IPSEC, protocol: PROTOCOL.ISAKMP, spis }]);
    core.note('info', 'ike-deleted', sa.connection, 'ISAKMP SA deleted by us');
  }
  drop(core, sa);
}

/** Tells the peer that an IPsec SA ends: the SPI is the one that we receive on. */
export function deleteChild(core: Core, sa: IsakmpSa | undefined, child: ChildSa, graceMs: number): void {
  if (sa && child.state !== 'gone') {
    inform(core, sa, [
      { type: 'delete', doi: DOI_IPSEC, protocol: PROTOCOL.ESP, spis: [u32Bytes(child.spiIn)] },
    ]);
  }
  remove(core, child, graceMs);
}

/** Phase 1 failed: say why, forget the SA, try again later. */
export function lost(core: Core, sa: IsakmpSa, reason: Reason): void {
  const { connection } = sa;
  if (sa.state === 'gone') return;
  core.refuse('negotiation-failed', connection, 'phase 1 negotiation failed', reason);
  drop(core, sa);
  // A stranger's attempt says nothing about ours.
  if (sa.role !== 'initiator') return;
  connection.failures++;
  const old = [...connection.sas].find((o) => o.version === 1 && o.state === 'established');
  if (old) {
    connection.renewing.clear();
    core.arm(`sa:${old.id}:rekey`, REKEY_AGAIN_MS, () => beginPhase1(core, connection));
  }
  supervise(core, connection);
}
