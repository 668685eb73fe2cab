// IKEv2 by IKE_SA_INIT alone. The first answer shows the suite that the peer prefers, and costs it a half-open SA. The
// rest is asked so that it need not keep anything: with a public value of a group that it will not choose, a peer that
// accepts an offer answers INVALID_KE_PAYLOAD and names the group (RFC 7296 1.2), and one that does not NO_PROPOSAL_CHOSEN.
import { type Finding, finding, weakFindings } from '../explain/finding.ts';
import { refusalReason } from '../explain/ike-v2.ts';
import { notifyNameV2, vendorNames } from '../explain/names.ts';
import { natViewV2 } from '../explain/nat.ts';
import type { Offer } from '../explain/offer.ts';
import { GROUPS, type GroupName } from '../ike/crypto/algorithm.ts';
import { runKeyExchange } from '../ike/crypto/key-exchange.ts';
import { guessV2 } from '../ike/fingerprint.ts';
import type { Dimension } from '../ike/proposal/match.ts';
import { groupName } from '../ike/proposal/names.ts';
import { FOREIGN_GROUP as FG, NOTIFY_V2 } from '../ike/wire/numbers.ts';
import { decode, findNotify, type Message } from '../ike/wire/v2.ts';
import { isZero } from '../net/bytes.ts';
import { CANDIDATES_V2, type Candidate, type Candidates, without } from './candidates.ts';
import type { Exchange } from './exchange.ts';
import { type Accepted, accepted, type VersionReport } from './report.ts';
import { features, fits, initRequest, type Reply, read } from './v2-message.ts';

/** The smallest public value: the first request stays in one packet on every path. */
const FIRST_GROUP: GroupName = 'x25519';
/** Groups that hardly anybody chooses, with the octets of their public values; they may be any, nobody computes with them. */
const DECOYS = [
  ...[
    { id: FG.modp768, octets: 96 },
    { id: FG['modp1024-160'], octets: 128 },
    { id: FG['modp2048-224'], octets: 256 },
  ],
  ...[
    { id: FG.ecp192, octets: 48 },
    { id: FG.ecp224, octets: 56 },
    { id: FG.brainpool512, octets: 128 },
  ],
  ...[
    { id: FG.brainpool384, octets: 96 },
    { id: FG.brainpool256, octets: 64 },
  ],
].map((d) => ({ ...d, name: groupName(d.id) }));
/** Cookies and groups that one question may be sent back for. */
const MAX_ROUNDS = 4;

/**
 * `halfOpen`: SAs that the peer may be made to keep for a while. strongSwan wants cookies of who has three, which
 * doubles the packets, and ignores who has five.
 */
export async function probeV2(x: Exchange, halfOpen: number): Promise<VersionReport> {
  const probe = new Probe(x);
  const first = await probe.preferred();
  const { reply } = first;
  const base = { version: 2 as const, accepted: [], vendors: [], features: [] };
  switch (reply.kind) {
    case 'silence':
      return { ...base, state: 'silent', findings: [] };
    case 'unreachable':
      return { ...base, state: 'unreachable', findings: [finding('error', 'TIMEOUT', reply.why)] };
    case 'group': {
      const text = `the peer wants a group that we cannot compute (${reply.name}), and nothing else`;
      return { ...base, state: 'refused', findings: [finding('error', 'KE_GROUP_NOT_ALLOWED', text)] };
    }
    case 'refused':
      return {
        ...base,
        state: 'refused',
        roundTrip: reply.milliseconds,
        vendors: vendorNames(reply.message.payloads),
        findings: [refusal(x, reply.notify, reply.message)],
      };
  }
  const { payloads } = reply.message;
  const lists = await probe.enumerate(reply.offer, first.foreign, halfOpen - 1);
  const view = natViewV2(seenMessage(x, reply.message), payloads);
  const guess = guessV2(payloads);
  const findings: Finding[] = weakFindings([], reply.offer);
  if (probe.silent) findings.push(limited());
  else if (lists.some((l) => l.incomplete)) findings.push(spent());
  return {
    version: 2,
    state: 'accepted',
    preferred: reply.offer,
    accepted: lists,
    vendors: vendorNames(payloads),
    features: features(payloads),
    ...(guess ? { looksLike: guess } : {}),
    ...(view ? { nat: { here: view.destination, there: view.source } } : {}),
    roundTrip: reply.milliseconds,
    findings,
  };
}

