// IKEv2 messages (RFC 7296 3): bytes ⇄ typed payloads. decode is total; encode(decode(x)) keeps what it knows.
import { Reader, Writer } from '../../net/bytes.ts';
import { type Attribute, decodeAttributes, encodeAttributes } from './attribute.ts';
import {
  closeHeader,
  type Decoded,
  decodeHeader,
  decoding,
  encodeHeader,
  encodePayload,
  HEADER_OCTETS,
  type Header,
  Malformed,
  type RawPayload,
  rawPayloads,
} from './codec.ts';
import { ATTRIBUTE_KEY_LENGTH, PAYLOAD_V2 as P } from './numbers.ts';

export type Transform = {
  readonly type: number;
  readonly id: number;
  readonly keyLength?: number;
  /** Attributes that we do not know: a transform that carries one cannot be chosen (RFC 7296 3.3.6). */
  readonly unknown?: readonly Attribute[];
};

export type Proposal = {
  readonly number: number;
  readonly protocol: number;
  readonly spi: Uint8Array;
  readonly transforms: readonly Transform[];
};

export type TrafficSelector = {
  readonly type: number;
  readonly protocol: number;
  readonly startPort: number;
  readonly endPort: number;
  readonly first: Uint8Array;
  readonly last: Uint8Array;
};

/** The same payload for the initiator and for the responder. */
type Both<T extends string, Body> = T extends string ? { readonly type: T } & Body : never;

export type Payload =
  | { readonly type: 'sa'; readonly proposals: readonly Proposal[] }
  | { readonly type: 'ke'; readonly group: number; readonly data: Uint8Array }
  | Both<'idi' | 'idr', { readonly idType: number; readonly data: Uint8Array }>
  | Both<'cert' | 'certreq', { readonly encoding: number; readonly data: Uint8Array }>
  | { readonly type: 'auth'; readonly method: number; readonly data: Uint8Array }
  | { readonly type: 'nonce'; readonly data: Uint8Array }
  | {
      readonly type: 'notify';
      readonly protocol: number;
      readonly spi: Uint8Array;
      readonly notify: number;
      readonly data: Uint8Array;
    }
  | { readonly type: 'delete'; readonly protocol: number; readonly spis: readonly Uint8Array[] }
  | { readonly type: 'vendor'; readonly data: Uint8Array }
  | Both<'tsi' | 'tsr', { readonly selectors: readonly TrafficSelector[] }>
  /** Encrypted: `first` is the type of the first payload inside, `body` starts with the IV. */
  | { readonly type: 'sk'; readonly first: number; readonly body: Uint8Array }
  /** A fragment of one (RFC 7383 2.5): `first` is 0 but in the first of `total`. */
  | {
      readonly type: 'skf';
      readonly first: number;
      readonly number: number;
      readonly total: number;
      readonly body: Uint8Array;
    }
  | {
      readonly type: 'unknown';
      readonly payload: number;
      readonly critical: boolean;
      readonly data: Uint8Array;
    };

export type PayloadOf<T extends Payload['type']> = Extract<Payload, { type: T }>;

export type Message = { readonly header: Header; readonly payloads: readonly Payload[] };

const NUMBER = {
  sa: P.SA,
  ke: P.KE,
  idi: P.IDI,
  idr: P.IDR,
  cert: P.CERT,
  certreq: P.CERTREQ,
  auth: P.AUTH,
  nonce: P.NONCE,
  notify: P.NOTIFY,
  delete: P.DELETE,
  vendor: P.VENDOR,
  tsi: P.TSI,
  tsr: P.TSR,
  sk: P.SK,
  skf: P.SKF,
} as const;

export function payloadNumber(p: Payload): number {
  return p.type === 'unknown' ? p.payload : NUMBER[p.type];
}

/** A datagram without its non-ESP marker. */
export function decode(bytes: Uint8Array): Decoded<Message> {
  const header = decodeHeader(bytes);
  if (!header.ok) return header;
  const payloads = decodePayloads(bytes.subarray(0, header.value.length), header.value.next, HEADER_OCTETS);
  return payloads.ok ? { ok: true, value: { header: header.value, payloads: payloads.value } } : payloads;
}

