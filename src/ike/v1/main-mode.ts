// Main Mode with a preshared key (RFC 2409 5.4 names the messages), NAT traversal (RFC 3947), both roles:
//   1 →  HDR, SA, VIDs                 2 ←  HDR, SA, VIDs
//   3 →  HDR, KE, Ni, NAT-D, NAT-D     4 ←  HDR, KE, Nr, NAT-D, NAT-D
//   5 →  HDR*, IDii, HASH_I            6 ←  HDR*, IDir, HASH_R
import { equalConstantTime, fromHex, hex } from '../../net/bytes.ts';
import { type Endpoint, endpointText } from '../../net/endpoint.ts';
import type { Connection, Core } from '../core.ts';
import { identityText, identityToWire, wrongIdentity } from '../identity.ts';
import { keyOf } from '../policy.ts';
import { acceptPhase1Lifetime } from '../proposal/lifetime.ts';
import { choosePhase1, phase1Proposal } from '../proposal/v1.ts';
import type { Reason } from '../reason.ts';
import { supervise } from '../supervise.ts';
import {
  DOI_IPSEC,
  EXCHANGE,
  FLAG,
  NOTIFY_V1,
  PORT_IKE,
  PORT_NAT_T,
  PROTOCOL,
  SIT_IDENTITY_ONLY,
  VENDOR,
} from '../wire/numbers.ts';
import { bodyOf, encode, find, type Message, type Payload, type PayloadOf } from '../wire/v1.ts';
import { clear, decrypt, encrypted, inform, isRepetition, newMessageId, progress, send } from './exchange.ts';
import { isakmpKeys, natD, phase1Hash, phase1Iv } from './keys.ts';
import { drop, establish, initialContact, isakmpNotify, lost, register } from './lifecycle.ts';
import { beginQuickMode } from './quick-mode.ts';
import type { IsakmpSa } from './sa.ts';

const MAIN_MODE = { exchange: EXCHANGE.IDENTITY_PROTECTION, messageId: 0 };
const NO_COOKIE = new Uint8Array(8);

/** SEIL's Vendor IDs in SEIL's order (seed 001). */
const VENDORS: readonly Payload[] = [
  VENDOR.RACOON,
  VENDOR.DPD,
  VENDOR.NAT_T_RFC3947,
  VENDOR.NAT_T_DRAFT_02_N,
].map((id) => ({ type: 'vendor', data: fromHex(id) }));

export function beginMainMode(core: Core, connection: Connection): void {
  const { policy } = connection;
  const sa = newSa(core, connection, 'initiator', {
    cookieI: core.random(8),
    cookieR: NO_COOKIE,
    local: { address: policy.local, port: PORT_IKE },
    remote: { address: policy.remote, port: PORT_IKE },
  });
  const offer: Payload = {
    type: 'sa',
    doi: DOI_IPSEC,
    situation: SIT_IDENTITY_ONLY,
    proposals: [phase1Proposal(policy.ike)],
  };
  sa.mainMode = { saBody: bodyOf(offer), nonce: core.random(policy.nonceOctets) };
  register(core, sa);
  core.note('info', 'initiate', connection, `initiating IKEv1 main mode to ${endpointText(sa.remote)}`);
  send(core, sa, sa.flow, clear(sa, MAIN_MODE, [offer, ...VENDORS]), () => silence(core, sa, 1));
}

function newSa(
  core: Core,
  connection: Connection,
  role: IsakmpSa['role'],
  rest: Pick<IsakmpSa, 'cookieI' | 'cookieR' | 'local' | 'remote'>,
): IsakmpSa {
  const id = core.nextId();
  const sa: IsakmpSa = {
    version: 1,
    id,
    role,
    connection,
    ...rest,
    state: 'init',
    iv: new Uint8Array(0),
    natT: 'none',
    nat: { local: false, remote: false },
    createdAt: core.now,
    establishedAt: 0,
    lastHeard: core.now,
    dpd: false,
    dpdSequence: core.below(0x10000),
    dpdUnanswered: 0,
    flow: { timer: `sa:${id}:retransmit`, tries: 0 },
    used: new Set(),
    quick: new Map(),
  };
  core.arm(`sa:${id}:half-open`, core.settings.phase1Timeout * 1000, () => {
    if (role === 'initiator') return silence(core, sa, sa.state === 'keyed' ? 5 : sa.suite ? 3 : 1);
    lost(core, sa, { code: 'TIMEOUT', text: 'the peer began phase 1 and did not finish it' });
  });
  return sa;
}

