// Informational exchanges (RFC 2409 5.7, RFC 3706 5): Deletes, DPD, INITIAL-CONTACT and the peer's complaints.
import { compareBytes, concat, Reader, u32Bytes } from '../../net/bytes.ts';
import { activate, current, remove, STRAGGLER_MS, spiText } from '../child.ts';
import type { Core } from '../core.ts';
import { keyOf, selectorKeys } from '../policy.ts';
import type { Reason } from '../reason.ts';
import { supervise } from '../supervise.ts';
import { FLAG, NOTIFY_V1, nameOf, PROTOCOL } from '../wire/numbers.ts';
import type { Message, Payload, PayloadOf } from '../wire/v1.ts';
import { decrypt, hashVerifies, inform, isFresh, repeat } from './exchange.ts';
import { phase2Iv } from './keys.ts';
import { drop, initialContact, isakmpNotify, lost } from './lifecycle.ts';
import { fail, renewChild } from './quick-mode.ts';
import { type IsakmpSa, usable } from './sa.ts';

/** Notifies below this are errors (RFC 2408 3.14.1). */
const FIRST_STATUS = 16384;

export function onInformational(core: Core, sa: IsakmpSa, message: Message): void {
  if (!(message.header.flags & FLAG.ENCRYPTION)) return onUnprotected(core, sa, message.payloads ?? []);
  if (!sa.keys) return;
  const { messageId } = message.header;
  const d = decrypt(core, sa, message, phase2Iv(sa.suite!, sa.iv, messageId));
  if (!d.ok || !hashVerifies(sa, messageId, d, new Uint8Array(0))) {
    // An answer that we cannot read, to the message that carried our proof: the peer has another key.
    if (sa.state === 'keyed' && sa.role === 'initiator') return unreadable(core, sa);
    return core.note(
      'debug',
      'message-dropped',
      sa.connection,
      'informational message dropped: its hash does not verify',
    );
  }
  if (!isFresh(sa, messageId)) return;
  sa.lastHeard = core.now;
  sa.dpdUnanswered = 0;
  for (const payload of d.chain.payloads) {
    if (payload.type === 'delete') onDelete(core, sa, payload);
    else if (payload.type === 'notify') onNotify(core, sa, payload);
    if (sa.state === 'gone') return;
  }
}

/** How long message 6 may be late behind what came after it. */
const MESSAGE_6_MS = 3000;

/** Either the peer has another key, or its message 6 was lost and this came after it: asking again tells which. */
function unreadable(core: Core, sa: IsakmpSa): void {
  const timer = `sa:${sa.id}:unreadable`;
  if (core.armed(timer)) return;
  repeat(core, sa, sa.flow);
  core.arm(timer, MESSAGE_6_MS, () => {
    if (sa.state === 'keyed') lost(core, sa, otherKey(sa, 'something that does not decrypt'));
  });
}

/** Anybody can send this: it is believed only while nothing better can be had, in phase 1. */
function onUnprotected(core: Core, sa: IsakmpSa, payloads: readonly Payload[]): void {
  const refusal = payloads.find(
    (p): p is PayloadOf<'notify'> => p.type === 'notify' && p.notify < FIRST_STATUS,
  );
  if (!refusal || sa.role !== 'initiator' || sa.state === 'established') return;
  if (sa.state === 'keyed') return lost(core, sa, otherKey(sa, nameOf(NOTIFY_V1, refusal.notify)));
  lost(core, sa, refusedPhase1(sa, refusal.notify));
}

function otherKey(sa: IsakmpSa, answer: string): Reason {
  const { policy } = sa.connection;
  const key = keyOf(policy.at, 'preshared-key');
  return {
    code: 'AUTHENTICATION',
    text: `the peer answered our identity and proof with ${answer}: it does not accept our preshared key or our identity`,
    key,
    hint: `compare ${key} and ${keyOf(policy.at, 'ike.my-identifier')} (${policy.myId.value}) with the peer's configuration`,
  };
}

