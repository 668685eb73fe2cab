// IKEv1 by the first message of main mode. Offers are lists of whole suites there, so a wide one would not fit into a
// packet: first the common suites, then the others until one is taken, then one dimension after
// another around that, and at last other suites of the common ones that share too little with it to be found so.
import { type Finding, finding, weakFindings } from '../explain/finding.ts';
import { notifyNameV1, vendorNames } from '../explain/names.ts';
import { type Offer, offersV1 } from '../explain/offer.ts';
import { guessV1 } from '../ike/fingerprint.ts';
import type { Alternatives, Dimension } from '../ike/proposal/match.ts';
import { attribute } from '../ike/wire/attribute.ts';
import { decodeHeader } from '../ike/wire/codec.ts';
import {
  ATTRIBUTE_P1 as A1,
  DOI_IPSEC,
  EXCHANGE,
  KEY_IKE,
  LIFE_SECONDS,
  NAMED_VENDOR,
  NOTIFY_V1,
  NOTIFY_V2,
  PROTOCOL,
  SIT_IDENTITY_ONLY,
  VENDOR,
} from '../ike/wire/numbers.ts';
import { decode, encode, find, type Payload, type Transform } from '../ike/wire/v1.ts';
import { compareBytes, fromHex } from '../net/bytes.ts';
import { CANDIDATES_V1, type Candidates, named, without } from './candidates.ts';
import type { Answer, Exchange } from './exchange.ts';
import { type Accepted, accepted, type VersionReport } from './report.ts';
import { limited, spent } from './v2.ts';

const COOKIE_OCTETS = 8;
/** Seconds; what most daemons take. */
const LIFETIME = 28_800;
/** Transforms of 36 octets that still fit into one packet, with the Vendor IDs. */
const MAX_TRANSFORMS = 36;

/** Tried in this order until one is taken. */
const ROUNDS: readonly Alternatives[] = [
  {
    encryption: ['aes256', 'aes128', '3des'],
    hash: ['sha256', 'sha1'],
    group: ['modp2048', 'modp1536', 'modp1024', 'ecp256', 'modp3072', 'modp4096'],
    authentication: ['preshared-key'],
  },
  {
    encryption: ['aes256', 'aes128', '3des'],
    hash: ['sha256', 'sha1'],
    group: ['modp2048', 'modp1536', 'modp1024'],
    authentication: ['rsa-signature', 'xauth-preshared-key'],
  },
  {
    encryption: ['aes256', 'aes128', 'aes192', '3des'],
    hash: ['sha512', 'sha384', 'md5'],
    group: ['modp2048', 'modp1024', 'ecp384'],
    authentication: ['preshared-key'],
  },
  {
    encryption: ['aes256', 'aes192', 'aes128'],
    hash: ['sha256', 'sha384', 'sha1'],
    group: ['ecp384', 'ecp521', 'x25519', 'modp8192'],
    authentication: ['preshared-key'],
  },
  {
    encryption: ['aes192', 'des'],
    hash: ['sha256', 'sha1', 'md5'],
    group: ['modp768', 'modp1024', 'modp1536', 'modp2048', 'ecp256'],
    authentication: ['preshared-key'],
  },
];

type Reply =
  | {
      readonly kind: 'chosen';
      readonly offer: Offer;
      readonly payloads: readonly Payload[];
      readonly milliseconds: number;
    }
  | { readonly kind: 'refused'; readonly name: string; readonly type: number; readonly milliseconds: number }
  | Exclude<Answer, { kind: 'answer' }>;

export async function probeV1(x: Exchange): Promise<VersionReport> {
  const base = { version: 1 as const, accepted: [], vendors: [], features: [] };
  let reply: Reply = { kind: 'silence' };
  for (const round of ROUNDS) {
    reply = await ask(x, candidatesOf(round));
    if (reply.kind !== 'refused' || reply.type !== NOTIFY_V1.NO_PROPOSAL_CHOSEN) break;
  }
  if (reply.kind === 'silence') return { ...base, state: 'silent', findings: [] };
  if (reply.kind === 'unreachable')
    return { ...base, state: 'unreachable', findings: [finding('error', 'TIMEOUT', reply.why)] };
  if (reply.kind === 'refused')
    return { ...base, state: 'refused', roundTrip: reply.milliseconds, findings: [refusal(x, reply)] };
  const { offer, payloads } = reply;
  const { lists, others, silent } = await enumerate(x, offer);
  const guess = guessV1(payloads);
  const findings: Finding[] = weakFindings([], offer);
  if (silent) findings.push(limited());
  else if (lists.some((l) => l.incomplete)) findings.push(spent());
  return {
    version: 1,
    state: 'accepted',
    preferred: offer,
    ...(others.length > 0 ? { others } : {}),
    accepted: lists,
    vendors: vendorNames(payloads),
    features: features(payloads),
    ...(guess ? { looksLike: guess } : {}),
    roundTrip: reply.milliseconds,
    findings,
  };
}

