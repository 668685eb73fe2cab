// Fragments of IP datagrams, put together (RFC 791 3.2, RFC 8200 4.5), with bounds for what hostile ones may cost.

/** Datagrams that wait for the rest of theirs; the oldest goes first. */
const MAX_OPEN = 64;
const MAX_FRAGMENTS = 128;
const MAX_OCTETS = 65_535;

type Partial = { readonly parts: Map<number, Uint8Array>; octets: number; end?: number };

export class Reassembly {
  readonly #open = new Map<string, Partial>();

  /** Datagrams of which something is missing. */
  get open(): number {
    return this.#open.size;
  }

  /** The whole datagram with its last missing fragment. */
  add(key: string, offset: number, more: boolean, body: Uint8Array): Uint8Array | undefined {
    const known = this.#open.get(key) ?? { parts: new Map<number, Uint8Array>(), octets: 0 };
    const last = offset + body.length;
    if (last > MAX_OCTETS || known.parts.size >= MAX_FRAGMENTS || body.length === 0) return undefined;
    known.octets += body.length - (known.parts.get(offset)?.length ?? 0);
    known.parts.set(offset, body);
    if (!more) known.end = last;
    if (known.end !== undefined && known.octets >= known.end) {
      const whole = join(known.parts, known.end);
      if (whole) {
        this.#open.delete(key);
        return whole;
      }
    }
    if (!this.#open.has(key) && this.#open.size >= MAX_OPEN) {
      const [oldest] = this.#open.keys();
      this.#open.delete(oldest);
    }
    this.#open.set(key, known);
    return undefined;
  }
}

/** Undefined where fragments overlap or leave a gap. */
function join(parts: ReadonlyMap<number, Uint8Array>, end: number): Uint8Array | undefined {
  const out = new Uint8Array(end);
  let at = 0;
  for (const [offset, body] of [...parts].sort(([a], [b]) => a - b)) {
    if (offset !== at || at + body.length > end) return undefined;
    out.set(body, at);
    at += body.length;
  }
  return at === end ? out : undefined;
}
