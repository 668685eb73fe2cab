// Exchanges, payloads, notifies and Vendor IDs by the names that the RFCs give them.
import { groupName } from '../ike/proposal/names.ts';
import {
  EXCHANGE,
  FLAG,
  NAMED_EXCHANGE_V1,
  NAMED_EXCHANGE_V2,
  NAMED_NOTIFY_V1,
  NAMED_NOTIFY_V2,
  NAMED_PAYLOAD_V1,
  NAMED_PAYLOAD_V2,
  NAMED_VENDOR,
  NOTIFY_V1,
  NOTIFY_V2,
  nameOf,
  PAYLOAD_V1,
  PAYLOAD_V2,
} from '../ike/wire/numbers.ts';
import type * as v1 from '../ike/wire/v1.ts';
import type * as v2 from '../ike/wire/v2.ts';
import { hex } from '../net/bytes.ts';
import type { IkeMessage } from './message.ts';

export type Role = 'initiator' | 'responder';

export type AnyPayload = v1.Payload | v2.Payload;

/** The words of RFC 2409 4 and 5. */
const EXCHANGE_V1: Readonly<Record<number, string>> = {
  [EXCHANGE.IDENTITY_PROTECTION]: 'Main Mode',
  [EXCHANGE.AGGRESSIVE]: 'Aggressive Mode',
  [EXCHANGE.INFORMATIONAL_V1]: 'Informational',
  [EXCHANGE.QUICK_MODE]: 'Quick Mode',
  [NAMED_EXCHANGE_V1.BASE]: 'Base',
  [NAMED_EXCHANGE_V1.AUTHENTICATION_ONLY]: 'Authentication Only',
  [NAMED_EXCHANGE_V1.TRANSACTION]: 'Transaction',
  [NAMED_EXCHANGE_V1.NEW_GROUP_MODE]: 'New Group Mode',
};

export function exchangeName({ header }: IkeMessage): string {
  if (header.major === 1) return EXCHANGE_V1[header.exchange] ?? `exchange ${header.exchange}`;
  const name = nameOf({ ...EXCHANGE, ...NAMED_EXCHANGE_V2 }, header.exchange);
  return name === String(header.exchange) ? `exchange ${name}` : name;
}

export function notifyNameV1(type: number): string {
  return nameOf({ ...NOTIFY_V1, ...NAMED_NOTIFY_V1 }, type);
}

export function notifyNameV2(type: number): string {
  return nameOf({ ...NOTIFY_V2, ...NAMED_NOTIFY_V2 }, type);
}

/** What people call it; text where the octets are such; else their beginning in hexadecimal. */
export function vendorName(data: Uint8Array): string {
  const id = hex(data.subarray(0, 64));
  const known = Object.entries(NAMED_VENDOR).find(([, prefix]) => id.startsWith(prefix));
  if (known) return known[0];
  const text = String.fromCharCode(...data.subarray(0, 48));
  if (data.length >= 4 && /^[\x20-\x7e]+$/.test(text)) return `"${text}"`;
  return data.length > 8 ? `${id.slice(0, 16)}…` : id || 'empty';
}

/** All names without repetition: five Vendor IDs of Windows are one Windows. */
export function vendorNames(payloads: readonly AnyPayload[]): string[] {
  return [...new Set(payloads.flatMap((p) => (p.type === 'vendor' ? [vendorName(p.data)] : [])))];
}

/** "SA", "KE(modp2048)", "N(COOKIE)"; the nonce of whom, as the RFCs write it. */
export function payloadName(p: AnyPayload, version: 1 | 2, sender: Role): string {
  switch (p.type) {
    case 'ke':
      return 'group' in p ? `KE(${groupName(p.group)})` : 'KE';
    case 'nonce':
      return sender === 'initiator' ? 'Ni' : 'Nr';
    case 'notify':
      return `N(${version === 1 ? notifyNameV1(p.notify) : notifyNameV2(p.notify)})`;
    case 'vendor':
      return version === 1 ? `VID(${vendorName(p.data)})` : `V(${vendorName(p.data)})`;
    case 'sk':
    case 'skf':
      return `${p.type.toUpperCase()}{${p.first === 0 ? '' : typeName(2, p.first)}…}`;
    case 'unknown':
      return typeName(version, p.payload);
    case 'id':
      return sender === 'initiator' ? 'IDii' : 'IDir';
    case 'delete':
      return 'D';
    case 'idi':
    case 'idr':
    case 'tsi':
    case 'tsr':
      return p.type.slice(0, 2).toUpperCase() + p.type.slice(2);
    default:
      return p.type.toUpperCase();
  }
}

/** The name of a payload of which only the number is seen: the first one inside an encrypted message. */
export function typeName(version: 1 | 2, type: number): string {
  const table =
    version === 1 ? { ...PAYLOAD_V1, ...NAMED_PAYLOAD_V1 } : { ...PAYLOAD_V2, ...NAMED_PAYLOAD_V2 };
  const name = nameOf(table, type);
  const spoken: Readonly<Record<string, string>> = {
    ...{ IDI: 'IDi', IDR: 'IDr', TSI: 'TSi', TSR: 'TSr', NOTIFY: 'N', NOTIFY_V1: 'N', DELETE: 'D' },
    ...{ VENDOR: version === 1 ? 'VID' : 'V', NONCE: 'Nonce', NAT_D: 'NAT-D', NAT_D_DRAFT: 'NAT-D' },
    ...{ NAT_OA: 'NAT-OA', NAT_OA_DRAFT: 'NAT-OA' },
  };
  return spoken[name] ?? (name === String(type) ? `payload ${type}` : name);
}

/** The payloads of a message as a ladder shows them. */
export function payloadNames(message: IkeMessage, sender: Role): string[] {
  const { content, header } = message;
  if (content.version === 'malformed') return [];
  if (!content.payloads) return [`encrypted {${typeName(1, header.next)}…}`];
  const { version, payloads } = content;
  return payloads.map((p) => payloadName(p, version, sender));
}

export function isEncrypted({ content, header }: IkeMessage): boolean {
  if (content.version === 2) return content.payloads.some((p) => p.type === 'sk' || p.type === 'skf');
  return header.major === 1 && (header.flags & FLAG.ENCRYPTION) !== 0;
}
