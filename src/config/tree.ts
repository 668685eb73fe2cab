// A configuration tree: canonical paths to typed values. Immutable; what is absent has its default.
import { comparePaths, findLeaf, type Value } from './schema/index.ts';

export class Tree {
  readonly #leaves: ReadonlyMap<string, Value>;
  /** By what stands before them; made when somebody asks first. */
  #numbers: ReadonlyMap<string, readonly number[]> | undefined;

  /** Paths must be canonical (findLeaf(path).path) and values parsed by their leaf's type. */
  constructor(leaves: Iterable<readonly [string, Value]> = []) {
    this.#leaves = new Map([...leaves].sort(([a], [b]) => comparePaths(a, b)));
  }

  /** What was configured, in printing order. */
  entries(): IterableIterator<[string, Value]> {
    return this.#leaves.entries();
  }

  get size(): number {
    return this.#leaves.size;
  }

  /** The configured value only. */
  configured(path: string): Value | undefined {
    return this.#leaves.get(path);
  }

  /** The configured value or the schema's default. */
  value(path: string): Value | undefined {
    return this.#leaves.get(path) ?? findLeaf(path)?.leaf.default;
  }

  text(path: string): string | undefined {
    const value = this.value(path);
    return value === undefined ? undefined : String(value);
  }

  number(path: string): number {
    const value = this.value(path);
    if (typeof value !== 'number') throw new TypeError(`${path} is no number`);
    return value;
  }

  enabled(path: string): boolean {
    return this.value(path) === 'enable';
  }

  /** The numbers that occur below a prefix: indexes('route.ipv4.') or indexes('interface.ipsec'). */
  indexes(prefix: string): readonly number[] {
    this.#numbers ??= numbersOf(this.#leaves.keys());
    return this.#numbers.get(prefix) ?? [];
  }

  /** An ordered list or its default: list('interface.ipsec0….hash.', '.algorithm'). */
  list(prefix: string, suffix: string): readonly Value[] {
    const values = this.indexes(prefix).flatMap((i) => this.configured(`${prefix}${i}${suffix}`) ?? []);
    return values.length > 0 ? values : (findLeaf(`${prefix}0${suffix}`)?.leaf.listDefault ?? []);
  }
}

function numbersOf(paths: Iterable<string>): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, Set<number>>();
  for (const path of paths) {
    for (const { 0: digits, index } of path.matchAll(/(?<=^|[.a-z-])\d+(?=\.|$)/g)) {
      const prefix = path.slice(0, index);
      const numbers = found.get(prefix) ?? new Set();
      found.set(prefix, numbers.add(Number(digits)));
    }
  }
  return new Map([...found].map(([prefix, numbers]) => [prefix, [...numbers].sort((a, b) => a - b)]));
}

export const emptyTree = new Tree();
