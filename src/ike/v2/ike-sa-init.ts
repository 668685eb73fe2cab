// IKE_SA_INIT (RFC 7296 1.2): proposals, Diffie-Hellman values and nonces, unprotected; both roles.
import { compareBytes, concat, equalConstantTime, hex } from '../../net/bytes.ts';
import { type Endpoint, endpointText } from '../../net/endpoint.ts';
import type { Connection, Core } from '../core.ts';
import { GROUPS, type Group, type GroupName, groupById } from '../crypto/algorithm.ts';
import type { KeyPair } from '../crypto/key-exchange.ts';
import { guessV2 } from '../fingerprint.ts';
import { followIkeKeys, followMessage } from '../follow.ts';
import { accepted, keyOf } from '../policy.ts';
import { groupName } from '../proposal/names.ts';
import {
  type Chosen,
  chooseIke,
  type IkeSuite,
  ikeAlternatives,
  phase1Keys,
  toWire,
} from '../proposal/v2.ts';
import { type Reason, seenAs } from '../reason.ts';
import { supervise } from '../supervise.ts';
import {
  EXCHANGE,
  FLAG,
  NOTIFY_V2,
  NOTIFY_V2_STATUS,
  nameOf,
  PORT_IKE,
  PORT_NAT_T,
  PROTOCOL,
} from '../wire/numbers.ts';
import { encode, find, findNotify, type Message, notify, type Payload } from '../wire/v2.ts';
import type { Cookies } from './cookie.ts';
import { answered, transmit } from './exchange.ts';
import { sendAuth } from './ike-auth.ts';
import { ikeKeys, natDetection, skeyseed } from './keys.ts';
import { drop, lost, register } from './lifecycle.ts';
import { certificateRequest, hashesOf, hashNotify } from './proof.ts';
import { type IkeSa, within } from './sa.ts';

const NONE = new Uint8Array(0);
const ZERO_SPI = new Uint8Array(8);

/** Restarts that one negotiation may cost us: a cookie, a group, and a cookie for the second message (2.6.1). */
const MAX_RESTARTS = 4;

/** Our side of the exchange while it is open: kept for restarts with a cookie or another group. */
export type Attempt = {
  readonly sa: IkeSa;
  readonly nonce: Uint8Array;
  group: GroupName;
  pair: KeyPair;
  /** NAT_DETECTION_SOURCE_IP, the same in every restart: AUTH covers what the peer got last. */
  readonly source: Uint8Array;
  cookie?: Uint8Array;
  restarts: number;
};

