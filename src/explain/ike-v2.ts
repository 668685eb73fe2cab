// The story of an IKEv2 negotiation: the rounds of IKE_SA_INIT, then as much of IKE_AUTH as its outside tells.
import { guessV2 } from '../ike/fingerprint.ts';
import { groupName } from '../ike/proposal/names.ts';
import { EXCHANGE, FLAG, NOTIFY_V2, NOTIFY_V2_STATUS, PAYLOAD_V2, PORT_NAT_T } from '../ike/wire/numbers.ts';
import { find, findNotify, type Payload, type PayloadOf } from '../ike/wire/v2.ts';
import { isZero } from '../net/bytes.ts';
import {
  espAfter,
  type Finding,
  finding,
  type Outcome,
  type Surroundings,
  silenceFinding,
  trafficFindings,
  type Verdict,
  weakFindings,
} from './finding.ts';
import { notifyNameV2 } from './names.ts';
import { natFindings, natViewV2 } from './nat.ts';
import { beginsWith, exchange, type Gathered, repetitions, type Step } from './negotiation.ts';
import { isWide, type Offer, offers, offersV2, offerText } from './offer.ts';

/** A request of IKE_SA_INIT and what came back. */
type Round = { readonly request: Step; readonly response?: Step };

export function payloadsOf({ message }: Step): readonly Payload[] {
  return message.content.version === 2 ? message.content.payloads : [];
}

const isResponse = ({ message }: Step) => (message.header.flags & FLAG.RESPONSE) !== 0;

function roundsOf(g: Gathered): Round[] {
  const rounds: Round[] = [];
  for (const step of exchange(g, EXCHANGE.IKE_SA_INIT)) {
    const last = rounds.at(-1);
    if (!isResponse(step)) rounds.push({ request: step });
    // Refusals are not authenticated: one that came before the acceptance was another's, or a mistake (2.21.1).
    else if (last && (!last.response || find(payloadsOf(step), 'sa')))
      rounds[rounds.length - 1] = { ...last, response: step };
  }
  return rounds;
}

export function guessesV2(g: Gathered): { initiator?: string; responder?: string } {
  const rounds = roundsOf(g);
  const initiator = rounds[0] && guessV2(payloadsOf(rounds[0].request));
  const answer = rounds.find((r) => r.response && find(payloadsOf(r.response), 'sa'))?.response;
  const responder = answer && guessV2(payloadsOf(answer));
  return { ...(initiator ? { initiator } : {}), ...(responder ? { responder } : {}) };
}

export function judgeV2(g: Gathered, around: Surroundings): Verdict {
  const rounds = roundsOf(g);
  const [first] = rounds;
  if (!first) return { outcome: 'unseen', offer: [], findings: [notSeen(g)] };
  const request = payloadsOf(first.request);
  const offer = offersV2(find(request, 'sa')?.proposals ?? []);
  const ke = find(request, 'ke');
  const { outcome, findings, chosen } = judgeRounds(g, rounds, offer, around);
  const views = g.steps.flatMap((step) => {
    const view = natViewV2(step.message, payloadsOf(step));
    return view ? [{ sender: step.sender, view }] : [];
  });
  return {
    outcome,
    offer,
    ...(ke ? { keGroup: groupName(ke.group) } : {}),
    ...(chosen ? { chosen } : {}),
    findings: [...findings, ...natFindings(g, views), ...weakFindings(offer, chosen)],
  };
}

function notSeen(g: Gathered): Finding {
  return finding(
    'note',
    'PARTIAL',
    beginsWith(g)
      ? 'the first request is not in the capture'
      : 'the beginning of this SA is not in the capture, and what follows is encrypted',
  );
}

type Judgement = {
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
  readonly chosen?: Offer;
};

