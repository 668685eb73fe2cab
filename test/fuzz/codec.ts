// Hostile octets through the codecs. decode is total: a message or an error that names its place, never a throw.
import { isDeepStrictEqual } from 'node:util';
import { decodeAttributes, encodeAttributes } from '../../src/ike/wire/attribute.ts';
import { type Decoded, decoding } from '../../src/ike/wire/codec.ts';
import * as v1 from '../../src/ike/wire/v1.ts';
import * as v2 from '../../src/ike/wire/v2.ts';
import { hex, Reader, Writer } from '../../src/net/bytes.ts';
import { attributeLists, insides, messages } from './corpus.ts';
import { Mutator } from './mutate.ts';

export type CodecReport = {
  cases: number;
  /** How often each decoder took what it got, so that nobody fuzzes a closed door. */
  readonly accepted: Record<'v1' | 'v2' | 'chain' | 'payloads' | 'attributes', number>;
  /** Longest time that 1,000 cases took, in ms. */
  slowest: number;
};

/** One in this many accepted inputs is encoded and decoded again. */
const AGAIN = 16;

/** Longer than any 1,000 cases may take, even where another process holds the processor. */
const HANG_MS = 15_000;

export function fuzzCodecs(cases: number, seed: number): CodecReport {
  const mutator = new Mutator(seed);
  const [whole, inner, lists] = [messages(seed), insides(seed), attributeLists(seed)];
  const report: CodecReport = {
    ...{ cases, slowest: 0 },
    accepted: { v1: 0, v2: 0, chain: 0, payloads: 0, attributes: 0 },
  };
  let since = performance.now();
  for (let n = 0; n < cases; n++) {
    if (n % 2 === 0) message(report, datagram(mutator, whole));
    else if (n % 16 === 1) attributes(report, mutator.mutate(mutator.pick(lists), mutator.pick(lists)));
    else {
      const { first, bytes } = mutator.pick(inner);
      const mutant = mutator.mutate(bytes, mutator.pick(inner).bytes);
      chain(report, mutant, mutator.below(8) === 0 ? mutator.below(256) : first);
    }
    if (n % 1000 < 999) continue;
    report.slowest = Math.max(report.slowest, performance.now() - since);
    if (report.slowest > HANG_MS) throw new Error(`cases ${n - 999} to ${n} of seed ${seed} took too long`);
    since = performance.now();
  }
  return report;
}

function datagram(mutator: Mutator, whole: readonly Uint8Array[]): Uint8Array {
  if (mutator.below(20) === 0) return mutator.bytes(mutator.below(200));
  return mutator.mutate(mutator.pick(whole), mutator.pick(whole));
}

function message(report: CodecReport, bytes: Uint8Array): void {
  const before = hex(bytes.subarray(0, 64));
  const one = total(bytes, () => v1.decode(bytes));
  if (one?.payloads && report.accepted.v1++ % AGAIN === 0) {
    const again = v1.decode(v1.encode(one.header, one.payloads));
    same(bytes, one.payloads, again.ok && again.value.payloads);
  }
  const two = total(bytes, () => v2.decode(bytes));
  if (two && report.accepted.v2++ % AGAIN === 0 && shortKeys(two.payloads)) {
    const again = v2.decode(v2.encode(two.header, two.payloads));
    same(bytes, two.payloads, again.ok && again.value.payloads);
  }
  if (hex(bytes.subarray(0, 64)) !== before) throw new Error(`a decoder wrote into ${hex(bytes)}`);
}

function chain(report: CodecReport, bytes: Uint8Array, first: number): void {
  const one = total(bytes, () => v1.decodeChain(bytes, first));
  if (one && report.accepted.chain++ % AGAIN === 0) {
    if (one.ends.length !== one.payloads.length || (one.ends.at(-1) ?? 0) > bytes.length)
      throw new Error(`the ends do not fit: ${hex(bytes)}`);
    const again = v1.decodeChain(v1.encodeChain(one.payloads), v1.firstNumber(one.payloads));
    same(bytes, one.payloads, again.ok && again.value.payloads);
  }
  const two = total(bytes, () => v2.decodePayloads(bytes, first));
  if (two && report.accepted.payloads++ % AGAIN === 0 && shortKeys(two)) {
    const w = new Writer();
    v2.encodePayloads(w, two);
    const again = v2.decodePayloads(w.finish(), v2.firstNumber(two));
    same(bytes, two, again.ok && again.value);
  }
}

function attributes(report: CodecReport, bytes: Uint8Array): void {
  const list = total(bytes, () => decoding('attributes', () => decodeAttributes(new Reader(bytes))));
  if (!list) return;
  report.accepted.attributes++;
  const w = new Writer();
  encodeAttributes(w, list);
  same(bytes, hex(bytes), hex(w.finish()));
}

/** The value, or undefined for an error that is fit to be shown; anything else is a defect with the input that shows it. */
function total<T>(bytes: Uint8Array, decode: () => Decoded<T>): T | undefined {
  let decoded: Decoded<T>;
  try {
    decoded = decode();
  } catch (e) {
    throw new Error(`thrown for ${hex(bytes)}`, { cause: e });
  }
  if (decoded.ok) return decoded.value;
  const { offset, path, rule } = decoded.error;
  const placed = Number.isInteger(offset) && offset >= 0 && offset <= bytes.length;
  if (!placed || path === '' || rule === '') throw new Error(`bad error at ${offset} for ${hex(bytes)}`);
  return undefined;
}

/** A key length above 65,535 came in the long form, which the encoder does not have for it. */
function shortKeys(payloads: readonly v2.Payload[]): boolean {
  const transforms = payloads.flatMap((p) =>
    p.type === 'sa' ? p.proposals.flatMap((q) => q.transforms) : [],
  );
  return transforms.every((t) => (t.keyLength ?? 0) <= 0xffff);
}

function same(bytes: Uint8Array, first: unknown, second: unknown): void {
  if (!isDeepStrictEqual(first, second)) throw new Error(`not the same when decoded again: ${hex(bytes)}`);
}