/** `replaces`: an SA that the new one takes over from. */
export function beginInit(core: Core, connection: Connection, replaces?: IkeSa): void {
  const { policy } = connection;
  const address = policy.remote ?? replaces?.remote.address;
  if (address === undefined) return; // Where would we send it?
  const sa: IkeSa = newSa(core, connection, 'initiator', {
    spiI: core.random(8),
    ...(replaces ? { replaces } : {}),
    local: { address: policy.local, port: PORT_IKE },
    remote: { address, port: PORT_IKE },
  });
  register(core, sa);
  core.note('info', 'initiate', connection, `initiating IKEv2 to ${endpointText(sa.remote)}`);
  const group = policy.ike.groups[0];
  const nonce = core.random(Math.max(policy.nonceOctets, 16));
  core.job({ group }, (result) => {
    if (sa.state !== 'init') return;
    if (!result.ok) return lost(core, sa, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    const source = natSource(core, sa, ZERO_SPI);
    send(core, { sa, nonce, group, pair: result.keyPair, source, restarts: 0 });
  });
}

function newSa(
  core: Core,
  connection: Connection,
  role: IkeSa['role'],
  rest: Pick<IkeSa, 'spiI' | 'local' | 'remote' | 'replaces'>,
): IkeSa {
  return {
    version: 2,
    id: core.nextId(),
    role,
    connection,
    spiR: ZERO_SPI,
    ...rest,
    state: 'init',
    nat: { local: false, remote: false },
    createdAt: core.now,
    establishedAt: 0,
    lastHeard: core.now,
    children: new Set(),
    nextRequest: 0,
    expectedRequest: 0,
    queue: [],
  };
}

function send(core: Core, attempt: Attempt): void {
  const { sa, nonce, pair, group, cookie } = attempt;
  const { policy } = sa.connection;
  const payloads: Payload[] = [
    ...(cookie ? [notify(NOTIFY_V2.COOKIE, cookie)] : []),
    { type: 'sa', proposals: toWire(PROTOCOL.ISAKMP, NONE, ikeAlternatives(policy.ike)) },
    { type: 'ke', group: GROUPS[group].id, data: pair.publicValue },
    { type: 'nonce', data: nonce },
    ...natNotifies(sa, ZERO_SPI, attempt.source),
    notify(NOTIFY_V2.IKEV2_FRAGMENTATION_SUPPORTED),
    ...hashNotify(sa.connection),
  ];
  const data = encode(
    {
      spiI: sa.spiI,
      spiR: ZERO_SPI,
      major: 2,
      minor: 0,
      exchange: EXCHANGE.IKE_SA_INIT,
      flags: FLAG.INITIATOR,
      messageId: 0,
    },
    payloads,
  );
  sa.proof = { init: data, response: NONE, nonceI: nonce, nonceR: NONE };
  sa.attempt = attempt;
  transmit(core, sa, { messageId: 0, data: [data], what: 'IKE_SA_INIT', exchange: 'INIT', done: () => {} });
}

/** A wrong source hash makes the peer see a NAT, and so use UDP encapsulation (nat-traversal : force). */
export function natSource(core: Core, sa: IkeSa, spiR: Uint8Array): Uint8Array {
  return sa.connection.policy.natTraversal === 'force'
    ? core.random(20)
    : natDetection(sa.spiI, spiR, sa.local);
}

/** None where NAT traversal is not wanted: without both sides' there is none (2.23). */
export function natNotifies(sa: IkeSa, spiR: Uint8Array, source: Uint8Array): Payload[] {
  if (sa.connection.policy.natTraversal === 'disable') return [];
  return [
    notify(NOTIFY_V2.NAT_DETECTION_SOURCE_IP, source),
    notify(NOTIFY_V2.NAT_DETECTION_DESTINATION_IP, natDetection(sa.spiI, spiR, sa.remote)),
  ];
}

/** What the peer says that it knows beyond the basics. */
function learn(sa: IkeSa, { payloads }: Message): void {
  const says = (type: number) => findNotify(payloads, type) !== undefined;
  sa.fragmentation = says(NOTIFY_V2.IKEV2_FRAGMENTATION_SUPPORTED); // RFC 7383 2.3
  sa.childless = says(NOTIFY_V2.CHILDLESS_IKEV2_SUPPORTED); // RFC 6023 3
  const hashes = hashesOf(payloads);
  if (hashes) sa.peerHashes = hashes;
}

/** Who is behind a NAT: we, when the peer's view of us differs; the peer, when ours of it does (2.23). */
export function detectNat(sa: IkeSa, spiR: Uint8Array, payloads: readonly Payload[]): IkeSa['nat'] {
  const hashes = (type: number) =>
    payloads.flatMap((p) => (p.type === 'notify' && p.notify === type ? [p.data] : []));
  const sources = hashes(NOTIFY_V2.NAT_DETECTION_SOURCE_IP);
  const destinations = hashes(NOTIFY_V2.NAT_DETECTION_DESTINATION_IP);
  const unwanted = sa.connection.policy.natTraversal === 'disable';
  if (unwanted || sources.length === 0 || destinations.length === 0) return { local: false, remote: false };
  const seen = (list: Uint8Array[], e: Endpoint) =>
    list.some((h) => equalConstantTime(h, natDetection(sa.spiI, spiR, e)));
  return {
    local: !seen(destinations, sa.local) || sa.connection.policy.natTraversal === 'force',
    remote: !seen(sources, sa.remote),
  };
}

/** The response to our IKE_SA_INIT. It is not authenticated yet: what it says is believed as far as AUTH goes. */
export function onInitResponse(core: Core, sa: IkeSa, message: Message, data: Uint8Array): void {
  const attempt = sa.attempt;
  followMessage(core, sa, 'receive', data);
  if (sa.state !== 'init' || !attempt || !sa.outstanding) return;
  const { payloads, header } = message;
  const cookie = findNotify(payloads, NOTIFY_V2.COOKIE);
  if (cookie && (cookie.data.length < 1 || cookie.data.length > 64)) return; // 2.6
  const wrongGroup = findNotify(payloads, NOTIFY_V2.INVALID_KE_PAYLOAD);
  // Copies of an answer that was taken up already.
  if (cookie && attempt.cookie && compareBytes(cookie.data, attempt.cookie) === 0) return;
  const retried = attempt.group !== sa.connection.policy.ike.groups[0];
  if (wrongGroup && retried && groupOf(wrongGroup.data)?.name === attempt.group) return;
  if ((cookie || wrongGroup) && attempt.restarts++ >= MAX_RESTARTS) {
    lost(core, sa, { code: 'PROTOCOL', text: 'the peer asks for another cookie or group again and again' });
    return;
  }
  if (cookie) {
    answered(core, sa, []);
    send(core, { ...attempt, cookie: cookie.data });
    return;
  }
  if (wrongGroup) return retryGroup(core, attempt, wrongGroup.data);
  const refusal = payloads.find((p) => p.type === 'notify' && p.notify < NOTIFY_V2_STATUS);
  if (refusal?.type === 'notify') return lost(core, sa, refusedInit(sa, refusal.notify, header.spiR));

  const [ke, nonce, offer] = [find(payloads, 'ke'), find(payloads, 'nonce'), find(payloads, 'sa')];
  if (!ke || !nonce || !offer || nonce.data.length < 16 || nonce.data.length > 256) {
    core.note('debug', 'message-dropped', sa.connection, 'IKE_SA_INIT response lacks SA, KE or Nonce');
    return;
  }
  const chosen = chooseIke(
    sa.connection.policy.name,
    sa.connection.policy.ike,
    offer.proposals.slice(0, 1),
    ke.group,
  );
  if (!chosen.ok || chosen.suite.group !== attempt.group || ke.group !== GROUPS[attempt.group].id) {
    lost(core, sa, {
      code: 'PROTOCOL',
      text: 'the peer chose what we did not propose',
      ...(chosen.ok ? {} : { offered: chosen.reason.offered ?? [] }),
    });
    return;
  }
  answered(core, sa, []);
  sa.busy = true;
  sa.spiR = header.spiR;
  sa.proof = { ...sa.proof!, response: data, nonceR: nonce.data };
  sa.nat = detectNat(sa, header.spiR, payloads);
  tellNat(core, sa);
  learn(sa, message);
  core.job({ group: attempt.group, keyPair: attempt.pair, peerPublic: ke.data }, (result) => {
    delete sa.busy;
    if (sa.state !== 'init') return;
    if (!result.ok) return lost(core, sa, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    delete sa.attempt;
    finishKeys(core, sa, chosen.suite, result.shared!);
    // Who may move later may come to stand behind a NAT (RFC 4555 3.3).
    const movable = sa.connection.policy.mobike && findNotify(payloads, NOTIFY_V2.NAT_DETECTION_SOURCE_IP);
    if (sa.nat.local || sa.nat.remote || movable) {
      sa.local = { ...sa.local, port: PORT_NAT_T };
      sa.remote = { ...sa.remote, port: PORT_NAT_T };
    }
    sendAuth(core, sa);
  });
}

function tellNat(core: Core, sa: IkeSa): void {
  for (const side of ['local', 'remote'] as const)
    core.event({ about: within(sa, 'INIT'), did: 'nat', side, found: sa.nat[side] });
}

/** The group that an INVALID_KE_PAYLOAD asks for. */
function groupOf(data: Uint8Array): Group | undefined {
  return data.length === 2 ? groupById((data[0] << 8) | data[1]) : undefined;
}

function finishKeys(core: Core, sa: IkeSa, suite: IkeSuite, shared: Uint8Array): void {
  const { nonceI, nonceR } = sa.proof!;
  sa.suite = suite;
  sa.keys = ikeKeys(suite, skeyseed(suite, nonceI, nonceR, shared), nonceI, nonceR, sa.spiI, sa.spiR);
  followIkeKeys(core, { ...sa, keys: sa.keys }, nonceI, nonceR);
}

function retryGroup(core: Core, attempt: Attempt, data: Uint8Array): void {
  const { sa } = attempt;
  const { policy } = sa.connection;
  const wanted = groupOf(data);
  if (!wanted || !policy.ike.groups.includes(wanted.name) || wanted.name === attempt.group) {
    const name = groupName(data.length === 2 ? (data[0] << 8) | data[1] : undefined);
    const key = keyOf(policy.at, 'ike.proposal.phase1.dh-group');
    return lost(core, sa, {
      code: 'KE_GROUP_NOT_ALLOWED',
      text: `the peer wants ${name}, we propose ${policy.ike.groups.join(', ')}`,
      key,
      hint: `set ${key} : ${name}, or add it to dh-group-alternative`,
    });
  }
  answered(core, sa, []);
  sa.busy = true;
  core.note(
    'info',
    'retry-group',
    sa.connection,
    `the peer wants ${wanted.name} instead of ${attempt.group}`,
  );
  core.job({ group: wanted.name }, (result) => {
    delete sa.busy;
    if (sa.state !== 'init') return;
    if (!result.ok) return lost(core, sa, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    send(core, { ...attempt, group: wanted.name, pair: result.keyPair });
  });
}

function refusedInit(sa: IkeSa, type: number, spiR: Uint8Array): Reason {
  const { policy } = sa.connection;
  const name = nameOf(NOTIFY_V2, type);
  if (type !== NOTIFY_V2.NO_PROPOSAL_CHOSEN) {
    return { code: 'PEER_REFUSED', text: `the peer answered ${name}` };
  }
  // A bare refusal with a responder SPI is what a daemon sends that has no connection for our address (ike.md 2.2).
  const noConnection = spiR.some((b) => b !== 0);
  return {
    code: 'PEER_REFUSED',
    text: noConnection
      ? `the peer answered ${name}: most likely it has no connection for ${policy.local} and IKEv2`
      : `the peer answered ${name}: it accepts none of our proposals`,
    offered: ikeAlternatives(policy.ike).map((a) =>
      Object.values(a)
        .map((v) => v.join('|'))
        .join(' / '),
    ),
    key: keyOf(policy.at, 'ike.proposal.phase1'),
    hint: `compare ${keyOf(policy.at, 'ike.proposal.phase1')} with the peer's proposal and its remote address with ours`,
  };
}

/** A first request of a peer: the SA that it begins. Keeps nothing until the peer proved its address, when loaded. */
export function onInitRequest(
  core: Core,
  message: Message,
  data: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
  cookies: Cookies,
  loaded: boolean,
): IkeSa | undefined {
  const { header, payloads } = message;
  const reply = (payload: Payload): undefined => {
    core.send(local, remote, initError(header.spiI, payload));
  };
  const [ke, nonce, offer] = [find(payloads, 'ke'), find(payloads, 'nonce'), find(payloads, 'sa')];
  if (!ke || !nonce || !offer || nonce.data.length < 16 || nonce.data.length > 256) {
    core.event({ did: 'missing', payload: !offer ? 'SA' : !ke ? 'KE' : 'NONCE' });
    return reply(notify(NOTIFY_V2.INVALID_SYNTAX));
  }
  if (
    loaded &&
    !cookies.valid(findNotify(payloads, NOTIFY_V2.COOKIE)?.data, nonce.data, remote, header.spiI)
  ) {
    return reply(notify(NOTIFY_V2.COOKIE, cookies.make(nonce.data, remote, header.spiI)));
  }
  const candidates = core.candidates(2, local, remote);
  const refuse = (connection: Connection | undefined, reason: Reason) => {
    const why = seenAs(reason, guessV2(payloads));
    core.refuse('negotiation-refused', connection, `IKEv2 from ${endpointText(remote)}`, why);
  };
  if (candidates.length === 0) {
    core.event({ did: 'no-ike-sa' });
    refuse(undefined, core.noConnection(2, local, remote));
    return reply(notify(NOTIFY_V2.NO_PROPOSAL_CHOSEN));
  }
  // Until the identity is known each of them may be meant: no connection stands in another's way.
  const verdicts = candidates.map((connection) => ({
    connection,
    chosen: chooseIke(connection.policy.at, accepted(connection.policy.ike), offer.proposals, ke.group),
  }));
  const fits = verdicts.filter(({ chosen }) => chosen.ok);
  const { connection, chosen } =
    fits.find(({ chosen }) => chosen.ok && GROUPS[chosen.suite.group].id === ke.group) ??
    fits[0] ??
    verdicts[0];
  if (!chosen.ok) {
    core.event({ did: 'unacceptable', payload: 'SA' });
    for (const { connection, chosen } of verdicts) if (!chosen.ok) refuse(connection, chosen.reason);
    return reply(notify(NOTIFY_V2.NO_PROPOSAL_CHOSEN));
  }
  const group = GROUPS[chosen.suite.group];
  if (ke.group !== group.id) {
    core.event({ did: 'unacceptable', payload: 'KE' });
    core.note('info', 'retry-group', connection, retryText(connection, group, ke.group));
    return reply(notify(NOTIFY_V2.INVALID_KE_PAYLOAD, Uint8Array.of(group.id >> 8, group.id & 255)));
  }
  return accept(core, connection, chosen, message, data, local, remote);
}

function retryText(connection: Connection, wanted: Group, sent: number): string {
  const name = groupName(sent);
  return `the peer sent a public value of ${name}, asked for ${wanted.name} (${phase1Keys(connection.policy.at).group})`;
}

function accept(
  core: Core,
  connection: Connection,
  chosen: Extract<Chosen<IkeSuite>, { ok: true }>,
  message: Message,
  data: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
): IkeSa {
  const { header, payloads } = message;
  const sa = newSa(core, connection, 'responder', { spiI: header.spiI, local, remote });
  sa.spiR = core.random(8);
  sa.expectedRequest = 1;
  sa.nat = detectNat(sa, header.spiR, payloads);
  core.event({ about: within(sa, 'INIT'), did: 'started' });
  tellNat(core, sa);
  learn(sa, message);
  register(core, sa);
  core.arm(`sa:${sa.id}:half-open`, core.settings.phase1Timeout * 1000, () => {
    const reason: Reason = { code: 'TIMEOUT', text: 'the peer began a negotiation and did not finish it' };
    core.refuse('negotiation-failed', sa.connection, `IKEv2 from ${endpointText(remote)}`, reason);
    drop(core, sa);
    supervise(core, sa.connection);
  });
  core.note('info', 'respond', connection, `${endpointText(remote)} initiates IKEv2`);
  const nonceI = find(payloads, 'nonce')!.data;
  const nonceR = core.random(Math.max(connection.policy.nonceOctets, 16));
  core.job({ group: chosen.suite.group, peerPublic: find(payloads, 'ke')!.data }, (result) => {
    if (sa.state !== 'init') return;
    if (!result.ok) {
      core.refuse('negotiation-refused', connection, `IKEv2 from ${endpointText(remote)}`, {
        code: 'BAD_PUBLIC_VALUE',
        text: result.error,
      });
      core.send(local, remote, initError(sa.spiI, notify(NOTIFY_V2.INVALID_SYNTAX)));
      drop(core, sa);
      return supervise(core, connection);
    }
    const answer: Payload[] = [
      { type: 'sa', proposals: [chosen.proposal] },
      { type: 'ke', group: GROUPS[chosen.suite.group].id, data: result.keyPair.publicValue },
      { type: 'nonce', data: nonceR },
      ...natNotifies(sa, sa.spiR, natSource(core, sa, sa.spiR)),
      ...(sa.fragmentation ? [notify(NOTIFY_V2.IKEV2_FRAGMENTATION_SUPPORTED)] : []),
      notify(NOTIFY_V2.CHILDLESS_IKEV2_SUPPORTED),
      // Who it is we know later: any of the connections may want a signature.
      ...(sa.peerHashes ? signatures(core.candidates(2, local, remote)) : []),
    ];
    const response = encode(initHeader(sa.spiI, sa.spiR), answer);
    sa.proof = { init: data, response, nonceI, nonceR };
    finishKeys(core, sa, chosen.suite, result.shared!);
    sa.lastResponse = { messageId: 0, data: [response] };
    followMessage(core, sa, 'send', response);
    core.send(local, remote, response);
    core.event({ about: within(sa, 'INIT'), did: 'terminated' });
  });
  return sa;
}

/** Several connections may want signatures: one request speaks for all of their authorities. */
function signatures(candidates: readonly Connection[]): Payload[] {
  const requests = candidates.flatMap(certificateRequest);
  const [first] = requests;
  const data = concat(...requests.flatMap((p) => (p.type === 'certreq' ? [p.data] : [])));
  const hashes = candidates.flatMap(hashNotify).slice(0, 1);
  return [...(first?.type === 'certreq' ? [{ ...first, data }] : []), ...hashes];
}

function initHeader(spiI: Uint8Array, spiR: Uint8Array) {
  return {
    spiI,
    spiR,
    major: 2,
    minor: 0,
    exchange: EXCHANGE.IKE_SA_INIT,
    flags: FLAG.RESPONSE,
    messageId: 0,
  };
}

function initError(spiI: Uint8Array, payload: Payload): Uint8Array {
  return encode(initHeader(spiI, ZERO_SPI), [payload]);
}

/** The key under which a retransmitted first request finds the SA that it made. */
export function initKey(spiI: Uint8Array, remote: Endpoint): string {
  return hex(spiI) + endpointText(remote);
}
