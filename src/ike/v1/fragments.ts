// IKEv1 messages in fragments, as Cisco and Microsoft invented it: each carries a piece of the whole message, header and
// all, in a payload of its own. Nothing authenticates a fragment, so what may be gathered is little.
import { concat } from '../../net/bytes.ts';
import { HEADER_OCTETS } from '../wire/codec.ts';
import { encode, type Message, type PayloadOf } from '../wire/v1.ts';

/** A chain of certificates is less. */
const MOST = 32;
const MOST_OCTETS = 32_768;

/** Generic header, fragment ID, number and flags. */
const AROUND_OCTETS = HEADER_OCTETS + 8;

export type Fragments = {
  readonly id: number;
  readonly parts: Map<number, Uint8Array>;
  last?: number;
};

/** The datagrams of a message: itself, or its pieces where it is longer than `limit` octets. */
export function cut(data: Uint8Array, header: Message['header'], id: number, limit: number): Uint8Array[] {
  if (data.length <= limit) return [data];
  const room = limit - AROUND_OCTETS;
  const total = Math.ceil(data.length / room);
  const { spiI, spiR, exchange, messageId } = header;
  return Array.from({ length: total }, (_, i) =>
    encode({ spiI, spiR, major: 1, minor: 0, exchange, flags: 0, messageId }, [
      {
        type: 'fragment',
        id,
        number: i + 1,
        last: i === total - 1,
        data: data.subarray(i * room, (i + 1) * room),
      },
    ]),
  );
}

/** What is held with one fragment more, and the whole message when none is missing. */
export function gather(
  held: Fragments | undefined,
  { id, number, last, data }: PayloadOf<'fragment'>,
): { held: Fragments | undefined; whole?: Uint8Array } {
  const now: Fragments = held?.id === id ? held : { id, parts: new Map() };
  const octets = [...now.parts.values()].reduce((sum, part) => sum + part.length, data.length);
  if (number < 1 || number > MOST || octets > MOST_OCTETS) return { held };
  now.parts.set(number, data);
  if (last) now.last = number;
  if (now.last === undefined || now.parts.size < now.last) return { held: now };
  const inOrder = Array.from({ length: now.last }, (_, i) => now.parts.get(i + 1));
  if (inOrder.includes(undefined)) return { held: now };
  return { held: undefined, whole: concat(...(inOrder as Uint8Array[])) };
}
