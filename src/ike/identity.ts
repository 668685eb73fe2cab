// Identities of both versions (RFC 2407 4.6.2.1, RFC 7296 3.5): to the wire, to text, and compared.
import { addressBytes, formatAddress } from '../net/address.ts';
import { equalConstantTime, hex, utf8 } from '../net/bytes.ts';
import { nameText, sameName } from './distinguished-name.ts';
import { type ConnectionPolicy, type Identity, keyOf } from './policy.ts';
import type { Reason } from './reason.ts';
import { ID, nameOf } from './wire/numbers.ts';

export type WireIdentity = { readonly idType: number; readonly data: Uint8Array };

const TEXT_TYPES = { fqdn: ID.FQDN, 'user-fqdn': ID.USER_FQDN, 'key-id': ID.KEY_ID } as const;

export function identityToWire(id: Identity): WireIdentity {
  if (id.type === 'address') {
    const data = addressBytes(id.value);
    return { idType: data.length === 4 ? ID.IPV4_ADDR : ID.IPV6_ADDR, data };
  }
  if (id.type === 'distinguished-name') return { idType: ID.DER_DN, data: id.der ?? new Uint8Array(0) };
  return { idType: TEXT_TYPES[id.type], data: utf8(id.value) };
}

/** For people: "10.0.0.1", "vpn.example (FQDN)"; octets that are no text come as hex. */
export function identityText({ idType, data }: WireIdentity): string {
  const isAddress =
    (idType === ID.IPV4_ADDR && data.length === 4) || (idType === ID.IPV6_ADDR && data.length === 16);
  if (isAddress) return formatAddress(data);
  const name = idType === ID.DER_DN ? nameText(data) : undefined;
  if (name) return name;
  const text = Buffer.from(data).toString('utf8');
  const shown = data.length <= 255 && /^[\x21-\x7e]+$/.test(text) ? text : hex(data.subarray(0, 64));
  return `${shown} (${nameOf(ID, idType)})`;
}

/**
 * Undefined when the peer is who the configuration says. Behind a NAT a peer only knows its private address, so an
 * expected address is then met by any address: the key is what proves the peer. A certificate proves no more than the
 * name that is in it, so there the name must be the one that is expected.
 */
export function wrongIdentity(
  policy: ConnectionPolicy,
  got: WireIdentity,
  peerBehindNat: boolean,
): Reason | undefined {
  const { peerId: expected, myId: own, credential } = policy;
  const wanted = identityToWire(expected);
  if (expected.type === 'distinguished-name') {
    if (got.idType === ID.DER_DN && sameName(nameText(got.data) ?? '', expected.value)) return undefined;
  } else if (wanted.idType === got.idType && equalConstantTime(wanted.data, got.data)) return undefined;
  const address = got.idType === ID.IPV4_ADDR || got.idType === ID.IPV6_ADDR;
  // Our own name in the peer's mouth is our own message, handed back.
  const mine = identityToWire(own);
  const reflected = mine.idType === got.idType && equalConstantTime(mine.data, got.data);
  const byKey = credential.method !== 'certificate';
  if (expected.type === 'address' && address && peerBehindNat && byKey && !reflected) return undefined;
  const key = keyOf(policy.at, 'ike.peers-identifier');
  return {
    code: 'ID_MISMATCH',
    text: `the peer calls itself ${identityText(got)}, we expect ${expected.type === 'distinguished-name' ? expected.value : identityText(wanted)}`,
    key,
    hint: `set ${key} to what the peer sends, or change the peer's identity`,
  };
}