function refusal(x: Exchange, { name, type }: Extract<Reply, { kind: 'refused' }>): Finding {
  if (type !== NOTIFY_V1.NO_PROPOSAL_CHOSEN)
    return finding('error', 'PEER_REFUSED', `the peer answered ${name}`);
  const { address } = x.local;
  const text = `the peer answered ${name} to every offer: most likely it has no connection for ${address} or for IKEv1`;
  const hint = `look at the peer's remote address (it must cover ${address}, as the peer sees it) and its IKE version, before the algorithms`;
  return finding('error', 'NO_CONNECTION_FOR_PEER', text, { hint });
}

function features(payloads: readonly Payload[]): string[] {
  const names = vendorNames(payloads);
  return [
    ...(names.some((n) => n.startsWith('NAT traversal')) ? ['NAT traversal'] : []),
    ...['Dead Peer Detection', 'XAUTH', 'IKE fragmentation'].filter(
      (n) => n in NAMED_VENDOR && names.includes(n),
    ),
  ];
}

const DIMENSIONS = ['encryption', 'hash', 'group'] as const;
/** Suites that are looked for beyond the preferred one: each costs the peer a half-open SA. */
const MAX_OTHERS = 2;

/**
 * Each dimension with the others as preferred: what is taken goes out of the list until nothing is. Not the method of
 * authentication: daemons take any at this place (strongSwan does) and refuse it later.
 */
async function enumerate(
  x: Exchange,
  first: Offer,
): Promise<{ lists: Accepted[]; others: Offer[]; silent: boolean }> {
  const base = candidatesOf(first.names);
  const found = new Map<Dimension, string[]>();
  const open = new Set<Dimension>();
  let silent = false;
  for (const d of DIMENSIONS) {
    const names = [...(first.names[d] ?? [])];
    let rest = without({ ...base, [d]: CANDIDATES_V1[d] ?? [] }, d, names);
    let done = false;
    while (!silent && !done && x.left() > 0 && (rest[d] ?? []).length > 0) {
      const reply = await ask(x, rest);
      silent = reply.kind === 'silence' || reply.kind === 'unreachable';
      const next = reply.kind === 'chosen' ? reply.offer.names[d]?.[0] : undefined;
      if (next === undefined || names.includes(next)) done = !silent;
      else {
        names.push(next);
        rest = without(rest, d, [next]);
      }
    }
    found.set(d, names);
    if (!done && (rest[d] ?? []).length > 0) open.add(d);
  }
  const ordered = new Map([...found].map(([d, names]) => [d, names.length]));
  const others: Offer[] = [];
  while (!silent && x.left() > 0 && others.length < MAX_OTHERS) {
    const known = (names: Alternatives) =>
      DIMENSIONS.every((d) => found.get(d)?.includes(names[d]?.[0] ?? ''));
    const reply = await ask(x, candidatesOf(ROUNDS[0]), known);
    silent = reply.kind === 'silence' || reply.kind === 'unreachable';
    if (reply.kind !== 'chosen' || known(reply.offer.names)) break;
    others.push(reply.offer);
    for (const d of DIMENSIONS) {
      const [name] = reply.offer.names[d] ?? [];
      if (name !== undefined && !found.get(d)?.includes(name)) found.get(d)?.push(name);
    }
  }
  const lists = DIMENSIONS.map((d) => accepted(d, found.get(d) ?? [], ordered.get(d) ?? 0, open.has(d)));
  return { lists, others, silent };
}

