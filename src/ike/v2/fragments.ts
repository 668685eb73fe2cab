// Fragments of a message on their way to be whole again (RFC 7383 2.6). Each was authenticated before it came here.
import { concat } from '../../net/bytes.ts';
import type { Header } from '../wire/codec.ts';
import type { Message, PayloadOf } from '../wire/v2.ts';

/** Longer messages than this nobody sends: 64 fragments of a narrow path are more than a chain of certificates. */
const MOST = 64;
const MOST_OCTETS = 65_536;

export type Fragments = {
  readonly messageId: number;
  readonly response: boolean;
  readonly total: number;
  readonly parts: Map<number, { readonly text: Uint8Array; readonly first: number }>;
};

/** Whether a fragment may be of use, asked before the work of decrypting it. */
export function wanted(
  held: Fragments | undefined,
  { header }: Message,
  skf: PayloadOf<'skf'>,
  response: boolean,
): boolean {
  if (skf.total > MOST) return false;
  if (!ofMessage(held, header, response)) return true;
  // More of them: the sender cuts smaller now. Fewer: from before it did.
  if (skf.total !== held.total) return skf.total > held.total;
  return !held.parts.has(skf.number) && octets(held) + skf.body.length <= MOST_OCTETS;
}

function ofMessage(held: Fragments | undefined, header: Header, response: boolean): held is Fragments {
  return held?.messageId === header.messageId && held.response === response;
}

function octets(held: Fragments): number {
  return [...held.parts.values()].reduce((sum, { text }) => sum + text.length, 0);
}

/** What is held with one fragment more; what was held of another message, or of another cut of it, is let go. */
export function gather(
  held: Fragments | undefined,
  { header }: Message,
  skf: PayloadOf<'skf'>,
  response: boolean,
  text: Uint8Array,
): Fragments {
  const same = ofMessage(held, header, response) && held.total === skf.total;
  const parts = same ? held.parts : new Map();
  parts.set(skf.number, { text, first: skf.first });
  return { messageId: header.messageId, response, total: skf.total, parts };
}

/** The whole text and the type of its first payload, once nothing is missing. */
export function whole({ parts, total }: Fragments): { text: Uint8Array; first: number } | undefined {
  if (parts.size < total) return undefined;
  const inOrder = Array.from({ length: total }, (_, i) => parts.get(i + 1)!);
  return { text: concat(...inOrder.map((p) => p.text)), first: inOrder[0].first };
}
