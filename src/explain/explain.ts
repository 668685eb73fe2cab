// `sekisho explain`: a capture file in, an explanation of every negotiation in it as plain data out.
import type { Endpoint } from '../net/endpoint.ts';
import { readCaptureFile } from './capture-file.ts';
import {
  type EspFlow,
  type Finding,
  type Outcome,
  type Surroundings,
  some,
  type Unreachable,
} from './finding.ts';
import { guessesV1, judgeV1, modeOf } from './ike-v1.ts';
import { guessesV2, judgeV2 } from './ike-v2.ts';
import { readDatagram } from './message.ts';
import { type AnyPayload, vendorNames } from './names.ts';
import { type Gathered, Gathering, type Rung } from './negotiation.ts';
import type { Offer } from './offer.ts';
import { packetReader } from './packet.ts';

export type Negotiation = {
  readonly version: 1 | 2;
  readonly mode?: 'main' | 'aggressive';
  readonly initiator: Endpoint;
  readonly responder: Endpoint;
  /** Hexadecimal: SPIs, cookies in IKEv1. Empty where no message names one. */
  readonly spiI: string;
  readonly spiR: string;
  /** ISO 8601. */
  readonly begins: string;
  /** A guess from Vendor IDs, notifies and the shape of the offer. */
  readonly looksLike: { readonly initiator?: string; readonly responder?: string };
  readonly vendors: { readonly initiator: readonly string[]; readonly responder: readonly string[] };
  readonly offer: readonly Offer[];
  readonly keGroup?: string;
  readonly chosen?: Offer;
  readonly ladder: readonly Rung[];
  readonly omitted: number;
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
};

export type Explanation = {
  readonly frames: number;
  readonly negotiations: readonly Negotiation[];
  readonly esp: { readonly native: number; readonly inUdp: number };
  readonly keepalives: number;
  /** What the reader should know about the capture itself. */
  readonly notes: readonly string[];
};

export type Explained =
  | { readonly ok: true; readonly value: Explanation }
  | { readonly ok: false; readonly why: string };

/** Pairs of addresses between which ESP is counted, and ICMP messages that are kept. */
const MAX_FLOWS = 1000;

export function explain(file: Uint8Array): Explained {
  const capture = readCaptureFile(file);
  if (!capture.ok) return capture;
  const reader = packetReader();
  const gathering = new Gathering();
  const flows = new Map<string, EspFlow>();
  const unreachable: Unreachable[] = [];
  const count = { keepalive: 0, malformed: 0, cut: 0 };
  let example = '';
  const esp = (from: string, to: string, time: number, inUdp: boolean) => {
    const key = `${from} ${to} ${inUdp}`;
    const known = flows.get(key);
    if (!known && flows.size >= MAX_FLOWS) return;
    const first = known?.first ?? time;
    flows.set(key, { from, to, inUdp, packets: (known?.packets ?? 0) + 1, first, last: time });
  };
  for (const frame of capture.frames) {
    const packet = reader.read(frame);
    if (packet?.kind === 'esp') esp(packet.from, packet.to, frame.time, false);
    if (packet?.kind === 'unreachable' && unreachable.length < MAX_FLOWS) unreachable.push(packet);
    if (packet?.kind !== 'udp') continue;
    const found = readDatagram(frame.time, packet.from, packet.to, packet.data);
    if (found.kind === 'ike') gathering.add(found.message);
    else if (found.kind === 'esp') esp(packet.from.address, packet.to.address, frame.time, true);
    else if (found.kind === 'keepalive') count.keepalive++;
    else if (found.kind === 'malformed') {
      if (packet.missing > 0) count.cut++;
      else if (count.malformed++ === 0) example = found.why;
    }
  }
  const around: Surroundings = { esp: [...flows.values()], unreachable };
  const packets = (inUdp: boolean) =>
    around.esp.filter((f) => f.inUdp === inUdp).reduce((n, f) => n + f.packets, 0);
  const negotiations = gathering.finish().map((g) => negotiation(g, around));
  const notes = [
    ...(capture.note ? [capture.note] : []),
    ...[...reader.unknownLinks].map((link) => `frames of link type ${link} are not read`),
    ...(count.cut > 0
      ? [`${some(count.cut, 'IKE message')} cut off by the capture's snap length: capture with tcpdump -s 0`]
      : []),
    ...(count.malformed > 0
      ? [`${some(count.malformed, 'datagram')} on IKE's ports that are no IKE (the first: ${example})`]
      : []),
    ...(reader.incomplete() > 0
      ? [`${some(reader.incomplete(), 'IP datagram')} of which fragments are missing`]
      : []),
    ...(gathering.omitted > 0
      ? [`${some(gathering.omitted, 'message')} of further negotiations left out`]
      : []),
  ];
  return {
    ok: true,
    value: {
      frames: capture.frames.length,
      negotiations,
      esp: { native: packets(false), inUdp: packets(true) },
      keepalives: count.keepalive,
      notes,
    },
  };
}

function negotiation(g: Gathered, around: Surroundings): Negotiation {
  const mode = g.version === 1 ? modeOf(g) : undefined;
  const vendors = (who: 'initiator' | 'responder') => {
    const said = g.steps.flatMap(({ sender, message: { content } }): readonly AnyPayload[] =>
      sender === who && content.version !== 'malformed' ? (content.payloads ?? []) : [],
    );
    return vendorNames(said);
  };
  const { offer, outcome, findings, keGroup, chosen } =
    g.version === 1 ? judgeV1(g, around) : judgeV2(g, around);
  return {
    version: g.version,
    ...(mode ? { mode } : {}),
    initiator: g.initiator,
    responder: g.responder,
    spiI: g.spiI,
    spiR: g.spiR,
    begins: isoTime(g.begins),
    looksLike: g.version === 1 ? guessesV1(g) : guessesV2(g),
    vendors: { initiator: vendors('initiator'), responder: vendors('responder') },
    offer,
    ...(keGroup ? { keGroup } : {}),
    ...(chosen ? { chosen } : {}),
    ladder: g.ladder,
    omitted: g.omitted,
    outcome,
    findings,
  };
}

/** Files may carry any time at all. */
function isoTime(seconds: number): string {
  const date = new Date(Math.round(seconds * 1000));
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}
