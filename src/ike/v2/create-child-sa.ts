// CREATE_CHILD_SA for IPsec SAs (RFC 7296 1.3.1, 1.3.3, 2.8): a new Child SA, or the renewal of one.
import { compareBytes, Reader, u32Bytes } from '../../net/bytes.ts';
import { activate, activateLast, type ChildSa, current, remove, STRAGGLER_MS } from '../child.ts';
import type { Core } from '../core.ts';
import { GROUPS, type GroupName, groupById } from '../crypto/algorithm.ts';
import type { KeyExchangeResult } from '../crypto/key-exchange.ts';
import { espAlternatives, toWire } from '../proposal/v2.ts';
import { supervise } from '../supervise.ts';
import { EXCHANGE, NOTIFY_V2, NOTIFY_V2_STATUS, PROTOCOL } from '../wire/numbers.ts';
import { find, findNotify, notify, type Payload, type PayloadOf } from '../wire/v2.ts';
import { acceptChild, answerChild, childReason } from './child.ts';
import { enqueue, proceed, request, respond } from './exchange.ts';
import { answerRekeyIke } from './rekey-ike.ts';
import type { IkeSa } from './sa.ts';
import { fromPrefixes } from './selectors.ts';

/** How long we wait before another try when the peer was busy (2.25). */
const BUSY_RETRY_MS = 5000;

export function createChild(core: Core, sa: IkeSa): void {
  enqueue(sa, () => {
    if (sa.state !== 'established' || current(sa.connection)) return proceed(sa);
    begin(core, sa, undefined, sa.connection.policy.child.pfs);
  });
}

/** Renews a child; called when its soft limit is reached. */
export function rekeyChild(core: Core, child: ChildSa): void {
  const sa = child.ikeSa;
  if (!sa || child.state !== 'live') return;
  enqueue(sa, () => {
    // Meanwhile the peer may have renewed or deleted it, or is not yet known to have it.
    if (child.state !== 'live' || child.waiting) return proceed(sa);
    if (child.ikeSa !== sa) {
      rekeyChild(core, child);
      return proceed(sa);
    }
    begin(core, sa, child, child.suite.group ?? sa.connection.policy.child.pfs);
  });
}

function begin(core: Core, sa: IkeSa, old: ChildSa | undefined, group: GroupName | undefined): void {
  if (!group) return send(core, sa, old, undefined, undefined);
  sa.busy = true;
  core.job({ group }, (result) => {
    delete sa.busy;
    if (sa.state === 'gone' || (old && old.state !== 'live')) return proceed(sa);
    if (old && old.ikeSa !== sa) {
      rekeyChild(core, old);
      return proceed(sa);
    }
    send(core, sa, old, group, result);
  });
}

function send(
  core: Core,
  sa: IkeSa,
  old: ChildSa | undefined,
  group: GroupName | undefined,
  result: KeyExchangeResult | undefined,
): void {
  const { policy } = sa.connection;
  const pair = result?.ok ? result.keyPair : undefined;
  const spi = core.allocateSpi();
  const nonce = core.random(Math.max(policy.nonceOctets, 16));
  const groups = group ? [group] : [];
  const payloads: Payload[] = [
    ...(old ? [notify(NOTIFY_V2.REKEY_SA, undefined, PROTOCOL.ESP, u32Bytes(old.spiIn))] : []),
    { type: 'sa', proposals: toWire(PROTOCOL.ESP, u32Bytes(spi), espAlternatives(policy.child, groups)) },
    { type: 'nonce', data: nonce },
    ...(pair && group ? [{ type: 'ke' as const, group: GROUPS[group].id, data: pair.publicValue }] : []),
    { type: 'tsi', selectors: fromPrefixes(policy.child.selectors.local, policy.child.protocol) },
    { type: 'tsr', selectors: fromPrefixes(policy.child.selectors.remote, policy.child.protocol) },
  ];
  if (old) sa.rekeying = { what: old, nonce };
  request(core, sa, EXCHANGE.CREATE_CHILD_SA, payloads, 'CREATE_CHILD_SA', (answer) => {
    const peerNonce = find(answer, 'nonce')?.data;
    const ke = find(answer, 'ke');
    const refusal = answer.find(
      (p): p is PayloadOf<'notify'> => p.type === 'notify' && p.notify < NOTIFY_V2_STATUS,
    );
    if (refusal || !peerNonce) return refused(core, sa, old, refusal);
    const finish = (shared?: Uint8Array) => {
      const child = acceptChild(core, sa, {
        spi,
        nonces: [nonce, peerNonce],
        payloads: answer,
        groups,
        ...(shared ? { shared } : {}),
        ...(old ? { replaces: old } : {}),
      });
      if ('code' in child) {
        delete sa.rekeying;
        core.refuse('child-refused', sa.connection, 'no new IPsec SA', child);
        sa.connection.failures++;
        return supervise(core, sa.connection);
      }
      if (old) settle(core, sa, old, child, nonce, peerNonce);
    };
    if (!pair) return finish();
    if (!ke) return refused(core, sa, old, undefined);
    sa.busy = true;
    core.job({ group: group!, keyPair: pair, peerPublic: ke.data }, (result) => {
      delete sa.busy;
      if (sa.state !== 'gone') {
        if (!result.ok) delete sa.rekeying;
        if (result.ok) finish(result.shared);
        else
          core.refuse('child-refused', sa.connection, 'no new IPsec SA', {
            code: 'BAD_PUBLIC_VALUE',
            text: result.error,
          });
      }
      proceed(sa);
    });
  });
}

