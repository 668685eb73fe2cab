// Sending, retransmitting, encrypting and decrypting IKEv1 messages (RFC 2408 5, RFC 2409 5 and B).
import { compareBytes, concat, equalConstantTime, u32Bytes } from '../../net/bytes.ts';
import type { Core } from '../core.ts';
import { CIPHERS } from '../crypto/algorithm.ts';
import { cbcDecrypt, cbcEncrypt } from '../crypto/cipher.ts';
import { prf } from '../crypto/prf.ts';
import { followInside, followMessage } from '../follow.ts';
import { decodeHeader } from '../wire/codec.ts';
import { EXCHANGE } from '../wire/numbers.ts';
import {
  type Chain,
  decodeChain,
  encode,
  encodeChain,
  encodeEncrypted,
  firstNumber,
  type Message,
  type Payload,
} from '../wire/v1.ts';
import { cut } from './fragments.ts';
import { phase2Iv } from './keys.ts';
import type { Flow, IsakmpSa } from './sa.ts';

/** IPv6 header, UDP header, non-ESP marker: what stands around a fragment. */
const AROUND_OCTETS = 40 + 8 + 4;

/** Sends a message; with `onSilence` it is repeated until something new arrives, or given up. */
export function send(core: Core, sa: IsakmpSa, flow: Flow, data: Uint8Array, onSilence?: () => void): void {
  flow.sent = data;
  flow.tries = 0;
  core.cancel(flow.timer);
  transmit(core, sa, data);
  if (onSilence) arm(core, sa, flow, onSilence);
}

function transmit(core: Core, sa: IsakmpSa, data: Uint8Array): void {
  const datagrams = pieces(core, sa, data);
  for (let i = 0; i < core.settings.perSend; i++)
    for (const datagram of datagrams) {
      followMessage(core, sa, 'send', datagram);
      core.send(sa.local, sa.remote, datagram);
    }
}

function pieces(core: Core, sa: IsakmpSa, data: Uint8Array): Uint8Array[] {
  const limit = core.settings.fragmentSize - AROUND_OCTETS;
  const { fragmentation } = sa;
  const header = fragmentation?.peer && data.length > limit ? decodeHeader(data) : undefined;
  if (!fragmentation || !header?.ok) return [data];
  fragmentation.sent = (fragmentation.sent + 1) & 0xffff;
  return cut(data, header.value, fragmentation.sent, limit);
}

function arm(core: Core, sa: IsakmpSa, flow: Flow, onSilence: () => void): void {
  core.arm(flow.timer, core.settings.interval * 1000, () => {
    if (flow.tries++ >= core.settings.retry) return onSilence();
    if (flow.sent) transmit(core, sa, flow.sent);
    arm(core, sa, flow, onSilence);
  });
}

/** True for a copy of the message that was answered last, known by what stands behind its header: the answer goes out `again`, and that is all. */
export function isRepetition(core: Core, sa: IsakmpSa, flow: Flow, body: Uint8Array, again = true): boolean {
  if (!flow.answered || compareBytes(flow.answered, body) !== 0) return false;
  if (flow.sent && again) transmit(core, sa, flow.sent);
  return true;
}

/** A new message of the exchange: what we sent before needs no repetition. */
export function progress(core: Core, flow: Flow, body: Uint8Array): void {
  flow.answered = body;
  core.cancel(flow.timer);
}

type Kind = { readonly exchange: number; readonly messageId: number };

export function clear(sa: IsakmpSa, kind: Kind, payloads: readonly Payload[]): Uint8Array {
  return encode(header(sa, kind), payloads);
}

function header(sa: IsakmpSa, kind: Kind) {
  return { spiI: sa.cookieI, spiR: sa.cookieR, major: 1, minor: 0, flags: 0, ...kind };
}

/** Encrypts with the IV of the exchange; returns the message and the IV that the next one needs. */
export function encrypted(
  core: Core,
  sa: IsakmpSa,
  kind: Kind,
  iv: Uint8Array,
  payloads: readonly Payload[],
): { data: Uint8Array; iv: Uint8Array } {
  const cipher = CIPHERS[sa.suite!.cipher];
  const chain = encodeChain(payloads);
  const pad = padding(core, chain.length, cipher.blockOctets);
  followInside(core, sa, 'send', () => ({ text: chain, padding: pad.length, payloads }));
  const text = cbcEncrypt(cipher, sa.keys!.cipher, iv, concat(chain, pad));
  return {
    data: encodeEncrypted(header(sa, kind), firstNumber(payloads), text),
    iv: text.slice(-cipher.blockOctets),
  };
}

