// Data attributes (RFC 2408 3.3, RFC 7296 3.3.5): type and value in four octets, or with a length.
import { type Reader, u32Bytes, type Writer } from '../../net/bytes.ts';

export type Attribute = {
  readonly type: number;
  /** The value as an unsigned number; of long values only the first six octets. */
  readonly value: number;
  /** Present when the attribute came, or must go, in the long form. */
  readonly octets?: Uint8Array;
};

const SHORT = 0x8000;

/** The shortest form that holds the value: short up to 65,535, else four octets. */
export function attribute(type: number, value: number): Attribute {
  return value <= 0xffff ? { type, value } : { type, value, octets: u32Bytes(value) };
}

export function decodeAttributes(r: Reader): Attribute[] {
  const out: Attribute[] = [];
  while (r.left > 0) {
    const type = r.u16();
    if (type & SHORT) out.push({ type: type & 0x7fff, value: r.u16() });
    else {
      const octets = r.take(r.u16());
      const value = octets.subarray(0, 6).reduce((v, o) => v * 256 + o, 0);
      out.push({ type, value, octets });
    }
  }
  return out;
}

export function encodeAttributes(w: Writer, attributes: readonly Attribute[]): void {
  for (const { type, value, octets } of attributes) {
    if (octets) w.u16(type).u16(octets.length).put(octets);
    else w.u16(type | SHORT).u16(value);
  }
}
