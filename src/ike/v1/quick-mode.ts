// Quick Mode (RFC 2409 5.5): a pair of IPsec SAs under an ISAKMP SA, both roles.
//   1 →  HDR*, HASH(1), SA, Ni [, KE] , IDci, IDcr
//   2 ←  HDR*, HASH(2), SA, Nr [, KE] , IDci, IDcr
//   3 →  HDR*, HASH(3)
import { isDeepStrictEqual } from 'node:util';
import { equalConstantTime, Reader, u32Bytes, Writer } from '../../net/bytes.ts';
import { activate, type ChildSa, childText, install, STRAGGLER_MS } from '../child.ts';
import type { Core } from '../core.ts';
import { prf } from '../crypto/prf.ts';
import { followChildKeys } from '../follow.ts';
import { accepted, type ChildPolicy, keyOf } from '../policy.ts';
import { acceptLifetime } from '../proposal/lifetime.ts';
import { choosePhase2, lifetimes, type PhaseTwoSuite, phase2Proposal } from '../proposal/v1.ts';
import type { Reason } from '../reason.ts';
import { supervise } from '../supervise.ts';
import { attribute, decodeAttributes, encodeAttributes } from '../wire/attribute.ts';
import {
  ATTRIBUTE_P2,
  DOI_IPSEC,
  ENCAPSULATION,
  EXCHANGE,
  LIFE_SECONDS,
  NOTIFY_V1,
  PROTOCOL,
  SIT_IDENTITY_ONLY,
} from '../wire/numbers.ts';
import { encodeChain, find, type Message, type Payload } from '../wire/v1.ts';
import { beginPhase1 } from './begin.ts';
import {
  type Decrypted,
  decrypt,
  encrypted,
  freshMessageId,
  hashVerifies,
  inform,
  isFresh,
  isRepetition,
  phase2Hash,
  progress,
  send,
} from './exchange.ts';
import { phase2Iv, quickModeKeys } from './keys.ts';
import { deleteChild } from './lifecycle.ts';
import { type IsakmpSa, type QuickMode, usable } from './sa.ts';
import { echoed, type IdPair, idsOf, idText, pairOf, sidesOf, traffic, wrongIds } from './selectors.ts';

/** How long we go on sending on the old SA when the peer gives no sign that it has the new one. */
const SWITCH_MS = 1000;

/** A renewal that failed is tried again while the old SA lives. */
const RENEW_AGAIN_MS = 10_000;

/** A finished exchange is remembered for its retransmissions. */
const REMEMBER_MS = 60_000;

/** Quick Modes that one peer may have open at once, and that are remembered of it. */
const MAX_OPEN = 16;
const MAX_REMEMBERED = 1024;

const NOTHING = new Uint8Array(0);

/** Renews an IPsec SA: under the ISAKMP SA there is, or under the one that is negotiated for it. */
export function renewChild(core: Core, child: ChildSa): void {
  const { connection } = child;
  if (child.state !== 'live') return;
  const sa = usable(connection);
  if (sa) return beginQuickMode(core, sa, child.policy, child);
  if (connection.policy.initiate === 'never') return;
  const first = connection.renewing.size === 0;
  connection.renewing.add(child);
  if (first) beginPhase1(core, connection);
}

