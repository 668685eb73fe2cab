// What those are told who follow a negotiation octet by octet (ike.log): messages as they go and as they were before
// encryption, their payloads, and what keys are made of. The keys themselves are told nowhere.
import { u32Bytes } from '../net/bytes.ts';
import type { Connection, Core } from './core.ts';
import type { Did, Subject, Way } from './event.ts';
import type { FollowKind } from './policy.ts';
import type { IsakmpSa } from './v1/sa.ts';
import type { Header } from './wire/codec.ts';
import { decode as decodeV1 } from './wire/v1.ts';
import { decode as decodeV2 } from './wire/v2.ts';

/** Nobody reads on behind these octets, and the log is not endless. */
const MOST = 2048;

type Sa = { readonly version: 1 | 2; readonly id: number; readonly connection: Connection };
type Named = { readonly type: string };

/** Whether somebody wants to know; `sa` is undefined for a first message, of whom nothing is known yet. */
function follows(core: Core, sa: Sa | undefined, kind: FollowKind): boolean {
  const { follow } = core.settings;
  return follow?.[sa?.connection.policy.name ?? '']?.includes(kind) ?? false;
}

function subject(sa: Sa | undefined, version: 1 | 2): { about: Subject } {
  if (!sa) return { about: { kind: 'first', version } };
  if (version === 2) return { about: { kind: 'ike', sa: sa.id } };
  return { about: { kind: 'isakmp', connection: sa.connection.policy.name } };
}

function tell(core: Core, sa: Sa | undefined, version: 1 | 2, did: Did): void {
  core.event({ ...subject(sa, version), ...did });
}

/** A datagram, as it goes and as it comes. */
export function followMessage(core: Core, sa: Sa | undefined, way: Way, data: Uint8Array): void {
  if (!core.settings.follow) return;
  const version = data[17] >> 4 === 2 ? 2 : 1;
  if (follows(core, sa, 'message-info'))
    tell(core, sa, version, { did: 'message', way, data: data.slice(0, MOST) });
  if (!follows(core, sa, 'payload-info')) return;
  const decoded = version === 2 ? decodeV2(data) : decodeV1(data);
  if (decoded.ok) payloads(core, sa, way, decoded.value.header, decoded.value.payloads ?? []);
}

/** What is inside an encrypted message: the octets before encryption, how many of them are padding, and the payloads. */
export function followInside(
  core: Core,
  sa: Sa,
  way: Way,
  inside: () => { readonly text: Uint8Array; readonly padding: number; readonly payloads: readonly Named[] },
): void {
  if (!core.settings.follow) return;
  const { text, padding, payloads: list } = inside();
  if (follows(core, sa, 'message-info'))
    tell(core, sa, sa.version, { did: 'plain', way, padding, data: text.slice(0, MOST) });
  if (follows(core, sa, 'payload-info')) payloads(core, sa, way, undefined, list);
}

function payloads(
  core: Core,
  sa: Sa | undefined,
  way: Way,
  header: Header | undefined,
  list: readonly Named[],
): void {
  const version = sa?.version ?? (header?.major === 2 ? 2 : 1);
  if (header) tell(core, sa, version, { did: 'header', way, messageId: header.messageId });
  for (const { type } of list) tell(core, sa, version, { did: 'payload', way, payload: type });
}

/** What goes into keys, which anybody sees on the wire, and of the keys their names and lengths. */
function followKeys(
  core: Core,
  sa: Sa,
  made: Readonly<Record<string, Uint8Array>>,
  keys: Readonly<Record<string, number>>,
): void {
  if (!follows(core, sa, 'key-info')) return;
  for (const [name, data] of Object.entries(made)) tell(core, sa, sa.version, { did: 'input', name, data });
  for (const [name, octets] of Object.entries(keys))
    if (octets > 0) tell(core, sa, sa.version, { did: 'key', name, octets });
}

/** The seven keys of an IKE SA (RFC 7296 2.14). */
export function followIkeKeys(
  core: Core,
  sa: Sa & {
    readonly spiI: Uint8Array;
    readonly spiR: Uint8Array;
    readonly keys: Readonly<Record<string, Uint8Array>>;
  },
  ni: Uint8Array,
  nr: Uint8Array,
): void {
  const octets = Object.entries(sa.keys).map(([name, key]) => [`SK_${name}`, key.length]);
  followKeys(core, sa, { Ni: ni, Nr: nr, SPIi: sa.spiI, SPIr: sa.spiR }, Object.fromEntries(octets));
}

/** Both directions of a Child SA. */
export function followChildKeys(
  core: Core,
  sa: Sa,
  spis: { readonly in: number; readonly out: number },
  keys: { readonly inbound: Uint8Array; readonly outbound: Uint8Array },
): void {
  const sides = [
    ['send', spis.out, keys.outbound],
    ['recv', spis.in, keys.inbound],
  ] as const;
  for (const [side, spi, key] of sides)
    followKeys(core, sa, { [`SPI(${side})`]: u32Bytes(spi) }, { [`key material(${side})`]: key.length });
}

/** What phase 1 made (RFC 2409 5). */
export function followIsakmpKeys(core: Core, sa: IsakmpSa): void {
  const { phase1, keys, cookieI, cookieR } = sa;
  if (!phase1?.peerNonce || !keys) return;
  const [ni, nr] =
    sa.role === 'initiator' ? [phase1.nonce, phase1.peerNonce] : [phase1.peerNonce, phase1.nonce];
  const octets = { SKEYID: keys.skeyid.length, SKEYID_d: keys.d.length, SKEYID_a: keys.a.length };
  followKeys(
    core,
    sa,
    { 'CKY-I': cookieI, 'CKY-R': cookieR, Ni: ni, Nr: nr },
    { ...octets, SKEYID_e: keys.cipher.length },
  );
}