/** SEIL's padding: always some, random, its last octet counting it without itself (ike.*padding*, exclusive-tail). */
function padding(core: Core, length: number, block: number): Uint8Array {
  const s = core.settings;
  let octets = block - (length % block);
  if (s.randomPaddingLength) octets += block * core.below(Math.floor(s.maximumPadding / block) + 1);
  const pad = s.randomPaddingValue ? core.random(octets) : new Uint8Array(octets);
  pad[octets - 1] = s.exclusiveTail ? octets - 1 : octets;
  return pad;
}

export type Decrypted =
  | { readonly ok: true; readonly chain: Chain; readonly plain: Uint8Array; readonly iv: Uint8Array }
  | { readonly ok: false; readonly rule: string };

/** Any padding is taken (RFC 2409 B leaves it open), unless ike.strict-padding-byte-check asks for more. */
export function decrypt(core: Core, sa: IsakmpSa, message: Message, iv: Uint8Array): Decrypted {
  const cipher = CIPHERS[sa.suite!.cipher];
  const { body } = message;
  if (body.length === 0 || body.length % cipher.blockOctets !== 0) {
    return { ok: false, rule: `${body.length} octets are no whole number of blocks` };
  }
  const plain = cbcDecrypt(cipher, sa.keys!.cipher, iv, body);
  const chain = decodeChain(plain, message.header.next);
  if (!chain.ok) return { ok: false, rule: `${chain.error.path}: ${chain.error.rule}` };
  if (core.settings.strictPadding) {
    const pad = plain.length - (chain.value.ends.at(-1) ?? 0);
    const tail = core.settings.exclusiveTail ? pad - 1 : pad;
    if (pad > 0 && plain[plain.length - 1] !== tail)
      return { ok: false, rule: 'the last padding octet is wrong' };
  }
  const { payloads, ends } = chain.value;
  const end = ends.at(-1) ?? 0;
  const text = () => ({ text: plain.subarray(0, end), padding: plain.length - end, payloads });
  followInside(core, sa, 'receive', text);
  return { ok: true, chain: chain.value, plain, iv: body.slice(-cipher.blockOctets) };
}

/** HASH(n) of phase 2: prf(SKEYID_a, M-ID | extra | everything behind the HASH payload) (RFC 2409 5.5, 5.7). */
export function phase2Hash(sa: IsakmpSa, messageId: number, extra: Uint8Array, rest: Uint8Array): Uint8Array {
  return prf(sa.suite!.hash, sa.keys!.a, u32Bytes(messageId), extra, rest);
}

/** Whether a decrypted phase 2 message starts with the right hash. */
export function hashVerifies(
  sa: IsakmpSa,
  messageId: number,
  d: Decrypted & { ok: true },
  extra: Uint8Array,
): boolean {
  const first = d.chain.payloads[0];
  if (first?.type !== 'hash') return false;
  const rest = d.plain.subarray(d.chain.ends[0], d.chain.ends.at(-1));
  return equalConstantTime(first.data, phase2Hash(sa, messageId, extra, rest));
}

const NOTHING = new Uint8Array(0);

/** A protected Informational: HASH(1) and the payloads, each under a message ID and IV of its own (5.7). */
export function inform(core: Core, sa: IsakmpSa, payloads: readonly Payload[]): void {
  const messageId = freshMessageId(core, sa);
  const data = phase2Hash(sa, messageId, NOTHING, encodeChain(payloads));
  const kind = { exchange: EXCHANGE.INFORMATIONAL_V1, messageId };
  const iv = phase2Iv(sa.suite!, sa.iv, messageId);
  transmit(core, sa, encrypted(core, sa, kind, iv, [{ type: 'hash', data }, ...payloads]).data);
}

/** A message ID that this SA has not seen: the IV of an exchange hangs on it. */
export function freshMessageId(core: Core, sa: IsakmpSa): number {
  let id = newMessageId(core);
  while (sa.used.has(id)) id = newMessageId(core);
  sa.used.add(id);
  return id;
}

/** True once for each verified message ID: a replayed or reflected exchange begins nothing (RFC 2408 3.1). */
export function isFresh(sa: IsakmpSa, messageId: number): boolean {
  if (sa.used.has(messageId)) return false;
  sa.used.add(messageId);
  return true;
}

/** Sends once more what was sent last. */
export function repeat(core: Core, sa: IsakmpSa, flow: Flow): void {
  if (flow.sent) transmit(core, sa, flow.sent);
}

export function newMessageId(core: Core): number {
  const [a, b, c, d] = core.random(4);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 || 1;
}
