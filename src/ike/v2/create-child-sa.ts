// CREATE_CHILD_SA for IPsec SAs (RFC 7296 1.3.1, 1.3.3, 2.8): a new Child SA, or the renewal of one.
import { compareBytes, Reader, u32Bytes } from '../../net/bytes.ts';
import { activate, activateLast, type ChildSa, current, remove, STRAGGLER_MS, supersede } from '../child.ts';
import type { Core } from '../core.ts';
import { GROUPS, type GroupName, groupById } from '../crypto/algorithm.ts';
import type { KeyExchangeResult } from '../crypto/key-exchange.ts';
import type { ChildPolicy } from '../policy.ts';
import { supervise } from '../supervise.ts';
import { EXCHANGE, NOTIFY_V2, NOTIFY_V2_STATUS, PROTOCOL } from '../wire/numbers.ts';
import { find, findNotify, notify, type Payload, type PayloadOf } from '../wire/v2.ts';
import { acceptChild, answerChild, childReason, childRequest, meant } from './child.ts';
import { enqueue, proceed, request, respond } from './exchange.ts';
import { endChild } from './informational.ts';
import { patient, retire, thinOut } from './lifecycle.ts';
import { answerRekeyIke, decide } from './rekey-ike.ts';
import { about, established, type IkeSa } from './sa.ts';

/** How long we wait before another try when the peer was busy (2.25), and when no child carries packets meanwhile. */
const BUSY_RETRY_MS = 5000;
const URGENT_RETRY_MS = 500;

export function createChild(core: Core, sa: IkeSa, policy: ChildPolicy): void {
  enqueue(sa, () => {
    if (has(sa, policy)) return proceed(sa);
    if (sa.state !== 'established') return elsewhere(core, sa, policy);
    begin(core, sa, { policy }, policy.pfs);
  });
}

/** What lives under an IKE SA whose place this one is to take does not count. */
function has(sa: IkeSa, policy: ChildPolicy): boolean {
  const child = current(sa.connection, policy);
  return child !== undefined && (sa.replaces === undefined || child.ikeSa !== sa.replaces);
}

/** Takes over what lives under the SA that was to be replaced: its children get new ones, then it goes (RFC 7296 2.8.3). */
export function succeed(core: Core, sa: IkeSa): void {
  const old = sa.replaces;
  if (old?.state !== 'established') return;
  for (const { policy } of old.children) createChild(core, sa, policy);
  enqueue(sa, () => {
    if (sa.state === 'established' && old.state === 'established') retire(core, old);
    proceed(sa);
  });
}

/** What is to be made: in place of a child, or from scratch. */
type Wish = { readonly policy: ChildPolicy; readonly old?: ChildSa };

/** Renews a child; called when its soft limit is reached. */
export function rekeyChild(core: Core, child: ChildSa): void {
  const sa = child.ikeSa;
  if (!sa || child.state !== 'live') return;
  enqueue(sa, () => {
    // Meanwhile the peer may have renewed, deleted or refused it, or is not yet known to have it.
    if (child.state !== 'live' || child.waiting || core.armed(renewal(child))) {
      core.event({ about: about(sa), did: 'rekey-inhibited' });
      return proceed(sa);
    }
    if (sa.state !== 'established') return elsewhere(core, sa, child.policy, child);
    begin(core, sa, { policy: child.policy, old: child }, child.suite.group ?? child.policy.pfs);
  });
}

/** Meanwhile the IKE SA was renewed or is being closed: its successor, if it has one, makes or renews the child. */
function elsewhere(core: Core, sa: IkeSa, policy: ChildPolicy, old?: ChildSa): void {
  const next = old ? old.ikeSa : established(sa.connection);
  if (next && next !== sa) {
    if (old) rekeyChild(core, old);
    else createChild(core, next, policy);
  }
  proceed(sa);
}

/** The timer of the next try of a renewal that was refused. */
function renewal(child: ChildSa): string {
  return `child:${child.spiIn}:renew`;
}

/** What a refusal has taught us. */
type Manner = {
  /** The group is the one that the peer asked for by INVALID_KE_PAYLOAD. */
  readonly asked?: true;
  /** The peer is not told that the new child replaces the old one. */
  readonly anew?: true;
};

function begin(core: Core, sa: IkeSa, wish: Wish, group: GroupName | undefined, manner: Manner = {}): void {
  if (!group) return send(core, sa, wish, undefined, undefined, manner);
  const { policy, old } = wish;
  sa.busy = true;
  core.job({ group }, (result) => {
    delete sa.busy;
    if (old ? old.state !== 'live' : has(sa, policy)) return proceed(sa);
    if (sa.state !== 'established') return elsewhere(core, sa, policy, old);
    send(core, sa, wish, group, result, manner);
  });
}

