// One Child SA out of the payloads of IKE_AUTH or CREATE_CHILD_SA (RFC 7296 1.2, 1.3.1), as initiator and responder.
import { Reader, u32Bytes } from '../../net/bytes.ts';
import { type ChildSa, childText, install } from '../child.ts';
import type { Core } from '../core.ts';
import { followChildKeys } from '../follow.ts';
import { accepted, type ChildPolicy, keyOf, selectorKeys } from '../policy.ts';
import { chooseEsp, type EspSuite, espAlternatives, offeredSpi, toWire } from '../proposal/v2.ts';
import type { Reason } from '../reason.ts';
import { NOTIFY_V2, nameOf, PROTOCOL } from '../wire/numbers.ts';
import { find, findNotify, notify, type Payload, type PayloadOf, type TrafficSelector } from '../wire/v2.ts';
import { childKeys } from './keys.ts';
import { about, type IkeSa } from './sa.ts';
import { asSeen, narrow, selectorsOf, selectorText, within } from './selectors.ts';

export type ChildMaterial = {
  readonly policy: ChildPolicy;
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

/** What asks for a child: its mode (RFC 7296 1.3.1), proposals and selectors. */
export function childRequest(policy: ChildPolicy, spi: number, groups: readonly string[]): Payload[] {
  const { local, remote } = selectorsOf(policy);
  return [
    ...(policy.mode === 'transport' ? [notify(NOTIFY_V2.USE_TRANSPORT_MODE)] : []),
    { type: 'sa', proposals: toWire(PROTOCOL.ESP, u32Bytes(spi), espAlternatives(policy, groups)) },
    { type: 'tsi', selectors: local },
    { type: 'tsr', selectors: remote },
  ];
}

/** As initiator: takes the peer's answer, or says why it cannot be taken. */
export function acceptChild(
  core: Core,
  sa: IkeSa,
  m: ChildMaterial & { readonly spi: number },
): ChildSa | Reason {
  const { policy } = m;
  const [offer, tsi, tsr] = [find(m.payloads, 'sa'), find(m.payloads, 'tsi'), find(m.payloads, 'tsr')];
  if (!offer || !tsi || !tsr) return { code: 'PROTOCOL', text: 'the answer lacks SA, TSi or TSr' };
  if (policy.mode === 'transport' && !findNotify(m.payloads, NOTIFY_V2.USE_TRANSPORT_MODE))
    return otherMode(policy);
  const proposals = offer.proposals.slice(0, 1);
  const chosen = chooseEsp(policy, proposals, m.groups, u32Bytes(m.spi));
  if (!chosen.ok)
    return {
      ...chosen.reason,
      code: 'PROTOCOL',
      text: 'the peer chose an ESP proposal that we did not make',
    };
  const { local, remote } = selectorsOf(policy);
  const [own, theirs] = asSeen(policy, sa, tsi.selectors, tsr.selectors);
  if (!within(own, local) || !within(theirs, remote))
    return selectorReason(policy, own, theirs, local, remote);
  const spiOut = new Reader(offeredSpi(proposals, proposals[0].number)!).u32();
  return make(core, sa, m, chosen.suite, m.spi, spiOut, own, theirs, true);
}

/** As responder: the policy that the peer's selectors are for; the first where none fits, to be refused by. */
export function meant(sa: IkeSa, payloads: readonly Payload[]): ChildPolicy {
  const { children } = sa.connection.policy;
  const [tsi, tsr] = [find(payloads, 'tsi'), find(payloads, 'tsr')];
  if (children.length === 1 || !tsi || !tsr) return children[0];
  const transport = findNotify(payloads, NOTIFY_V2.USE_TRANSPORT_MODE) !== undefined;
  const ranked = children.map((policy) => {
    const { local, remote } = selectorsOf(policy);
    const [own, theirs] = asSeen(policy, sa, tsr.selectors, tsi.selectors);
    const [a, b] = [narrow(local, own), narrow(remote, theirs)];
    if (a.length === 0 || b.length === 0) return { policy, rank: 0 };
    const whole = within(local, a) && within(remote, b);
    return { policy, rank: 1 + (whole ? 1 : 0) + (transport === (policy.mode === 'transport') ? 2 : 0) };
  });
  return ranked.reduce((best, next) => (next.rank > best.rank ? next : best)).policy;
}

export type ChildAnswer = {
  readonly payloads: readonly Payload[];
  readonly reason?: Reason;
  readonly child?: ChildSa;
};

/** As responder: the payloads of the answer, with the child installed inbound; or the refusal and its reason. */
export function answerChild(core: Core, sa: IkeSa, m: ChildMaterial): ChildAnswer {
  const { policy } = m;
  const [offer, tsi, tsr] = [find(m.payloads, 'sa'), find(m.payloads, 'tsi'), find(m.payloads, 'tsr')];
  if (!offer || !tsi || !tsr) {
    return {
      payloads: [notify(NOTIFY_V2.INVALID_SYNTAX)],
      reason: { code: 'PROTOCOL', text: 'SA, TSi or TSr is missing' },
    };
  }
  const transport = policy.mode === 'transport';
  if (transport && !findNotify(m.payloads, NOTIFY_V2.USE_TRANSPORT_MODE))
    return { payloads: [notify(NOTIFY_V2.NO_PROPOSAL_CHOSEN)], reason: otherMode(policy) };
  const spi = core.allocateSpi();
  const chosen = chooseEsp(accepted(policy), offer.proposals, m.groups, u32Bytes(spi));
  if (!chosen.ok) {
    core.event({ about: about(sa), did: 'unacceptable', payload: 'SA' });
    return { payloads: [notify(NOTIFY_V2.NO_PROPOSAL_CHOSEN)], reason: chosen.reason };
  }
  const { local, remote } = selectorsOf(policy);
  const [asked, named] = asSeen(policy, sa, tsr.selectors, tsi.selectors);
  const [theirs, own] = [narrow(remote, named), narrow(local, asked)];
  if (theirs.length === 0 || own.length === 0) {
    core.event({ about: about(sa), did: 'unacceptable', payload: theirs.length === 0 ? 'TSi' : 'TSr' });
    const reason = selectorReason(policy, asked, named, local, remote);
    return { payloads: [notify(NOTIFY_V2.TS_UNACCEPTABLE)], reason };
  }
  const spiOut = new Reader(offeredSpi(offer.proposals, chosen.proposal.number)!).u32();
  const child = make(core, sa, m, chosen.suite, spi, spiOut, theirs, own, false);
  return {
    payloads: [
      { type: 'sa', proposals: [chosen.proposal] },
      ...(transport ? [notify(NOTIFY_V2.USE_TRANSPORT_MODE)] : []),
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
  const { policy } = m;
  const traffic = { local, remote };
  const protection = { suite: sa.suite!, keys: sa.keys! };
  const keys = childKeys(protection, suite, m.nonces[0], m.nonces[1], m.shared, weInitiate);
  followChildKeys(core, sa, { in: spiIn, out: spiOut }, keys);
  const child = install(
    core,
    {
      connection,
      policy,
      spiIn,
      spiOut,
      suite,
      local: sa.local,
      remote: sa.remote,
      encapsulated: sa.nat.local || sa.nat.remote,
      selectors: { local: local.map(selectorText), remote: remote.map(selectorText) },
      traffic: { in: traffic, out: traffic },
      seconds: policy.seconds,
      ...(policy.octets === undefined ? {} : { octets: policy.octets }),
      initiator: weInitiate,
      ikeSa: sa,
      keys,
    },
    // A responder that renews sends on the old SA until the initiator is known to have the new one (2.8).
    m.redundant ?? (!weInitiate && m.replaces !== undefined),
  );
  const how = m.replaces ? 'child-rekeyed' : 'child-established';
  core.note('info', how, connection, childText(child));
  return child;
}

function otherMode({ at }: ChildPolicy): Reason {
  const key = keyOf(at, 'mode');
  return {
    code: 'SELECTORS',
    text: 'the peer wants tunnel mode, we want transport mode',
    offered: ['tunnel'],
    accepted: ['transport'],
    key,
    hint: `set ${key} : tunnel, or let the peer use transport mode`,
  };
}

function selectorReason(
  policy: ChildPolicy,
  theirLocal: readonly TrafficSelector[],
  theirRemote: readonly TrafficSelector[],
  local: readonly TrafficSelector[],
  remote: readonly TrafficSelector[],
): Reason {
  const pair = (a: readonly TrafficSelector[], b: readonly TrafficSelector[]) =>
    `${a.map(selectorText).join(',')} === ${b.map(selectorText).join(',')}`;
  const key = selectorKeys(policy).both;
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
export function childReason(child: ChildPolicy, refusal: PayloadOf<'notify'>): Reason {
  const said = `the peer answered ${nameOf(NOTIFY_V2, refusal.notify)}`;
  if (refusal.notify === NOTIFY_V2.TS_UNACCEPTABLE) {
    const key = selectorKeys(child).both;
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
    const key = keyOf(child.at, 'ike.proposal.phase2');
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