export function beginQuickMode(core: Core, sa: IsakmpSa, policy: ChildPolicy, replaces?: ChildSa): void {
  // One at a time for the same traffic: a second one would race for it.
  const open = (q: QuickMode) => q.role === 'initiator' && !q.done && q.policy === policy;
  if ([...sa.quick.values()].some((q) => open(q) && q.replaces === replaces)) return;
  const { pfs } = policy;
  const quick = newQuick(core, sa, policy, 'initiator', freshMessageId(core, sa), replaces);
  if (!pfs) return start(core, sa, quick);
  quick.busy = true;
  core.job({ group: pfs }, (result) => {
    delete quick.busy;
    if (sa.state !== 'established') return;
    if (!result.ok) return fail(core, sa, quick, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    quick.pair = result.keyPair;
    start(core, sa, quick);
  });
}

function newQuick(
  core: Core,
  sa: IsakmpSa,
  policy: ChildPolicy,
  role: QuickMode['role'],
  messageId: number,
  replaces?: ChildSa,
): QuickMode {
  const quick: QuickMode = {
    messageId,
    role,
    policy,
    spiIn: core.allocateSpi(),
    nonce: core.random(sa.connection.policy.nonceOctets),
    iv: phase2Iv(sa.suite!, sa.iv, messageId),
    ids: undefined,
    ...(replaces ? { replaces } : {}),
    done: false,
    flow: { timer: `quick:${sa.id}:${messageId}`, tries: 0 },
  };
  sa.quick.set(messageId, quick);
  core.arm(`${quick.flow.timer}:timeout`, core.settings.phase2Timeout * 1000, () => silence(core, sa, quick));
  return quick;
}

function modeOf(sa: IsakmpSa, { mode }: ChildPolicy): number {
  const e = ENCAPSULATION;
  const tunnel = mode === 'tunnel';
  if (!sa.nat.local && !sa.nat.remote) return tunnel ? e.TUNNEL : e.TRANSPORT;
  if (sa.natT === 'draft') return tunnel ? e.UDP_TUNNEL_DRAFT : e.UDP_TRANSPORT_DRAFT;
  return tunnel ? e.UDP_TUNNEL : e.UDP_TRANSPORT;
}

/** 1 → */
function start(core: Core, sa: IsakmpSa, quick: QuickMode): void {
  const { policy } = quick;
  const ids = quick.replaces?.ids ?? (policy.named ? idsOf(policy) : undefined);
  quick.ids = ids;
  const proposal = phase2Proposal(policy, u32Bytes(quick.spiIn), modeOf(sa, policy));
  core.note('info', 'quick-mode', sa.connection, 'initiating phase 2');
  speak(core, sa, quick, NOTHING, [
    { type: 'sa', doi: DOI_IPSEC, situation: SIT_IDENTITY_ONLY, proposals: [proposal] },
    { type: 'nonce', data: quick.nonce },
    ...(quick.pair ? [{ type: 'ke' as const, data: quick.pair.publicValue }] : []),
    ...(ids ?? []),
  ]);
}

/** Sends the next message with its hash; silence ends the exchange. */
function speak(
  core: Core,
  sa: IsakmpSa,
  quick: QuickMode,
  extra: Uint8Array,
  payloads: readonly Payload[],
): void {
  const data = phase2Hash(sa, quick.messageId, extra, encodeChain(payloads));
  const kind = { exchange: EXCHANGE.QUICK_MODE, messageId: quick.messageId };
  const out = encrypted(core, sa, kind, quick.iv, [{ type: 'hash', data }, ...payloads]);
  quick.iv = out.iv;
  send(core, sa, quick.flow, out.data, () => silence(core, sa, quick));
}

function silence(core: Core, sa: IsakmpSa, quick: QuickMode): void {
  fail(core, sa, quick, {
    code: 'TIMEOUT',
    text: 'the peer did not answer in phase 2',
    hint: 'its log tells more; often the proxy-ids or the phase 2 proposals differ',
  });
}

export function fail(core: Core, sa: IsakmpSa, quick: QuickMode, reason: Reason): void {
  const { connection } = sa;
  core.refuse('negotiation-failed', connection, 'phase 2 negotiation failed', reason);
  finish(core, sa, quick);
  if (quick.child) leaveOpen(core, sa, quick, quick.child);
  connection.failures++;
  const old = quick.replaces;
  if (old) core.arm(`child:${old.spiIn}:renew`, RENEW_AGAIN_MS, () => renewChild(core, old));
  supervise(core, connection);
}

/**
 * As responder, message 3 never came; the initiator may have finished all the same and send on the SA. It stays open
 * for its lifetime: the first packet on it is as good as message 3.
 */
function leaveOpen(core: Core, sa: IsakmpSa, quick: QuickMode, child: ChildSa): void {
  child.state = 'replaced';
  child.onFirstPacket = () => {
    child.state = 'live';
    quick.done = false;
    confirmed(core, sa, quick);
  };
}

function finish(core: Core, sa: IsakmpSa, quick: QuickMode): void {
  quick.done = true;
  core.cancel(quick.flow.timer);
  core.cancel(`${quick.flow.timer}:timeout`);
  core.arm(`quick:${sa.id}:${quick.messageId}:forget`, REMEMBER_MS, () => sa.quick.delete(quick.messageId));
}

export function onQuickMode(core: Core, sa: IsakmpSa, message: Message, body: Uint8Array): void {
  if (sa.state !== 'established') return;
  const { messageId } = message.header;
  const known = sa.quick.get(messageId);
  if (known) {
    if (isRepetition(core, sa, known.flow, body) || known.done || known.busy) return;
    const d = decrypt(core, sa, message, known.iv);
    if (!d.ok)
      return core.note('debug', 'message-dropped', sa.connection, `quick mode message dropped: ${d.rule}`);
    if (known.role === 'initiator') onAnswer(core, sa, known, d, body);
    else onConfirmation(core, sa, known, d, body);
    return;
  }
  const open = [...sa.quick.values()].filter((q) => !q.done).length;
  if (open >= MAX_OPEN || sa.quick.size >= MAX_REMEMBERED) return;
  const d = decrypt(core, sa, message, phase2Iv(sa.suite!, sa.iv, messageId));
  if (!d.ok || !hashVerifies(sa, messageId, d, NOTHING)) {
    return core.note(
      'debug',
      'message-dropped',
      sa.connection,
      'quick mode message dropped: its hash does not verify',
    );
  }
  if (isFresh(sa, messageId)) onProposal(core, sa, messageId, d, body);
}

/** 1 → as responder: choose, answer, install inbound. */
function onProposal(
  core: Core,
  sa: IsakmpSa,
  messageId: number,
  d: Decrypted & { ok: true },
  body: Uint8Array,
): void {
  const { connection } = sa;
  const { checkLevel } = connection.policy;
  const { payloads } = d.chain;
  const [offer, nonce, ke] = [find(payloads, 'sa'), find(payloads, 'nonce'), find(payloads, 'ke')];
  if (!offer || !nonce || nonce.data.length < 8 || nonce.data.length > 256) return;
  const refuse = (reason: Reason, notify: number) => {
    core.refuse('negotiation-refused', connection, 'phase 2 refused', reason);
    // The initiator's SPI tells it which of its negotiations is meant (RFC 2408 3.14).
    const spi = offer.proposals.find((p) => p.spi.length === 4)?.spi ?? NOTHING;
    inform(core, sa, [
      { type: 'notify', doi: DOI_IPSEC, protocol: PROTOCOL.ESP, spi, notify, data: NOTHING },
    ]);
  };
  const ids = pairOf(payloads);
  const policy = meant(sa, ids);
  if ('code' in policy) return refuse(policy, NOTIFY_V1.INVALID_ID_INFORMATION);
  const chosen = choosePhase2(connection.policy, accepted(policy), offer.proposals, modeOf(sa, policy));
  if (!chosen.ok) return refuse(chosen.reason, NOTIFY_V1.NO_PROPOSAL_CHOSEN);
  const key = keyOf(policy.at, 'ike.proposal.phase2.lifetime-of-time');
  const lifetime = acceptLifetime(checkLevel, policy.seconds, chosen.suite.seconds, key);
  if (!lifetime.ok) return refuse(lifetime.reason, NOTIFY_V1.NO_PROPOSAL_CHOSEN);
  if ((chosen.suite.group !== undefined) !== (ke !== undefined)) {
    return refuse(
      { code: 'PROTOCOL', text: 'PFS group and KE payload do not go together' },
      NOTIFY_V1.INVALID_KEY_INFORMATION,
    );
  }
  const quick = newQuick(core, sa, policy, 'responder', messageId);
  quick.iv = d.iv;
  quick.ids = ids;
  quick.peerNonce = nonce.data;
  progress(core, quick.flow, body);
  const spiOut = new Reader(chosen.peerSpi!).u32();
  const answer = (publicValue?: Uint8Array, shared?: Uint8Array) => {
    quick.child = make(
      core,
      sa,
      quick,
      { ...chosen.suite, seconds: lifetime.seconds },
      spiOut,
      nonce.data,
      quick.nonce,
      shared,
      true,
    );
    quick.child.onFirstPacket = () => confirmed(core, sa, quick);
    const proposal = { ...chosen.proposal, spi: u32Bytes(quick.spiIn) };
    speak(core, sa, quick, nonce.data, [
      { ...offer, proposals: [proposal] },
      { type: 'nonce', data: quick.nonce },
      ...(publicValue ? [{ type: 'ke' as const, data: publicValue }] : []),
      ...(ids ?? []),
      ...(lifetime.claim ? [responderLifetime(quick.spiIn, lifetime.seconds)] : []),
    ]);
  };
  if (!ke || !chosen.suite.group) return answer();
  quick.busy = true;
  core.job({ group: chosen.suite.group, peerPublic: ke.data }, (result) => {
    delete quick.busy;
    if (sa.state !== 'established') return;
    if (result.ok) return answer(result.keyPair.publicValue, result.shared);
    finish(core, sa, quick);
    refuse({ code: 'BAD_PUBLIC_VALUE', text: result.error }, NOTIFY_V1.INVALID_KEY_INFORMATION);
  });
}

/** The policy that a peer's identities name, or why there is none: then the first one tells what was expected. */
function meant(sa: IsakmpSa, ids: IdPair | undefined): ChildPolicy | Reason {
  const { children } = sa.connection.policy;
  const verdicts = children.map((policy) => wrongIds(policy, sides(sa, policy, ids && [ids[1], ids[0]])));
  return children.find((_, i) => !verdicts[i]) ?? verdicts[0]!;
}

function sides(sa: IsakmpSa, policy: ChildPolicy, ids: IdPair | undefined): IdPair {
  return sidesOf(policy, { local: sa.local.address, remote: sa.remote.address, nat: sa.nat }, ids);
}

function responderLifetime(spi: number, seconds: number): Payload {
  const w = new Writer();
  encodeAttributes(w, [
    attribute(ATTRIBUTE_P2.LIFE_TYPE, LIFE_SECONDS),
    attribute(ATTRIBUTE_P2.LIFE_DURATION, seconds),
  ]);
  return {
    type: 'notify',
    doi: DOI_IPSEC,
    protocol: PROTOCOL.ESP,
    spi: u32Bytes(spi),
    notify: NOTIFY_V1.RESPONDER_LIFETIME,
    data: w.finish(),
  };
}

/** 2 ← as initiator: the peer's choice, with our identities echoed unchanged. */
function onAnswer(
  core: Core,
  sa: IsakmpSa,
  quick: QuickMode,
  d: Decrypted & { ok: true },
  body: Uint8Array,
): void {
  if (!hashVerifies(sa, quick.messageId, d, quick.nonce)) {
    return core.note(
      'debug',
      'message-dropped',
      sa.connection,
      'quick mode message dropped: its hash does not verify',
    );
  }
  const { policy } = quick;
  const { payloads } = d.chain;
  const [offer, nonce, ke] = [find(payloads, 'sa'), find(payloads, 'nonce'), find(payloads, 'ke')];
  if (!offer || !nonce) return;
  const wrong = quick.ids && echoed(policy, quick.ids, pairOf(payloads));
  if (wrong) return fail(core, sa, quick, wrong);
  const chosen = choosePhase2(sa.connection.policy, policy, offer.proposals, modeOf(sa, policy));
  if (!chosen.ok || offer.proposals[0].transforms.length !== 1) {
    return fail(core, sa, quick, {
      code: 'PROTOCOL',
      text: 'the peer chose a phase 2 proposal that we did not make',
    });
  }
  quick.iv = d.iv;
  progress(core, quick.flow, body);
  const seconds = Math.min(policy.seconds, claimedSeconds(payloads) ?? policy.seconds);
  const spiOut = new Reader(chosen.peerSpi!).u32();
  const go = (shared?: Uint8Array) => {
    const old = quick.replaces?.state === 'live' ? quick.replaces : undefined;
    const child = make(
      core,
      sa,
      quick,
      { ...chosen.suite, seconds },
      spiOut,
      quick.nonce,
      nonce.data,
      shared,
      old !== undefined,
    );
    confirm(core, sa, quick, nonce.data);
    if (old) switchOver(core, sa, old, child);
    supervise(core, sa.connection);
  };
  if (!quick.pair || !ke || !chosen.suite.group) return go();
  quick.busy = true;
  core.job({ group: chosen.suite.group, keyPair: quick.pair, peerPublic: ke.data }, (result) => {
    delete quick.busy;
    if (sa.state !== 'established') return;
    if (!result.ok) return fail(core, sa, quick, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    go(result.shared);
  });
}

function claimedSeconds(payloads: readonly Payload[]): number | undefined {
  const claim = payloads.find((p) => p.type === 'notify' && p.notify === NOTIFY_V1.RESPONDER_LIFETIME);
  if (claim?.type !== 'notify') return undefined;
  try {
    const list = decodeAttributes(new Reader(claim.data));
    return lifetimes(list, ATTRIBUTE_P2.LIFE_TYPE, ATTRIBUTE_P2.LIFE_DURATION).seconds;
  } catch {
    return undefined; // A claim that cannot be read claims nothing.
  }
}

/** 3 →, and nothing to wait for: a repeated message 2 brings it out again. */
function confirm(core: Core, sa: IsakmpSa, quick: QuickMode, peerNonce: Uint8Array): void {
  // HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b): the leading zero octet makes it unlike the other two.
  const data = hash3(sa, quick, quick.nonce, peerNonce);
  const kind = { exchange: EXCHANGE.QUICK_MODE, messageId: quick.messageId };
  const out = encrypted(core, sa, kind, quick.iv, [{ type: 'hash', data }]);
  send(core, sa, quick.flow, out.data);
  finish(core, sa, quick);
}

function hash3(sa: IsakmpSa, quick: QuickMode, ni: Uint8Array, nr: Uint8Array): Uint8Array {
  return prf(sa.suite!.hash, sa.keys!.a, Uint8Array.of(0), u32Bytes(quick.messageId), ni, nr);
}

/** 3 → as responder: the initiator has installed both halves, so ours goes out on the new SA. */
function onConfirmation(
  core: Core,
  sa: IsakmpSa,
  quick: QuickMode,
  d: Decrypted & { ok: true },
  body: Uint8Array,
): void {
  const hash = find(d.chain.payloads, 'hash');
  if (!hash || !equalConstantTime(hash.data, hash3(sa, quick, quick.peerNonce!, quick.nonce))) {
    return core.note(
      'debug',
      'message-dropped',
      sa.connection,
      'quick mode message 3 dropped: its hash does not verify',
    );
  }
  progress(core, quick.flow, body);
  confirmed(core, sa, quick);
}

function confirmed(core: Core, sa: IsakmpSa, quick: QuickMode): void {
  if (quick.done || !quick.child) return;
  const { connection } = sa;
  for (const old of connection.children) {
    if (old === quick.child || old.policy !== quick.policy || old.state !== 'live') continue;
    if (old.createdAt <= quick.child.createdAt && isDeepStrictEqual(old.selectors, quick.child.selectors))
      old.state = 'replaced';
  }
  activate(core, quick.child);
  finish(core, sa, quick);
  delete quick.flow.sent;
  supervise(core, connection);
}

function make(
  core: Core,
  sa: IsakmpSa,
  quick: QuickMode,
  suite: PhaseTwoSuite,
  spiOut: number,
  ni: Uint8Array,
  nr: Uint8Array,
  shared: Uint8Array | undefined,
  delayed: boolean,
): ChildSa {
  const { connection } = sa;
  const { ids, policy } = quick;
  const ours: IdPair | undefined = ids && (quick.role === 'initiator' ? ids : [ids[1], ids[0]]);
  const both = sides(sa, policy, ours);
  const [local, remote] = both.map(idText);
  const octets = suite.octets ?? policy.octets;
  const keys = quickModeKeys(sa.suite!, sa.keys!, suite, { in: quick.spiIn, out: spiOut }, ni, nr, shared);
  followChildKeys(core, sa, { in: quick.spiIn, out: spiOut }, keys);
  const child = install(
    core,
    {
      connection,
      policy,
      spiIn: quick.spiIn,
      spiOut,
      suite,
      local: sa.local,
      remote: sa.remote,
      encapsulated: sa.nat.local || sa.nat.remote,
      selectors: { local: [local], remote: [remote] },
      traffic: traffic(policy, both),
      ...(ours ? { ids: ours } : {}),
      seconds: suite.seconds ?? policy.seconds,
      ...(octets === undefined ? {} : { octets }),
      initiator: quick.role === 'initiator',
      keys,
    },
    delayed,
  );
  core.note('info', quick.replaces ? 'child-rekeyed' : 'child-established', connection, childText(child));
  return child;
}

/** After message 3 of a renewal: the old SA carries on until the peer uses the new one, or a second has passed. */
function switchOver(core: Core, sa: IsakmpSa, old: ChildSa, made: ChildSa): void {
  old.state = 'replaced';
  const change = () => {
    activate(core, made);
    deleteChild(core, usable(sa.connection), old, STRAGGLER_MS);
  };
  made.onFirstPacket = change;
  core.arm(`child:${made.spiIn}:activate`, SWITCH_MS, change);
}