function send(
  core: Core,
  sa: IkeSa,
  wish: Wish,
  group: GroupName | undefined,
  result: KeyExchangeResult | undefined,
  manner: Manner,
): void {
  const { policy, old } = wish;
  const pair = result?.ok ? result.keyPair : undefined;
  const spi = core.allocateSpi();
  const nonce = core.random(Math.max(sa.connection.policy.nonceOctets, 16));
  const groups = group ? [group] : [];
  const payloads: Payload[] = [
    ...(old && !manner.anew
      ? [notify(NOTIFY_V2.REKEY_SA, undefined, PROTOCOL.ESP, u32Bytes(old.spiIn))]
      : []),
    ...childRequest(policy, spi, groups).flatMap((p): Payload[] =>
      p.type === 'sa'
        ? [
            p,
            { type: 'nonce', data: nonce },
            ...(pair && group
              ? [{ type: 'ke' as const, group: GROUPS[group].id, data: pair.publicValue }]
              : []),
          ]
        : [p],
    ),
  ];
  sa.rekeying = { what: old ?? 'new child', deleted: new Set() };
  request(core, sa, EXCHANGE.CREATE_CHILD_SA, payloads, 'CREATE_CHILD_SA', (answer) => {
    const peerNonce = find(answer, 'nonce')?.data;
    const ke = find(answer, 'ke');
    const refusal = answer.find(
      (p): p is PayloadOf<'notify'> => p.type === 'notify' && p.notify < NOTIFY_V2_STATUS,
    );
    if (refusal || !peerNonce) return refused(core, sa, wish, refusal, manner);
    const finish = (shared?: Uint8Array) => {
      // Meanwhile the IKE SA is being closed: whatever was made under it goes with it.
      if (sa.state !== 'established') {
        delete sa.rekeying;
        return elsewhere(core, sa, policy, old);
      }
      const redundant = lostCollision(sa, nonce, peerNonce);
      const child = acceptChild(core, sa, {
        policy,
        spi,
        nonces: [nonce, peerNonce],
        payloads: answer,
        groups,
        ...(shared ? { shared } : {}),
        ...(old ? { replaces: old } : {}),
        ...(redundant ? { redundant } : {}),
      });
      if ('code' in child) {
        delete sa.rekeying;
        core.refuse('child-refused', sa.connection, 'no new IPsec SA', child);
        sa.connection.failures++;
        decline(core, sa, spi);
        return supervise(core, sa.connection);
      }
      const { deleted } = sa.rekeying!;
      settle(core, sa, old, child, redundant);
      if (deleted.has(child.spiOut)) endChild(core, child);
    };
    if (!pair) return finish();
    if (!ke) return refused(core, sa, wish, undefined, manner);
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

/** The peer has a child that we cannot take (RFC 7296 1.3.1 on modes, 2.9 on selectors): it is to go again. */
export function decline(core: Core, sa: IkeSa, spi: number): void {
  const payload: Payload = { type: 'delete', protocol: PROTOCOL.ESP, spis: [u32Bytes(spi)] };
  enqueue(sa, () => {
    if (sa.state !== 'established') return proceed(sa);
    request(core, sa, EXCHANGE.INFORMATIONAL, [payload], 'Delete of a Child SA', () => {});
  });
}

/** The exchange with the lowest of the four nonces is redundant (2.8.1): was it ours? */
function lostCollision(sa: IkeSa, ours: Uint8Array, theirs: Uint8Array): boolean {
  const collision = sa.rekeying?.theirs;
  const lowest = compareBytes(ours, theirs) < 0 ? ours : theirs;
  return collision !== undefined && compareBytes(lowest, collision.lowest) < 0;
}

/** Ends our exchange: the redundant child of a collision goes (2.8.1), else the old one. */
function settle(core: Core, sa: IkeSa, old: ChildSa | undefined, made: ChildSa, redundant: boolean): void {
  const theirs = sa.rekeying?.theirs?.made;
  delete sa.rekeying;
  delete sa.putOff;
  if (old) {
    supersede(old);
    // Each side deletes what it made in vain, and the winner the old one.
    if (!redundant && theirs && 'spiIn' in theirs) supersede(theirs);
    deleteChild(core, sa, redundant ? made : old);
  }
  thinOut(core, sa.connection);
}

function refused(
  core: Core,
  sa: IkeSa,
  wish: Wish,
  refusal: PayloadOf<'notify'> | undefined,
  manner: Manner,
): void {
  const { policy, old } = wish;
  const theirs = sa.rekeying?.theirs;
  delete sa.rekeying;
  const { connection } = sa;
  // The peer's renewal crossed ours and is the one that stands: it may refuse ours, which is not needed (2.8.1).
  if (old && theirs?.made.state === 'live') return supersede(old);
  if (old?.state === 'gone') return supervise(core, connection);
  if (refusal?.notify === NOTIFY_V2.INVALID_KE_PAYLOAD && refusal.data.length === 2 && !manner.asked) {
    const wanted = groupById(new Reader(refusal.data).u16());
    // As in our answers: unset, PFS follows the peer.
    if (wanted && wanted.name === (policy.pfs ?? wanted.name))
      return begin(core, sa, wish, wanted.name, { ...manner, asked: true });
  }
  if (refusal?.notify === NOTIFY_V2.TEMPORARY_FAILURE) {
    if (!patient(core, sa)) return;
    if (old) core.arm(renewal(old), BUSY_RETRY_MS, () => rekeyChild(core, old));
    else core.arm(`sa:${sa.id}:busy`, URGENT_RETRY_MS, () => supervise(core, connection));
    return;
  }
  if (refusal?.notify === NOTIFY_V2.CHILD_SA_NOT_FOUND && old) {
    core.note(
      'info',
      'child-lost',
      connection,
      'the peer does not know the IPsec SA that we renew: negotiating anew',
    );
    remove(core, old, STRAGGLER_MS);
    activateLast(core, old);
    return createChild(core, sa, policy);
  }
  const reason = refusal
    ? childReason(policy, refusal)
    : { code: 'PROTOCOL' as const, text: 'the answer lacks Nonce or KE' };
  core.refuse(
    'child-refused',
    connection,
    old ? 'renewal of the IPsec SA refused' : 'no new IPsec SA',
    reason,
  );
  connection.failures++;
  if (old) {
    core.arm(renewal(old), BUSY_RETRY_MS * 2, () => rekeyChild(core, old));
    // What a peer refuses as a renewal it may take as a Child SA of its own (1.3.1), and the old one goes then:
    // libreswan 4 knows no group but the IKE SA's for the renewal of what IKE_AUTH made, whatever it is configured for.
    if (refusal?.notify === NOTIFY_V2.NO_PROPOSAL_CHOSEN && !manner.anew) {
      enqueue(sa, () => {
        if (old.state !== 'live' || old.ikeSa !== sa) return proceed(sa);
        begin(core, sa, wish, old.suite.group ?? policy.pfs, { anew: true });
      });
    }
  }
  supervise(core, connection);
}

/** Deletes a child of ours and waits for the answer; stragglers may come in for a while. */
export function deleteChild(core: Core, sa: IkeSa, child: ChildSa): void {
  supersede(child);
  enqueue(sa, () => {
    if (child.state === 'gone') return proceed(sa);
    // Meanwhile the IKE SA was renewed.
    if (child.ikeSa && child.ikeSa !== sa) {
      deleteChild(core, child.ikeSa, child);
      return proceed(sa);
    }
    child.closing = true;
    const payload: Payload = { type: 'delete', protocol: PROTOCOL.ESP, spis: [u32Bytes(child.spiIn)] };
    request(core, sa, EXCHANGE.INFORMATIONAL, [payload], 'Delete of a Child SA', () => {
      remove(core, child, STRAGGLER_MS);
      activateLast(core, child);
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
  decide(core, sa);
  if (!find(payloads, 'tsi')) return answerRekeyIke(core, sa, messageId, payloads);

  const rekey = findNotify(payloads, NOTIFY_V2.REKEY_SA);
  const named = rekey?.spi.length === 4 ? new Reader(rekey.spi).u32() : undefined;
  const old = [...sa.children].find((c) => c.spiOut === named);
  // While we make a child, the peer may know its SPI before us (2.25.1).
  if (sa.rekeying?.what === 'ike' || (rekey && (old ? old.state !== 'live' : sa.rekeying)))
    return refuse(NOTIFY_V2.TEMPORARY_FAILURE);
  if (rekey && !old) return refuse(NOTIFY_V2.CHILD_SA_NOT_FOUND, undefined, PROTOCOL.ESP, rekey.spi);

  const policy = old?.policy ?? meant(sa, payloads);
  const ke = find(payloads, 'ke');
  // Unset, PFS follows the initiator; set, it is demanded.
  const groups = policy.pfs && !policy.accepts ? [policy.pfs] : ke ? Object.keys(GROUPS) : ['none'];
  const respondWith = (ownNonce: Uint8Array, publicValue?: Uint8Array, shared?: Uint8Array) => {
    const answer = answerChild(core, sa, {
      policy,
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
    else if (answer.child) thinOut(core, sa.connection);
    supervise(core, sa.connection);
  };
  const ownNonce = core.random(Math.max(sa.connection.policy.nonceOctets, 16));
  if (!ke) return respondWith(ownNonce);
  const group = groupById(ke.group);
  if (!group || !groups.includes(group.name)) {
    const id = GROUPS[policy.pfs ?? sa.connection.policy.ike.groups[0]].id;
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
  supersede(old);
  thinOut(core, sa.connection);
}
