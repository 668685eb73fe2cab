// The one message that an IKEv2 probe sends, and what its answers say.
import { type Offer, offersV2 } from '../explain/offer.ts';
import { groupById } from '../ike/crypto/algorithm.ts';
import { groupName } from '../ike/proposal/names.ts';
import { natDetection } from '../ike/v2/keys.ts';
import { decodeHeader } from '../ike/wire/codec.ts';
import {
  EXCHANGE,
  FLAG,
  NAMED_NOTIFY_V2,
  NOTIFY_V2,
  NOTIFY_V2_STATUS,
  nameOf,
  PROTOCOL,
  SIGNATURE_HASH,
  TRANSFORM,
} from '../ike/wire/numbers.ts';
import {
  encode,
  find,
  findNotify,
  type Message,
  notify,
  type Payload,
  type Proposal,
} from '../ike/wire/v2.ts';
import { compareBytes } from '../net/bytes.ts';
import type { Candidate, Candidates } from './candidates.ts';
import type { Exchange } from './exchange.ts';

const ZERO_SPI = new Uint8Array(8);
const NONE = new Uint8Array(0);
export type Reply =
  | {
      readonly kind: 'chosen';
      readonly offer: Offer;
      readonly message: Message;
      readonly milliseconds: number;
    }
  | { readonly kind: 'group'; readonly name: string }
  | {
      readonly kind: 'refused';
      readonly notify: number;
      readonly message: Message;
      readonly milliseconds: number;
    }
  | { readonly kind: 'silence' }
  | { readonly kind: 'unreachable'; readonly why: string };

/** A response to our SPI; an IKEv1 daemon may answer with its own version (RFC 7296 2.5). */
export function fits(data: Uint8Array, spiI: Uint8Array): boolean {
  const header = decodeHeader(data);
  return (
    header.ok &&
    compareBytes(header.value.spiI, spiI) === 0 &&
    header.value.major === 2 &&
    (header.value.flags & FLAG.RESPONSE) !== 0
  );
}

export function read(message: Message, milliseconds: number): Reply {
  const { payloads } = message;
  const group = findNotify(payloads, NOTIFY_V2.INVALID_KE_PAYLOAD)?.data;
  if (group?.length === 2) {
    const id = (group[0] << 8) | group[1];
    return { kind: 'group', name: groupById(id)?.name ?? groupName(id) };
  }
  const [chosen] = offersV2(find(payloads, 'sa')?.proposals.slice(0, 1) ?? []);
  if (chosen) return { kind: 'chosen', offer: chosen, message, milliseconds };
  const refusal = payloads.find((p) => p.type === 'notify' && p.notify < NOTIFY_V2_STATUS);
  const type = refusal?.type === 'notify' ? refusal.notify : NOTIFY_V2.INVALID_SYNTAX;
  return { kind: 'refused', notify: type, message, milliseconds };
}

export function initRequest(
  x: Exchange,
  spiI: Uint8Array,
  nonce: Uint8Array,
  offer: Candidates,
  keGroup: number,
  keValue: Uint8Array,
  cookie: Uint8Array | undefined,
): Uint8Array {
  const payloads: Payload[] = [
    ...(cookie ? [notify(NOTIFY_V2.COOKIE, cookie)] : []),
    { type: 'sa', proposals: proposals(offer) },
    { type: 'ke', group: keGroup, data: keValue },
    { type: 'nonce', data: nonce },
    notify(NOTIFY_V2.NAT_DETECTION_SOURCE_IP, natDetection(spiI, ZERO_SPI, x.local)),
    notify(NOTIFY_V2.NAT_DETECTION_DESTINATION_IP, natDetection(spiI, ZERO_SPI, x.remote)),
    notify(NOTIFY_V2.IKEV2_FRAGMENTATION_SUPPORTED),
    notify(NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS, Uint8Array.of(0, 2, 0, 3, 0, 4, 0, 5, 0, 1)),
    notify(NOTIFY_V2.REDIRECT_SUPPORTED),
    notify(NAMED_NOTIFY_V2.INTERMEDIATE_EXCHANGE_SUPPORTED),
  ];
  const header = {
    ...{ spiI, spiR: ZERO_SPI, major: 2, minor: 0, exchange: EXCHANGE.IKE_SA_INIT },
    ...{ flags: FLAG.INITIATOR, messageId: 0 },
  };
  return encode(header, payloads);
}

/** AEAD ciphers and the others in proposals of their own (RFC 7296 3.3). */
function proposals(offer: Candidates): Proposal[] {
  const of = (type: number, list: readonly Candidate[] = []) =>
    list.map(({ id, keyLength }) => ({ type, id, ...(keyLength ? { keyLength } : {}) }));
  const ciphers = offer.encryption ?? [];
  const kinds = [true, false].map((aead) => ({
    aead,
    list: ciphers.filter((c) => (c.aead ?? false) === aead),
  }));
  return kinds
    .filter(({ list, aead }) => list.length > 0 && (aead || (offer.integrity ?? []).length > 0))
    .map(({ list, aead }, i) => ({
      number: i + 1,
      protocol: PROTOCOL.ISAKMP,
      spi: NONE,
      transforms: [
        ...of(TRANSFORM.ENCR, list),
        ...(aead ? [] : of(TRANSFORM.INTEG, offer.integrity)),
        ...of(TRANSFORM.PRF, offer.prf),
        ...of(TRANSFORM.KE, offer.group),
      ],
    }));
}

/** What a response shows of what the peer knows, in words. */
export function features(payloads: readonly Payload[]): string[] {
  const says = (type: number) => findNotify(payloads, type) !== undefined;
  const hashes = findNotify(payloads, NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS)?.data;
  const out = [
    ...(says(NOTIFY_V2.IKEV2_FRAGMENTATION_SUPPORTED) ? ['fragmentation (RFC 7383)'] : []),
    ...(says(NOTIFY_V2.CHILDLESS_IKEV2_SUPPORTED) ? ['IKE SA without Child SA (RFC 6023)'] : []),
    ...(says(NAMED_NOTIFY_V2.INTERMEDIATE_EXCHANGE_SUPPORTED) ? ['IKE_INTERMEDIATE (RFC 9242)'] : []),
    ...(says(NAMED_NOTIFY_V2.MULTIPLE_AUTH_SUPPORTED) ? ['multiple authentication (RFC 4739)'] : []),
    ...(says(NAMED_NOTIFY_V2.USE_PPK) ? ['postquantum preshared keys (RFC 8784)'] : []),
    ...(says(NAMED_NOTIFY_V2.SUPPORTED_AUTH_METHODS) ? ['tells its authentication methods (RFC 9593)'] : []),
    ...(says(NAMED_NOTIFY_V2.REDIRECT) ? ['redirects elsewhere (RFC 5685)'] : []),
    ...(says(NOTIFY_V2.NAT_DETECTION_SOURCE_IP) ? ['NAT traversal'] : []),
    ...(find(payloads, 'certreq') ? ['asks for a certificate'] : []),
  ];
  if (hashes) {
    const names = Array.from({ length: hashes.length >> 1 }, (_, i) =>
      nameOf(SIGNATURE_HASH, (hashes[2 * i] << 8) | hashes[2 * i + 1]),
    );
    out.push(`signatures of RFC 7427 with ${names.join(', ')}`);
  }
  return out;
}