/** The payloads from `offset` on: a whole message, or the decrypted inside of an SK payload. */
export function decodePayloads(bytes: Uint8Array, first: number, offset = 0): Decoded<readonly Payload[]> {
  return decoding('payloads', () => {
    const out: Payload[] = [];
    const r = new Reader(bytes, offset);
    for (const raw of rawPayloads(r, first, [P.SK, P.SKF])) out.push(payload(raw));
    return out;
  });
}

function payload(raw: RawPayload): Payload {
  const r = raw.body;
  switch (raw.type) {
    case P.SK:
      return { type: 'sk', first: raw.next, body: r.rest() };
    case P.SKF: {
      const [number, total] = [r.u16(), r.u16()];
      if (number === 0 || number > total)
        throw new Malformed(raw.start + 4, 'skf', `fragment ${number} of ${total}`);
      return { type: 'skf', first: raw.next, number, total, body: r.rest() };
    }
    case P.SA:
      return { type: 'sa', proposals: proposals(r) };
    case P.KE: {
      const group = r.u16();
      r.u16();
      return { type: 'ke', group, data: r.rest() };
    }
    case P.IDI:
    case P.IDR: {
      const idType = r.u8();
      r.take(3);
      return { type: raw.type === P.IDI ? 'idi' : 'idr', idType, data: r.rest() };
    }
    case P.CERT:
    case P.CERTREQ:
      return { type: raw.type === P.CERT ? 'cert' : 'certreq', encoding: r.u8(), data: r.rest() };
    case P.AUTH: {
      const method = r.u8();
      r.take(3);
      return { type: 'auth', method, data: r.rest() };
    }
    case P.NONCE:
      return { type: 'nonce', data: r.rest() };
    case P.NOTIFY: {
      const protocol = r.u8();
      const spiSize = r.u8();
      const notify = r.u16();
      return { type: 'notify', protocol, notify, spi: r.take(spiSize), data: r.rest() };
    }
    case P.DELETE: {
      const protocol = r.u8();
      const size = r.u8();
      const count = r.u16();
      if (size * count !== r.left) {
        throw new Malformed(r.offset, 'delete', `${count} SPIs of ${size} octets in ${r.left} octets`);
      }
      return {
        type: 'delete',
        protocol,
        spis: size === 0 ? [] : Array.from({ length: count }, () => r.take(size)),
      };
    }
    case P.VENDOR:
      return { type: 'vendor', data: r.rest() };
    case P.TSI:
    case P.TSR:
      return { type: raw.type === P.TSI ? 'tsi' : 'tsr', selectors: selectors(r) };
    default:
      return { type: 'unknown', payload: raw.type, critical: raw.critical, data: r.rest() };
  }
}

function proposals(r: Reader): Proposal[] {
  const out: Proposal[] = [];
  for (let last = r.left === 0; !last; ) {
    const start = r.offset;
    last = r.u8() === 0;
    r.u8();
    const length = r.u16();
    if (length < 8) throw new Malformed(start + 2, 'sa.proposal', `length ${length} is below 8`);
    const body = r.sub(length - 4);
    const number = body.u8();
    const protocol = body.u8();
    const spiSize = body.u8();
    const count = body.u8();
    const spi = body.take(spiSize);
    const transforms = Array.from({ length: count }, () => transform(body));
    out.push({ number, protocol, spi, transforms });
  }
  return out;
}

function transform(r: Reader): Transform {
  const start = r.offset;
  r.u8();
  r.u8();
  const length = r.u16();
  if (length < 8) throw new Malformed(start + 2, 'sa.transform', `length ${length} is below 8`);
  const body = r.sub(length - 4);
  const type = body.u8();
  body.u8();
  const id = body.u16();
  const attributes = decodeAttributes(body);
  // A key length in the long form is none that we know (RFC 7296 3.3.5).
  const isKeyLength = (a: Attribute) => a.type === ATTRIBUTE_KEY_LENGTH && !a.octets;
  const unknown = attributes.filter((a) => !isKeyLength(a));
  const keyLength = attributes.find(isKeyLength)?.value;
  return {
    type,
    id,
    ...(keyLength === undefined ? {} : { keyLength }),
    ...(unknown.length === 0 ? {} : { unknown }),
  };
}

function selectors(r: Reader): TrafficSelector[] {
  const count = r.u8();
  r.take(3);
  return Array.from({ length: count }, () => {
    const start = r.offset;
    const type = r.u8();
    const protocol = r.u8();
    const length = r.u16();
    if (length < 8 || (length - 8) % 2 !== 0) {
      throw new Malformed(start + 2, 'ts', `length ${length} of a selector`);
    }
    const body = r.sub(length - 4);
    const startPort = body.u16();
    const endPort = body.u16();
    const half = body.left / 2;
    return { type, protocol, startPort, endPort, first: body.take(half), last: body.take(half) };
  });
}

