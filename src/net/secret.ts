// Octets that must not be seen: they print as a word, in templates, JSON and inspection alike.
import { inspect } from 'node:util';
import { equalConstantTime } from './bytes.ts';

export class Secret {
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  /** The octets, for a computation and nothing else. */
  reveal(): Uint8Array {
    return this.#octets;
  }

  equals(other: Secret): boolean {
    return equalConstantTime(this.#octets, other.#octets);
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
