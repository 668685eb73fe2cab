// What main and aggressive mode have in common: proposals, Vendor IDs, NAT detection (RFC 3947), keys, refusals.
import { equalConstantTime, fromHex, hex } from '../../net/bytes.ts';
import { type Endpoint, endpointText } from '../../net/endpoint.ts';
import type { Connection, Core } from '../core.ts';
import type { KeyExchangeResult } from '../crypto/key-exchange.ts';
import { followIsakmpKeys } from '../follow.ts';
import { accepted, keyOf } from '../policy.ts';
import { acceptPhase1Lifetime } from '../proposal/lifetime.ts';
import { weakness } from '../proposal/strength.ts';
import { type ChosenV1, choosePhase1, type IsakmpSuite, phase1Proposal } from '../proposal/v1.ts';
import type { Reason } from '../reason.ts';
import { supervise, wanted } from '../supervise.ts';
import {
  DOI_IPSEC,
  EXCHANGE,
  NOTIFY_V1,
  PORT_NAT_T,
  PROTOCOL,
  SIT_IDENTITY_ONLY,
  VENDOR,
} from '../wire/numbers.ts';
import { encode, type Payload, type PayloadOf } from '../wire/v1.ts';
import { clear, inform, newMessageId } from './exchange.ts';
import { isakmpKeys, natD, phase1Iv } from './keys.ts';
import { drop, establish, initialContact, isakmpNotify, lost } from './lifecycle.ts';
import { beginQuickMode } from './quick-mode.ts';
import type { IsakmpSa, Phase1 } from './sa.ts';

export const NO_COOKIE = new Uint8Array(8);

/** SEIL's Vendor IDs in SEIL's order (seed 001); aggressive mode leaves out the first. */
const VENDORS: readonly Payload[] = [
  VENDOR.RACOON,
  VENDOR.DPD,
  VENDOR.NAT_T_RFC3947,
  VENDOR.NAT_T_DRAFT_02_N,
].map(vendorOf);

/** Without NAT traversal. */
const WITHOUT_NAT: readonly Payload[] = VENDORS.slice(0, 2);

const FRAGMENTATION: Payload = vendorOf(VENDOR.FRAGMENTATION_ANY_MODE);

function vendorOf(id: string): Payload {
  return { type: 'vendor', data: fromHex(id) };
}

/** Certificates make messages long: then we know fragments, which SEIL does not. */
export function vendors({ policy }: Connection, mode: Phase1['mode']): readonly Payload[] {
  const all = policy.natTraversal === 'disable' ? WITHOUT_NAT : VENDORS;
  const list = mode === 'main' ? all : all.slice(1);
  return policy.credential.method === 'certificate' ? [...list, FRAGMENTATION] : list;
}

export function newSa(
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
    ...(connection.policy.credential.method === 'certificate'
      ? { fragmentation: { peer: false, sent: 0 } }
      : {}),
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
    if (role === 'initiator') return silence(core, sa);
    lost(core, sa, { code: 'TIMEOUT', text: 'the peer began phase 1 and did not finish it' });
  });
  return sa;
}

/** The peer says nothing any more: what that means depends on how far we came. */
export function silence(core: Core, sa: IsakmpSa): void {
  const key = keyOf(sa.connection.policy.at, 'preshared-key');
  const mode = sa.phase1?.mode ?? 'main';
  if (sa.state === 'keyed' && sa.connection.policy.credential.method === 'preshared-key') {
    const text =
      'the peer did not answer message 5, which carries our identity and proof: most likely the preshared key differs';
    const hint = `make ${key} the same on both sides`;
    return lost(core, sa, { code: 'AUTHENTICATION', text, key, hint });
  }
  const message = sa.state === 'keyed' ? 5 : sa.suite && mode === 'main' ? 3 : 1;
  lost(core, sa, {
    code: 'TIMEOUT',
    text: `${sa.remote.address} did not answer ${mode} mode message ${message}`,
    hint: 'check that the peer runs, that UDP 500 and 4500 pass, and that it expects our address',
  });
}

