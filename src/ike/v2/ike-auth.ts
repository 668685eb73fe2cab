// IKE_AUTH (RFC 7296 1.2, 2.15): identities and what proves them, and the first Child SA; both roles. Without one
// where both sides can do so (RFC 6023).
import { u32Bytes } from '../../net/bytes.ts';
import type { Connection, Core } from '../core.ts';
import { identityText, identityToWire, type WireIdentity, wrongIdentity } from '../identity.ts';
import { type ChildPolicy, keyOf } from '../policy.ts';
import { weakness } from '../proposal/strength.ts';
import type { Reason } from '../reason.ts';
import { supervise, wanted } from '../supervise.ts';
import { EXCHANGE, NOTIFY_V2, NOTIFY_V2_STATUS, nameOf } from '../wire/numbers.ts';
import { find, findNotify, notify, type Payload, type PayloadOf } from '../wire/v2.ts';
import { acceptChild, answerChild, childReason, childRequest, meant } from './child.ts';
import { crashToken, keepToken } from './crash.ts';
import { decline, succeed } from './create-child-sa.ts';
import { request, respond, tell } from './exchange.ts';
import { drop, establish, limitAuthentication, lost, thinOut } from './lifecycle.ts';
import { certificateRequest, judge, prove } from './proof.ts';
import { about, type IkeSa, within } from './sa.ts';

export function sendAuth(core: Core, sa: IkeSa): void {
  const { connection } = sa;
  const { policy } = connection;
  sa.state = 'auth';
  sa.busy = true;
  const id = identityToWire(policy.myId);
  prove(core, sa, connection, id, (proof) => {
    delete sa.busy;
    if ('code' in proof) return lost(core, sa, proof);
    const first = wanted(connection)[0] ?? policy.children[0];
    const asked = policy.childless && sa.childless ? undefined : { policy: first, spi: core.allocateSpi() };
    const only = ![...connection.sas].some((other) => other !== sa && other.state === 'established');
    const payloads: Payload[] = [
      { type: 'idi', ...id },
      ...proof.filter((p) => p.type === 'cert'),
      ...(policy.initialContact && only ? [notify(NOTIFY_V2.INITIAL_CONTACT)] : []),
      ...certificateRequest(connection),
      ...proof.filter((p) => p.type === 'auth'),
      ...(policy.mobike ? [notify(NOTIFY_V2.MOBIKE_SUPPORTED)] : []),
      ...crashToken(core, sa.role, sa.spiI, sa.spiR),
      ...(asked ? childRequest(asked.policy, asked.spi, []) : []),
    ];
    request(core, sa, EXCHANGE.IKE_AUTH, payloads, 'IKE_AUTH', (answer) =>
      onAuthResponse(core, sa, asked, answer),
    );
  });
}

/** The child that IKE_AUTH asks for, unless it asks for none. */
type Asked = { readonly policy: ChildPolicy; readonly spi: number } | undefined;

function onAuthResponse(core: Core, sa: IkeSa, asked: Asked, payloads: readonly Payload[]): void {
  const { connection } = sa;
  const [idr, auth] = [find(payloads, 'idr'), find(payloads, 'auth')];
  const refusal = payloads.find(
    (p): p is PayloadOf<'notify'> => p.type === 'notify' && p.notify < NOTIFY_V2_STATUS,
  );
  if (!idr || !auth) return lost(core, sa, refusedAuth(sa, refusal?.notify));
  const disbelieve = (reason: Reason) => {
    tell(core, sa, EXCHANGE.INFORMATIONAL, [notify(NOTIFY_V2.AUTHENTICATION_FAILED)]);
    lost(core, sa, reason);
  };
  const stranger = wrongIdentity(connection.policy, idr, sa.nat.remote);
  if (stranger) return disbelieve(stranger);
  sa.busy = true;
  judge(core, sa, connection, idr, payloads, auth, (wrong) => {
    delete sa.busy;
    if (wrong) return disbelieve(wrong);
    const { nonceI, nonceR } = sa.proof!;
    establish(core, sa);
    keepToken(sa, payloads);
    if (connection.policy.mobike && findNotify(payloads, NOTIFY_V2.MOBIKE_SUPPORTED)) sa.mobike = 'ours';
    const life = findNotify(payloads, NOTIFY_V2.AUTH_LIFETIME);
    if (life) limitAuthentication(core, sa, life.data);
    core.note('info', 'ike-established', connection, establishedText(sa, idr));
    const child =
      asked && acceptChild(core, sa, { ...asked, nonces: [nonceI, nonceR], payloads, groups: [] });
    if (asked && child && 'code' in child) {
      const why = refusal ? childReason(asked.policy, refusal) : child;
      core.refuse('child-refused', connection, 'IKE SA is up but has no child', why);
      connection.failures++;
      if (!refusal) decline(core, sa, asked.spi);
    }
    succeed(core, sa);
    thinOut(core, connection);
    supervise(core, connection);
  });
}

