// What both versions share: results of decoding, the header (RFC 2408 3.1, RFC 7296 3.1), the payload chain.
import { OutOfBytes, Reader, type Writer } from '../../net/bytes.ts';

/** Why octets are no message: the offset in the datagram, the payload path, the rule that was broken. */
export type WireError = { readonly offset: number; readonly path: string; readonly rule: string };

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: WireError };

/** Thrown inside decoders only; decoding() turns it into a value. */
export class Malformed extends Error {
  readonly offset: number;
  readonly path: string;
  constructor(offset: number, path: string, rule: string) {
    super(rule);
    this.offset = offset;
    this.path = path;
  }
}

/** Runs a decoder; running out of bytes and broken rules become a WireError, anything else is a defect. */
export function decoding<T>(path: string, decode: () => T): Decoded<T> {
  try {
    return { ok: true, value: decode() };
  } catch (e) {
    if (e instanceof Malformed) {
      return { ok: false, error: { offset: e.offset, path: e.path, rule: e.message } };
    }
    if (e instanceof OutOfBytes) return { ok: false, error: { offset: e.offset, path, rule: e.message } };
    throw e;
  }
}

export const HEADER_OCTETS = 28;

/** More payloads than any real message has; a bound for what a hostile one costs. */
const MAX_PAYLOADS = 200;

export type Header = {
  readonly spiI: Uint8Array;
  readonly spiR: Uint8Array;
  /** Type of the first payload. */
  readonly next: number;
  readonly major: number;
  readonly minor: number;
  readonly exchange: number;
  readonly flags: number;
  readonly messageId: number;
  readonly length: number;
};

/** The header of a datagram without its non-ESP marker. */
export function decodeHeader(bytes: Uint8Array): Decoded<Header> {
  return decoding('header', () => {
    const r = new Reader(bytes);
    const spiI = r.take(8);
    const spiR = r.take(8);
    const next = r.u8();
    const version = r.u8();
    const header = {
      spiI,
      spiR,
      next,
      major: version >> 4,
      minor: version & 15,
      exchange: r.u8(),
      flags: r.u8(),
      messageId: r.u32(),
      length: r.u32(),
    };
    if (header.length < HEADER_OCTETS || header.length > bytes.length) {
      throw new Malformed(24, 'header', `length ${header.length} in a datagram of ${bytes.length} octets`);
    }
    return header;
  });
}

export function encodeHeader(w: Writer, h: Omit<Header, 'length'>): void {
  w.put(h.spiI)
    .put(h.spiR)
    .u8(h.next)
    .u8((h.major << 4) | h.minor)
    .u8(h.exchange)
    .u8(h.flags);
  w.u32(h.messageId).u32(0);
}

/** Fills in the header's length once the message is complete. */
export function closeHeader(w: Writer): Uint8Array {
  w.patchU32(24, w.length);
  return w.finish();
}

export type RawPayload = {
  readonly type: number;
  readonly critical: boolean;
  readonly body: Reader;
  /** Offset of the generic header. */
  readonly start: number;
  readonly next: number;
};

/** Walks the chain of generic payload headers; the reader ends behind the last payload. */
export function* rawPayloads(
  r: Reader,
  first: number,
  lastOf: readonly number[] = [],
): Generator<RawPayload> {
  let type = first;
  for (let n = 0; type !== 0; n++) {
    if (n >= MAX_PAYLOADS) throw new Malformed(r.offset, 'payloads', `more than ${MAX_PAYLOADS} payloads`);
    const start = r.offset;
    const next = r.u8();
    const critical = (r.u8() & 0x80) !== 0;
    const length = r.u16();
    if (length < 4) throw new Malformed(start + 2, `payload ${type}`, `length ${length} is below 4`);
    yield { type, critical, body: r.sub(length - 4), start, next };
    if (lastOf.includes(type)) return; // An SK payload is the last whatever its next field says (RFC 7296 3.14).
    type = next;
  }
}

/** Writes one payload with its generic header; `body` writes what is inside. */
export function encodePayload(w: Writer, next: number, critical: boolean, body: (w: Writer) => void): void {
  const start = w.length;
  w.u8(next)
    .u8(critical ? 0x80 : 0)
    .u16(0);
  body(w);
  w.patchU16(start + 2, w.length - start);
}
