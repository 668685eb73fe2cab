// What a negotiation tells: findings, the reasons of the engine among them, and what else a capture shows around it.
import type { Reason, ReasonCode } from '../ike/reason.ts';
import type { Address } from '../net/address.ts';
import type { Endpoint } from '../net/endpoint.ts';
import { type Offer, weakIn } from './offer.ts';

export type FindingCode =
  | ReasonCode
  | 'ESTABLISHED'
  | 'CHOSEN'
  | 'COOKIE'
  | 'RETRIED'
  | 'RETRANSMITTED'
  | 'NAT'
  | 'FLOATED'
  | 'WEAK'
  | 'AGGRESSIVE'
  | 'NO_TRAFFIC'
  | 'PARTIAL';

export type Finding = Omit<Reason, 'code'> & {
  readonly code: FindingCode;
  readonly level: 'good' | 'note' | 'warning' | 'error';
};

export type Outcome =
  /** The IKE SA stands, as far as what is encrypted lets see. */
  | 'established'
  | 'refused'
  | 'unanswered'
  /** It stops half-way without a word. */
  | 'unfinished'
  /** The beginning is not in the capture. */
  | 'unseen';

/** ESP from one address to another, native or in UDP. */
export type EspFlow = {
  readonly from: Address;
  readonly to: Address;
  readonly inUdp: boolean;
  readonly packets: number;
  /** Seconds since the epoch. */
  readonly first: number;
  readonly last: number;
};

export type Unreachable = {
  readonly by: Address;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly what: 'port' | 'host' | 'prohibited';
};

export type Surroundings = {
  readonly esp: readonly EspFlow[];
  readonly unreachable: readonly Unreachable[];
};

export type Verdict = {
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
  readonly offer: readonly Offer[];
  /** IKEv2: the group of the public value in the first request. */
  readonly keGroup?: string;
  readonly chosen?: Offer;
};

/** "1 packet", "2 packets". */
export const some = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

export function finding(
  level: Finding['level'],
  code: FindingCode,
  text: string,
  more: Omit<Reason, 'code' | 'text'> = {},
): Finding {
  return { level, code, text, ...more };
}

/** Weak algorithms: a warning where they were chosen, a note where they were only offered. */
export function weakFindings(offer: readonly Offer[], chosen: Offer | undefined): Finding[] {
  const say = (list: ReturnType<typeof weakIn>) => list.map(({ name, why }) => `${name} (${why})`).join(', ');
  const taken = chosen ? weakIn([chosen]) : [];
  if (taken.length > 0) {
    const hint = 'prefer aes256, sha256 and modp2048 or better on both sides';
    return [finding('warning', 'WEAK', `weak algorithms were chosen: ${say(taken)}`, { hint })];
  }
  const offered = weakIn(offer);
  return offered.length > 0 ? [finding('note', 'WEAK', `weak algorithms are offered: ${say(offered)}`)] : [];
}

/** Why a first message got no answer, by what else was seen. */
export function silenceFinding(what: string, tries: number, to: Endpoint, around: Surroundings): Finding {
  const times = tries > 1 ? `, sent ${tries} times,` : '';
  const no = around.unreachable.find((u) => u.to.address === to.address && u.to.port === to.port);
  if (no?.what === 'port') {
    const text = `${to.address} says that no program listens on UDP ${to.port} (ICMP port unreachable): no IKE daemon runs there`;
    return finding('error', 'TIMEOUT', text, { hint: 'start the IKE daemon of the peer' });
  }
  if (no) {
    const how = no.what === 'prohibited' ? 'is filtered' : 'cannot be reached';
    const text = `${to.address} ${how}, says ${no.by} (ICMP)`;
    return finding('error', 'TIMEOUT', text, { hint: 'look at routes and packet filters on the way' });
  }
  const text = `${what}${times} got no answer: UDP ${to.port} is blocked on the way, no IKE daemon runs at ${to.address}, or it keeps silent towards this address`;
  const hint =
    'capture at the responder too: if the request arrives there, its log tells why it does not answer';
  return finding('error', 'TIMEOUT', text, { hint });
}

/** ESP between two hosts from a moment on, there and back. */
export function espAfter(
  around: Surroundings,
  a: Address,
  b: Address,
  time: number,
): { there: number; back: number } {
  const count = (from: Address, to: Address) =>
    around.esp
      .filter((f) => f.from === from && f.to === to && f.last >= time)
      .reduce((n, f) => n + f.packets, 0);
  return { there: count(a, b), back: count(b, a) };
}

/** What the ESP that follows says about the tunnel. */
export function trafficFindings(
  around: Surroundings,
  a: Endpoint,
  b: Endpoint,
  time: number,
): readonly Finding[] {
  const { there, back } = espAfter(around, a.address, b.address, time);
  if (there === 0 && back === 0) return [];
  if (there > 0 && back > 0) {
    return [
      finding('good', 'ESTABLISHED', `ESP flows both ways: ${some(there, 'packet')} there, ${back} back`),
    ];
  }
  const [from, to, n] = there > 0 ? [a, b, there] : [b, a, back];
  const text = `ESP goes one way only: ${some(n, 'packet')} from ${from.address} to ${to.address}, none back`;
  const hint = `look at routes, selectors and packet filters at ${to.address}, and whether ESP (protocol 50) or UDP 4500 passes both ways`;
  return [finding('warning', 'NO_TRAFFIC', text, { hint })];
}