function refusedAuth(sa: IkeSa, type: number | undefined): Reason {
  const { policy } = sa.connection;
  if (type === NOTIFY_V2.AUTHENTICATION_FAILED) {
    const psk = policy.credential.method === 'preshared-key';
    const key = keyOf(policy.at, psk ? 'preshared-key' : 'ike.my-certificate');
    return {
      code: 'AUTHENTICATION',
      text: `the peer answered AUTHENTICATION_FAILED: it does not accept our ${policy.credential.method} or our identity`,
      key,
      hint: `compare ${key} and ${keyOf(policy.at, 'ike.my-identifier')} (${policy.myId.value}) with the peer's configuration`,
    };
  }
  const text =
    type === undefined
      ? 'the peer answered IKE_AUTH without proving who it is'
      : `the peer answered ${nameOf(NOTIFY_V2, type)}`;
  return { code: 'PEER_REFUSED', text };
}

function establishedText(sa: IkeSa, peer: WireIdentity): string {
  const s = sa.suite!;
  const nat = sa.nat.local || sa.nat.remote ? ', UDP encapsulation' : '';
  return `IKE SA established with ${identityText(peer)}: ${s.cipher}${s.integrity ? `/${s.integrity}` : ''}/${s.prf}/${s.group}${weakness(s)}${nat}`;
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
    core.event({ about: within(sa, 'AUTH'), did: 'missing', payload: idi ? 'AUTH' : 'IDi' });
    const text =
      auth || !idi
        ? 'IKE_AUTH without identity'
        : `the peer wants to authenticate by EAP, we expect a ${sa.connection.policy.credential.method}`;
    return fail(
      { code: 'PROTOCOL', text },
      auth ? NOTIFY_V2.INVALID_SYNTAX : NOTIFY_V2.AUTHENTICATION_FAILED,
    );
  }
  const connection = namedBy(core, sa, idi, find(payloads, 'idr')) ?? sa.connection;
  rehome(core, sa, connection);
  const { policy } = connection;
  const stranger = wrongIdentity(policy, idi, sa.nat.remote);
  if (stranger) return fail(stranger, NOTIFY_V2.AUTHENTICATION_FAILED);
  sa.state = 'auth';
  judge(core, sa, connection, idi, payloads, auth, (wrong) => {
    if (wrong) return fail(wrong, NOTIFY_V2.AUTHENTICATION_FAILED);
    const id = identityToWire(policy.myId);
    prove(core, sa, connection, id, (proof) => {
      if ('code' in proof) return fail(proof, NOTIFY_V2.AUTHENTICATION_FAILED);
      const { nonceI, nonceR } = sa.proof!;
      if (findNotify(payloads, NOTIFY_V2.INITIAL_CONTACT)) initialContact(core, sa);
      // We ask the peer to prove itself again in time, and do not go on without.
      if (policy.reauthenticate) sa.proved = { from: core.now, until: core.now + policy.ike.lifetime * 1000 };
      establish(core, sa);
      keepToken(sa, payloads);
      if (findNotify(payloads, NOTIFY_V2.MOBIKE_SUPPORTED)) sa.mobike = 'theirs';
      core.note('info', 'ike-established', connection, establishedText(sa, idi));
      const childless = !find(payloads, 'sa') && !find(payloads, 'tsi') && !find(payloads, 'tsr');
      const child = childless
        ? { payloads: [] }
        : answerChild(core, sa, {
            policy: meant(sa, payloads),
            nonces: [nonceI, nonceR],
            payloads,
            groups: [],
          });
      respond(core, sa, EXCHANGE.IKE_AUTH, messageId, [
        { type: 'idr', ...id },
        ...proof,
        ...(sa.mobike ? [notify(NOTIFY_V2.MOBIKE_SUPPORTED)] : []),
        ...(policy.reauthenticate ? [notify(NOTIFY_V2.AUTH_LIFETIME, u32Bytes(policy.ike.lifetime))] : []),
        ...crashToken(core, sa.role, sa.spiI, sa.spiR),
        ...child.payloads,
      ]);
      if (child.reason)
        core.refuse('child-refused', connection, 'IKE SA is up but has no child', child.reason);
      thinOut(core, connection);
      supervise(core, connection);
    });
  });
}

/**
 * The connection that the peer means, of those that were possible: its identity must be the one that is expected,
 * and better it asks for the identity that is ours there.
 */
function namedBy(
  core: Core,
  sa: IkeSa,
  idi: WireIdentity,
  idr: WireIdentity | undefined,
): Connection | undefined {
  const candidates = core.candidates(2, sa.local, sa.remote);
  const fits = (nat: boolean) => candidates.filter(({ policy }) => !wrongIdentity(policy, idi, nat));
  const exact = fits(false);
  const named = exact.length > 0 ? exact : fits(sa.nat.remote);
  const asked = idr && identityText(idr);
  return (
    named.find(({ policy }) => asked === identityText(identityToWire(policy.myId))) ??
    named[0] ??
    candidates[0]
  );
}

/** Keeps a refused SA for a while, so that a retransmitted request still gets its answer. */
function dismiss(core: Core, sa: IkeSa): void {
  sa.state = 'auth';
  core.arm(`sa:${sa.id}:half-open`, core.settings.phase1Timeout * 1000, () => drop(core, sa));
}

function rehome(core: Core, sa: IkeSa, connection: Connection): void {
  if (sa.connection === connection) return;
  sa.connection.sas.delete(sa);
  sa.connection = connection;
  connection.sas.add(sa);
  core.event({ about: about(sa), did: 'gateway', connection: connection.policy.name });
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