export function limited(): Finding {
  const text =
    'the peer stopped answering on the way: it limits half-open negotiations or the rate, so the lists are not complete';
  return finding('note', 'PARTIAL', text, { hint: 'ask again in a minute, one --version at a time' });
}

export function spent(): Finding {
  const text = 'not everything was asked: the packets that a probe may send were spent';
  return finding('note', 'PARTIAL', text);
}

/** As explain sees messages: by where they came from. */
function seenMessage(x: Exchange, message: Message): Parameters<typeof natViewV2>[0] {
  const { header, payloads } = message;
  return {
    time: 0,
    from: x.remote,
    to: x.local,
    header,
    data: new Uint8Array(0),
    content: { version: 2, payloads },
  };
}

function refusal(x: Exchange, type: number, message: Message): Finding {
  const name = notifyNameV2(type);
  if (type === NOTIFY_V2.NO_PROPOSAL_CHOSEN)
    return refusalReason(name, x.local.address, !isZero(message.header.spiR), true, []);
  if (type === NOTIFY_V2.INVALID_MAJOR_VERSION) {
    return finding('error', 'PEER_REFUSED', 'the peer speaks IKE, but not version 2 (INVALID_MAJOR_VERSION)');
  }
  return finding('error', 'PEER_REFUSED', `the peer answered ${name}`);
}

class Probe {
  readonly #x: Exchange;
  readonly #values = new Map<GroupName, Uint8Array>();
  /** A group that the peer is sure not to choose. */
  #decoy = DECOYS[0];
  /** The peer answered before, and does no more. */
  silent = false;
  /** There was more to ask than packets. */
  #spent = false;

  constructor(x: Exchange) {
    this.#x = x;
  }

  /** Everything is offered, and the peer's wish for a group followed; groups that we cannot compute are left out. */
  async preferred(): Promise<{ reply: Reply; foreign: string[] }> {
    let offer = CANDIDATES_V2;
    const foreign: string[] = [];
    let group: GroupName = FIRST_GROUP;
    let reply: Reply = { kind: 'silence' };
    for (let n = 0; n < 2 * MAX_ROUNDS; n++) {
      reply = await this.#ask(offer, GROUPS[group].id, await this.#value(group));
      if (reply.kind !== 'group') break;
      const wanted = Object.values(GROUPS).find((g) => reply.kind === 'group' && g.name === reply.name);
      if (wanted) group = wanted.name;
      else {
        foreign.push(reply.name);
        offer = without(offer, 'group', foreign);
      }
    }
    return { reply, foreign };
  }