/** Aggressive mode proposes one group: its public value comes along. */
export function offerOf({ policy }: Connection, mode: Phase1['mode']): PayloadOf<'sa'> {
  const { ike, credential } = policy;
  const groups = mode === 'main' ? ike.groups : ike.groups.slice(0, 1);
  const proposals = [phase1Proposal({ ...ike, groups }, credential.method)];
  return { type: 'sa', doi: DOI_IPSEC, situation: SIT_IDENTITY_ONLY, proposals };
}

/** As responder: the suite for a connection, its lifetime agreed on, or why there is none. */
export function chooseFor({ policy }: Connection, offer: PayloadOf<'sa'>): ChosenV1<IsakmpSuite> {
  const chosen = choosePhase1(policy.at, accepted(policy.ike), policy.credential.method, offer.proposals);
  if (!chosen.ok) return chosen;
  const lifetime = acceptPhase1Lifetime(
    policy.at,
    policy.checkLevel,
    policy.ike.lifetime,
    chosen.suite.lifetime,
  );
  if (!lifetime.ok) return lifetime;
  return { ...chosen, suite: { ...chosen.suite, lifetime: lifetime.seconds } };
}

/** An unprotected Informational, as a peer can only get one before there are keys (RFC 2408 5.2, seed 001 #3006). */
export function refuse(
  core: Core,
  spiI: Uint8Array,
  local: Endpoint,
  remote: Endpoint,
  notify: number,
): undefined {
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

export function readVendors(sa: IsakmpSa, payloads: readonly Payload[]): void {
  const ids = new Set(payloads.flatMap((p) => (p.type === 'vendor' ? [hex(p.data)] : [])));
  sa.dpd = ids.has(VENDOR.DPD);
  const fragments = [...ids].some((id) => id.startsWith(VENDOR.FRAGMENTATION));
  if (sa.fragmentation) sa.fragmentation.peer = fragments;
  const draft = [VENDOR.NAT_T_DRAFT_02, VENDOR.NAT_T_DRAFT_02_N, VENDOR.NAT_T_DRAFT_03].some((id) =>
    ids.has(id),
  );
  const wanted = sa.connection.policy.natTraversal !== 'disable';
  sa.natT = !wanted ? 'none' : ids.has(VENDOR.NAT_T_RFC3947) ? 'rfc' : draft ? 'draft' : 'none';
}

/** The two NAT-D: where we send to, where we send from (RFC 3947 3.2). */
export function natDs(core: Core, sa: IsakmpSa): Payload[] {
  if (sa.natT === 'none') return [];
  const draft = sa.natT === 'draft';
  const hashOf = (e: Endpoint) => natD(sa.suite!, sa.cookieI, sa.cookieR, e);
  // A wrong source makes the peer see a NAT, and so use UDP encapsulation (nat-traversal : force).
  const forced = sa.connection.policy.natTraversal === 'force';
  const source = forced ? core.random(hashOf(sa.local).length) : hashOf(sa.local);
  return [hashOf(sa.remote), source].map((data) => ({ type: 'nat-d', draft, data }));
}

export function detectNat(
  sa: IsakmpSa,
  payloads: readonly Payload[],
  local = sa.local,
  remote = sa.remote,
): void {
  const hashes = payloads.flatMap((p) => (p.type === 'nat-d' ? [p.data] : []));
  if (sa.natT === 'none' || hashes.length < 2) return;
  const seen = (list: Uint8Array[], e: Endpoint) =>
    list.some((h) => equalConstantTime(h, natD(sa.suite!, sa.cookieI, sa.cookieR, e)));
  // The first is what the peer sees of us, the others are the peer's own addresses.
  sa.nat.local = !seen(hashes.slice(0, 1), local) || sa.connection.policy.natTraversal === 'force';
  sa.nat.remote = !seen(hashes.slice(1), remote);
}

/** As initiator: from here on over port 4500 when a NAT was found (RFC 3947 4). */
export function float(sa: IsakmpSa): void {
  if (!sa.nat.local && !sa.nat.remote) return;
  sa.local = { ...sa.local, port: PORT_NAT_T };
  sa.remote = { ...sa.remote, port: PORT_NAT_T };
}

export function validNonce(nonce: PayloadOf<'nonce'> | undefined): nonce is PayloadOf<'nonce'> {
  return nonce !== undefined && nonce.data.length >= 8 && nonce.data.length <= 256;
}

/** Both public values and nonces are known: the keys. */
export function key(sa: IsakmpSa, result: KeyExchangeResult & { ok: true }): void {
  const mode = sa.phase1!;
  mode.pair = result.keyPair;
  mode.shared = result.shared!;
  const weInitiate = sa.role === 'initiator';
  const own = mode.pair.publicValue;
  const [gxi, gxr] = weInitiate ? [own, mode.peerPublic!] : [mode.peerPublic!, own];
  sa.iv = phase1Iv(sa.suite!, gxi, gxr);
  rekey(sa);
}

/** The keys for the SA's connection, which may turn out to be another one than was thought. */
export function rekey(sa: IsakmpSa): void {
  const mode = sa.phase1!;
  const { credential } = sa.connection.policy;
  const [ni, nr] = sa.role === 'initiator' ? [mode.nonce, mode.peerNonce!] : [mode.peerNonce!, mode.nonce];
  const { cookieI, cookieR } = sa;
  const psk = credential.method === 'preshared-key' ? credential.key.reveal() : undefined;
  sa.keys = isakmpKeys(sa.suite!, { psk, ni, nr, shared: mode.shared!, cookieI, cookieR });
}

/** The peer is who it should be: phase 1 is over. */
export function conclude(core: Core, sa: IsakmpSa, peer: string, payloads: readonly Payload[]): void {
  const { connection } = sa;
  const held = sa.phase1?.held ?? [];
  followIsakmpKeys(core, sa);
  establish(core, sa);
  // Some peers put it here, SEIL sends an Informational of its own.
  if (payloads.some((p) => p.type === 'notify' && p.notify === NOTIFY_V1.INITIAL_CONTACT)) {
    initialContact(core, sa);
  }
  const s = sa.suite!;
  const nat = sa.nat.local || sa.nat.remote ? ', UDP encapsulation' : '';
  const text = `ISAKMP SA established with ${peer}: ${s.cipher}/${s.hash}/${s.group}${weakness(s)}${nat}`;
  core.note('info', 'ike-established', connection, text);
  announce(core, sa);
  if (sa.role === 'initiator') begun(core, sa);
  else supervise(core, connection);
  for (const again of held) again();
}

/** More than these are no quick mode and its companions. */
const MOST_HELD = 4;

/** Keeps a message for the end of phase 1, when that is only a judgement away; true when it did. */
export function hold({ phase1, role, state }: IsakmpSa, again: () => void): boolean {
  if (role !== 'responder' || state !== 'keyed' || !phase1?.busy) return false;
  phase1.held ??= [];
  if (phase1.held.length < MOST_HELD) phase1.held.push(again);
  return true;
}

/** INITIAL-CONTACT from either role, as SEIL sends it (seed 001 #984 and #1016): nothing of ours is older than this SA. */
function announce(core: Core, sa: IsakmpSa): void {
  const { connection } = sa;
  const first = ![...connection.sas].some((other) => other !== sa && other.state === 'established');
  if (first && connection.policy.initialContact && connection.children.size === 0) {
    inform(core, sa, [isakmpNotify(sa, NOTIFY_V1.INITIAL_CONTACT)]);
  }
}

function begun(core: Core, sa: IsakmpSa): void {
  const { connection } = sa;
  for (const old of connection.renewing) if (old.state === 'live') beginQuickMode(core, sa, old.policy, old);
  connection.renewing.clear();
  for (const policy of wanted(connection)) beginQuickMode(core, sa, policy);
}

/** What the peer proved is not enough, or not what was expected. */
export function reject(core: Core, sa: IsakmpSa, reason: Reason, notify: number): void {
  if (sa.role === 'initiator') return lost(core, sa, reason);
  // Unprotected: the peer could not read it otherwise, and it learns nothing but that it was refused.
  const kind = { exchange: EXCHANGE.INFORMATIONAL_V1, messageId: newMessageId(core) };
  core.send(sa.local, sa.remote, clear(sa, kind, [isakmpNotify(sa, notify)]));
  core.refuse('negotiation-refused', sa.connection, `IKEv1 from ${endpointText(sa.remote)}`, reason);
  const { connection } = sa;
  drop(core, sa);
  supervise(core, connection);
}
