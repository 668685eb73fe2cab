// The story of an IKEv1 negotiation: main or aggressive mode message by message, then what quick mode shows outside.

import type { HashName } from '../ike/crypto/algorithm.ts';
import { HASHES } from '../ike/crypto/algorithm.ts';
import { guessV1 } from '../ike/fingerprint.ts';
import { EXCHANGE, NOTIFY_V1 } from '../ike/wire/numbers.ts';
import { find, type Payload } from '../ike/wire/v1.ts';
import { isZero } from '../net/bytes.ts';
import {
  type Finding,
  finding,
  type Outcome,
  type Surroundings,
  silenceFinding,
  trafficFindings,
  type Verdict,
  weakFindings,
} from './finding.ts';
import { notifyNameV1 } from './names.ts';
import { natFindings, natViewV1 } from './nat.ts';
import { exchange, type Gathered, repetitions, type Step } from './negotiation.ts';
import { isWide, type Offer, offersV1, offerText } from './offer.ts';

/** Undefined when the message is encrypted. */
export function payloadsOf({ message }: Step): readonly Payload[] | undefined {
  return message.content.version === 1 ? message.content.payloads : undefined;
}

const phase1Of = (g: Gathered): readonly Step[] =>
  g.steps.filter(({ message: { header } }) =>
    ([EXCHANGE.IDENTITY_PROTECTION, EXCHANGE.AGGRESSIVE] as number[]).includes(header.exchange),
  );

export function modeOf(g: Gathered): 'main' | 'aggressive' | undefined {
  const type = phase1Of(g)[0]?.message.header.exchange;
  return type === undefined ? undefined : type === EXCHANGE.AGGRESSIVE ? 'aggressive' : 'main';
}

export function guessesV1(g: Gathered): { initiator?: string; responder?: string } {
  const guess = (who: Step['sender']) => {
    const steps = phase1Of(g).filter((s) => s.sender === who);
    const first = steps.find((s) => payloadsOf(s)?.some((p) => p.type === 'sa'));
    return first && guessV1(payloadsOf(first) ?? []);
  };
  const [initiator, responder] = [guess('initiator'), guess('responder')];
  return { ...(initiator ? { initiator } : {}), ...(responder ? { responder } : {}) };
}

export function judgeV1(g: Gathered, around: Surroundings): Verdict {
  const steps = phase1Of(g);
  const first = steps.find((s) => s.sender === 'initiator' && find(payloadsOf(s) ?? [], 'sa'));
  if (!first || !isZero(first.message.header.spiR)) {
    const text = 'the beginning of this SA is not in the capture, and what follows is encrypted';
    return { outcome: 'unseen', offer: [], findings: [finding('note', 'PARTIAL', text)] };
  }
  const offer = offersV1(find(payloadsOf(first)!, 'sa')?.proposals ?? []);
  const answer = steps.find((s) => s.sender === 'responder' && find(payloadsOf(s) ?? [], 'sa'));
  const chosen = answer && offersV1(find(payloadsOf(answer)!, 'sa')?.proposals ?? [])[0];
  const story = { g, around, steps, first, offer, chosen };
  const { outcome, findings } = judgePhase1(story);
  const hash = chosen?.names.hash?.[0];
  const views =
    hash !== undefined && Object.hasOwn(HASHES, hash)
      ? steps.flatMap((s) => {
          const view = natViewV1(s.message, payloadsOf(s) ?? [], hash as HashName);
          return view ? [{ sender: s.sender, view }] : [];
        })
      : [];
  return {
    outcome,
    offer,
    ...(chosen ? { chosen } : {}),
    findings: [
      ...findings,
      ...aggressiveFindings(story),
      ...natFindings(g, views),
      ...weakFindings(offer, chosen),
    ],
  };
}

type Story = {
  readonly g: Gathered;
  readonly around: Surroundings;
  /** Messages of phase 1 in either mode. */
  readonly steps: readonly Step[];
  readonly first: Step;
  readonly offer: readonly Offer[];
  readonly chosen: Offer | undefined;
};

type Judgement = { readonly outcome: Outcome; readonly findings: readonly Finding[] };

const presharedKey = ({ chosen, offer }: Story) =>
  (chosen?.names.authentication ?? offer[0]?.names.authentication ?? []).some((m) => /preshared/.test(m));