/** The octets of a whole message. */
export function encode(header: Omit<Header, 'next' | 'length'>, payloads: readonly Payload[]): Uint8Array {
  const w = new Writer();
  encodeHeader(w, { ...header, next: firstNumber(payloads) });
  encodePayloads(w, payloads);
  return closeHeader(w);
}

export function firstNumber(payloads: readonly Payload[]): number {
  return payloads.length > 0 ? payloadNumber(payloads[0]) : P.NONE;
}

export function encodePayloads(w: Writer, payloads: readonly Payload[]): void {
  for (const [i, p] of payloads.entries()) {
    const following = payloads[i + 1];
    const next =
      p.type === 'sk' || p.type === 'skf' ? p.first : following ? payloadNumber(following) : P.NONE;
    encodePayload(w, next, p.type === 'unknown' && p.critical, (w) => encodeBody(w, p));
  }
}

function encodeBody(w: Writer, p: Payload): void {
  switch (p.type) {
    case 'sa':
      return encodeProposals(w, p.proposals);
    case 'ke':
      w.u16(p.group).u16(0).put(p.data);
      return;
    case 'idi':
    case 'idr':
      w.u8(p.idType).zeros(3).put(p.data);
      return;
    case 'cert':
    case 'certreq':
      w.u8(p.encoding).put(p.data);
      return;
    case 'auth':
      w.u8(p.method).zeros(3).put(p.data);
      return;
    case 'notify':
      w.u8(p.protocol).u8(p.spi.length).u16(p.notify).put(p.spi).put(p.data);
      return;
    case 'delete':
      w.u8(p.protocol)
        .u8(p.spis[0]?.length ?? 0)
        .u16(p.spis.length);
      for (const spi of p.spis) w.put(spi);
      return;
    case 'tsi':
    case 'tsr':
      w.u8(p.selectors.length).zeros(3);
      for (const s of p.selectors) {
        w.u8(s.type)
          .u8(s.protocol)
          .u16(8 + s.first.length + s.last.length);
        w.u16(s.startPort).u16(s.endPort).put(s.first).put(s.last);
      }
      return;
    case 'sk':
      w.put(p.body);
      return;
    case 'skf':
      w.u16(p.number).u16(p.total).put(p.body);
      return;
    case 'nonce':
    case 'vendor':
    case 'unknown':
      w.put(p.data);
  }
}

function encodeProposals(w: Writer, list: readonly Proposal[]): void {
  for (const [i, p] of list.entries()) {
    const start = w.length;
    w.u8(i === list.length - 1 ? 0 : 2)
      .u8(0)
      .u16(0);
    w.u8(p.number).u8(p.protocol).u8(p.spi.length).u8(p.transforms.length).put(p.spi);
    for (const [j, t] of p.transforms.entries()) {
      const at = w.length;
      w.u8(j === p.transforms.length - 1 ? 0 : 3)
        .u8(0)
        .u16(0)
        .u8(t.type)
        .u8(0)
        .u16(t.id);
      const keyLength = t.keyLength === undefined ? [] : [{ type: ATTRIBUTE_KEY_LENGTH, value: t.keyLength }];
      encodeAttributes(w, [...keyLength, ...(t.unknown ?? [])]);
      w.patchU16(at + 2, w.length - at);
    }
    w.patchU16(start + 2, w.length - start);
  }
}

/** The first payload of a type. */
export function find<T extends Payload['type']>(
  payloads: readonly Payload[],
  type: T,
): PayloadOf<T> | undefined {
  return payloads.find((p): p is PayloadOf<T> => p.type === type);
}

export function findNotify(payloads: readonly Payload[], notify: number): PayloadOf<'notify'> | undefined {
  return payloads.find((p): p is PayloadOf<'notify'> => p.type === 'notify' && p.notify === notify);
}

const NO_SPI = new Uint8Array(0);

export function notify(
  type: number,
  data: Uint8Array = NO_SPI,
  protocol = 0,
  spi: Uint8Array = NO_SPI,
): Payload {
  return { type: 'notify', protocol, spi, notify: type, data };
}
