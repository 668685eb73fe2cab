// Quick Mode identities (RFC 2407 4.6.2): proxy-ids as SEIL calls them, compared by meaning and never narrowed.
import {
  type Address,
  addressBytes,
  familyOf,
  formatAddress,
  maskBytes,
  maskLength,
  prefixOfRange,
  rangeOf,
  splitCidr,
} from '../../net/address.ts';
import { concat } from '../../net/bytes.ts';
import type { Selector, Traffic } from '../io.ts';
import { type ChildPolicy, selectorKeys } from '../policy.ts';
import type { Reason } from '../reason.ts';
import { ID } from '../wire/numbers.ts';
import type { Payload, PayloadOf } from '../wire/v1.ts';

/** IDci and IDcr: the initiator's side, the responder's side. */
export type IdPair = readonly [PayloadOf<'id'>, PayloadOf<'id'>];

function idOf(prefix: string, protocol: number, port: number): PayloadOf<'id'> {
  const { address, length } = splitCidr(prefix);
  const data = addressBytes(address);
  const family = data.length === 4 ? 4 : 6;
  if (length === data.length * 8) {
    return { type: 'id', idType: family === 4 ? ID.IPV4_ADDR : ID.IPV6_ADDR, protocol, port, data };
  }
  return {
    type: 'id',
    idType: family === 4 ? ID.IPV4_SUBNET : ID.IPV6_SUBNET,
    protocol,
    port,
    data: concat(data, maskBytes(length, family)),
  };
}

/** What we want to protect: our side, the peer's side. */
export function idsOf({ selectors, protocol, ports }: ChildPolicy): IdPair {
  return [idOf(selectors.local[0], protocol, ports.local), idOf(selectors.remote[0], protocol, ports.remote)];
}

/** The addresses that an identity names: "192.168.1.0/24", a range, or undefined for names and broken masks. */
export function idAddresses(id: PayloadOf<'id'>): string | undefined {
  const { idType, data } = id;
  const size = idType === ID.IPV4_ADDR || idType === ID.IPV4_SUBNET || idType === ID.IPV4_RANGE ? 4 : 16;
  switch (idType) {
    case ID.IPV4_ADDR:
    case ID.IPV6_ADDR:
      return data.length === size ? `${formatAddress(data)}/${size * 8}` : undefined;
    case ID.IPV4_SUBNET:
    case ID.IPV6_SUBNET: {
      const length = data.length === 2 * size ? maskLength(data.slice(size)) : undefined;
      return length === undefined ? undefined : `${formatAddress(data.slice(0, size))}/${length}`;
    }
    case ID.IPV4_RANGE:
    case ID.IPV6_RANGE: {
      if (data.length !== 2 * size) return undefined;
      const [first, last] = [data.slice(0, size), data.slice(size)];
      return prefixOfRange(first, last) ?? `${formatAddress(first)}-${formatAddress(last)}`;
    }
    default:
      return undefined;
  }
}

/** With protocol and port where they restrict, for comparison and for people. */
export function idText(id: PayloadOf<'id'>): string {
  const addresses = idAddresses(id) ?? `identity type ${id.idType}`;
  return `${addresses}${id.protocol ? ` protocol ${id.protocol}` : ''}${id.port ? ` port ${id.port}` : ''}`;
}

/** The ID payloads of a message: none, or the pair in the order of the initiator. */
export function pairOf(payloads: readonly Payload[]): IdPair | undefined {
  const [a, b] = payloads.filter((p): p is PayloadOf<'id'> => p.type === 'id');
  return a && b ? [a, b] : undefined;
}

/** What the two sides of a Quick Mode are between whom it runs: without identities those are meant (RFC 2409 5.5). */
export type Ends = {
  readonly local: Address;
  readonly remote: Address;
  readonly nat: { readonly local: boolean; readonly remote: boolean };
};

