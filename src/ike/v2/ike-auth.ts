// IKE_AUTH (RFC 7296 1.2, 2.15): identities proved by the shared key, and the first Child SA; both roles.
import { equalConstantTime, u32Bytes } from '../../net/bytes.ts';
import type { Connection, Core } from '../core.ts';
import { identityText, identityToWire, wrongIdentity } from '../identity.ts';
import { keyOf } from '../policy.ts';
import { espAlternatives, toWire } from '../proposal/v2.ts';
import type { Reason } from '../reason.ts';
import { supervise } from '../supervise.ts';
import { AUTH_V2_PSK, EXCHANGE, NOTIFY_V2, NOTIFY_V2_STATUS, nameOf, PROTOCOL } from '../wire/numbers.ts';
import { find, findNotify, notify, type Payload, type PayloadOf } from '../wire/v2.ts';
import { acceptChild, answerChild, childReason } from './child.ts';
import { request, respond, tell } from './exchange.ts';
import { idBody, pskAuth } from './keys.ts';
import { drop, establish, lost, thinOut } from './lifecycle.ts';
import type { IkeSa } from './sa.ts';
import { fromPrefixes } from './selectors.ts';

/** AUTH of one side over what it sent first and the other's nonce. */
function proofOf(
  sa: IkeSa,
  connection: Connection,
  initiator: boolean,
  id: { idType: number; data: Uint8Array },
): Uint8Array {
  const { init, response, nonceI, nonceR } = sa.proof!;
  const [message, nonce, skp] = initiator ? [init, nonceR, sa.keys!.pi] : [response, nonceI, sa.keys!.pr];
  return pskAuth(sa.suite!, connection.policy.psk.reveal(), message, nonce, skp, idBody(id));
}

export function sendAuth(core: Core, sa: IkeSa): void {
  const { connection } = sa;
  const { policy } = connection;
  sa.state = 'auth';
  const id = identityToWire(policy.myId);
  const spi = core.allocateSpi();
  const only = ![...connection.sas].some((other) => other !== sa && other.state === 'established');
  const payloads: Payload[] = [
    { type: 'idi', ...id },
    ...(policy.initialContact && only ? [notify(NOTIFY_V2.INITIAL_CONTACT)] : []),
    { type: 'auth', method: AUTH_V2_PSK, data: proofOf(sa, connection, true, id) },
    { type: 'sa', proposals: toWire(PROTOCOL.ESP, u32Bytes(spi), espAlternatives(policy.child, [])) },
    { type: 'tsi', selectors: fromPrefixes(policy.child.selectors.local, policy.child.protocol) },
    { type: 'tsr', selectors: fromPrefixes(policy.child.selectors.remote, policy.child.protocol) },
  ];
  request(core, sa, EXCHANGE.IKE_AUTH, payloads, 'IKE_AUTH', (answer) =>
    onAuthResponse(core, sa, spi, answer),
  );
}

function onAuthResponse(core: Core, sa: IkeSa, spi: number, payloads: readonly Payload[]): void {
  const { connection } = sa;
  const [idr, auth] = [find(payloads, 'idr'), find(payloads, 'auth')];
  const refusal = payloads.find(
    (p): p is PayloadOf<'notify'> => p.type === 'notify' && p.notify < NOTIFY_V2_STATUS,
  );
  if (!idr || !auth) return lost(core, sa, refusedAuth(sa, refusal?.notify));
  const wrong =
    wrongIdentity(
      connection.policy.name,
      connection.policy.peerId,
      connection.policy.myId,
      idr,
      sa.nat.remote,
    ) ?? wrongProof(sa, connection, false, idr, auth);
  if (wrong) {
    tell(core, sa, EXCHANGE.INFORMATIONAL, [notify(NOTIFY_V2.AUTHENTICATION_FAILED)]);
    return lost(core, sa, wrong);
  }
  const { nonceI, nonceR } = sa.proof!;
  establish(core, sa);
  core.note('info', 'ike-established', connection, establishedText(sa, idr));
  const child = acceptChild(core, sa, { spi, nonces: [nonceI, nonceR], payloads, groups: [] });
  if ('code' in child) {
    core.refuse(
      'child-refused',
      connection,
      'IKE SA is up but has no child',
      refusal ? childReason(sa, refusal) : child,
    );
    connection.failures++;
  }
  thinOut(core, connection);
  supervise(core, connection);
}

function refusedAuth(sa: IkeSa, type: number | undefined): Reason {
  const { policy } = sa.connection;
  if (type === NOTIFY_V2.AUTHENTICATION_FAILED) {
    const key = keyOf(policy.name, 'preshared-key');
    return {
      code: 'AUTHENTICATION',
      text: 'the peer answered AUTHENTICATION_FAILED: it does not accept our preshared key or our identity',
      key,
      hint: `compare ${key} and ${keyOf(policy.name, 'ike.my-identifier')} (${policy.myId.value}) with the peer's configuration`,
    };
  }
  const text =
    type === undefined
      ? 'the peer answered IKE_AUTH without proving who it is'
      : `the peer answered ${nameOf(NOTIFY_V2, type)}`;
  return { code: 'PEER_REFUSED', text };
}

