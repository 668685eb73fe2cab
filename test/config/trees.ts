// Arbitrary values and trees, derived from the schema: for every leaf the texts that its type takes.
import fc from 'fast-check';
import { concrete, type Leaf, schema, type Value, type ValueType } from '../../src/config/schema/index.ts';
import { Tree } from '../../src/config/tree.ts';
import { MASK } from '../../src/dialect/mask.ts';

const cidr = (address: fc.Arbitrary<string>, bits: number) =>
  fc.tuple(address, fc.nat(bits)).map(([a, n]) => `${a}/${n}`);
const numbered = (name: string) => fc.nat(63).map((n) => `${name}${n}`);

/** Text that the grammar could take for something else. */
const awkward = fc.string({
  unit: fc.constantFrom(
    ' ',
    '  ',
    '"',
    '\\',
    ':',
    '#',
    '!',
    '*',
    ',',
    '=',
    'a',
    'Z',
    '0',
    '\u00a0',
    '\u2028',
    '\u2029',
    'é',
    '日',
    '🔑',
  ),
  maxLength: 24,
});

const KINDS: readonly fc.Arbitrary<string>[] = [
  fc.ipV4(),
  fc.ipV6(),
  cidr(fc.ipV4(), 32),
  cidr(fc.ipV6(), 128),
  numbered('ge'),
  numbered('ipsec'),
  numbered('sa'),
  fc.constantFrom('tunnel 1', 'tunnel 2', 'pp 1', 'pp anonymous'),
  fc.constantFrom('lan1', 'lan2', 'lan3'),
  fc.integer({ min: 70, max: 90 }).map((n) => `${n}%`),
  fc.stringMatching(/^[a-z]{1,8}\.[a-z]{2,5}$/),
  // MAC addresses, pools of addresses, ranges of both kinds.
  fc.stringMatching(/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/),
  fc.tuple(fc.ipV4(), fc.integer({ min: 8, max: 30 })).map(([a, n]) => `${a}/${n}`),
  fc.nat(99).map((n) => `192.168.1.${n}-192.168.1.${n + 100}`),
  fc.nat(99).map((n) => `2001:db8::${n}-2001:db8::1:${n}`),
  fc.nat(9999).map((n) => `${n + 1}-${n + 50_000}`),
  fc.nat(99).map((n) => `192.168.1.${n}-192.168.1.${n + 100}/24`),
  // Numbers of filters, and hours.
  fc.uniqueArray(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }).map((l) => l.join(' ')),
  fc.integer({ min: 1, max: 99 }).map((n) => `${n}:00`),
  fc.stringMatching(/^0x(?:[0-9a-f]{2}){1,8}$/),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,9}[a-z0-9]$/),
  // Hashes of passwords, public keys, time zones.
  fc.stringMatching(/^\$6\$[a-z0-9]{8,20}$/),
  fc.stringMatching(/^ssh-ed25519 [A-Za-z0-9+/]{20,40}$/),
  fc.constantFrom('Asia/Tokyo', 'Europe/Berlin', 'JST', 'UTC', 'America/Argentina/Ushuaia'),
  fc.string({ maxLength: 40 }),
  awkward,
];

/** Any valid value of a leaf: of its list, of its range, or of a kind that most of such texts belong to. */
export function anyValue({ type }: Leaf): fc.Arbitrary<Value> {
  return anyText(type).map((text) => type.parse(text) as Value);
}

/** Any text that a type takes. */
export function anyText(type: ValueType): fc.Arbitrary<string> {
  const takes = (text: string) => type.parse(text) !== undefined && text !== MASK;
  const kinds = KINDS.filter((kind) => fc.sample(kind, { seed: 1, numRuns: 20 }).filter(takes).length > 5);
  if (type.values?.length) kinds.push(fc.constantFrom(...type.values));
  for (const [min, max] of rangesOf({ type })) kinds.push(fc.integer({ min, max }).map(String));
  return fc.oneof(...kinds).filter(takes);
}

/** The ranges that a leaf's own words promise. */
export function rangesOf(leaf: Pick<Leaf, 'type'>): [number, number][] {
  return [...leaf.type.allowed.matchAll(/from (\d+) to (\d+)/g)].map((m) => [Number(m[1]), Number(m[2])]);
}

/** Small and shared, so that keys meet in one object; in steps of a hundred; anything. */
const index = fc.oneof(fc.nat(2), fc.constantFrom(100, 200, 300), fc.nat(999_999_999));

function entry(leaf: Leaf): fc.Arbitrary<[string, Value]> {
  const count = leaf.path.split('[]').length - 1;
  const indexes = fc.array(index, { minLength: count, maxLength: count });
  return fc.tuple(
    indexes.map((n) => concrete(leaf.path, n)),
    anyValue(leaf),
  );
}

const entries = new Map(schema.map((leaf) => [leaf.path, entry(leaf)]));

/** A few leaves of any kind, with any values: a tree as the parser could make it. */
export const anyTree: fc.Arbitrary<Tree> = fc
  .array(fc.oneof(...entries.values()), { maxLength: 40 })
  .map((leaves) => new Tree(leaves));

/** Every leaf of the schema once. */
export const fullTree: fc.Arbitrary<Tree> = fc.tuple(...entries.values()).map((leaves) => new Tree(leaves));
