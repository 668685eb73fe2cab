// Quick Mode identities (RFC 2407 4.6.2): proxy-ids as SEIL calls them, compared by meaning and never narrowed.
import {
  addressBytes,
  formatAddress,
  maskBytes,
  maskLength,
  prefixOfRange,
  splitCidr,
} from '../../net/address.ts';
import { concat } from '../../net/bytes.ts';
import { ID } from '../wire/numbers.ts';
import type { PayloadOf } from '../wire/v1.ts';

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