/** Ends our renewal: the redundant child of a collision goes (2.8.1), else the old one. */
function settle(
  core: Core,
  sa: IkeSa,
  old: ChildSa,
  made: ChildSa,
  ours: Uint8Array,
  theirs: Uint8Array,
): void {
  const collision = sa.rekeying?.what === old ? sa.rekeying.theirs : undefined;
  delete sa.rekeying;
  const lowest = compareBytes(ours, theirs) < 0 ? ours : theirs;
  if (collision && 'spiIn' in collision.made && compareBytes(lowest, collision.lowest) < 0) {
    // The exchange with the lowest nonce is redundant, and it was ours: our new child goes, the peer deletes the old.
    deleteChild(core, sa, made);
    return;
  }
  old.state = 'replaced';
  deleteChild(core, sa, old);
}

function refused(
  core: Core,
  sa: IkeSa,
  old: ChildSa | undefined,
  refusal: PayloadOf<'notify'> | undefined,
): void {
  delete sa.rekeying;
  const { connection } = sa;
  if (refusal?.notify === NOTIFY_V2.INVALID_KE_PAYLOAD && refusal.data.length === 2) {
    const wanted = groupById(new Reader(refusal.data).u16());
    if (wanted && wanted.name === connection.policy.child.pfs)
      return enqueue(sa, () => begin(core, sa, old, wanted.name));
  }
  if (refusal?.notify === NOTIFY_V2.TEMPORARY_FAILURE) {
    core.arm(`sa:${sa.id}:busy`, BUSY_RETRY_MS, () =>
      old ? rekeyChild(core, old) : supervise(core, connection),
    );
    return;
  }
  if (refusal?.notify === NOTIFY_V2.CHILD_SA_NOT_FOUND && old) {
    core.note(
      'info',
      'child-lost',
      connection,
      'the peer does not know the IPsec SA that we renew: negotiating anew',
    );
    remove(core, old, 0);
    return createChild(core, old.ikeSa ?? sa);
  }
  const reason = refusal
    ? childReason(sa, refusal)
    : { code: 'PROTOCOL' as const, text: 'the answer lacks Nonce or KE' };
  core.refuse(
    'child-refused',
    connection,
    old ? 'renewal of the IPsec SA refused' : 'no new IPsec SA',
    reason,
  );
  connection.failures++;
  if (old) core.arm(`child:${old.spiIn}:renew`, BUSY_RETRY_MS * 2, () => rekeyChild(core, old));
  supervise(core, connection);
}

/** Deletes a child of ours and waits for the answer; stragglers may come in for a while. */
export function deleteChild(core: Core, sa: IkeSa, child: ChildSa): void {
  enqueue(sa, () => {
    if (child.state === 'gone') return proceed(sa);
    // Meanwhile the IKE SA was renewed.
    if (child.ikeSa && child.ikeSa !== sa) {
      deleteChild(core, child.ikeSa, child);
      return proceed(sa);
    }
    const payload: Payload = { type: 'delete', protocol: PROTOCOL.ESP, spis: [u32Bytes(child.spiIn)] };
    request(core, sa, EXCHANGE.INFORMATIONAL, [payload], 'Delete of a Child SA', () => {
      remove(core, child, STRAGGLER_MS);
      activateLast(core, child.connection);
      supervise(core, child.connection);
    });
  });
}

