// Aggressive Mode (RFC 2409 5.1 and 5.4), both roles. Its second message shows everybody a hash under the preshared
// key, to be guessed at leisure (VU#857035): only where the configuration says so.
//   1 →  HDR, SA, KE, Ni, IDii, VIDs
//   2 ←  HDR, SA, KE, Nr, IDir, HASH_R | CERT, SIG_R, NAT-D, NAT-D, VIDs
//   3 →  HDR[*], HASH_I | CERT, SIG_I, NAT-D, NAT-D
import { type Endpoint, endpointText } from '../../net/endpoint.ts';
import type { Connection, Core } from '../core.ts';
import { guessV1 } from '../fingerprint.ts';
import { wrongIdentity } from '../identity.ts';
import { keyOf } from '../policy.ts';
import { choosePhase1 } from '../proposal/v1.ts';
import { type Reason, seenAs } from '../reason.ts';
import { EXCHANGE, FLAG, NOTIFY_V1, PORT_IKE } from '../wire/numbers.ts';
import { bodyOf, find, type Message, type Payload, type PayloadOf } from '../wire/v1.ts';
import { clear, decrypt, isRepetition, progress, send } from './exchange.ts';
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
  silence,
  validNonce,
  vendors,
} from './phase1.ts';
import { judge, ownId, prove, request } from './proof.ts';
import type { IsakmpSa } from './sa.ts';

const AGGRESSIVE = { exchange: EXCHANGE.AGGRESSIVE, messageId: 0 };