function refusedPhase1(sa: IsakmpSa, type: number): Reason {
  const { at, ike } = sa.connection.policy;
  const said = `the peer answered ${nameOf(NOTIFY_V1, type)}`;
  if (type !== NOTIFY_V1.NO_PROPOSAL_CHOSEN) return { code: 'PEER_REFUSED', text: said };
  const key = keyOf(at, 'ike.proposal.phase1');
  return {
    code: 'PEER_REFUSED',
    text: `${said}: it accepts none of our phase 1 proposals, or has no connection for our address`,
    offered: [
      `${ike.ciphers.join('|')} / ${ike.hashes.join('|')} / ${ike.groups.join('|')} / preshared-key / ${ike.lifetime} s`,
    ],
    key,
    hint: `compare ${key} with the peer's; the group must be the same on both sides`,
  };
}

function onDelete(core: Core, sa: IsakmpSa, payload: PayloadOf<'delete'>): void {
  const { connection } = sa;
  if (payload.protocol === PROTOCOL.ISAKMP) {
    const cookies = concat(sa.cookieI, sa.cookieR);
    if (!payload.spis.some((spi) => compareBytes(spi, cookies) === 0)) return;
    core.note('info', 'ike-deleted', connection, 'ISAKMP SA deleted by the peer');
    drop(core, sa);
    // The peer may have lost its IPsec SAs with it, and with the last one it can no longer say so.
    const live = [...connection.children].filter((c) => c.state === 'live');
    if (!usable(connection) && !core.closing) for (const child of live) renewChild(core, child);
    return supervise(core, connection);
  }
  for (const spi of payload.spis) {
    const named = payload.protocol === PROTOCOL.ESP && spi.length === 4 ? new Reader(spi).u32() : undefined;
    const child = [...connection.children].find((c) => c.spiOut === named);
    if (!child) continue;
    const renewed = child.state === 'replaced';
    remove(core, child, STRAGGLER_MS);
    const next = current(connection, child.policy);
    if (next) activate(core, next);
    if (!renewed)
      core.note('info', 'child-deleted', connection, `IPsec SA ${spiText(child.spiIn)} deleted by the peer`);
  }
  supervise(core, connection);
}

function onNotify(core: Core, sa: IsakmpSa, payload: PayloadOf<'notify'>): void {
  switch (payload.notify) {
    case NOTIFY_V1.R_U_THERE:
      return inform(core, sa, [isakmpNotify(sa, NOTIFY_V1.R_U_THERE_ACK, payload.data)]);
    case NOTIFY_V1.R_U_THERE_ACK:
      if (payload.data.length === 4 && new Reader(payload.data).u32() === sa.dpdSequence)
        sa.dpdUnanswered = 0;
      return;
    case NOTIFY_V1.INITIAL_CONTACT:
      return initialContact(core, sa);
    default:
      if (payload.notify < FIRST_STATUS) onComplaint(core, sa, payload);
  }
}

/** A protected error: it means the Quick Mode whose SPI it names, or the only one that we have open. */
function onComplaint(core: Core, sa: IsakmpSa, { notify: type, spi }: PayloadOf<'notify'>): void {
  const { connection } = sa;
  const said = `the peer answered ${nameOf(NOTIFY_V1, type)}`;
  const ours = [...sa.quick.values()].filter((q) => q.role === 'initiator' && !q.done && !q.busy);
  const named = ours.find((q) => compareBytes(u32Bytes(q.spiIn), spi) === 0);
  const open = named ?? (ours.length === 1 ? ours[0] : undefined);
  if (!open)
    return core.note('warning', 'peer-complains', connection, `the peer reports ${nameOf(NOTIFY_V1, type)}`);
  const child = open.policy;
  const proposal = `${child.ciphers.join('|')} / ${child.hashes.join('|')} / ${child.pfs ?? 'no PFS'}`;
  const ids = `${child.selectors.local[0]} === ${child.selectors.remote[0]}`;
  const reasons: Partial<Record<number, Reason>> = {
    [NOTIFY_V1.NO_PROPOSAL_CHOSEN]: {
      code: 'PEER_REFUSED',
      text: `${said} to our phase 2 proposals`,
      offered: [proposal],
      key: keyOf(child.at, 'ike.proposal.phase2'),
      hint: `compare ${keyOf(child.at, 'ike.proposal.phase2')} with the peer's`,
    },
    [NOTIFY_V1.INVALID_ID_INFORMATION]: {
      code: 'PEER_REFUSED',
      text: `${said} to our proxy-ids`,
      offered: [ids],
      key: selectorKeys(child).both,
      hint: `make ${selectorKeys(child).both} the mirror of the peer's networks`,
    },
  };
  fail(core, sa, open, reasons[type] ?? { code: 'PEER_REFUSED', text: said });
}