function silence(core: Core, sa: IsakmpSa, message: 1 | 3 | 5): void {
  const key = keyOf(sa.connection.policy.name, 'preshared-key');
  lost(
    core,
    sa,
    message === 5
      ? {
          code: 'AUTHENTICATION',
          text: 'the peer did not answer message 5, which carries our identity and proof: most likely the preshared key differs',
          key,
          hint: `make ${key} the same on both sides`,
        }
      : {
          code: 'TIMEOUT',
          text: `${sa.remote.address} did not answer main mode message ${message}`,
          hint: 'check that the peer runs, that UDP 500 and 4500 pass, and that it expects our address',
        },
  );
}

/** The first message of a peer (1 →): no SA is kept unless a connection fits and a proposal is acceptable. */
export function onFirstMessage(
  core: Core,
  message: Message,
  body: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
): void {
  const offer = find(message.payloads ?? [], 'sa');
  const who = `IKEv1 from ${endpointText(remote)}`;
  const spiI = message.header.spiI;
  if (!offer) return;
  const candidates = core.candidates(1, local, remote);
  if (candidates.length === 0) {
    core.refuse('negotiation-refused', undefined, who, core.noConnection(1, local, remote));
    return refuse(core, spiI, local, remote, NOTIFY_V1.NO_PROPOSAL_CHOSEN);
  }
  let reason: Reason | undefined;
  for (const connection of candidates) {
    const { policy } = connection;
    const chosen = choosePhase1(policy.name, policy.ike, offer.proposals);
    const lifetime = chosen.ok
      ? acceptPhase1Lifetime(policy.name, policy.checkLevel, policy.ike.lifetime, chosen.suite.lifetime)
      : undefined;
    if (!chosen.ok || (lifetime && !lifetime.ok)) {
      reason ??= chosen.ok ? (lifetime?.ok === false ? lifetime.reason : undefined) : chosen.reason;
      if (reason) core.refuse('negotiation-refused', connection, who, reason);
      continue;
    }
    const sa = newSa(core, connection, 'responder', {
      cookieI: spiI,
      cookieR: core.random(8),
      local,
      remote,
    });
    sa.suite = lifetime?.ok ? { ...chosen.suite, lifetime: lifetime.seconds } : chosen.suite;
    sa.mainMode = { saBody: bodyOf(offer), nonce: core.random(policy.nonceOctets) };
    readVendors(sa, message.payloads ?? []);
    register(core, sa);
    core.note('info', 'respond', connection, `${endpointText(remote)} initiates IKEv1 main mode`);
    progress(core, sa.flow, body);
    const answer: Payload = { ...offer, proposals: [chosen.proposal] };
    send(core, sa, sa.flow, clear(sa, MAIN_MODE, [answer, ...VENDORS]));
    return;
  }
  refuse(core, spiI, local, remote, NOTIFY_V1.NO_PROPOSAL_CHOSEN);
}

/** An unprotected Informational, as a peer can only get one before there are keys (RFC 2408 5.2, seed 001 #3006). */
function refuse(core: Core, spiI: Uint8Array, local: Endpoint, remote: Endpoint, notify: number): void {
  const spiR = core.random(8);
  const spi = new Uint8Array(16);
  spi.set(spiI);
  spi.set(spiR, 8);
  const header = {
    spiI,
    spiR,
    major: 1,
    minor: 0,
    exchange: EXCHANGE.INFORMATIONAL_V1,
    flags: 0,
    messageId: newMessageId(core),
  };
  const payload: Payload = {
    type: 'notify',
    doi: DOI_IPSEC,
    protocol: PROTOCOL.ISAKMP,
    spi,
    notify,
    data: new Uint8Array(0),
  };
  core.send(local, remote, encode(header, [payload]));
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
  if (sa.state === 'established' || !sa.mainMode || sa.mainMode.busy) return;
  const isEncrypted = (message.header.flags & FLAG.ENCRYPTION) !== 0;
  if (isEncrypted !== (sa.state === 'keyed')) return;
  if (sa.state === 'keyed') return onIdentity(core, sa, message, body, local, remote);
  const payloads = message.payloads ?? [];
  if (sa.role === 'responder') return onPublicValue(core, sa, payloads, body);
  if (!sa.suite) return onChoice(core, sa, message, body);
  onPublicValue(core, sa, payloads, body);
}

function readVendors(sa: IsakmpSa, payloads: readonly Payload[]): void {
  const ids = new Set(payloads.flatMap((p) => (p.type === 'vendor' ? [hex(p.data)] : [])));
  sa.dpd = ids.has(VENDOR.DPD);
  const draft = [VENDOR.NAT_T_DRAFT_02, VENDOR.NAT_T_DRAFT_02_N, VENDOR.NAT_T_DRAFT_03].some((id) =>
    ids.has(id),
  );
  sa.natT = ids.has(VENDOR.NAT_T_RFC3947) ? 'rfc' : draft ? 'draft' : 'none';
}

