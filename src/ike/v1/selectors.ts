// Quick Mode identities (RFC 2407 4.6.2): proxy-ids as SEIL calls them, compared by meaning and never narrowed.
import {
  type Address,
  addressBytes,
  familyOf,
  formatAddress,
  maskBytes,
  maskLength,
  prefixOfRange,
  splitCidr,
} from '../../net/address.ts';
import { concat } from '../../net/bytes.ts';
import type { Traffic } from '../io.ts';
import { type ConnectionPolicy, keyOf } from '../policy.ts';
import type { Reason } from '../reason.ts';
import { ID } from '../wire/numbers.ts';
import type { Payload, PayloadOf } from '../wire/v1.ts';

/** IDci and IDcr: the initiator's side, the responder's side. */
export type IdPair = readonly [PayloadOf<'id'>, PayloadOf<'id'>];

export function idOf(prefix: string, protocol: number): PayloadOf<'id'> {
  const { address, length } = splitCidr(prefix);
  const bytes = addressBytes(address);
  const family = bytes.length === 4 ? 4 : 6;
  return {
    type: 'id',
    idType: family === 4 ? ID.IPV4_SUBNET : ID.IPV6_SUBNET,
    protocol,
    port: 0,
    data: concat(bytes, maskBytes(length, family)),
  };
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

/** Set proxy-ids must be mirrored exactly; unset, any pair is taken and echoed (ike.md 0.7: never narrowed). */
export function wrongIds(
  policy: ConnectionPolicy,
  peer: Address,
  ids: IdPair | undefined,
): Reason | undefined {
  const { selectors, anySelectors, protocol } = policy.child;
  if (anySelectors) return undefined;
  const wanted = [idOf(selectors.remote[0], protocol), idOf(selectors.local[0], protocol)].map(idText);
  // Without identities the peers' own addresses are meant (RFC 2409 5.5).
  const got = ids ? ids.map(idText) : [peer, policy.local].map((a) => `${a}/${familyOf(a) === 4 ? 32 : 128}`);
  if (wanted[0] === got[0] && wanted[1] === got[1]) return undefined;
  const key = keyOf(policy.name, 'ike.proposal.phase2.proxy-id');
  const swapped = wanted[0] === got[1] && wanted[1] === got[0];
  return {
    code: 'SELECTORS',
    text: swapped
      ? 'the proxy-ids of the peer are ours, but not mirrored: one side has local and remote swapped'
      : 'the proxy-ids of the peer are not the mirror of ours',
    offered: [`peer's side ${got[0]}, our side ${got[1]}`],
    accepted: [`peer's side ${wanted[0]}, our side ${wanted[1]}`],
    key,
    hint: swapped ? `swap ${key}.ipv4.local and .remote on one side` : `make ${key} the mirror of the peer's`,
  };
}

/** SEIL and racoon demand it of their peers, and so do we: a narrowed answer is a policy that differs (seed 001). */
export function echoed(connection: string, asked: IdPair, ids: IdPair | undefined): Reason | undefined {
  const sent = asked.map(idText);
  const got = ids?.map(idText);
  if (!got || (got[0] === sent[0] && got[1] === sent[1])) return undefined;
  const key = keyOf(connection, 'ike.proposal.phase2.proxy-id');
  return {
    code: 'SELECTORS',
    text: 'mismatched ID was returned: the peer answered with other proxy-ids than ours',
    offered: [`our side ${got[0]}, peer's side ${got[1]}`],
    accepted: [`our side ${sent[0]}, peer's side ${sent[1]}`],
    key,
    hint: `set ${key}.ipv4.local : ${got[0]} and .remote : ${got[1]}, or let the peer accept ours`,
  };
}

const ANY_IPV4 = {
  protocol: 0,
  startPort: 0,
  endPort: 65_535,
  first: new Uint8Array(4),
  last: new Uint8Array(4).fill(255),
};

/** What inbound packets are held to: proxy-ids are negotiation only, as SEIL has it, but one of IPv4 keeps IPv6 out. */
export function enforced({ child }: ConnectionPolicy): { traffic?: Traffic } {
  const ipv4 = !child.anySelectors && child.selectors.local.every((prefix) => familyOf(prefix) === 4);
  return ipv4 ? { traffic: { local: [ANY_IPV4], remote: [ANY_IPV4] } } : {};
}
