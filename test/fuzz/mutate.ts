// Mutations of datagrams: what line noise, broken peers and attackers do to a message that was once right.
import { generator } from '../ike/simulation.ts';

/** Values that sit at the edges of the fields of IKE. */
const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 27, 28, 31, 32, 46, 53, 127, 128, 130, 200, 201, 254, 255];
const WIDE = [0, 1, 3, 4, 7, 8, 12, 0x7fff, 0x8000, 0xfffb, 0xfffc, 0xffff];

export class Mutator {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = generator(seed);
  }

  /** A whole number below n. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  bytes(n: number): Uint8Array {
    const out = new Uint8Array(n);
    for (let i = 0; i < n; i++) out[i] = this.below(256);
    return out;
  }

  /** One to four mutations of one message, with parts of another. */
  mutate(message: Uint8Array, other: Uint8Array): Uint8Array {
    let out: Uint8Array = message.slice();
    const times = 1 + this.below(4);
    for (let i = 0; i < times; i++) out = this.#once(out, other);
    return this.below(4) === 0 ? out : this.#trueLength(out);
  }

  #once(b: Uint8Array, other: Uint8Array): Uint8Array {
    const at = this.below(b.length || 1);
    switch (this.below(10)) {
      case 0:
      case 1: // flip a bit
        if (b.length > 0) b[at] ^= 1 << this.below(8);
        return b;
      case 2: // put an edge value somewhere
        if (b.length > 0) b[at] = this.pick(EDGES);
        return b;
      case 3: // a length field that lies
        if (b.length > 1) this.#u16(b, at, this.below(2) ? this.pick(WIDE) : this.below(b.length + 8));
        return b;
      case 4: // one that nearly tells the truth
        if (b.length > 1)
          this.#u16(b, at, (b[at] << 8) + (b[at + 1] ?? 0) + this.pick([-8, -4, -1, 1, 4, 8]));
        return b;
      case 5: // cut off
        return b.subarray(0, at);
      case 6: // grow
        return this.#join(b, this.bytes(this.below(64)));
      case 7: // splice: the head of one, the tail of the other
        return this.#join(b.subarray(0, at), other.subarray(this.below(other.length + 1)));
      case 8: // insert a part of the other
        return this.#join(
          b.subarray(0, at),
          other.subarray(this.below(64), 64 + this.below(64)),
          b.subarray(at),
        );
      default: // take a part out
        return this.#join(b.subarray(0, at), b.subarray(at + this.below(32)));
    }
  }

  #u16(b: Uint8Array, at: number, value: number): void {
    b[at] = value >> 8;
    if (at + 1 < b.length) b[at + 1] = value;
  }

  #join(...parts: Uint8Array[]): Uint8Array {
    const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;
    for (const p of parts) {
      out.set(p, at);
      at += p.length;
    }
    return out;
  }

  /** Most mutants state their true length, or nothing behind the header would ever be looked at. */
  #trueLength(b: Uint8Array): Uint8Array {
    if (b.length < 28) return b;
    const out = b.slice();
    new DataView(out.buffer).setUint32(24, out.length);
    return out;
  }
}