/** 2 ← as initiator: the peer's choice. */
function onChoice(core: Core, sa: IsakmpSa, message: Message, body: Uint8Array): void {
  const { policy } = sa.connection;
  const payloads = message.payloads ?? [];
  const offer = find(payloads, 'sa');
  if (!offer) return;
  const chosen = choosePhase1(policy.name, policy.ike, offer.proposals);
  if (!chosen.ok || offer.proposals.length !== 1 || offer.proposals[0].transforms.length !== 1) {
    return lost(core, sa, {
      code: 'PROTOCOL',
      text: 'the peer chose a phase 1 proposal that we did not make',
    });
  }
  const mode = sa.mainMode!;
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
    send(core, sa, sa.flow, clear(sa, MAIN_MODE, publicValue(core, sa)), () => silence(core, sa, 3));
  });
}

/** KE, nonce and the two NAT-D: where we send to, where we send from (RFC 3947 3.2). */
function publicValue(core: Core, sa: IsakmpSa): Payload[] {
  const mode = sa.mainMode!;
  const draft = sa.natT === 'draft';
  const hashOf = (e: Endpoint) => natD(sa.suite!, sa.cookieI, sa.cookieR, e);
  // A wrong source makes the peer see a NAT, and so use UDP encapsulation (nat-traversal : force).
  const forced = sa.connection.policy.forceEncapsulation;
  const source = forced ? core.random(hashOf(sa.local).length) : hashOf(sa.local);
  const natDs: Payload[] = [hashOf(sa.remote), source].map((d) => ({ type: 'nat-d', draft, data: d }));
  return [
    { type: 'ke', data: mode.pair!.publicValue },
    { type: 'nonce', data: mode.nonce },
    ...(sa.natT === 'none' ? [] : natDs),
  ];
}

/** 3 → as responder, 4 ← as initiator: the peer's public value gives the keys. */
function onPublicValue(core: Core, sa: IsakmpSa, payloads: readonly Payload[], body: Uint8Array): void {
  const mode = sa.mainMode!;
  const [ke, nonce] = [find(payloads, 'ke'), find(payloads, 'nonce')];
  if (!ke || !nonce || nonce.data.length < 8 || nonce.data.length > 256) return;
  mode.busy = true;
  progress(core, sa.flow, body);
  const { group } = sa.suite!;
  if (sa.natT !== 'none') detectNat(sa, payloads);
  core.job({ group, ...(mode.pair ? { keyPair: mode.pair } : {}), peerPublic: ke.data }, (result) => {
    delete mode.busy;
    if (sa.state !== 'init') return;
    if (!result.ok) return lost(core, sa, { code: 'BAD_PUBLIC_VALUE', text: result.error });
    mode.pair = result.keyPair;
    mode.peerPublic = ke.data;
    const weInitiate = sa.role === 'initiator';
    const [ni, nr] = weInitiate ? [mode.nonce, nonce.data] : [nonce.data, mode.nonce];
    const own = mode.pair.publicValue;
    const [gxi, gxr] = weInitiate ? [own, ke.data] : [ke.data, own];
    const psk = sa.connection.policy.psk.reveal();
    const { cookieI, cookieR } = sa;
    sa.keys = isakmpKeys(sa.suite!, { psk, ni, nr, shared: result.shared!, cookieI, cookieR });
    sa.iv = phase1Iv(sa.suite!, gxi, gxr);
    if (weInitiate) return sendIdentity(core, sa);
    send(core, sa, sa.flow, clear(sa, MAIN_MODE, publicValue(core, sa)));
    sa.state = 'keyed';
  });
}

function detectNat(sa: IsakmpSa, payloads: readonly Payload[]): void {
  const hashes = payloads.flatMap((p) => (p.type === 'nat-d' ? [p.data] : []));
  if (hashes.length < 2) return;
  const seen = (list: Uint8Array[], e: Endpoint) =>
    list.some((h) => equalConstantTime(h, natD(sa.suite!, sa.cookieI, sa.cookieR, e)));
  // The first is what the peer sees of us, the others are the peer's own addresses.
  sa.nat.local = !seen(hashes.slice(0, 1), sa.local) || sa.connection.policy.forceEncapsulation;
  sa.nat.remote = !seen(hashes.slice(1), sa.remote);
}

/** The ID payload of phase 1 as SEIL sends it: protocol UDP, no port (seed 001 #982). */
function ownId(sa: IsakmpSa): PayloadOf<'id'> {
  const { idType, data } = identityToWire(sa.connection.policy.myId);
  return { type: 'id', idType, protocol: 17, port: 0, data };
}

