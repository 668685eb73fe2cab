// NAT between the peers, by the hashes that they send of their addresses against those in the packets (RFC 3947 3.2,
// RFC 7296 2.23).
import type { HashName } from '../ike/crypto/algorithm.ts';
import { natD } from '../ike/v1/keys.ts';
import { natDetection } from '../ike/v2/keys.ts';
import { NOTIFY_V2, PORT_NAT_T } from '../ike/wire/numbers.ts';
import type * as v1 from '../ike/wire/v1.ts';
import type * as v2 from '../ike/wire/v2.ts';
import { compareBytes } from '../net/bytes.ts';
import type { Endpoint } from '../net/endpoint.ts';
import { type Finding, finding } from './finding.ts';
import type { IkeMessage } from './message.ts';
import type { Role } from './names.ts';
import type { Gathered } from './negotiation.ts';

/** What one message says: true where the address in the packet is not the one that the sender hashed. */
export type NatView = { readonly source: boolean; readonly destination: boolean };

const includes = (list: readonly Uint8Array[], hash: Uint8Array) =>
  list.some((h) => compareBytes(h, hash) === 0);

/** Undefined for messages without both kinds of hash. */
export function natViewV2(message: IkeMessage, payloads: readonly v2.Payload[]): NatView | undefined {
  const hashes = (type: number) =>
    payloads.flatMap((p) => (p.type === 'notify' && p.notify === type ? [p.data] : []));
  const sources = hashes(NOTIFY_V2.NAT_DETECTION_SOURCE_IP);
  const destinations = hashes(NOTIFY_V2.NAT_DETECTION_DESTINATION_IP);
  if (sources.length === 0 || destinations.length === 0) return undefined;
  const { spiI, spiR } = message.header;
  return {
    source: !includes(sources, natDetection(spiI, spiR, message.from)),
    destination: !includes(destinations, natDetection(spiI, spiR, message.to)),
  };
}

/** The first NAT-D is of the destination, the others of the source (RFC 3947 3.2). */
export function natViewV1(
  message: IkeMessage,
  payloads: readonly v1.Payload[],
  hash: HashName,
): NatView | undefined {
  const [destination, ...sources] = payloads.flatMap((p) => (p.type === 'nat-d' ? [p.data] : []));
  if (!destination || sources.length === 0) return undefined;
  const { spiI, spiR } = message.header;
  const of = (e: Endpoint) => natD({ hash }, spiI, spiR, e);
  return {
    source: !includes(sources, of(message.from)),
    destination: !includes([destination], of(message.to)),
  };
}

/** What the views of both sides come to, and whether they moved to port 4500. */
export function natFindings(
  g: Gathered,
  views: readonly { readonly sender: Role; readonly view: NatView }[],
): Finding[] {
  const behind = (who: Role) =>
    views.some(({ sender, view }) => (sender === who ? view.source : view.destination));
  const found = (['initiator', 'responder'] as const).filter(behind);
  const floated = g.ladder.some((r) => r.from.port === PORT_NAT_T || r.to.port === PORT_NAT_T);
  const out: Finding[] = [];
  if (found.length > 0) {
    const who = found.map((role) => `the ${role} (${g[role].address} in the packets)`).join(' and ');
    const [are, ask] = found.length > 1 ? ['are', 'ask'] : ['is', 'asks'];
    const text = `${who} ${are} behind a NAT, or ${ask} for UDP encapsulation as if so: the hash of the own address does not fit the packets`;
    out.push(finding('note', 'NAT', text));
  } else if (views.length > 0)
    out.push(
      finding('note', 'NAT', 'no NAT between the peers: the hashes of their addresses fit the packets'),
    );
  if (floated)
    out.push(finding('note', 'FLOATED', `the exchange moved to UDP ${PORT_NAT_T}: ESP goes in UDP`));
  return out;
}
