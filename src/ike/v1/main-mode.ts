// Main Mode (RFC 2409 5.1 and 5.4 name the messages), both roles:
//   1 →  HDR, SA, VIDs                          2 ←  HDR, SA, VIDs
//   3 →  HDR, KE, Ni, NAT-D, NAT-D [, CERTREQ]  4 ←  HDR, KE, Nr, NAT-D, NAT-D [, CERTREQ]
//   5 →  HDR*, IDii, HASH_I | CERT, SIG_I       6 ←  HDR*, IDir, HASH_R | CERT, SIG_R

import { isDeepStrictEqual } from 'node:util';
import { type Endpoint, endpointText } from '../../net/endpoint.ts';
import type { Connection, Core } from '../core.ts';
import { guessV1 } from '../fingerprint.ts';
import { wrongIdentity } from '../identity.ts';
import { choosePhase1 } from '../proposal/v1.ts';
import { type Reason, seenAs } from '../reason.ts';
import { EXCHANGE, FLAG, NOTIFY_V1, PORT_IKE } from '../wire/numbers.ts';
import { bodyOf, find, type Message, type Payload } from '../wire/v1.ts';
import { clear, decrypt, encrypted, isRepetition, progress, send } from './exchange.ts';
import { lost, register } from './lifecycle.ts';
import {
  chooseFor,
  conclude,
  detectNat,
  float,
  key,
  NO_COOKIE,
  natDs,
  newSa,
  offerOf,
  readVendors,
  refuse,
  reject,
  rekey,
  silence,
  validNonce,
  vendors,
} from './phase1.ts';
import { judge, otherKey, ownId, prove, request } from './proof.ts';
import type { IsakmpSa } from './sa.ts';

const MAIN_MODE = { exchange: EXCHANGE.IDENTITY_PROTECTION, messageId: 0 };

export function beginMainMode(core: Core, connection: Connection, remote: Endpoint): void {
  const { policy } = connection;
  const sa = newSa(core, connection, 'initiator', {
    cookieI: core.random(8),
    cookieR: NO_COOKIE,
    local: { address: policy.local, port: PORT_IKE },
    remote,
  });
  const offer = offerOf(connection, 'main');
  sa.phase1 = { mode: 'main', saBody: bodyOf(offer), nonce: core.random(policy.nonceOctets), others: [] };
  register(core, sa);
  core.note('info', 'initiate', connection, `initiating IKEv1 main mode to ${endpointText(sa.remote)}`);
  send(core, sa, sa.flow, clear(sa, MAIN_MODE, [offer, ...vendors(connection, 'main')]), () =>
    silence(core, sa),
  );
}

/** The first message of a peer (1 →): no SA is kept unless a connection fits and a proposal is acceptable. */
export function onFirstMessage(
  core: Core,
  message: Message,
  body: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
): IsakmpSa | undefined {
  const payloads = message.payloads ?? [];
  const offer = find(payloads, 'sa');
  const who = `IKEv1 from ${endpointText(remote)}`;
  const spiI = message.header.spiI;
  if (!offer) return;
  const seen = (reason: Reason) => seenAs(reason, guessV1(payloads));
  const candidates = core.candidates(1, local, remote);
  if (candidates.length === 0) {
    core.refuse('negotiation-refused', undefined, who, seen(core.noConnection(1, local, remote)));
    return refuse(core, spiI, local, remote, NOTIFY_V1.NO_PROPOSAL_CHOSEN);
  }
  const verdicts = candidates.map((connection) => ({ connection, chosen: chooseFor(connection, offer) }));
  const fit = verdicts.find(({ chosen }) => chosen.ok);
  if (!fit?.chosen.ok) {
    for (const { connection, chosen } of verdicts)
      if (!chosen.ok) core.refuse('negotiation-refused', connection, who, seen(chosen.reason));
    return refuse(core, spiI, local, remote, NOTIFY_V1.NO_PROPOSAL_CHOSEN);
  }
  const { connection, chosen } = fit;
  const sa = newSa(core, connection, 'responder', { cookieI: spiI, cookieR: core.random(8), local, remote });
  sa.suite = chosen.suite;
  sa.phase1 = {
    mode: 'main',
    saBody: bodyOf(offer),
    nonce: core.random(connection.policy.nonceOctets),
    // Whose preshared key it is shows with message 5: until then all stay possible.
    others: verdicts.flatMap((v) => (alike(v.chosen, chosen.suite) ? [v.connection] : [])),
  };
  readVendors(sa, payloads);
  register(core, sa);
  core.note('info', 'respond', connection, `${endpointText(remote)} initiates IKEv1 main mode`);
  progress(core, sa.flow, body);
  const answer: Payload = { ...offer, proposals: [chosen.proposal] };
  send(core, sa, sa.flow, clear(sa, MAIN_MODE, [answer, ...vendors(connection, 'main')]));
  return sa;
}

/** Every later message of the exchange. */
export function onMainMode(
  core: Core,
  sa: IsakmpSa,
  message: Message,
  body: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
): void {
  // Only the responder answers repetitions: if both did, one duplicated packet would go back and forth for ever.
  if (isRepetition(core, sa, sa.flow, body, sa.role === 'responder')) return;
  if (sa.state === 'established' || sa.phase1?.mode !== 'main' || sa.phase1.busy) return;
  const isEncrypted = (message.header.flags & FLAG.ENCRYPTION) !== 0;
  if (isEncrypted !== (sa.state === 'keyed')) return;
  if (sa.state === 'keyed') return onIdentity(core, sa, message, body, local, remote);
  const payloads = message.payloads ?? [];
  if (sa.role === 'responder') return onPublicValue(core, sa, payloads, body);
  if (!sa.suite) return onChoice(core, sa, message, body);
  onPublicValue(core, sa, payloads, body);
}