function proof(sa: IsakmpSa, own: boolean, id: PayloadOf<'id'>): Uint8Array {
  const mode = sa.mainMode!;
  const ours = { public: mode.pair!.publicValue, cookie: sa.role === 'initiator' ? sa.cookieI : sa.cookieR };
  const theirs = { public: mode.peerPublic!, cookie: sa.role === 'initiator' ? sa.cookieR : sa.cookieI };
  const [a, b] = own ? [ours, theirs] : [theirs, ours];
  return phase1Hash(sa.suite!, sa.keys!, { ...a, id: bodyOf(id) }, b, mode.saBody);
}

/** 5 →: from here on over port 4500 when a NAT was found (RFC 3947 4). */
function sendIdentity(core: Core, sa: IsakmpSa): void {
  sa.state = 'keyed';
  if (sa.nat.local || sa.nat.remote) {
    sa.local = { ...sa.local, port: PORT_NAT_T };
    sa.remote = { ...sa.remote, port: PORT_NAT_T };
  }
  identity(core, sa, () => silence(core, sa, 5));
}

function identity(core: Core, sa: IsakmpSa, onSilence?: () => void): void {
  const id = ownId(sa);
  const out = encrypted(core, sa, MAIN_MODE, sa.iv, [id, { type: 'hash', data: proof(sa, true, id) }]);
  sa.iv = out.iv;
  send(core, sa, sa.flow, out.data, onSilence);
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
  const { connection } = sa;
  const d = decrypt(core, sa, message, sa.iv);
  const [id, hash] = d.ok ? [find(d.chain.payloads, 'id'), find(d.chain.payloads, 'hash')] : [];
  const key = keyOf(connection.policy.name, 'preshared-key');
  const otherKey: Reason = {
    code: 'AUTHENTICATION',
    text: `main mode message ${sa.role === 'initiator' ? 6 : 5} of the peer does not decrypt: the preshared keys differ`,
    key,
    hint: `make ${key} the same on both sides`,
  };
  if (!d.ok || !id || !hash) return reject(core, sa, otherKey, NOTIFY_V1.PAYLOAD_MALFORMED);
  if (!equalConstantTime(hash.data, proof(sa, false, id))) {
    const text = `the preshared key of ${identityText(id)} is not ours`;
    return reject(core, sa, { ...otherKey, text }, NOTIFY_V1.INVALID_HASH_INFORMATION);
  }
  const wrong = wrongIdentity(
    connection.policy.name,
    connection.policy.peerId,
    connection.policy.myId,
    id,
    sa.nat.remote,
  );
  if (wrong) return reject(core, sa, wrong, NOTIFY_V1.INVALID_ID_INFORMATION);
  progress(core, sa.flow, body);
  sa.iv = d.iv;
  sa.local = local;
  sa.remote = remote;
  if (sa.role === 'responder') identity(core, sa);
  establish(core, sa);
  // Some peers put it here, SEIL sends an Informational of its own.
  if (d.chain.payloads.some((p) => p.type === 'notify' && p.notify === NOTIFY_V1.INITIAL_CONTACT)) {
    initialContact(core, sa);
  }
  const s = sa.suite!;
  const nat = sa.nat.local || sa.nat.remote ? ', UDP encapsulation' : '';
  core.note(
    'info',
    'ike-established',
    connection,
    `ISAKMP SA established with ${identityText(id)}: ${s.cipher}/${s.hash}/${s.group}${nat}`,
  );
  if (sa.role === 'initiator') begun(core, sa);
  else supervise(core, connection);
}

function begun(core: Core, sa: IsakmpSa): void {
  const { connection } = sa;
  const first = ![...connection.sas].some((other) => other !== sa && other.state === 'established');
  if (first && connection.policy.initialContact && connection.children.size === 0) {
    inform(core, sa, [isakmpNotify(sa, NOTIFY_V1.INITIAL_CONTACT)]);
  }
  const old = connection.renewing;
  delete connection.renewing;
  if (old?.state === 'live') beginQuickMode(core, sa, old);
  else if (connection.children.size === 0) beginQuickMode(core, sa);
}

function reject(core: Core, sa: IsakmpSa, reason: Reason, notify: number): void {
  if (sa.role === 'responder') {
    // Unprotected: the peer could not read it otherwise, and it learns nothing but that it was refused.
    const kind = { exchange: EXCHANGE.INFORMATIONAL_V1, messageId: newMessageId(core) };
    core.send(sa.local, sa.remote, clear(sa, kind, [isakmpNotify(sa, notify)]));
    core.refuse('negotiation-refused', sa.connection, `IKEv1 from ${endpointText(sa.remote)}`, reason);
    const { connection } = sa;
    drop(core, sa);
    return supervise(core, connection);
  }
  lost(core, sa, reason);
}
