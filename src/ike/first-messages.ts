// Responder SAs by their first message: a repeated one finds its answer, and half-open ones are counted (RFC 7296 2.6).
// Neither may cost more with every SA that stands: a first message comes from anybody.
import { type Address, addressBytes, familyOf } from '../net/address.ts';
import { hex } from '../net/bytes.ts';
import type { IsakmpSa } from './v1/sa.ts';
import type { IkeSa } from './v2/sa.ts';

type Sa = IkeSa | IsakmpSa;

/** States of a responder's SA before its peer is proved. */
const OPEN: readonly string[] = ['init', 'keyed', 'auth'];

/** One subscriber: an IPv4 address, or the /64 that everybody has of IPv6. */
function placeOf(address: Address): string {
  return familyOf(address) === 4 ? address : hex(addressBytes(address).subarray(0, 8));
}

export type HalfOpen = { readonly all: number; readonly here: number };

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

  /** How many negotiations are open, of all and of one address. */
  halfOpen(version: 1 | 2, address: Address): HalfOpen {
    const count = { all: 0, here: 0 };
    const here = placeOf(address);
    for (const sa of this.#opening) {
      if (!OPEN.includes(sa.state)) this.#opening.delete(sa);
      else if (sa.version === version) {
        count.all++;
        if (placeOf(sa.remote.address) === here) count.here++;
      }
    }
    return count;
  }

  /**
   * The oldest of IKEv1 whose peer has not answered yet, which a forger never does; of one address where that is given.
   * A true peer answers within a round trip, so what goes first is the forger's.
   */
  stalest(address?: Address): IsakmpSa | undefined {
    for (const sa of this.#opening) {
      if (sa.version !== 1 || sa.phase1?.busy) continue;
      // Message 3 proves the address: of main mode it brings the public value, of aggressive mode it is the last.
      const unproved = sa.phase1?.mode === 'aggressive' || (sa.state === 'init' && !sa.phase1?.peerPublic);
      if (!unproved) continue;
      if (address === undefined || placeOf(sa.remote.address) === placeOf(address)) return sa;
    }
    return undefined;
  }
}
