// The Encrypted payload (RFC 7296 3.14, RFC 5282): payloads in, datagram out, and back.
import { concat, equalConstantTime, Writer } from '../../net/bytes.ts';
import { CIPHERS, HASHES } from '../crypto/algorithm.ts';
import { aeadOpen, aeadSeal, cbcDecrypt, cbcEncrypt } from '../crypto/cipher.ts';
import { integrity } from '../crypto/prf.ts';
import type { IkeSuite } from '../proposal/v2.ts';
import { encodeHeader, HEADER_OCTETS, type Header } from '../wire/codec.ts';
import { PAYLOAD_V2 } from '../wire/numbers.ts';
import { decodePayloads, encodePayloads, find, firstNumber, type Message, type Payload } from '../wire/v2.ts';
import type { IkeKeys } from './keys.ts';

/** Keys and suite of one IKE SA; `initiator` tells whose SK_e and SK_a apply. */
export type Protection = { readonly suite: IkeSuite; readonly keys: IkeKeys };

export function seal(
  protection: Protection,
  fromInitiator: boolean,
  header: Omit<Header, 'next' | 'length'>,
  payloads: readonly Payload[],
  random: (octets: number) => Uint8Array,
): Uint8Array {
  const { suite, keys } = protection;
  const cipher = CIPHERS[suite.cipher];
  const key = fromInitiator ? keys.ei : keys.er;
  const icvOctets = suite.integrity ? HASHES[suite.integrity].icvOctets : cipher.icvOctets;
  const inner = new Writer();
  encodePayloads(inner, payloads);
  const padding = (cipher.blockOctets - ((inner.length + 1) % cipher.blockOctets)) % cipher.blockOctets;
  const plain = inner.zeros(padding).u8(padding).finish();

  const w = new Writer();
  encodeHeader(w, { ...header, next: PAYLOAD_V2.SK });
  w.u8(firstNumber(payloads))
    .u8(0)
    .u16(4 + cipher.ivOctets + plain.length + icvOctets);
  w.patchU32(24, HEADER_OCTETS + 4 + cipher.ivOctets + plain.length + icvOctets);
  const prefix = w.finish();
  const iv = random(cipher.ivOctets);
  if (cipher.aead) return concat(prefix, iv, aeadSeal(cipher, key, iv, prefix, plain));
  const text = concat(prefix, iv, cbcEncrypt(cipher, key, iv, plain));
  return concat(text, integrity(suite.integrity!, fromInitiator ? keys.ai : keys.ar, text));
}

export type Opened =
  | { readonly ok: true; readonly payloads: readonly Payload[] }
  /** `authentic` tells a forged message from one that its true sender built badly. */
  | { readonly ok: false; readonly authentic: boolean; readonly rule: string };

/** The payloads inside, after the ICV verified; never throws on what the network sent. */
export function open(
  protection: Protection,
  fromInitiator: boolean,
  datagram: Uint8Array,
  message: Message,
): Opened {
  const { suite, keys } = protection;
  const cipher = CIPHERS[suite.cipher];
  const sk = find(message.payloads, 'sk');
  if (!sk) return { ok: false, authentic: false, rule: 'there is no Encrypted payload' };
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
    const icvOctets = HASHES[suite.integrity!].icvOctets;
    const end = bytes.length - icvOctets;
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
  const inner = decodePayloads(plain.subarray(0, plain.length - 1 - padding), sk.first);
  if (!inner.ok) {
    return { ok: false, authentic: true, rule: `${inner.error.path}: ${inner.error.rule}` };
  }
  // What stands before the SK payload is authenticated too, but nothing we know belongs there.
  return { ok: true, payloads: inner.value };
}
