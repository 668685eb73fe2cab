// Renewal of the IKE SA (RFC 7296 1.3.2, 2.18): a new SA takes over the children, the old one is deleted.
import { compareBytes, Reader } from '../../net/bytes.ts';
import { halves, remove, STRAGGLER_MS } from '../child.ts';
import type { Core } from '../core.ts';
import { GROUPS, type GroupName, groupById } from '../crypto/algorithm.ts';
import { followIkeKeys } from '../follow.ts';
import { accepted } from '../policy.ts';
import { chooseIke, type IkeSuite, ikeAlternatives, toWire } from '../proposal/v2.ts';
import { supervise } from '../supervise.ts';
import { EXCHANGE, NOTIFY_V2, NOTIFY_V2_STATUS, nameOf, PROTOCOL } from '../wire/numbers.ts';
import { find, notify, type Payload, type PayloadOf } from '../wire/v2.ts';
import { crashToken, keepToken } from './crash.ts';
import { enqueue, proceed, request, respond } from './exchange.ts';
import { ikeKeys, rekeySkeyseed } from './keys.ts';
import { establish, leave, patient, register, retire, thinOut } from './lifecycle.ts';
import { about, type IkeSa, LIVENESS } from './sa.ts';

const RETRY_MS = 10_000;

export function rekeyIke(core: Core, sa: IkeSa): void {
  enqueue(sa, () => begin(core, sa));
}

/** `asked`: the group that the peer asked for by INVALID_KE_PAYLOAD. */
function begin(core: Core, sa: IkeSa, asked?: GroupName): void {
  if (sa.state !== 'established') {
    core.event({ about: about(sa), did: 'rekey-inhibited' });
    return proceed(sa);
  }
  const { policy } = sa.connection;
  const group = asked ?? sa.suite!.group;
  const nonce = core.random(Math.max(policy.nonceOctets, 16));
  const spi = core.random(8);
  sa.busy = true;
  sa.rekeying = { what: 'ike', deleted: new Set() };
  core.job({ group }, (result) => {
    delete sa.busy;
    // Meanwhile the peer may have renewed it.
    if (sa.state !== 'established' || !result.ok || sa.rekeying?.theirs) {
      adopt(core, sa);
      return proceed(sa);
    }
    const payloads: Payload[] = [
      { type: 'sa', proposals: toWire(PROTOCOL.ISAKMP, spi, ikeAlternatives(policy.ike)) },
      { type: 'nonce', data: nonce },
      { type: 'ke', group: GROUPS[group].id, data: result.keyPair.publicValue },
    ];
    request(core, sa, EXCHANGE.CREATE_CHILD_SA, payloads, 'renewal of the IKE SA', (answer) => {
      const [offer, ke, peerNonce] = [find(answer, 'sa'), find(answer, 'ke'), find(answer, 'nonce')];
      const chosen = offer && chooseIke(policy.at, policy.ike, offer.proposals.slice(0, 1), ke?.group);
      const peerSpi = offer?.proposals[0]?.spi;
      if (!chosen?.ok || !ke || !peerNonce || peerSpi?.length !== 8 || chosen.suite.group !== group) {
        return refused(core, sa, answer, asked);
      }
      sa.busy = true;
      core.job({ group, keyPair: result.keyPair, peerPublic: ke.data }, (secret) => {
        delete sa.busy;
        if (sa.state === 'gone') return;
        if (!secret.ok) {
          refused(core, sa, answer, asked);
          return proceed(sa);
        }
        const made = successor(
          core,
          sa,
          'initiator',
          chosen.suite,
          spi,
          peerSpi,
          nonce,
          peerNonce.data,
          secret.shared!,
        );
        // Meanwhile the SA was deleted, or the peer's renewal of it taken: what the peer made for us was made in vain.
        if (sa.state === 'established') {
          keepToken(made, answer);
          giveToken(core, made);
          settle(core, sa, made, nonce, peerNonce.data);
        } else retire(core, made);
        proceed(sa);
      });
    });
  });
}

