// Traffic Selectors (RFC 7296 2.9, 3.13): from prefixes, narrowed, and to text.
import { type Address, addressBytes, formatAddress, prefixOfRange, rangeOf } from '../../net/address.ts';
import { compareBytes } from '../../net/bytes.ts';
import type { ChildPolicy } from '../policy.ts';
import { TS } from '../wire/numbers.ts';
import type { TrafficSelector } from '../wire/v2.ts';
import type { IkeSa } from './sa.ts';

/** `port`: 0 is any. */
export function fromPrefixes(prefixes: readonly string[], protocol: number, port = 0): TrafficSelector[] {
  return prefixes.map((prefix) => {
    const { first, last } = rangeOf(prefix);
    const type = first.length === 4 ? TS.IPV4_RANGE : TS.IPV6_RANGE;
    return { type, protocol, startPort: port, endPort: port || 65_535, first, last };
  });
}

/** What we want to protect. */
export function selectorsOf({ selectors, protocol, ports }: ChildPolicy): {
  /** Our side. */
  readonly local: TrafficSelector[];
  /** The peer's. */
  readonly remote: TrafficSelector[];
} {
  return {
    local: fromPrefixes(selectors.local, protocol, ports.local),
    remote: fromPrefixes(selectors.remote, protocol, ports.remote),
  };
}

/**
 * The peer's selectors, our side and its own, as they look from here: in transport mode a host behind a NAT is meant
 * by the address that the IKE SA sees (RFC 7296 2.23.1).
 */
export function asSeen(
  { mode }: ChildPolicy,
  sa: IkeSa,
  own: readonly TrafficSelector[],
  theirs: readonly TrafficSelector[],
): [readonly TrafficSelector[], readonly TrafficSelector[]] {
  if (mode === 'tunnel') return [own, theirs];
  const at = (list: readonly TrafficSelector[], address: Address) => {
    const bytes = addressBytes(address);
    return list.map((s) => (s.first.length === bytes.length ? { ...s, first: bytes, last: bytes } : s));
  };
  return [
    sa.nat.local ? at(own, sa.local.address) : own,
    sa.nat.remote ? at(theirs, sa.remote.address) : theirs,
  ];
}

/** What both lists allow: the intersection of every pair, without repetition. Empty is TS_UNACCEPTABLE. */
export function narrow(
  ours: readonly TrafficSelector[],
  theirs: readonly TrafficSelector[],
): TrafficSelector[] {
  const out: TrafficSelector[] = [];
  for (const a of ours) {
    for (const b of theirs) {
      const both = intersect(a, b);
      if (both && !out.some((s) => same(s, both))) out.push(both);
    }
  }
  // A specific selector for the triggering packet may stand before the general one (RFC 7296 2.9): keep the wider.
  return out.filter((s) => !out.some((t) => t !== s && contains(t, s)));
}

/** Every selector of `inner` lies within one of `outer`: what an initiator demands of the answer. */
export function within(inner: readonly TrafficSelector[], outer: readonly TrafficSelector[]): boolean {
  return inner.length > 0 && inner.every((s) => outer.some((t) => contains(t, s)));
}

function intersect(a: TrafficSelector, b: TrafficSelector): TrafficSelector | undefined {
  if (a.type !== b.type || a.first.length !== b.first.length) return undefined;
  if (a.protocol !== 0 && b.protocol !== 0 && a.protocol !== b.protocol) return undefined;
  const first = compareBytes(a.first, b.first) > 0 ? a.first : b.first;
  const last = compareBytes(a.last, b.last) < 0 ? a.last : b.last;
  const startPort = Math.max(a.startPort, b.startPort);
  const endPort = Math.min(a.endPort, b.endPort);
  if (compareBytes(first, last) > 0 || startPort > endPort) return undefined;
  return { type: a.type, protocol: a.protocol || b.protocol, startPort, endPort, first, last };
}

function contains(outer: TrafficSelector, inner: TrafficSelector): boolean {
  const both = intersect(outer, inner);
  return (
    both !== undefined && same(both, inner) && (outer.protocol === 0 || outer.protocol === inner.protocol)
  );
}

function same(a: TrafficSelector, b: TrafficSelector): boolean {
  return (
    a.type === b.type &&
    a.protocol === b.protocol &&
    a.startPort === b.startPort &&
    a.endPort === b.endPort &&
    compareBytes(a.first, b.first) === 0 &&
    compareBytes(a.last, b.last) === 0
  );
}

/** "192.168.1.0/24", a range where it is no prefix, with protocol and ports where they restrict. */
export function selectorText(s: TrafficSelector): string {
  const range = s.first.length === 4 || s.first.length === 16;
  const address = range
    ? (prefixOfRange(s.first, s.last) ?? `${formatAddress(s.first)}-${formatAddress(s.last)}`)
    : `selector type ${s.type}`;
  const ports = s.startPort === 0 && s.endPort === 65_535 ? '' : `:${s.startPort}-${s.endPort}`;
  return `${address}${s.protocol ? ` protocol ${s.protocol}` : ''}${ports}`;
}