function judgePhase1(story: Story): Judgement {
  const { g, around, steps, first, chosen } = story;
  const findings: Finding[] = [];
  const refusal = refusalOf(story);
  const answers = steps.filter((s) => s.sender === 'responder');
  if (chosen) findings.push(finding('good', 'CHOSEN', `the responder chose ${offerText(chosen)}`));
  // After main mode an unprotected refusal proves nothing; aggressive mode has no message that accepts the third.
  if (refusal && (modeOf(g) === 'aggressive' || !isEstablished(story)))
    return { outcome: 'refused', findings: [...findings, refusal] };
  if (answers.length === 0) {
    const tries = 1 + repetitions(g, first.rung);
    const what = modeOf(g) === 'aggressive' ? 'aggressive mode message 1' : 'main mode message 1';
    return { outcome: 'unanswered', findings: [silenceFinding(what, tries, first.message.to, around)] };
  }
  if (!isEstablished(story)) {
    const stop = modeOf(g) === 'aggressive' ? aggressiveStop(story) : mainModeStop(story);
    return { outcome: 'unfinished', findings: [...findings, stop] };
  }
  findings.push(finding('good', 'ESTABLISHED', 'phase 1 came to its end: the ISAKMP SA stands'));
  return { outcome: 'established', findings: [...findings, ...quickModeFindings(story)] };
}

/** Main mode: message 6 came; aggressive mode: message 3 went, and nothing speaks against it. */
function isEstablished({ g, steps }: Story): boolean {
  const from = (who: Step['sender']) => steps.filter((s) => s.sender === who);
  if (modeOf(g) === 'aggressive') return from('initiator').length >= 2;
  return from('responder').some((s) => payloadsOf(s) === undefined);
}

/** An unprotected Informational: all that a peer can say before there are keys. */
function refusalOf(story: Story): Finding | undefined {
  const { g, offer, steps } = story;
  for (const step of exchange(g, EXCHANGE.INFORMATIONAL_V1)) {
    const notify = payloadsOf(step)?.find((p) => p.type === 'notify');
    if (notify?.type !== 'notify' || notify.notify >= NOTIFY_V1.RESPONDER_LIFETIME) continue;
    const name = notifyNameV1(notify.notify);
    const who = step.sender;
    const other = who === 'initiator' ? 'responder' : 'initiator';
    if (notify.notify === NOTIFY_V1.NO_PROPOSAL_CHOSEN && who === 'responder') {
      const offered = offer.map(offerText);
      const wide = isWide(offer);
      const { address } = g.initiator;
      const text = wide
        ? `the responder answered ${name} to a wide offer: most likely it has no connection for ${address} or for IKEv1`
        : `the responder answered ${name}: it accepts none of the proposals, or has no connection for ${address} or for IKEv1`;
      const hint = `compare the offer with what the responder accepts, and its remote address with ${address}`;
      return finding('error', wide ? 'NO_CONNECTION_FOR_PEER' : 'NO_PROPOSAL', text, { offered, hint });
    }
    const proof = [
      NOTIFY_V1.AUTHENTICATION_FAILED,
      NOTIFY_V1.INVALID_HASH_INFORMATION,
      NOTIFY_V1.INVALID_SIGNATURE,
      NOTIFY_V1.INVALID_ID_INFORMATION,
      NOTIFY_V1.PAYLOAD_MALFORMED,
    ] as number[];
    if (proof.includes(notify.notify)) {
      const sent = steps.filter((s) => s.sender === other);
      const opened = sent.every((s) => payloadsOf(s) !== undefined);
      // Who has another key cannot decrypt message 5, and says so in one way or another.
      const why =
        !opened && presharedKey(story)
          ? `${name} to an encrypted message of phase 1: most likely the preshared key differs`
          : other === 'initiator' && sent.length < 2
            ? `${name}: it refuses the mode, the identity or the method of authentication`
            : `${name}: it did not accept the ${other}'s proof`;
      const hint =
        opened && sent.length < 2
          ? "some daemons refuse aggressive mode with a preshared key unless told otherwise; look at the responder's log"
          : 'make preshared key and identities the same on both sides';
      return finding('error', 'AUTHENTICATION', `the ${who} answered ${why}`, { hint });
    }
    return finding('error', 'PEER_REFUSED', `the ${who} answered ${name}`);
  }
  return undefined;
}