/** Only now that both SPIs are known there is a token (RFC 6290 4.3). */
function giveToken(core: Core, sa: IkeSa): void {
  const token = crashToken(core, sa.role, sa.spiI, sa.spiR);
  if (token.length === 0) return;
  enqueue(sa, () =>
    sa.state === 'established'
      ? request(core, sa, EXCHANGE.INFORMATIONAL, token, LIVENESS, () => {})
      : proceed(sa),
  );
}

/** The peer's renewal, which crossed ours and is the one that stands: its SA takes over. */
export function adopt(core: Core, sa: IkeSa): boolean {
  const made = sa.rekeying?.what === 'ike' ? sa.rekeying.theirs?.made : undefined;
  delete sa.rekeying;
  if (!made || !('version' in made) || made.state !== 'established') return false;
  inherit(core, sa, made);
  return true;
}

/** The peer works with what it made while we renew too, so that is the SA that stands (2.8.2). */
export function decide(core: Core, made: IkeSa): void {
  for (const old of made.connection.sas)
    if (old.version === 2 && old.rekeying?.theirs?.made === made) inherit(core, old, made);
}

function refused(core: Core, sa: IkeSa, answer: readonly Payload[], asked?: GroupName): void {
  if (adopt(core, sa)) return;
  const refusal = answer.find(
    (p): p is PayloadOf<'notify'> => p.type === 'notify' && p.notify < NOTIFY_V2_STATUS,
  );
  if (refusal?.notify === NOTIFY_V2.INVALID_KE_PAYLOAD && refusal.data.length === 2 && !asked) {
    const wanted = groupById(new Reader(refusal.data).u16());
    if (wanted && sa.connection.policy.ike.groups.includes(wanted.name)) return begin(core, sa, wanted.name);
  }
  if (refusal?.notify === NOTIFY_V2.TEMPORARY_FAILURE && !patient(core, sa)) return;
  const said = refusal ? nameOf(NOTIFY_V2, refusal.notify) : 'an answer that does not fit';
  core.note('warning', 'rekey-refused', sa.connection, `renewal of the IKE SA: the peer answered ${said}`);
  core.arm(`sa:${sa.id}:rekey`, RETRY_MS, () => rekeyIke(core, sa));
}

/** Of two renewals that crossed, the one with the lowest nonce is redundant; its initiator deletes it (2.8.1). */
function settle(core: Core, old: IkeSa, made: IkeSa, ours: Uint8Array, theirs: Uint8Array): void {
  const collision = old.rekeying?.theirs;
  delete old.rekeying;
  const lowest = compareBytes(ours, theirs) < 0 ? ours : theirs;
  if (collision && 'version' in collision.made) {
    if (compareBytes(lowest, collision.lowest) < 0) {
      retire(core, made);
      return inherit(core, old, collision.made); // The peer deletes the old SA.
    }
    if (collision.made.state === 'established') leave(core, collision.made);
  }
  inherit(core, old, made);
  retire(core, old);
}

/** The new SA takes over: the children, and what waited for its turn (2.8). */
function inherit(core: Core, from: IkeSa, to: IkeSa): void {
  const { connection } = from;
  for (const child of [...from.children]) {
    from.children.delete(child);
    child.ikeSa = to;
    halves(core, child, { did: 'bound', sa: to.id, changed: true });
    if (to.state !== 'gone') to.children.add(child);
    // The peer has deleted the new SA already, and with it the children.
    else remove(core, child, STRAGGLER_MS);
  }
  leave(core, from);
  for (const task of from.queue.splice(0)) task();
  thinOut(core, connection);
  supervise(core, connection);
}