  async enumerate(first: Offer, foreign: readonly string[], halfOpen: number): Promise<Accepted[]> {
    const groups = await this.#groups(foreign);
    const group = first.names.group?.[0] as GroupName;
    let open = halfOpen;
    const lists: Accepted[] = [];
    for (const d of ['encryption', 'integrity', 'prf'] as const) {
      const names = [...(first.names[d] ?? [])];
      let rest = without(d === 'integrity' ? onlyWithIntegrity(CANDIDATES_V2) : CANDIDATES_V2, d, names);
      // By what it chooses as long as we may leave half-open SAs behind: that tells the order.
      let done = false;
      while (open > 0 && !done && !this.silent && (rest[d] ?? []).length > 0) {
        const reply = await this.#followed(rest, group);
        if (reply.kind === 'chosen') open--;
        const next = reply.kind === 'chosen' ? reply.offer.names[d]?.[0] : undefined;
        if (next === undefined) {
          done = reply.kind === 'refused';
          break;
        }
        names.push(next);
        rest = without(rest, d, [next]);
      }
      const ordered = names.length;
      if (!done) names.push(...(await this.#among(rest, d, rest[d] ?? [])));
      lists.push(accepted(d, names, ordered, this.#short()));
    }
    return [...lists, groups];
  }

  /** By the group that each refusal asks for: the whole order, and nothing kept at the peer. */
  async #groups(foreign: readonly string[]): Promise<Accepted> {
    const names: string[] = [...foreign];
    this.#chooseDecoy(names);
    let rest = without(CANDIDATES_V2, 'group', foreign);
    while ((rest.group ?? []).some((c) => c.id !== this.#decoy.id)) {
      const reply = await this.#stateless(rest);
      const next =
        reply.kind === 'group'
          ? reply.name
          : reply.kind === 'chosen'
            ? reply.offer.names.group?.[0]
            : undefined;
      if (next === undefined || names.includes(next)) break;
      names.push(next);
      this.#chooseDecoy(names);
      rest = without(rest, 'group', [next]);
    }
    return accepted('group', names, names.length, this.#short());
  }

  /**
   * Which of the candidates are accepted, by halves: most questions are answered for many at once, and where the one
   * half has none, the other needs no question as a whole. `some`: one of them is accepted for certain.
   */
  async #among(rest: Candidates, d: Dimension, list: readonly Candidate[], some = false): Promise<string[]> {
    if (list.length === 0) return [];
    if (!some) {
      const reply = await this.#stateless({ ...rest, [d]: list });
      if (reply.kind !== 'group' && reply.kind !== 'chosen') return [];
    }
    if (list.length === 1) return [list[0].name];
    const half = list.length >> 1;
    const first = await this.#among(rest, d, list.slice(0, half));
    const none = first.length === 0 && !this.#short();
    return [...first, ...(await this.#among(rest, d, list.slice(half), none))];
  }

  #short(): boolean {
    return this.silent || this.#spent;
  }

  /** One that is not among what the peer takes. */
  #chooseDecoy(taken: readonly string[]): void {
    this.#decoy = DECOYS.find((d) => !taken.includes(d.name)) ?? this.#decoy;
  }

  async #stateless(offer: Candidates): Promise<Reply> {
    const { id, name, octets } = this.#decoy;
    const group = [...(offer.group ?? []).filter((c) => c.id !== id), { id, name }];
    // Below any prime of that length, and no small number.
    const value = this.#x.random(octets);
    value[0] &= 0x7f;
    return this.#ask({ ...offer, group }, id, value);
  }

  /** With a public value that may be accepted, and once more with the one asked for. */
  async #followed(offer: Candidates, group: GroupName): Promise<Reply> {
    const reply = await this.#ask(offer, GROUPS[group].id, await this.#value(group));
    if (reply.kind !== 'group') return reply;
    const wanted = Object.values(GROUPS).find((g) => g.name === reply.name);
    return wanted && wanted.name !== group
      ? this.#ask(offer, wanted.id, await this.#value(wanted.name))
      : reply;
  }

  async #value(group: GroupName): Promise<Uint8Array> {
    const known = this.#values.get(group);
    if (known) return known;
    const made = await runKeyExchange({ group });
    if (!made.ok) throw new Error(made.error);
    this.#values.set(group, made.keyPair.publicValue);
    return made.keyPair.publicValue;
  }

  async #ask(offer: Candidates, keGroup: number, keValue: Uint8Array): Promise<Reply> {
    const x = this.#x;
    // Of each question's own, so that a late answer to one is never taken for the answer to the next.
    const [spiI, nonce] = [x.random(8), x.random(32)];
    let cookie: Uint8Array | undefined;
    for (let n = 0; n < MAX_ROUNDS; n++) {
      this.#spent ||= x.left() <= 0;
      if (this.#short()) return { kind: 'silence' };
      const request = initRequest(x, spiI, nonce, offer, keGroup, keValue, cookie);
      const answer = await x.ask(request, (data) => fits(data, spiI));
      if (answer.kind !== 'answer') {
        this.silent = true;
        return answer;
      }
      const decoded = decode(answer.data);
      if (!decoded.ok) return { kind: 'silence' };
      const message = decoded.value;
      const { payloads } = message;
      const asked = findNotify(payloads, NOTIFY_V2.COOKIE)?.data;
      if (asked && asked.length > 0 && asked.length <= 64) {
        cookie = asked;
        continue;
      }
      return read(message, answer.milliseconds);
    }
    return { kind: 'silence' };
  }
}

function onlyWithIntegrity(c: Candidates): Candidates {
  return { ...c, encryption: (c.encryption ?? []).filter((e) => !e.aead) };
}
