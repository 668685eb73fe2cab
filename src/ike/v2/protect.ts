// The Encrypted payload (RFC 7296 3.14, RFC 5282) and fragments of it (RFC 7383 2.5): payloads in, datagrams out, and back.
import { concat, equalConstantTime, Writer } from '../../net/bytes.ts';
import { CIPHERS, HASHES } from '../crypto/algorithm.ts';
import { aeadOpen, aeadSeal, cbcDecrypt, cbcEncrypt } from '../crypto/cipher.ts';
import { integrity } from '../crypto/prf.ts';
import type { IkeSuite } from '../proposal/v2.ts';
import { encodeHeader, HEADER_OCTETS, type Header } from '../wire/codec.ts';
import { PAYLOAD_V2 } from '../wire/numbers.ts';
import {
  decodePayloads,
  encodePayloads,
  find,
  firstNumber,
  type Message,
  type Payload,
  type PayloadOf,
} from '../wire/v2.ts';
import type { IkeKeys } from './keys.ts';

/** Keys and suite of one IKE SA; `initiator` tells whose SK_e and SK_a apply. */
export type Protection = { readonly suite: IkeSuite; readonly keys: IkeKeys };

type Outgoing = Omit<Header, 'next' | 'length'>;
type Random = (octets: number) => Uint8Array;

/** Generic payload header, and what a fragment has behind it. */
const PAYLOAD_OCTETS = 4;
const FRAGMENT_OCTETS = 4;

const NONE = new Uint8Array(0);

/** The message: one datagram, or fragments of at most `limit` octets each when it is longer (RFC 7383 2.5). */
export function seal(
  protection: Protection,
  fromInitiator: boolean,
  header: Outgoing,
  payloads: readonly Payload[],
  random: Random,
  limit = Number.POSITIVE_INFINITY,
): Uint8Array[] {
  const text = textOf(payloads);
  const first = firstNumber(payloads);
  const encrypt = (type: number, next: number, fragment: Uint8Array, inside: Uint8Array) =>
    encrypted(protection, fromInitiator, header, { type, next, fragment }, inside, random);
  const { blockOctets, ivOctets } = CIPHERS[protection.suite.cipher];
  const around = HEADER_OCTETS + PAYLOAD_OCTETS + ivOctets + icvOctets(protection.suite);
  // Whole blocks, less the octet that counts the padding.
  const room = (octets: number) => Math.floor((octets - around) / blockOctets) * blockOctets - 1;
  if (text.length <= room(limit)) return [encrypt(PAYLOAD_V2.SK, first, NONE, text)];

  const part = room(limit - FRAGMENT_OCTETS);
  const total = Math.ceil(text.length / part);
  return Array.from({ length: total }, (_, i) => {
    const fragment = new Writer()
      .u16(i + 1)
      .u16(total)
      .finish();
    const cut = text.subarray(i * part, (i + 1) * part);
    return encrypt(PAYLOAD_V2.SKF, i === 0 ? first : PAYLOAD_V2.NONE, fragment, cut);
  });
}

/** Payloads one after the other, as they are encrypted. */
function textOf(payloads: readonly Payload[]): Uint8Array {
  const inner = new Writer();
  encodePayloads(inner, payloads);
  return inner.finish();
}

/** What is encrypted in a message, and how many octets of padding behind it. */
export function inside({ suite }: Protection, payloads: readonly Payload[]): Inside {
  const text = textOf(payloads);
  return { text, padding: paddingOf(suite, text), payloads };
}

function paddingOf(suite: IkeSuite, text: Uint8Array): number {
  const { blockOctets } = CIPHERS[suite.cipher];
  return (blockOctets - ((text.length + 1) % blockOctets)) % blockOctets;
}

function icvOctets(suite: IkeSuite): number {
  return suite.integrity ? HASHES[suite.integrity].icvOctets : CIPHERS[suite.cipher].icvOctets;
}

