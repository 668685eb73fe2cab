// IKEv1 messages (RFC 2408 3, RFC 2407 4.6, RFC 3947): bytes ⇄ typed payloads. decode is total.
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
  rawPayloads,
} from './codec.ts';
import { FLAG, PAYLOAD_V1 as P } from './numbers.ts';

export type Transform = {
  readonly number: number;
  readonly id: number;
  readonly attributes: readonly Attribute[];
};

export type Proposal = {
  readonly number: number;
  readonly protocol: number;
  readonly spi: Uint8Array;
  readonly transforms: readonly Transform[];
};

/** Payloads that are nothing but octets. */
type Octets<T extends string> = T extends string ? { readonly type: T; readonly data: Uint8Array } : never;

export type Payload =
  | {
      readonly type: 'sa';
      readonly doi: number;
      readonly situation: number;
      readonly proposals: readonly Proposal[];
    }
  | Octets<'ke' | 'hash' | 'sig' | 'nonce' | 'vendor'>
  /** Encoding 4 is an X.509 certificate for signatures (RFC 2408 3.9, 3.10); a request names an authority, or none. */
  | { readonly type: 'cert' | 'certreq'; readonly encoding: number; readonly data: Uint8Array }
  | {
      readonly type: 'id';
      readonly idType: number;
      readonly protocol: number;
      readonly port: number;
      readonly data: Uint8Array;
    }
  | {
      readonly type: 'notify';
      readonly doi: number;
      readonly protocol: number;
      readonly spi: Uint8Array;
      readonly notify: number;
      readonly data: Uint8Array;
    }
  | {
      readonly type: 'delete';
      readonly doi: number;
      readonly protocol: number;
      readonly spis: readonly Uint8Array[];
    }
  /** `draft` tells the payload number of draft-ietf-ipsec-nat-t-ike-02 from that of RFC 3947. */
  | { readonly type: 'nat-d'; readonly draft: boolean; readonly data: Uint8Array }
  | {
      readonly type: 'fragment';
      readonly id: number;
      readonly number: number;
      readonly last: boolean;
      readonly data: Uint8Array;
    }
  | { readonly type: 'unknown'; readonly payload: number; readonly data: Uint8Array };

export type PayloadOf<T extends Payload['type']> = Extract<Payload, { type: T }>;

export type Chain = {
  readonly payloads: readonly Payload[];
  /** Where each payload ends, counted from the start of the decoded octets: HASH(1) covers what follows. */
  readonly ends: readonly number[];
};

export type Message = {
  readonly header: Header;
  /** Undefined when the message is encrypted: its body is opened first. */
  readonly payloads?: readonly Payload[];
  readonly body: Uint8Array;
};

const NUMBER = {
  sa: P.SA,
  ke: P.KE,
  id: P.ID,
  hash: P.HASH,
  sig: P.SIG,
  cert: P.CERT,
  certreq: P.CERTREQ,
  nonce: P.NONCE,
  notify: P.NOTIFY,
  delete: P.DELETE,
  vendor: P.VENDOR,
  fragment: P.FRAGMENT,
} as const;

export function payloadNumber(p: Payload): number {
  if (p.type === 'unknown') return p.payload;
  if (p.type === 'nat-d') return p.draft ? P.NAT_D_DRAFT : P.NAT_D;
  return NUMBER[p.type];
}

/** A datagram without its non-ESP marker. */
export function decode(bytes: Uint8Array): Decoded<Message> {
  const header = decodeHeader(bytes);
  if (!header.ok) return header;
  const body = bytes.slice(HEADER_OCTETS, header.value.length);
  if (header.value.flags & FLAG.ENCRYPTION) return { ok: true, value: { header: header.value, body } };
  const chain = decodeChain(body, header.value.next);
  if (!chain.ok) return chain;
  return { ok: true, value: { header: header.value, payloads: chain.value.payloads, body } };
}

/** The payload chain at the start of the octets; what follows it is padding (RFC 2409 B), of any kind. */
export function decodeChain(bytes: Uint8Array, first: number): Decoded<Chain> {
  return decoding('payloads', () => {
    const r = new Reader(bytes);
    const payloads: Payload[] = [];
    const ends: number[] = [];
    for (const raw of rawPayloads(r, first)) {
      payloads.push(payload(raw));
      ends.push(raw.body.end);
    }
    return { payloads, ends };
  });
}