function successor(
  core: Core,
  old: IkeSa,
  role: IkeSa['role'],
  suite: IkeSuite,
  ownSpi: Uint8Array,
  peerSpi: Uint8Array,
  ni: Uint8Array,
  nr: Uint8Array,
  shared: Uint8Array,
): IkeSa {
  const [spiI, spiR] = role === 'initiator' ? [ownSpi, peerSpi] : [peerSpi, ownSpi];
  const seed = rekeySkeyseed({ suite: old.suite!, keys: old.keys! }, ni, nr, shared);
  const sa: IkeSa = {
    version: 2,
    id: core.nextId(),
    role,
    connection: old.connection,
    spiI,
    spiR,
    local: old.local,
    remote: old.remote,
    state: 'established',
    suite,
    keys: ikeKeys(suite, seed, ni, nr, spiI, spiR),
    nat: old.nat,
    ...(old.fragmentation && { fragmentation: true }),
    ...(old.mobike && { mobike: old.mobike }),
    ...(old.proved ? { proved: old.proved } : {}),
    createdAt: core.now,
    establishedAt: core.now,
    lastHeard: core.now,
    children: new Set(),
    nextRequest: 0,
    expectedRequest: 0,
    queue: [],
  };
  register(core, sa);
  followIkeKeys(core, { ...sa, keys: sa.keys! }, ni, nr);
  establish(core, sa);
  core.note(
    'info',
    'ike-rekeyed',
    sa.connection,
    `IKE SA renewed: ${suite.cipher}/${suite.prf}/${suite.group}`,
  );
  return sa;
}

/** While we make, renew or delete a child, the answer would fall between two SAs (2.25.2). */
function making(sa: IkeSa): boolean {
  if (sa.rekeying) return sa.rekeying.what !== 'ike';
  return sa.busy === true || (sa.outstanding !== undefined && sa.outstanding.what !== LIVENESS);
}

export function answerRekeyIke(core: Core, sa: IkeSa, messageId: number, payloads: readonly Payload[]): void {
  const refuse = (type: number, data?: Uint8Array) =>
    respond(core, sa, EXCHANGE.CREATE_CHILD_SA, messageId, [notify(type, data)]);
  const { policy } = sa.connection;
  const [offer, ke, nonce] = [find(payloads, 'sa')!, find(payloads, 'ke'), find(payloads, 'nonce')!];
  if (making(sa)) return refuse(NOTIFY_V2.TEMPORARY_FAILURE);
  const chosen = chooseIke(policy.at, accepted(policy.ike), offer.proposals, ke?.group);
  if (!chosen.ok) {
    core.refuse('rekey-refused', sa.connection, 'renewal of the IKE SA refused', chosen.reason);
    return refuse(NOTIFY_V2.NO_PROPOSAL_CHOSEN);
  }
  const group = GROUPS[chosen.suite.group];
  if (!ke || ke.group !== group.id) {
    return refuse(NOTIFY_V2.INVALID_KE_PAYLOAD, Uint8Array.of(group.id >> 8, group.id & 255));
  }
  const peerSpi = chosen.proposal.spi;
  if (peerSpi.length !== 8) return refuse(NOTIFY_V2.INVALID_SYNTAX);
  const spi = core.random(8);
  const ownNonce = core.random(Math.max(policy.nonceOctets, 16));
  sa.answering = messageId;
  core.job({ group: chosen.suite.group, peerPublic: ke.data }, (result) => {
    if (sa.state === 'gone') return;
    if (sa.state !== 'established' || making(sa)) return refuse(NOTIFY_V2.TEMPORARY_FAILURE);
    if (!result.ok) return refuse(NOTIFY_V2.INVALID_SYNTAX);
    respond(core, sa, EXCHANGE.CREATE_CHILD_SA, messageId, [
      { type: 'sa', proposals: [{ ...chosen.proposal, spi }] },
      { type: 'nonce', data: ownNonce },
      { type: 'ke', group: group.id, data: result.keyPair.publicValue },
      ...crashToken(core, 'responder', peerSpi, spi),
    ]);
    const made = successor(
      core,
      sa,
      'responder',
      chosen.suite,
      spi,
      peerSpi,
      nonce.data,
      ownNonce,
      result.shared!,
    );
    if (sa.rekeying?.what === 'ike') {
      const lowest = compareBytes(nonce.data, ownNonce) < 0 ? nonce.data : ownNonce;
      sa.rekeying = { ...sa.rekeying, theirs: { made, lowest } };
      return;
    }
    inherit(core, sa, made);
  });
}