function judgeRounds(
  g: Gathered,
  rounds: readonly Round[],
  offer: readonly Offer[],
  around: Surroundings,
): Judgement {
  const findings: Finding[] = [];
  for (const [i, { request, response }] of rounds.entries()) {
    const next = rounds[i + 1];
    const tries = 1 + repetitions(g, request.rung);
    if (!response) {
      if (next) continue; // Given up for another request.
      findings.push(silenceFinding('IKE_SA_INIT', tries, request.message.to, around));
      return { outcome: i === 0 ? 'unanswered' : 'unfinished', findings };
    }
    if (tries > 1) findings.push(again('IKE_SA_INIT', tries));
    const payloads = payloadsOf(response);
    const cookie = findNotify(payloads, NOTIFY_V2.COOKIE);
    const wrongGroup = findNotify(payloads, NOTIFY_V2.INVALID_KE_PAYLOAD);
    const sa = find(payloads, 'sa');
    const refusal = payloads.find((p) => p.type === 'notify' && p.notify < NOTIFY_V2_STATUS);
    if (cookie) {
      findings.push(cookieFinding(next));
      if (!next) return { outcome: 'unfinished', findings };
    } else if (wrongGroup) {
      findings.push(groupFinding(request, wrongGroup, offer, next));
      if (!next) return { outcome: 'refused', findings };
    } else if (sa && sa.proposals.length > 0) {
      const [chosen] = offersV2(sa.proposals);
      findings.push(finding('good', 'CHOSEN', `the responder chose ${offerText(chosen)}`));
      return { ...judgeAuth(g, around, findings), chosen };
    } else if (refusal?.type === 'notify') {
      findings.push(refusedFinding(g, response, refusal, offer));
      if (!next) return { outcome: 'refused', findings };
    } else if (!next) {
      findings.push(finding('error', 'PROTOCOL', 'the responder answered without SA and without a refusal'));
      return { outcome: 'refused', findings };
    }
  }
  return { outcome: 'unfinished', findings };
}

function again(what: string, tries: number): Finding {
  const text = `${what} was sent ${tries} times before the answer that counts: packets are lost, or the answer is slow`;
  return finding('note', 'RETRANSMITTED', text);
}

function cookieFinding(next: Round | undefined): Finding {
  if (next && findNotify(payloadsOf(next.request), NOTIFY_V2.COOKIE)) {
    const text = 'the responder asked for a cookie, as one under load does, and the initiator brought it';
    return finding('note', 'COOKIE', text);
  }
  const text =
    'the responder asked for a cookie, and the initiator did not come back with it: it does not know cookies, or the answer did not reach it';
  return finding('error', 'PROTOCOL', text, {
    hint: 'RFC 7296 2.6 wants the same request with N(COOKIE) first',
  });
}

const groupIn = (data: Uint8Array) => (data.length === 2 ? (data[0] << 8) | data[1] : undefined);

function groupFinding(
  request: Step,
  refusal: PayloadOf<'notify'>,
  offer: readonly Offer[],
  next: Round | undefined,
): Finding {
  const wanted = groupName(groupIn(refusal.data));
  const sent = groupName(find(payloadsOf(request), 'ke')?.group);
  const asked = `the initiator sent a public value of ${sent}, the responder asked for ${wanted} (INVALID_KE_PAYLOAD)`;
  const accepted = [wanted];
  if (wanted === sent) {
    const text = `${asked}, which it had got: a defect of the responder`;
    return finding('error', 'PROTOCOL', text, { hint: `leave ${wanted} out on one side` });
  }
  if (!offers(offer, 'group', wanted)) {
    const text = `${asked}, which the initiator does not offer`;
    return finding('error', 'KE_GROUP_NOT_ALLOWED', text, {
      accepted,
      hint: `add ${wanted} to the initiator`,
    });
  }
  if (!next) {
    const everywhere = offer.every((o) => o.names.group?.includes(wanted));
    const text = `${asked}, and the initiator did not try again although it offers it`;
    const hint = everywhere
      ? 'look at whether the answer reached the initiator'
      : `some clients want ${wanted} in every proposal before they follow`;
    return finding('error', 'KE_GROUP_NOT_ALLOWED', text, { accepted, hint });
  }
  const retried = groupName(find(payloadsOf(next.request), 'ke')?.group);
  if (retried !== wanted) {
    return finding(
      'warning',
      'KE_GROUP_NOT_ALLOWED',
      `${asked}, and the initiator came back with ${retried}`,
      {
        accepted,
      },
    );
  }
  const worked = next.response && find(payloadsOf(next.response), 'sa');
  const end = worked ? 'it worked' : next.response ? 'this was not enough' : 'that got no answer';
  const text = `${asked}; the initiator followed with ${wanted}, and ${end}`;
  return finding(worked ? 'note' : 'warning', 'RETRIED', text);
}

function refusedFinding(
  g: Gathered,
  response: Step,
  refusal: PayloadOf<'notify'>,
  offer: readonly Offer[],
): Finding {
  const name = notifyNameV2(refusal.notify);
  const from = g.initiator.address;
  if (refusal.notify !== NOTIFY_V2.NO_PROPOSAL_CHOSEN)
    return finding('error', 'PEER_REFUSED', `the responder answered ${name}`);
  const offered = offer.map(offerText);
  return refusalReason(name, from, !isZero(response.message.header.spiR), isWide(offer), offered);
}