/** Ours and the peer's. In transport mode a host behind a NAT names an address that means nothing here (RFC 3947 5.2). */
export function sidesOf(policy: ChildPolicy, ends: Ends, ids: IdPair | undefined): IdPair {
  const host = (address: Address, id?: PayloadOf<'id'>) =>
    idOf(`${address}/${familyOf(address) === 4 ? 32 : 128}`, id?.protocol ?? 0, id?.port ?? 0);
  const transport = policy.mode === 'transport';
  const side = (id: PayloadOf<'id'> | undefined, address: Address, nat: boolean) =>
    !id || (transport && nat && idRange(id)) ? host(address, id) : id;
  return [side(ids?.[0], ends.local, ends.nat.local), side(ids?.[1], ends.remote, ends.nat.remote)];
}

/** Set proxy-ids must be mirrored exactly; unset, any pair is taken and echoed (ike.md 0.7: never narrowed). */
export function wrongIds(policy: ChildPolicy, sides: IdPair): Reason | undefined {
  if (policy.anySelectors) return undefined;
  const wanted = idsOf(policy).map(idText);
  const got = sides.map(idText);
  if (wanted[0] === got[0] && wanted[1] === got[1]) return undefined;
  const keys = selectorKeys(policy);
  const swapped = wanted[0] === got[1] && wanted[1] === got[0];
  return {
    code: 'SELECTORS',
    text: swapped
      ? 'the proxy-ids of the peer are ours, but not mirrored: one side has local and remote swapped'
      : 'the proxy-ids of the peer are not the mirror of ours',
    offered: [`peer's side ${got[1]}, our side ${got[0]}`],
    accepted: [`peer's side ${wanted[1]}, our side ${wanted[0]}`],
    key: keys.both,
    hint: swapped
      ? `swap ${keys.local} and ${keys.remote} on one side`
      : `make ${keys.both} the mirror of the peer's`,
  };
}

/** SEIL and racoon demand it of their peers, and so do we: a narrowed answer is a policy that differs (seed 001). */
export function echoed(policy: ChildPolicy, asked: IdPair, ids: IdPair | undefined): Reason | undefined {
  const sent = asked.map(idText);
  const got = ids?.map(idText);
  if (!got || (got[0] === sent[0] && got[1] === sent[1])) return undefined;
  const keys = selectorKeys(policy);
  return {
    code: 'SELECTORS',
    text: 'mismatched ID was returned: the peer answered with other proxy-ids than ours',
    offered: [`our side ${got[0]}, peer's side ${got[1]}`],
    accepted: [`our side ${sent[0]}, peer's side ${sent[1]}`],
    key: keys.both,
    hint: `set ${keys.local} : ${got[0]} and ${keys.remote} : ${got[1]}, or let the peer accept ours`,
  };
}

/** The addresses of an identity, first and last; undefined for names and broken masks. */
function idRange(id: PayloadOf<'id'>): { first: Uint8Array; last: Uint8Array } | undefined {
  const text = idAddresses(id);
  if (!text) return undefined;
  if (text.includes('/')) return rangeOf(text);
  return { first: id.data.slice(0, id.data.length / 2), last: id.data.slice(id.data.length / 2) };
}

const ANY_IPV4: Selector = {
  protocol: 0,
  startPort: 0,
  endPort: 65_535,
  first: new Uint8Array(4),
  last: new Uint8Array(4).fill(255),
};

/** What the identities let through; those of an interface hold nothing on its way in, but IPv4's keep IPv6 out. */
export function traffic(policy: ChildPolicy, sides: IdPair): { in?: Traffic; out?: Traffic } {
  const [local, remote] = sides.map((id): Selector[] => {
    const range = idRange(id);
    const ports = { startPort: id.port, endPort: id.port || 65_535 };
    return range ? [{ protocol: id.protocol, ...ports, ...range }] : [];
  });
  const exact = { local, remote };
  if (!policy.loose) return { in: exact, out: exact };
  const ipv4 = !policy.anySelectors && policy.selectors.local.every((prefix) => familyOf(prefix) === 4);
  const everything = (s: Selector) =>
    s.protocol === 0 && s.first.every((o) => o === 0) && s.last.every((o) => o === 255);
  const all = exact.local.every(everything) && exact.remote.every(everything);
  return {
    ...(ipv4 ? { in: { local: [ANY_IPV4], remote: [ANY_IPV4] } } : {}),
    ...(all ? {} : { out: exact }),
  };
}