export function beginAggressiveMode(core: Core, connection: Connection, remote: Endpoint): void {
  const { policy } = connection;
  const sa = newSa(core, connection, 'initiator', {
    cookieI: core.random(8),
    cookieR: NO_COOKIE,
    local: { address: policy.local, port: PORT_IKE },
    remote,
  });
  const offer = offerOf(connection, 'aggressive');
  const nonce = core.random(policy.nonceOctets);
  const mode = { mode: 'aggressive' as const, saBody: bodyOf(offer), nonce, others: [] };
  sa.phase1 = mode;
  register(core, sa);
  core.note('info', 'initiate', connection, `initiating IKEv1 aggressive mode to ${endpointText(sa.remote)}`);
  // The public value goes along with the proposals: there is one group (RFC 2409 5).
  core.job({ group: policy.ike.groups[0] }, (result) => {
    if (sa.state !== 'init') return;
    if (!result.ok) return lost(core, sa, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    sa.phase1!.pair = result.keyPair;
    const payloads: Payload[] = [
      offer,
      { type: 'ke', data: result.keyPair.publicValue },
      { type: 'nonce', data: nonce },
      ownId(sa),
      ...request(sa),
      ...vendors(connection, 'aggressive'),
    ];
    send(core, sa, sa.flow, clear(sa, AGGRESSIVE, payloads), () => silence(core, sa));
  });
}

/** 1 → as responder. The identity is in it, so the connection is known at once. */
export function onAggressiveRequest(
  core: Core,
  message: Message,
  body: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
): IsakmpSa | undefined {
  const payloads = message.payloads ?? [];
  const [offer, ke, nonce, id] = [
    find(payloads, 'sa'),
    find(payloads, 'ke'),
    find(payloads, 'nonce'),
    find(payloads, 'id'),
  ];
  const { spiI } = message.header;
  const who = `IKEv1 aggressive mode from ${endpointText(remote)}`;
  if (!offer || !ke || !validNonce(nonce) || !id) return;
  const seen = (reason: Reason) => seenAs(reason, guessV1(payloads));
  const all = core.candidates(1, local, remote);
  if (all.length === 0) {
    core.refuse('negotiation-refused', undefined, who, seen(core.noConnection(1, local, remote)));
    return refuse(core, spiI, local, remote, NOTIFY_V1.NO_PROPOSAL_CHOSEN);
  }
  const connection = bearer(all, id);
  const { policy } = connection;
  if (policy.exchangeMode !== 'aggressive') {
    const mode = keyOf(policy.at, 'ike.exchange-mode');
    const reason: Reason = {
      code: 'NOT_ALLOWED',
      text: 'aggressive mode is not allowed here: it lets the preshared key be guessed offline (VU#857035)',
      key: mode,
      hint: `let the peer use main mode; where it cannot, set ${mode} : aggressive`,
    };
    core.refuse('negotiation-refused', connection, who, seen(reason));
    return refuse(core, spiI, local, remote, NOTIFY_V1.INVALID_EXCHANGE_TYPE);
  }
  // Whom nobody expects gets nothing to guess a key by, and costs nothing.
  const stranger = wrongIdentity(policy, id, true);
  if (stranger) {
    core.refuse('negotiation-refused', connection, who, seen(stranger));
    return refuse(core, spiI, local, remote, NOTIFY_V1.INVALID_ID_INFORMATION);
  }
  const chosen = chooseFor(connection, offer);
  if (!chosen.ok) {
    core.refuse('negotiation-refused', connection, who, seen(chosen.reason));
    return refuse(core, spiI, local, remote, NOTIFY_V1.NO_PROPOSAL_CHOSEN);
  }
  const sa = newSa(core, connection, 'responder', { cookieI: spiI, cookieR: core.random(8), local, remote });
  sa.suite = chosen.suite;
  sa.phase1 = {
    mode: 'aggressive',
    saBody: bodyOf(offer),
    nonce: core.random(policy.nonceOctets),
    peerNonce: nonce.data,
    peerPublic: ke.data,
    peerId: id,
    others: [],
    busy: true,
  };
  readVendors(sa, payloads);
  register(core, sa);
  core.note('info', 'respond', connection, `${endpointText(remote)} initiates IKEv1 aggressive mode`);
  progress(core, sa.flow, body);
  core.job({ group: sa.suite.group, peerPublic: ke.data }, (result) => {
    delete sa.phase1?.busy;
    if (sa.state !== 'init') return;
    if (!result.ok) return lost(core, sa, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    key(sa, result);
    const own = ownId(sa);
    prove(core, sa, own, (proof) => {
      const answer: Payload[] = [
        { ...offer, proposals: [chosen.proposal] },
        { type: 'ke', data: result.keyPair.publicValue },
        { type: 'nonce', data: sa.phase1!.nonce },
        own,
        ...proof,
        ...request(sa),
        ...natDs(core, sa),
        ...vendors(connection, 'aggressive'),
      ];
      // Once: whoever has not proved his address gets no more of it than he asks for. A lost message 3 shows when the
      // peer goes on to phase 2, and is asked for then.
      send(core, sa, sa.flow, clear(sa, AGGRESSIVE, answer));
      sa.state = 'keyed';
    });
  });
  return sa;
}

/** The connection whose peer has this identity; else the first, whose refusal will say what was expected. */
function bearer(candidates: readonly Connection[], id: PayloadOf<'id'>): Connection {
  const fits = ({ policy }: Connection, nat: boolean) => !wrongIdentity(policy, id, nat);
  return candidates.find((c) => fits(c, false)) ?? candidates.find((c) => fits(c, true)) ?? candidates[0];
}

export function onAggressiveMode(
  core: Core,
  sa: IsakmpSa,
  message: Message,
  body: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
): void {
  if (isRepetition(core, sa, sa.flow, body, true)) return;
  if (sa.state === 'established' || sa.phase1?.mode !== 'aggressive' || sa.phase1.busy) return;
  if (sa.role === 'initiator') onAnswer(core, sa, message, body);
  else if (sa.state === 'keyed') onConfirmation(core, sa, message, body, local, remote);
}

/** 2 ← as initiator. */
function onAnswer(core: Core, sa: IsakmpSa, message: Message, body: Uint8Array): void {
  const payloads = message.payloads ?? [];
  const [offer, ke, nonce, id] = [
    find(payloads, 'sa'),
    find(payloads, 'ke'),
    find(payloads, 'nonce'),
    find(payloads, 'id'),
  ];
  const mode = sa.phase1!;
  if (sa.state !== 'init' || !mode.pair || !offer || !ke || !validNonce(nonce) || !id) return;
  const { policy } = sa.connection;
  const chosen = choosePhase1(policy.at, policy.ike, policy.credential.method, offer.proposals);
  if (
    !chosen.ok ||
    offer.proposals[0].transforms.length !== 1 ||
    chosen.suite.group !== policy.ike.groups[0]
  ) {
    return lost(core, sa, { code: 'PROTOCOL', text: 'the peer chose a proposal that we did not make' });
  }
  mode.busy = true;
  sa.cookieR = message.header.spiR;
  sa.suite = { ...chosen.suite, lifetime: policy.ike.lifetime };
  readVendors(sa, payloads);
  detectNat(sa, payloads);
  progress(core, sa.flow, body);
  core.job({ group: sa.suite.group, keyPair: mode.pair, peerPublic: ke.data }, (result) => {
    delete mode.busy;
    if (sa.state !== 'init') return;
    if (!result.ok) return lost(core, sa, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    mode.peerPublic = ke.data;
    mode.peerNonce = nonce.data;
    key(sa, result);
    judge(core, sa, id, payloads, (peer) => {
      prove(core, sa, ownId(sa), (proof) => {
        float(sa);
        // A repeated message 2 brings it out again: there is nothing to wait for.
        send(core, sa, sa.flow, clear(sa, AGGRESSIVE, [...proof, ...natDs(core, sa)]));
        conclude(core, sa, peer, payloads);
      });
    });
  });
}

/** 3 → as responder; some peers encrypt it (RFC 2409 5.4 leaves it open). */
function onConfirmation(
  core: Core,
  sa: IsakmpSa,
  message: Message,
  body: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
): void {
  const mode = sa.phase1!;
  let payloads = message.payloads ?? [];
  let iv = sa.iv;
  if (message.header.flags & FLAG.ENCRYPTION) {
    const d = decrypt(core, sa, message, sa.iv);
    if (!d.ok) {
      const text = `aggressive mode message 3 dropped: ${d.rule}`;
      return core.note('debug', 'message-dropped', sa.connection, text);
    }
    payloads = d.chain.payloads;
    iv = d.iv;
  }
  // Of the ports that this message came by (RFC 3947 4).
  detectNat(sa, payloads, local, remote);
  judge(core, sa, mode.peerId!, payloads, (peer) => {
    progress(core, sa.flow, body);
    // Nothing answers message 3: a copy of it must not bring message 2 out again.
    delete sa.flow.sent;
    sa.iv = iv;
    sa.local = local;
    sa.remote = remote;
    conclude(core, sa, peer, payloads);
  });
}