function mainModeStop(story: Story): Finding {
  const { g, around, steps } = story;
  const sent = steps.filter((s) => s.sender === 'initiator');
  const last = sent.at(-1)!;
  const tries = 1 + repetitions(g, last.rung);
  const number = 2 * sent.length - 1;
  if (payloadsOf(last) !== undefined) {
    const answered = steps.filter((s) => s.sender === 'responder').length >= sent.length;
    if (answered) {
      const text = `the initiator did not go on after main mode message ${number + 1}: the answer did not reach it, or it did not like it`;
      return finding('error', 'TIMEOUT', text);
    }
    return silenceFinding(`main mode message ${number}`, tries, last.message.to, around);
  }
  const complaint = exchange(g, EXCHANGE.INFORMATIONAL_V1).some(
    (s) => s.sender === 'responder' && s.message.time >= last.message.time,
  );
  const how = complaint
    ? 'was answered by an encrypted Informational instead of message 6'
    : `${tries > 1 ? `, sent ${tries} times, ` : ''}got no answer`;
  const what = `main mode message 5, which carries the initiator's identity and proof, ${how.replace(/^, /, '')}`;
  if (presharedKey(story)) {
    const hint = 'make the preshared key the same on both sides';
    return finding('error', 'AUTHENTICATION', `${what}: most likely the preshared key differs`, { hint });
  }
  const hint =
    'look at the certificates and identities, and whether large messages arrive (IP fragments, UDP 4500)';
  return finding('error', 'AUTHENTICATION', `${what}: most likely the proof was not accepted`, { hint });
}

/** Message 3 is missing: the initiator checks the responder's HASH_R first. */
function aggressiveStop(story: Story): Finding {
  const text = presharedKey(story)
    ? 'the initiator did not go on after aggressive mode message 2, which proves the responder: most likely the preshared key differs, or the answer did not reach it'
    : 'the initiator did not go on after aggressive mode message 2';
  return finding('error', 'AUTHENTICATION', text, { hint: 'make the preshared key the same on both sides' });
}

function aggressiveFindings(story: Story): Finding[] {
  if (modeOf(story.g) !== 'aggressive') return [];
  const text = presharedKey(story)
    ? 'aggressive mode shows the identities and a hash that lets the preshared key be guessed offline (VU#857035)'
    : 'aggressive mode shows the identities to anybody';
  const hint = 'use main mode where the peer has a fixed address, or IKEv2';
  return [finding('warning', 'AGGRESSIVE', text, { hint })];
}

/** Quick mode by message ID: three messages when it succeeds, all encrypted. */
function quickModeFindings({ g, around }: Story): Finding[] {
  const rounds = new Map<number, Step[]>();
  for (const step of exchange(g, EXCHANGE.QUICK_MODE)) {
    const id = step.message.header.messageId;
    rounds.set(id, [...(rounds.get(id) ?? []), step]);
  }
  if (rounds.size === 0) {
    const text =
      'no quick mode follows: nothing has asked for a tunnel yet, or XAUTH or Mode Config stopped it';
    return [finding('note', 'NO_TRAFFIC', text)];
  }
  const done = [...rounds.values()].filter((steps) => steps.length >= 3).length;
  if (done > 0) {
    const count = done === 1 ? 'one quick mode' : `${done} quick modes`;
    const good = finding('good', 'ESTABLISHED', `${count} came to the end: IPsec SAs stand`);
    const [firstDone] = [...rounds.values()].filter((steps) => steps.length >= 3);
    return [good, ...trafficFindings(around, g.initiator, g.responder, firstDone[0].message.time)];
  }
  const [begun] = rounds.values();
  const asked = begun[0].sender;
  const answered = begun.some((s) => s.sender !== asked);
  const complaint = exchange(g, EXCHANGE.INFORMATIONAL_V1).some(
    (s) => s.sender !== asked && s.message.time >= begun[0].message.time,
  );
  const what = answered
    ? 'quick mode stopped after message 2: the side that asked did not like the answer'
    : complaint
      ? 'quick mode was answered by an encrypted Informational: most likely NO_PROPOSAL_CHOSEN or INVALID_ID_INFORMATION'
      : 'quick mode got no answer';
  const hint =
    'compare phase 2: the networks of both sides (proxy-id, the same mirrored), encryption, authentication, PFS group';
  return [finding('error', answered ? 'PROTOCOL' : complaint ? 'SELECTORS' : 'TIMEOUT', what, { hint })];
}