function candidatesOf(names: Alternatives): Candidates {
  const entries = Object.entries(names).map(([d, list]) => [d, named(CANDIDATES_V1, d as Dimension, list)]);
  return Object.fromEntries(entries);
}

/** What a peer would say to an offer without suites. */
const NOTHING_LEFT: Reply = {
  ...{ kind: 'refused', type: NOTIFY_V1.NO_PROPOSAL_CHOSEN, name: 'NO_PROPOSAL_CHOSEN', milliseconds: 0 },
};

/** `leaveOut`: suites that need not be asked for. */
async function ask(
  x: Exchange,
  offer: Candidates,
  leaveOut: (names: Alternatives) => boolean = () => false,
): Promise<Reply> {
  if (x.left() <= 0) return { kind: 'silence' };
  const suites = transforms(offer, leaveOut);
  if (suites.length === 0) return NOTHING_LEFT;
  const cookie = x.random(COOKIE_OCTETS);
  const answer = await x.ask(firstMessage(cookie, suites), (data) => fits(data, cookie));
  if (answer.kind !== 'answer') return answer;
  const { milliseconds } = answer;
  const header = decodeHeader(answer.data);
  if (header.ok && header.value.major === 2) {
    // A daemon of IKEv2 alone (RFC 7296 2.5).
    const type = NOTIFY_V2.INVALID_MAJOR_VERSION;
    return { kind: 'refused', type, name: 'INVALID_MAJOR_VERSION', milliseconds };
  }
  const decoded = decode(answer.data);
  const payloads = decoded.ok ? (decoded.value.payloads ?? []) : [];
  const [chosen] = offersV1(find(payloads, 'sa')?.proposals ?? []);
  if (chosen) return { kind: 'chosen', offer: chosen, payloads, milliseconds };
  const type = find(payloads, 'notify')?.notify ?? NOTIFY_V1.PAYLOAD_MALFORMED;
  return { kind: 'refused', type, name: notifyNameV1(type), milliseconds };
}

function fits(data: Uint8Array, cookie: Uint8Array): boolean {
  const header = decodeHeader(data);
  return header.ok && compareBytes(header.value.spiI, cookie) === 0;
}

function firstMessage(cookie: Uint8Array, transforms: readonly Transform[]): Uint8Array {
  const proposals = [{ number: 1, protocol: PROTOCOL.ISAKMP, spi: new Uint8Array(0), transforms }];
  const vendors = [VENDOR.DPD, VENDOR.NAT_T_RFC3947, VENDOR.XAUTH, VENDOR.FRAGMENTATION];
  const payloads: Payload[] = [
    { type: 'sa', doi: DOI_IPSEC, situation: SIT_IDENTITY_ONLY, proposals },
    ...vendors.map((id): Payload => ({ type: 'vendor', data: fromHex(id) })),
  ];
  const header = {
    ...{ spiI: cookie, spiR: new Uint8Array(COOKIE_OCTETS), major: 1, minor: 0 },
    ...{ exchange: EXCHANGE.IDENTITY_PROTECTION, flags: 0, messageId: 0 },
  };
  return encode(header, payloads);
}

/** The product of the lists, the group innermost. */
function transforms(offer: Candidates, leaveOut: (names: Alternatives) => boolean): Transform[] {
  const out: Transform[] = [];
  for (const authentication of offer.authentication ?? []) {
    for (const cipher of offer.encryption ?? []) {
      for (const hash of offer.hash ?? []) {
        for (const group of offer.group ?? []) {
          if (out.length >= MAX_TRANSFORMS) return out;
          const names = { encryption: [cipher.name], hash: [hash.name], group: [group.name] };
          if (leaveOut(names)) continue;
          out.push({
            number: out.length + 1,
            id: KEY_IKE,
            attributes: [
              attribute(A1.ENCRYPTION, cipher.id),
              ...(cipher.keyLength ? [attribute(A1.KEY_LENGTH, cipher.keyLength)] : []),
              attribute(A1.HASH, hash.id),
              attribute(A1.GROUP, group.id),
              attribute(A1.AUTHENTICATION, authentication.id),
              attribute(A1.LIFE_TYPE, LIFE_SECONDS),
              attribute(A1.LIFE_DURATION, LIFETIME),
            ],
          });
        }
      }
    }
  }
  return out;
}