/** 2 ← as initiator: the peer's choice. */
function onChoice(core: Core, sa: IsakmpSa, message: Message, body: Uint8Array): void {
  const payloads = message.payloads ?? [];
  const offer = find(payloads, 'sa');
  if (!offer) return;
  const { policy } = sa.connection;
  const chosen = choosePhase1(policy.at, policy.ike, policy.credential.method, offer.proposals);
  if (!chosen.ok || offer.proposals[0].transforms.length !== 1) {
    return lost(core, sa, { code: 'PROTOCOL', text: 'the peer chose a proposal that we did not make' });
  }
  const mode = sa.phase1!;
  mode.busy = true;
  sa.cookieR = message.header.spiR;
  sa.suite = { ...chosen.suite, lifetime: policy.ike.lifetime };
  readVendors(sa, payloads);
  progress(core, sa.flow, body);
  core.job({ group: sa.suite.group }, (result) => {
    delete mode.busy;
    if (sa.state !== 'init') return;
    if (!result.ok) return lost(core, sa, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    mode.pair = result.keyPair;
    send(core, sa, sa.flow, clear(sa, MAIN_MODE, publicValue(core, sa)), () => silence(core, sa));
  });
}

function publicValue(core: Core, sa: IsakmpSa): Payload[] {
  const mode = sa.phase1!;
  return [
    { type: 'ke', data: mode.pair!.publicValue },
    { type: 'nonce', data: mode.nonce },
    ...request(sa),
    ...natDs(core, sa),
  ];
}

/** 3 → as responder, 4 ← as initiator: the peer's public value gives the keys. */
function onPublicValue(core: Core, sa: IsakmpSa, payloads: readonly Payload[], body: Uint8Array): void {
  const mode = sa.phase1!;
  const [ke, nonce] = [find(payloads, 'ke'), find(payloads, 'nonce')];
  if (!ke || !validNonce(nonce)) return;
  mode.busy = true;
  progress(core, sa.flow, body);
  const { group } = sa.suite!;
  detectNat(sa, payloads);
  core.job({ group, ...(mode.pair ? { keyPair: mode.pair } : {}), peerPublic: ke.data }, (result) => {
    delete mode.busy;
    if (sa.state !== 'init') return;
    if (!result.ok) return lost(core, sa, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    mode.peerPublic = ke.data;
    mode.peerNonce = nonce.data;
    key(sa, result);
    if (sa.role === 'initiator') {
      float(sa);
      sa.state = 'keyed';
      return identify(core, sa, () => silence(core, sa));
    }
    send(core, sa, sa.flow, clear(sa, MAIN_MODE, publicValue(core, sa)));
    sa.state = 'keyed';
  });
}

/** 5 → as initiator, 6 ← as responder. */
function identify(core: Core, sa: IsakmpSa, onSilence?: () => void, then?: () => void): void {
  const id = ownId(sa);
  prove(core, sa, id, (payloads) => {
    const out = encrypted(core, sa, MAIN_MODE, sa.iv, [id, ...payloads]);
    sa.iv = out.iv;
    send(core, sa, sa.flow, out.data, onSilence);
    then?.();
  });
}

/** 5 → as responder, 6 ← as initiator. */
function onIdentity(
  core: Core,
  sa: IsakmpSa,
  message: Message,
  body: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
): void {
  const d = opened(core, sa, message);
  const id = d.ok ? find(d.chain.payloads, 'id') : undefined;
  if (!d.ok || !id) {
    const number = sa.role === 'initiator' ? 6 : 5;
    const text = `main mode message ${number} of the peer does not decrypt: the preshared keys differ`;
    return reject(core, sa, otherKey(sa.connection.policy.at, text), NOTIFY_V1.PAYLOAD_MALFORMED);
  }
  const { payloads } = d.chain;
  judge(core, sa, id, payloads, (peer) => {
    progress(core, sa.flow, body);
    sa.iv = d.iv;
    sa.local = local;
    sa.remote = remote;
    if (sa.role === 'initiator') return conclude(core, sa, peer, payloads);
    identify(core, sa, undefined, () => conclude(core, sa, peer, payloads));
  });
}

/** Whether a connection would have led to the same suite: only such a one can take over the SA. */
function alike(other: ReturnType<typeof chooseFor>, suite: IsakmpSa['suite']): boolean {
  return other.ok && isDeepStrictEqual(other.suite, suite);
}

/**
 * Message 5 tells by whose preshared key it is encrypted, and who says so: of the connections that were possible, one
 * under which it reads as the identity that is expected takes over the SA, else one under which it reads at all.
 */
function opened(core: Core, sa: IsakmpSa, message: Message): ReturnType<typeof decrypt> {
  const home = sa.connection;
  if (sa.role === 'initiator') return decrypt(core, sa, message, sa.iv);
  const tries = [home, ...sa.phase1!.others.filter((c) => c !== home)].map((connection) => {
    rehome(sa, connection);
    rekey(sa);
    const d = decrypt(core, sa, message, sa.iv);
    const id = d.ok ? find(d.chain.payloads, 'id') : undefined;
    const named = id !== undefined && !wrongIdentity(connection.policy, id, sa.nat.remote);
    return { connection, d, rank: named ? 2 : id ? 1 : 0 };
  });
  const best = tries.reduce((a, b) => (b.rank > a.rank ? b : a));
  rehome(sa, best.connection);
  rekey(sa);
  return best.d;
}

function rehome(sa: IsakmpSa, connection: Connection): void {
  sa.connection.sas.delete(sa);
  sa.connection = connection;
  connection.sas.add(sa);
}
