// Responder SAs by their first message: a repeated one finds its answer, and half-open ones are counted (RFC 7296 2.6).
// Neither may cost more with every SA that stands: a first message comes from anybody.
import type { IsakmpSa } from './v1/sa.ts';
import type { IkeSa } from './v2/sa.ts';

type Sa = IkeSa | IsakmpSa;

/** SAs that may be remembered beyond their end, so that not every first message looks through all. */
const SLACK = 256;

export class FirstMessages {
  /** By what initKey makes of the initiator's SPI and address. */
  readonly #sas = new Map<string, Sa>();
  /** Those that were half-open when last looked at. */
  readonly #opening = new Set<Sa>();
  #sweepAt = SLACK;

  /** What this message began, unless it has ended. */
  find(key: string): Sa | undefined {
    const sa = this.#sas.get(key);
    return sa?.state === 'gone' ? undefined : sa;
  }

  add(key: string, sa: Sa): void {
    this.#sas.set(key, sa);
    this.#opening.add(sa);
    if (this.#sas.size < this.#sweepAt) return;
    for (const [old, { state }] of this.#sas) if (state === 'gone') this.#sas.delete(old);
    this.#sweepAt = this.#sas.size + SLACK;
  }

  halfOpen(version: 1 | 2): number {
    let count = 0;
    for (const sa of this.#opening) {
      if (sa.state !== 'init' && sa.state !== 'keyed') this.#opening.delete(sa);
      else if (sa.version === version) count++;
    }
    return count;
  }
}