function wrongProof(
  sa: IkeSa,
  connection: Connection,
  initiator: boolean,
  id: { idType: number; data: Uint8Array },
  auth: PayloadOf<'auth'>,
): Reason | undefined {
  const key = keyOf(connection.policy.name, 'preshared-key');
  if (auth.method !== AUTH_V2_PSK) {
    return {
      code: 'AUTHENTICATION',
      text: `the peer authenticates by method ${auth.method}, we expect a preshared key`,
      key,
    };
  }
  if (equalConstantTime(auth.data, proofOf(sa, connection, initiator, id))) return undefined;
  return {
    code: 'AUTHENTICATION',
    text: `the preshared key of ${identityText(id)} is not ours`,
    key,
    hint: `make ${key} the same on both sides`,
  };
}

function establishedText(sa: IkeSa, peer: { idType: number; data: Uint8Array }): string {
  const s = sa.suite!;
  const nat = sa.nat.local || sa.nat.remote ? ', UDP encapsulation' : '';
  return `IKE SA established with ${identityText(peer)}: ${s.cipher}${s.integrity ? `/${s.integrity}` : ''}/${s.prf}/${s.group}${nat}`;
}

/** A peer's IKE_AUTH. Nothing of it is believed before its proof verified. */
export function answerAuth(core: Core, sa: IkeSa, messageId: number, payloads: readonly Payload[]): void {
  const [idi, auth] = [find(payloads, 'idi'), find(payloads, 'auth')];
  const fail = (reason: Reason, type: number) => {
    respond(core, sa, EXCHANGE.IKE_AUTH, messageId, [notify(type)]);
    core.refuse('negotiation-refused', sa.connection, `IKEv2 from ${sa.remote.address}`, reason);
    dismiss(core, sa);
    supervise(core, sa.connection);
  };
  if (!idi || !auth) {
    const text =
      auth || !idi
        ? 'IKE_AUTH without identity'
        : 'the peer wants to authenticate by EAP, we expect a preshared key';
    return fail(
      { code: 'PROTOCOL', text },
      auth ? NOTIFY_V2.INVALID_SYNTAX : NOTIFY_V2.AUTHENTICATION_FAILED,
    );
  }
  const candidates = core.candidates(2, sa.local, sa.remote);
  const named = candidates.find(
    (c) => !wrongIdentity(c.policy.name, c.policy.peerId, c.policy.myId, idi, sa.nat.remote),
  );
  const connection = named ?? candidates[0] ?? sa.connection;
  rehome(sa, connection);
  const { policy } = connection;
  const wrong =
    wrongIdentity(policy.name, policy.peerId, policy.myId, idi, sa.nat.remote) ??
    wrongProof(sa, connection, true, idi, auth);
  if (wrong) return fail(wrong, NOTIFY_V2.AUTHENTICATION_FAILED);

  const id = identityToWire(policy.myId);
  const ours = proofOf(sa, connection, false, id);
  const { nonceI, nonceR } = sa.proof!;
  if (findNotify(payloads, NOTIFY_V2.INITIAL_CONTACT)) initialContact(core, sa);
  establish(core, sa);
  core.note('info', 'ike-established', connection, establishedText(sa, idi));
  const child = answerChild(core, sa, { nonces: [nonceI, nonceR], payloads, groups: [] });
  respond(core, sa, EXCHANGE.IKE_AUTH, messageId, [
    { type: 'idr', ...id },
    { type: 'auth', method: AUTH_V2_PSK, data: ours },
    ...child.payloads,
  ]);
  if (child.reason) core.refuse('child-refused', connection, 'IKE SA is up but has no child', child.reason);
  thinOut(core, connection);
  supervise(core, connection);
}

/** Keeps a refused SA for a while, so that a retransmitted request still gets its answer. */
function dismiss(core: Core, sa: IkeSa): void {
  sa.state = 'auth';
  core.arm(`sa:${sa.id}:half-open`, core.settings.phase1Timeout * 1000, () => drop(core, sa));
}

function rehome(sa: IkeSa, connection: Connection): void {
  sa.connection.sas.delete(sa);
  sa.connection = connection;
  connection.sas.add(sa);
}

/** The peer says that it has no other SA with us: those from before its restart are dead (RFC 7296 2.4). */
function initialContact(core: Core, sa: IkeSa): void {
  for (const old of [...sa.connection.sas]) {
    // Not one that came up while this one was being negotiated: both sides had started at once.
    if (old === sa || old.version !== 2 || old.state !== 'established' || old.establishedAt > sa.createdAt)
      continue;
    core.note(
      'info',
      'initial-contact',
      sa.connection,
      'the peer restarted: its earlier IKE SA is forgotten',
    );
    drop(core, old);
  }
}