/** A peer's CREATE_CHILD_SA: renewal of the IKE SA when it carries no Traffic Selectors, else of or for a child. */
export function answerCreateChild(
  core: Core,
  sa: IkeSa,
  messageId: number,
  payloads: readonly Payload[],
): void {
  const refuse = (type: number, data?: Uint8Array, protocol?: number, spi?: Uint8Array) =>
    respond(core, sa, EXCHANGE.CREATE_CHILD_SA, messageId, [notify(type, data, protocol, spi)]);
  const nonce = find(payloads, 'nonce')?.data;
  const offer = find(payloads, 'sa');
  if (!nonce || nonce.length < 16 || nonce.length > 256 || !offer) return refuse(NOTIFY_V2.INVALID_SYNTAX);
  // An SA that is going away starts nothing new (2.25.2).
  if (sa.state === 'replaced') return refuse(NOTIFY_V2.TEMPORARY_FAILURE);
  if (!find(payloads, 'tsi')) return answerRekeyIke(core, sa, messageId, payloads);

  const rekey = findNotify(payloads, NOTIFY_V2.REKEY_SA);
  const named = rekey?.spi.length === 4 ? new Reader(rekey.spi).u32() : undefined;
  const old = [...sa.children].find((c) => c.spiOut === named);
  if (rekey && !old) return refuse(NOTIFY_V2.CHILD_SA_NOT_FOUND, undefined, PROTOCOL.ESP, rekey.spi);
  if (sa.rekeying?.what === 'ike' || (old && old.state !== 'live'))
    return refuse(NOTIFY_V2.TEMPORARY_FAILURE);

  const { policy } = sa.connection;
  const ke = find(payloads, 'ke');
  // Unset, PFS follows the initiator; set, it is demanded.
  const groups = policy.child.pfs ? [policy.child.pfs] : ke ? Object.keys(GROUPS) : ['none'];
  const respondWith = (ownNonce: Uint8Array, publicValue?: Uint8Array, shared?: Uint8Array) => {
    const answer = answerChild(core, sa, {
      nonces: [nonce, ownNonce],
      payloads,
      groups: ke ? [groupById(ke.group)?.name ?? 'none'] : groups,
      ...(shared ? { shared } : {}),
      ...(old ? { replaces: old } : {}),
    });
    if (answer.reason)
      core.refuse('child-refused', sa.connection, 'IPsec SA of the peer refused', answer.reason);
    const [first, ...rest] = answer.payloads;
    const full: Payload[] = answer.child
      ? [
          first,
          { type: 'nonce', data: ownNonce },
          ...(publicValue && ke ? [{ type: 'ke' as const, group: ke.group, data: publicValue }] : []),
          ...rest,
        ]
      : [...answer.payloads];
    respond(core, sa, EXCHANGE.CREATE_CHILD_SA, messageId, full);
    if (answer.child && old) replaced(core, sa, old, answer.child, nonce, ownNonce);
    supervise(core, sa.connection);
  };
  const ownNonce = core.random(Math.max(policy.nonceOctets, 16));
  if (!ke) return respondWith(ownNonce);
  const group = groupById(ke.group);
  if (!group || !groups.includes(group.name)) {
    const id = GROUPS[policy.child.pfs ?? policy.ike.groups[0]].id;
    return refuse(NOTIFY_V2.INVALID_KE_PAYLOAD, Uint8Array.of(id >> 8, id & 255));
  }
  sa.answering = messageId;
  core.job({ group: group.name, peerPublic: ke.data }, (result) => {
    if (sa.state === 'gone') return;
    if (sa.state === 'replaced' || (old && old.state !== 'live')) return refuse(NOTIFY_V2.TEMPORARY_FAILURE);
    if (!result.ok) return refuse(NOTIFY_V2.INVALID_SYNTAX);
    respondWith(ownNonce, result.keyPair.publicValue, result.shared);
  });
}

/** The peer renewed a child: packets go out on the new one once the peer uses it, or deletes the old. */
function replaced(
  core: Core,
  sa: IkeSa,
  old: ChildSa,
  made: ChildSa,
  theirs: Uint8Array,
  ours: Uint8Array,
): void {
  made.onFirstPacket = () => activate(core, made);
  if (sa.rekeying?.what === old) {
    const lowest = compareBytes(theirs, ours) < 0 ? theirs : ours;
    sa.rekeying = { ...sa.rekeying, theirs: { made, lowest } };
    return;
  }
  old.state = 'replaced';
}
