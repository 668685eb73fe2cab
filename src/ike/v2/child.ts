// One Child SA out of the payloads of IKE_AUTH or CREATE_CHILD_SA (RFC 7296 1.2, 1.3.1), as initiator and responder.
import { Reader, u32Bytes } from '../../net/bytes.ts';
import { type ChildSa, childText, install } from '../child.ts';
import type { Core } from '../core.ts';
import { keyOf } from '../policy.ts';
import { chooseEsp, type EspSuite, offeredSpi } from '../proposal/v2.ts';
import type { Reason } from '../reason.ts';
import { NOTIFY_V2, nameOf } from '../wire/numbers.ts';
import { find, notify, type Payload, type PayloadOf, type TrafficSelector } from '../wire/v2.ts';
import { childKeys } from './keys.ts';
import { about, type IkeSa } from './sa.ts';
import { fromPrefixes, narrow, selectorText, within } from './selectors.ts';

export type ChildMaterial = {
  /** Ni and Nr of the exchange. */
  readonly nonces: readonly [Uint8Array, Uint8Array];
  readonly payloads: readonly Payload[];
  /** Groups that may be chosen; empty in IKE_AUTH. */
  readonly groups: readonly string[];
  readonly shared?: Uint8Array;
  /** The child that this one replaces. */
  readonly replaces?: ChildSa;
  /** Redundant after a collision (RFC 7296 2.8.1): no packet leaves on it before it is deleted. */
  readonly redundant?: boolean;
};

/** As initiator: takes the peer's answer, or says why it cannot be taken. */
export function acceptChild(
  core: Core,
  sa: IkeSa,
  m: ChildMaterial & { readonly spi: number },
): ChildSa | Reason {
  const { policy } = sa.connection;
  const [offer, tsi, tsr] = [find(m.payloads, 'sa'), find(m.payloads, 'tsi'), find(m.payloads, 'tsr')];
  if (!offer || !tsi || !tsr) return { code: 'PROTOCOL', text: 'the answer lacks SA, TSi or TSr' };
  const proposals = offer.proposals.slice(0, 1);
  const chosen = chooseEsp(policy.name, policy.child, proposals, m.groups, u32Bytes(m.spi));
  if (!chosen.ok)
    return {
      ...chosen.reason,
      code: 'PROTOCOL',
      text: 'the peer chose an ESP proposal that we did not make',
    };
  const ours = [policy.child.selectors.local, policy.child.selectors.remote].map((list) =>
    fromPrefixes(list, policy.child.protocol),
  );
  if (!within(tsi.selectors, ours[0]) || !within(tsr.selectors, ours[1])) {
    return selectorReason(policy.name, tsi.selectors, tsr.selectors, ours[0], ours[1]);
  }
  const spiOut = new Reader(offeredSpi(proposals, proposals[0].number)!).u32();
  return make(core, sa, m, chosen.suite, m.spi, spiOut, tsi.selectors, tsr.selectors, true);
}

export type ChildAnswer = {
  readonly payloads: readonly Payload[];
  readonly reason?: Reason;
  readonly child?: ChildSa;
};

/** As responder: the payloads of the answer, with the child installed inbound; or the refusal and its reason. */
export function answerChild(core: Core, sa: IkeSa, m: ChildMaterial): ChildAnswer {
  const { policy } = sa.connection;
  const [offer, tsi, tsr] = [find(m.payloads, 'sa'), find(m.payloads, 'tsi'), find(m.payloads, 'tsr')];
  if (!offer || !tsi || !tsr) {
    return {
      payloads: [notify(NOTIFY_V2.INVALID_SYNTAX)],
      reason: { code: 'PROTOCOL', text: 'SA, TSi or TSr is missing' },
    };
  }
  const spi = core.allocateSpi();
  const chosen = chooseEsp(policy.name, policy.child, offer.proposals, m.groups, u32Bytes(spi));
  if (!chosen.ok) {
    core.event({ about: about(sa), did: 'unacceptable', payload: 'SA' });
    return { payloads: [notify(NOTIFY_V2.NO_PROPOSAL_CHOSEN)], reason: chosen.reason };
  }
  const [local, remote] = [policy.child.selectors.local, policy.child.selectors.remote].map((list) =>
    fromPrefixes(list, policy.child.protocol),
  );
  const [theirs, own] = [narrow(remote, tsi.selectors), narrow(local, tsr.selectors)];
  if (theirs.length === 0 || own.length === 0) {
    core.event({ about: about(sa), did: 'unacceptable', payload: theirs.length === 0 ? 'TSi' : 'TSr' });
    const reason = selectorReason(policy.name, tsr.selectors, tsi.selectors, local, remote);
    return { payloads: [notify(NOTIFY_V2.TS_UNACCEPTABLE)], reason };
  }
  const spiOut = new Reader(offeredSpi(offer.proposals, chosen.proposal.number)!).u32();
  const child = make(core, sa, m, chosen.suite, spi, spiOut, theirs, own, false);
  return {
    payloads: [
      { type: 'sa', proposals: [chosen.proposal] },
      { type: 'tsi', selectors: theirs },
      { type: 'tsr', selectors: own },
    ],
    child,
  };
}