/** What a bare NO_PROPOSAL_CHOSEN means; the probe says the same. */
export function refusalReason(
  name: string,
  from: string,
  hasSpi: boolean,
  wide: boolean,
  offered: readonly string[],
): Finding {
  // strongSwan 5.9: an SPI of its own without a connection, SPI 0 when the proposals do not fit (seed 000).
  if (hasSpi) {
    const what = wide ? ' to a wide offer' : '';
    const text = `the responder answered ${name} with an SPI of its own${what}: most likely it has no connection for ${from} or for this IKE version${wide ? '' : ', otherwise it accepts none of the proposals'}`;
    const hint = `look at the responder's remote address (it must cover ${from}, as the responder sees it), its local address and its IKE version, before the algorithms`;
    return finding('error', 'NO_CONNECTION_FOR_PEER', text, { offered, hint });
  }
  const text = `the responder answered ${name}: it accepts none of the proposals`;
  const hint = 'compare the offer with what the responder is configured to accept';
  return finding('error', 'NO_PROPOSAL', text, { offered, hint });
}

/** Shorter than any response with AUTH, SA and selectors, longer than any with one notify. */
const BARE_NOTIFY_OCTETS = 120;

function judgeAuth(g: Gathered, around: Surroundings, before: readonly Finding[]): Judgement {
  const auth = exchange(g, EXCHANGE.IKE_AUTH);
  const requests = auth.filter((s) => !isResponse(s));
  const responses = auth.filter(isResponse);
  const [request] = requests;
  if (!request) {
    const text =
      'the initiator did not go on with IKE_AUTH: the answer did not reach it, or it did not like it';
    return { outcome: 'unfinished', findings: [...before, finding('error', 'TIMEOUT', text)] };
  }
  if (responses.length === 0)
    return { outcome: 'unfinished', findings: [...before, authSilence(g, request)] };
  const response = responses.at(-1)!;
  const rung = g.ladder[response.rung];
  const sealed = payloadsOf(response).find((p) => p.type === 'sk' || p.type === 'skf');
  const inner = payloadsOf(response).find((p) => p.type === 'notify');
  if (!sealed && inner?.type === 'notify') {
    const text = `the responder answered IKE_AUTH with ${notifyNameV2(inner.notify)}, unprotected`;
    return { outcome: 'refused', findings: [...before, finding('error', 'PEER_REFUSED', text)] };
  }
  const time = response.message.time;
  const traffic = trafficFindings(around, g.initiator, g.responder, time);
  const esp = espAfter(around, g.initiator.address, g.responder.address, time);
  const bare = rung.octets < BARE_NOTIFY_OCTETS && sealed?.first === PAYLOAD_V2.NOTIFY;
  if (bare) {
    const text = `the answer to IKE_AUTH is encrypted, but short (${rung.octets} octets) and begins with a notify: most likely AUTHENTICATION_FAILED`;
    const hint = "compare preshared key or certificates, and both identities; the responder's log says which";
    return { outcome: 'refused', findings: [...before, finding('error', 'AUTHENTICATION', text, { hint })] };
  }
  const open = requests.length > responses.length;
  if (open && esp.there === 0) {
    const text = `IKE_AUTH went through ${responses.length} rounds and then got no answer`;
    return { outcome: 'unfinished', findings: [...before, finding('error', 'TIMEOUT', text)] };
  }
  const text = `IKE_AUTH was answered (${rung.octets} octets, encrypted): most likely the IKE SA stands`;
  return { outcome: 'established', findings: [...before, finding('good', 'ESTABLISHED', text), ...traffic] };
}

function authSilence(g: Gathered, request: Step): Finding {
  const rung = g.ladder[request.rung];
  const tries = 1 + repetitions(g, request.rung);
  const { port } = request.message.to;
  const why = [
    ...(port === PORT_NAT_T ? [`UDP ${PORT_NAT_T} is blocked where UDP 500 is not`] : []),
    ...(rung.octets > 1280 && !rung.fragments
      ? [`the message of ${rung.octets} octets is cut into IP fragments, and some do not arrive`]
      : []),
    'the responder drops it without a word',
  ];
  const text = `IKE_AUTH, sent ${tries} time${tries > 1 ? 's' : ''} to port ${port}, got no answer: ${why.join(', or ')}`;
  return finding('error', 'TIMEOUT', text, { hint: 'capture at the responder too' });
}
