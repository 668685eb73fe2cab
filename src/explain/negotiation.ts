// Messages gathered into negotiations by the initiator's SPI, each with its ladder.
import { hash } from '../ike/crypto/prf.ts';
import { EXCHANGE, FLAG } from '../ike/wire/numbers.ts';
import { hex, isZero } from '../net/bytes.ts';
import { type Endpoint, sameEndpoint } from '../net/endpoint.ts';
import type { IkeMessage } from './message.ts';
import { exchangeName, isEncrypted, payloadNames, type Role } from './names.ts';

/** One message, or all fragments of one. */
export type Rung = {
  /** Seconds since the negotiation's first message. */
  readonly at: number;
  readonly sender: Role;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly exchange: string;
  /** IKEv2: request or response. */
  readonly kind?: 'request' | 'response';
  readonly messageId: number;
  /** Without UDP header and non-ESP marker; of fragments the sum. */
  readonly octets: number;
  readonly payloads: readonly string[];
  readonly encrypted: boolean;
  /** A retransmission of the rung with this index. */
  readonly repeats?: number;
  /** IKEv2 fragmentation (RFC 7383): how many different ones were seen, and of how many. */
  readonly fragments?: { readonly seen: number; readonly total: number };
  /** Why it is no message of this protocol. */
  readonly error?: string;
};

/** A message with its place in the ladder; repetitions are left out. */
export type Step = { readonly message: IkeMessage; readonly sender: Role; readonly rung: number };

export type Gathered = {
  readonly version: 1 | 2;
  readonly initiator: Endpoint;
  readonly responder: Endpoint;
  /** Hexadecimal; the responder's is that of its first message that names one. */
  readonly spiI: string;
  readonly spiR: string;
  /** Seconds since the epoch. */
  readonly begins: number;
  readonly ladder: readonly Rung[];
  readonly steps: readonly Step[];
  /** Messages beyond what we keep of one negotiation. */
  readonly omitted: number;
};

/** What hostile captures may cost: negotiations, and messages of one. */
const MAX_NEGOTIATIONS = 2000;
const MAX_MESSAGES = 5000;

type Open = { readonly version: 1 | 2; readonly messages: IkeMessage[]; omitted: number };

export class Gathering {
  readonly #open = new Map<string, Open>();
  /** Messages of negotiations beyond what we keep. */
  omitted = 0;

  add(message: IkeMessage): void {
    const version = message.header.major === 1 ? 1 : 2;
    const key = `${version} ${hex(message.header.spiI)}`;
    let open = this.#open.get(key);
    if (!open) {
      if (this.#open.size >= MAX_NEGOTIATIONS) {
        this.omitted++;
        return;
      }
      open = { version, messages: [], omitted: 0 };
      this.#open.set(key, open);
    }
    if (open.messages.length < MAX_MESSAGES) open.messages.push(message);
    else open.omitted++;
  }

  finish(): Gathered[] {
    return [...this.#open.values()].map(gathered);
  }
}

function gathered({ version, messages, omitted }: Open): Gathered {
  const [first] = messages;
  const firstBy = senderOf(first, first);
  const [initiator, responder] = firstBy === 'initiator' ? [first.from, first.to] : [first.to, first.from];
  const named = messages.find((m) => !isZero(m.header.spiR));
  return {
    version,
    initiator,
    responder,
    spiI: hex(first.header.spiI),
    spiR: named ? hex(named.header.spiR) : '',
    begins: first.time,
    ...climb(messages),
    omitted,
  };
}

/** IKEv2 says it in a flag (RFC 7296 3.1); in IKEv1 whoever sends first initiates, as far as a capture can tell. */
function senderOf(message: IkeMessage, first: IkeMessage): Role {
  if (message.header.major !== 1) return message.header.flags & FLAG.INITIATOR ? 'initiator' : 'responder';
  const own =
    first.from.address === first.to.address
      ? sameEndpoint(message.from, first.from)
      : message.from.address === first.from.address;
  return own ? 'initiator' : 'responder';
}

function climb(messages: readonly IkeMessage[]): { ladder: Rung[]; steps: Step[] } {
  const ladder: Rung[] = [];
  const steps: Step[] = [];
  const seen = new Map<string, number>();
  const fragmented = new Map<string, { rung: number; numbers: Set<number> }>();
  for (const message of messages) {
    const sender = senderOf(message, messages[0]);
    const rung = rungOf(message, sender, message.time - messages[0].time);
    const octets = `${sender} ${hex(hash('sha256', message.data))}`;
    const before = seen.get(octets);
    const fragment =
      message.content.version === 2 ? message.content.payloads.find((p) => p.type === 'skf') : undefined;
    if (fragment && before === undefined) {
      const key = `${sender} ${message.header.exchange} ${message.header.messageId} ${rung.kind} ${fragment.total}`;
      const known = fragmented.get(key);
      if (known) {
        known.numbers.add(fragment.number);
        const whole = ladder[known.rung];
        ladder[known.rung] = {
          ...whole,
          octets: whole.octets + rung.octets,
          payloads: fragment.number === 1 ? rung.payloads : whole.payloads,
          fragments: { seen: known.numbers.size, total: fragment.total },
        };
        seen.set(octets, known.rung);
        continue;
      }
      fragmented.set(key, { rung: ladder.length, numbers: new Set([fragment.number]) });
      ladder.push({ ...rung, fragments: { seen: 1, total: fragment.total } });
    } else ladder.push(before === undefined ? rung : { ...rung, repeats: before });
    if (before !== undefined) continue;
    seen.set(octets, ladder.length - 1);
    steps.push({ message, sender, rung: ladder.length - 1 });
  }
  return { ladder, steps };
}

function rungOf(message: IkeMessage, sender: Role, at: number): Rung {
  const { header, content, from, to } = message;
  return {
    at: Math.round(at * 1e6) / 1e6,
    sender,
    from,
    to,
    exchange: exchangeName(message),
    ...(header.major === 1
      ? {}
      : { kind: header.flags & FLAG.RESPONSE ? ('response' as const) : ('request' as const) }),
    messageId: header.messageId,
    octets: header.length,
    payloads: payloadNames(message, sender),
    encrypted: isEncrypted(message),
    ...(content.version === 'malformed' ? { error: content.why } : {}),
  };
}

/** The steps of one exchange, as they came. */
export function exchange(g: Gathered, type: number): readonly Step[] {
  return g.steps.filter(({ message }) => message.header.exchange === type);
}

/** How often the rung was sent again. */
export function repetitions(g: Gathered, rung: number): number {
  return g.ladder.filter((r) => r.repeats === rung).length;
}

export const beginsWith = (g: Gathered): boolean =>
  g.steps.some(
    ({ message: { header } }) =>
      isZero(header.spiR) &&
      ([EXCHANGE.IKE_SA_INIT, EXCHANGE.IDENTITY_PROTECTION, EXCHANGE.AGGRESSIVE] as number[]).includes(
        header.exchange,
      ),
  );
