// Host names of peers, resolved again and again: where a peer is may change (dynamic DNS).
import { lookup } from 'node:dns/promises';
import type { Tree } from '../config/tree.ts';
import { type Address, type Family, parseAddress } from '../net/address.ts';
import { hostKey, outerFamily } from '../plan/connection.ts';

/** Between two questions; sooner when there was no answer. */
const AGAIN_MS = 60_000;
const SOON_MS = 5000;

/** The host names of peers that a configuration mentions, each with the family that is wanted, as hostKey() has it. */
export function hostsOf(tree: Tree): string[] {
  const all = tree.indexes('interface.ipsec').flatMap((n) => {
    const at = `interface.ipsec${n}`;
    const family = outerFamily(tree, at);
    const name = tree.text(`${at}.ipv${family}.destination`) ?? 'any';
    return name === 'any' || parseAddress(name) !== undefined ? [] : [hostKey(name, family)];
  });
  return [...new Set(all)];
}

/** The system's resolver, asked as hostKey() has it. */
async function resolve(key: string): Promise<readonly Address[]> {
  const [name, family] = key.split(' ');
  const all = await lookup(name, { family: Number(family) as Family, all: true });
  return all.map(({ address }) => address);
}

export class Names {
  readonly #changed: () => void;
  readonly #resolve: (name: string) => Promise<readonly Address[]>;
  readonly #known = new Map<string, Address>();
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(changed: () => void, ask = resolve) {
    this.#changed = changed;
    this.#resolve = ask;
  }

  /** What is known of the names that are watched. */
  known(): ReadonlyMap<string, Address> {
    return this.#known;
  }

  /** From now on these names are watched; what is known of them now. */
  follow(names: readonly string[]): ReadonlyMap<string, Address> {
    for (const [name, timer] of this.#timers) {
      if (names.includes(name)) continue;
      clearTimeout(timer);
      this.#timers.delete(name);
      this.#known.delete(name);
    }
    for (const name of names) if (!this.#timers.has(name)) this.#ask(name, 0);
    return new Map(this.#known);
  }

  #ask(name: string, delay: number): void {
    const timer = setTimeout(async () => {
      // Without an answer the last one holds: a resolver that is down moves no peer.
      const all = await this.#resolve(name).catch((): readonly Address[] => []);
      if (this.#timers.get(name) !== timer) return;
      this.#ask(name, all.length === 0 ? SOON_MS : AGAIN_MS);
      // A name of several addresses gives them in any order: the one in use stays as long as it is among them.
      if (all.length === 0 || all.includes(this.#known.get(name) ?? '')) return;
      this.#known.set(name, all[0]);
      this.#changed();
    }, delay);
    this.#timers.set(name, timer.unref());
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