function payload(raw: { type: number; body: Reader }): Payload {
  const r = raw.body;
  switch (raw.type) {
    case P.SA:
      return { type: 'sa', doi: r.u32(), situation: r.u32(), proposals: proposals(r) };
    case P.KE:
      return { type: 'ke', data: r.rest() };
    case P.HASH:
      return { type: 'hash', data: r.rest() };
    case P.SIG:
      return { type: 'sig', data: r.rest() };
    case P.CERT:
      return { type: 'cert', encoding: r.u8(), data: r.rest() };
    case P.CERTREQ:
      return { type: 'certreq', encoding: r.u8(), data: r.rest() };
    case P.NONCE:
      return { type: 'nonce', data: r.rest() };
    case P.VENDOR:
      return { type: 'vendor', data: r.rest() };
    case P.ID:
      return { type: 'id', idType: r.u8(), protocol: r.u8(), port: r.u16(), data: r.rest() };
    case P.NOTIFY: {
      const doi = r.u32();
      const protocol = r.u8();
      const size = r.u8();
      const notify = r.u16();
      return { type: 'notify', doi, protocol, notify, spi: r.take(size), data: r.rest() };
    }
    case P.DELETE: {
      const doi = r.u32();
      const protocol = r.u8();
      const size = r.u8();
      const count = r.u16();
      if (size * count !== r.left) {
        throw new Malformed(r.offset, 'delete', `${count} SPIs of ${size} octets in ${r.left} octets`);
      }
      const spis = size === 0 ? [] : Array.from({ length: count }, () => r.take(size));
      return { type: 'delete', doi, protocol, spis };
    }
    case P.FRAGMENT:
      return { type: 'fragment', id: r.u16(), number: r.u8(), last: (r.u8() & 1) === 1, data: r.rest() };
    case P.NAT_D:
    case P.NAT_D_DRAFT:
      return { type: 'nat-d', draft: raw.type === P.NAT_D_DRAFT, data: r.rest() };
    default:
      return { type: 'unknown', payload: raw.type, data: r.rest() };
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
    const size = body.u8();
    const count = body.u8();
    const spi = body.take(size);
    out.push({ number, protocol, spi, transforms: Array.from({ length: count }, () => transform(body)) });
  }
  return out;
}

function transform(r: Reader): Transform {
  const start = r.offset;
  r.u16();
  const length = r.u16();
  if (length < 8) throw new Malformed(start + 2, 'sa.transform', `length ${length} is below 8`);
  const body = r.sub(length - 4);
  const number = body.u8();
  const id = body.u8();
  body.u16();
  return { number, id, attributes: decodeAttributes(body) };
}

/** The octets of a clear message. */
export function encode(header: Omit<Header, 'next' | 'length'>, payloads: readonly Payload[]): Uint8Array {
  const w = new Writer();
  encodeHeader(w, { ...header, next: firstNumber(payloads) });
  w.put(encodeChain(payloads));
  return closeHeader(w);
}

/** The octets of an encrypted message; `first` is the type of the first payload inside. */
export function encodeEncrypted(
  header: Omit<Header, 'next' | 'length'>,
  first: number,
  ciphertext: Uint8Array,
): Uint8Array {
  const w = new Writer();
  encodeHeader(w, { ...header, next: first, flags: header.flags | FLAG.ENCRYPTION });
  w.put(ciphertext);
  return closeHeader(w);
}

export function firstNumber(payloads: readonly Payload[]): number {
  return payloads.length > 0 ? payloadNumber(payloads[0]) : P.NONE;
}

export function encodeChain(payloads: readonly Payload[]): Uint8Array {
  const w = new Writer();
  for (const [i, p] of payloads.entries()) {
    const following = payloads[i + 1];
    encodePayload(w, following ? payloadNumber(following) : P.NONE, false, (w) => encodeBody(w, p));
  }
  return w.finish();
}

/** What stands behind the generic header: SAi_b and IDii_b of the hashes (RFC 2409 5). */
export function bodyOf(p: Payload): Uint8Array {
  const w = new Writer();
  encodeBody(w, p);
  return w.finish();
}

function encodeBody(w: Writer, p: Payload): void {
  switch (p.type) {
    case 'sa':
      w.u32(p.doi).u32(p.situation);
      encodeProposals(w, p.proposals);
      return;
    case 'id':
      w.u8(p.idType).u8(p.protocol).u16(p.port).put(p.data);
      return;
    case 'cert':
    case 'certreq':
      w.u8(p.encoding).put(p.data);
      return;
    case 'notify':
      w.u32(p.doi).u8(p.protocol).u8(p.spi.length).u16(p.notify).put(p.spi).put(p.data);
      return;
    case 'delete':
      w.u32(p.doi)
        .u8(p.protocol)
        .u8(p.spis[0]?.length ?? 0)
        .u16(p.spis.length);
      for (const spi of p.spis) w.put(spi);
      return;
    case 'fragment':
      w.u16(p.id)
        .u8(p.number)
        .u8(p.last ? 1 : 0)
        .put(p.data);
      return;
    default:
      w.put(p.data);
  }
}

function encodeProposals(w: Writer, list: readonly Proposal[]): void {
  for (const [i, p] of list.entries()) {
    const start = w.length;
    w.u8(i === list.length - 1 ? P.NONE : P.PROPOSAL)
      .u8(0)
      .u16(0);
    w.u8(p.number).u8(p.protocol).u8(p.spi.length).u8(p.transforms.length).put(p.spi);
    for (const [j, t] of p.transforms.entries()) {
      const at = w.length;
      w.u8(j === p.transforms.length - 1 ? P.NONE : P.TRANSFORM)
        .u8(0)
        .u16(0)
        .u8(t.number)
        .u8(t.id)
        .u16(0);
      encodeAttributes(w, t.attributes);
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