function make(
  core: Core,
  sa: IkeSa,
  m: ChildMaterial,
  suite: EspSuite,
  spiIn: number,
  spiOut: number,
  tsi: readonly TrafficSelector[],
  tsr: readonly TrafficSelector[],
  weInitiate: boolean,
): ChildSa {
  const [local, remote] = weInitiate ? [tsi, tsr] : [tsr, tsi];
  const { connection } = sa;
  const protection = { suite: sa.suite!, keys: sa.keys! };
  const child = install(
    core,
    {
      connection,
      spiIn,
      spiOut,
      suite,
      local: sa.local,
      remote: sa.remote,
      encapsulated: sa.nat.local || sa.nat.remote,
      selectors: { local: local.map(selectorText), remote: remote.map(selectorText) },
      traffic: { local, remote },
      seconds: connection.policy.child.seconds,
      ...(connection.policy.child.octets === undefined ? {} : { octets: connection.policy.child.octets }),
      initiator: weInitiate,
      ikeSa: sa,
      keys: childKeys(protection, suite, m.nonces[0], m.nonces[1], m.shared, weInitiate),
    },
    // A responder that renews sends on the old SA until the initiator is known to have the new one (2.8).
    m.redundant ?? (!weInitiate && m.replaces !== undefined),
  );
  const how = m.replaces ? 'child-rekeyed' : 'child-established';
  core.note('info', how, connection, childText(child));
  return child;
}

function selectorReason(
  name: string,
  theirLocal: readonly TrafficSelector[],
  theirRemote: readonly TrafficSelector[],
  local: readonly TrafficSelector[],
  remote: readonly TrafficSelector[],
): Reason {
  const pair = (a: readonly TrafficSelector[], b: readonly TrafficSelector[]) =>
    `${a.map(selectorText).join(',')} === ${b.map(selectorText).join(',')}`;
  const key = keyOf(name, 'ike.proposal.phase2.proxy-id');
  return {
    code: 'SELECTORS',
    text: 'the traffic that the peer wants to protect is not what we want to',
    offered: [pair(theirLocal, theirRemote)],
    accepted: [pair(local, remote)],
    key,
    hint: `make ${key} mirror the peer's networks`,
  };
}

/** Why the peer gave us no child, from its notify. */
export function childReason(sa: IkeSa, refusal: PayloadOf<'notify'>): Reason {
  const { name, child } = sa.connection.policy;
  const said = `the peer answered ${nameOf(NOTIFY_V2, refusal.notify)}`;
  if (refusal.notify === NOTIFY_V2.TS_UNACCEPTABLE) {
    const key = keyOf(name, 'ike.proposal.phase2.proxy-id');
    const offered = `${child.selectors.local.join(',')} === ${child.selectors.remote.join(',')}`;
    return {
      code: 'PEER_REFUSED',
      text: `${said} to our networks`,
      offered: [offered],
      key,
      hint: `make ${key} mirror the peer's networks`,
    };
  }
  if (refusal.notify === NOTIFY_V2.NO_PROPOSAL_CHOSEN) {
    const key = keyOf(name, 'ike.proposal.phase2');
    return {
      code: 'PEER_REFUSED',
      text: `${said} to our ESP proposals`,
      offered: [`${child.ciphers.join('|')} / ${child.hashes.join('|')} / ${child.pfs ?? 'no PFS'}`],
      key,
      hint: `compare ${key} with the peer's`,
    };
  }
  return { code: 'PEER_REFUSED', text: said };
}