function encrypted(
  { suite, keys }: Protection,
  fromInitiator: boolean,
  header: Outgoing,
  payload: { readonly type: number; readonly next: number; readonly fragment: Uint8Array },
  text: Uint8Array,
  random: Random,
): Uint8Array {
  const cipher = CIPHERS[suite.cipher];
  const key = fromInitiator ? keys.ei : keys.er;
  const padding = paddingOf(suite, text);
  const plain = new Writer().put(text).zeros(padding).u8(padding).finish();
  const octets = PAYLOAD_OCTETS + payload.fragment.length + cipher.ivOctets + plain.length + icvOctets(suite);

  const w = new Writer();
  encodeHeader(w, { ...header, next: payload.type });
  w.u8(payload.next).u8(0).u16(octets).put(payload.fragment);
  w.patchU32(24, HEADER_OCTETS + octets);
  const prefix = w.finish();
  const iv = random(cipher.ivOctets);
  if (cipher.aead) return concat(prefix, iv, aeadSeal(cipher, key, iv, prefix, plain));
  const sealed = concat(prefix, iv, cbcEncrypt(cipher, key, iv, plain));
  return concat(sealed, integrity(suite.integrity!, fromInitiator ? keys.ai : keys.ar, sealed));
}

/** `authentic` tells a forged message from one that its true sender built badly. */
type Refused = { readonly ok: false; readonly authentic: boolean; readonly rule: string };
export type Opened = ({ readonly ok: true } & Inside) | Refused;

export type Inside = {
  readonly text: Uint8Array;
  /** Octets behind the text; 0 for one that came in fragments. */
  readonly padding: number;
  readonly payloads: readonly Payload[];
};

/** The payloads inside, after the ICV verified; never throws on what the network sent. */
export function open(
  protection: Protection,
  fromInitiator: boolean,
  datagram: Uint8Array,
  message: Message,
): Opened {
  const sk = find(message.payloads, 'sk');
  if (!sk) return { ok: false, authentic: false, rule: 'there is no Encrypted payload' };
  const text = decrypt(protection, fromInitiator, datagram, message, sk);
  return text.ok ? payloadsOf(text.text, sk.first, text.padding) : text;
}

/** The payloads of a text that was decrypted. */
export function payloadsOf(text: Uint8Array, first: number, padding = 0): Opened {
  const inner = decodePayloads(text, first);
  if (!inner.ok) return { ok: false, authentic: true, rule: `${inner.error.path}: ${inner.error.rule}` };
  // What stands before the SK payload is authenticated too, but nothing we know belongs there.
  return { ok: true, text, padding, payloads: inner.value };
}

/** The text of an Encrypted payload or of a fragment, without its padding. */
export function decrypt(
  { suite, keys }: Protection,
  fromInitiator: boolean,
  datagram: Uint8Array,
  message: Message,
  sk: PayloadOf<'sk' | 'skf'>,
): { readonly ok: true; readonly text: Uint8Array; readonly padding: number } | Refused {
  const cipher = CIPHERS[suite.cipher];
  const bytes = datagram.subarray(0, message.header.length);
  const key = fromInitiator ? keys.ei : keys.er;
  const bodyAt = bytes.length - sk.body.length;
  const iv = sk.body.subarray(0, cipher.ivOctets);
  let plain: Uint8Array | undefined;
  if (cipher.aead) {
    if (iv.length < cipher.ivOctets)
      return { ok: false, authentic: false, rule: 'the Encrypted payload is short' };
    plain = aeadOpen(cipher, key, iv, bytes.subarray(0, bodyAt), sk.body.subarray(cipher.ivOctets));
  } else {
    const end = bytes.length - icvOctets(suite);
    const text = bytes.subarray(bodyAt + cipher.ivOctets, Math.max(end, 0));
    if (text.length === 0 || text.length % cipher.blockOctets !== 0) {
      return { ok: false, authentic: false, rule: 'the Encrypted payload is no whole number of blocks' };
    }
    const expected = integrity(suite.integrity!, fromInitiator ? keys.ai : keys.ar, bytes.subarray(0, end));
    if (equalConstantTime(expected, bytes.subarray(end))) plain = cbcDecrypt(cipher, key, iv, text);
  }
  if (!plain) return { ok: false, authentic: false, rule: 'the integrity check failed' };
  const padding = plain[plain.length - 1] ?? 0;
  if (padding + 1 > plain.length)
    return { ok: false, authentic: true, rule: 'the padding is longer than the text' };
  return { ok: true, text: plain.subarray(0, plain.length - 1 - padding), padding };
}
