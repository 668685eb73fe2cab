// Random octets out of a pool: IKE wants a few at a time, and it is the call that costs, not the octets.
import { randomFillSync } from 'node:crypto';

const POOL_OCTETS = 4096;

export class RandomPool {
  readonly #pool = new Uint8Array(POOL_OCTETS);
  #at = POOL_OCTETS;

  /** A copy, of which nothing stays behind in the pool. */
  take(octets: number): Uint8Array {
    if (octets > POOL_OCTETS) return randomFillSync(new Uint8Array(octets));
    if (this.#at + octets > POOL_OCTETS) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    const end = this.#at + octets;
    const out = this.#pool.slice(this.#at, end);
    this.#pool.fill(0, this.#at, end);
    this.#at = end;
    return out;
  }
}
