// What a UDP datagram is in the world of IKE: a message, ESP in UDP, a NAT keepalive, or none of these.
import { decodeHeader, HEADER_OCTETS, type Header } from '../ike/wire/codec.ts';
import { EXCHANGE, NAMED_EXCHANGE_V1, NAMED_EXCHANGE_V2, PORT_IKE, PORT_NAT_T } from '../ike/wire/numbers.ts';
import * as v1 from '../ike/wire/v1.ts';
import * as v2 from '../ike/wire/v2.ts';
import { isZero } from '../net/bytes.ts';
import type { Endpoint } from '../net/endpoint.ts';

export type IkeMessage = {
  /** Seconds since the epoch. */
  readonly time: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly header: Header;
  /** The message without its non-ESP marker. */
  readonly data: Uint8Array;
  readonly content: /** Payloads are missing when they are encrypted. */
    | { readonly version: 1; readonly payloads?: readonly v1.Payload[] }
    | { readonly version: 2; readonly payloads: readonly v2.Payload[] }
    | { readonly version: 'malformed'; readonly why: string };
};

export type Datagram =
  | { readonly kind: 'ike'; readonly message: IkeMessage }
  | { readonly kind: 'esp' | 'keepalive' | 'other' }
  /** On IKE's ports, and no message. */
  | { readonly kind: 'malformed'; readonly why: string };

const MARKER_OCTETS = 4;

export function readDatagram(time: number, from: Endpoint, to: Endpoint, data: Uint8Array): Datagram {
  const on = (port: number) => from.port === port || to.port === port;
  if (data.length === 1 && data[0] === 0xff && (on(PORT_IKE) || on(PORT_NAT_T))) return { kind: 'keepalive' };
  const marked = data.length >= MARKER_OCTETS && isZero(data.subarray(0, MARKER_OCTETS));
  if (on(PORT_NAT_T)) {
    // RFC 3948 2.2: four zeros tell IKE from ESP, whose SPI is never 0.
    if (!marked) return data.length > 8 ? { kind: 'esp' } : { kind: 'other' };
    return message(time, from, to, data.subarray(MARKER_OCTETS));
  }
  if (on(PORT_IKE)) return message(time, from, to, data);
  for (const octets of marked ? [data.subarray(MARKER_OCTETS), data] : [data]) {
    if (!looksLikeIke(octets)) continue;
    const found = message(time, from, to, octets);
    if (found.kind === 'ike' && found.message.content.version !== 'malformed') return found;
  }
  return { kind: 'other' };
}

const KNOWN_EXCHANGES: readonly number[] = [EXCHANGE, NAMED_EXCHANGE_V1, NAMED_EXCHANGE_V2].flatMap((table) =>
  Object.values(table),
);

/** On a port that is not IKE's, a header counts only when all of it makes sense. */
function looksLikeIke(octets: Uint8Array): boolean {
  const header = decodeHeader(octets);
  if (!header.ok) return false;
  const { major, minor, exchange, length, spiI } = header.value;
  return (
    (major === 1 || major === 2) &&
    minor === 0 &&
    KNOWN_EXCHANGES.includes(exchange) &&
    length === octets.length &&
    !isZero(spiI)
  );
}

function message(time: number, from: Endpoint, to: Endpoint, octets: Uint8Array): Datagram {
  const header = decodeHeader(octets);
  if (!header.ok) {
    const { rule } = header.error;
    return { kind: 'malformed', why: octets.length < HEADER_OCTETS ? 'shorter than an IKE header' : rule };
  }
  const data = octets.subarray(0, header.value.length);
  return {
    kind: 'ike',
    message: { time, from, to, header: header.value, data, content: content(header.value, data) },
  };
}

function content(header: Header, data: Uint8Array): IkeMessage['content'] {
  if (header.major !== 1 && header.major !== 2)
    return { version: 'malformed', why: `IKE version ${header.major}.${header.minor}` };
  const decoded = header.major === 1 ? v1.decode(data) : v2.decode(data);
  if (!decoded.ok) {
    const { path, offset, rule } = decoded.error;
    return { version: 'malformed', why: `${path} at octet ${offset}: ${rule}` };
  }
  const { payloads } = decoded.value;
  return header.major === 1
    ? { version: 1, ...(payloads ? { payloads: payloads as readonly v1.Payload[] } : {}) }
    : { version: 2, payloads: payloads as readonly v2.Payload[] };
}
