// Quick crash detection (RFC 6290): a token, given away while an SA is set up, which only we can make again. Who gets it
// unprotected in answer to a protected message knows that we have lost the SA, and need not wait for a timeout.
import { equalConstantTime, hex, utf8 } from '../../net/bytes.ts';
import type { Endpoint } from '../../net/endpoint.ts';
import type { Core } from '../core.ts';
import { prf } from '../crypto/prf.ts';
import { FLAG, NOTIFY_V2 } from '../wire/numbers.ts';
import { encode, findNotify, type Message, notify, type Payload } from '../wire/v2.ts';
import { lost } from './lifecycle.ts';
import type { IkeSa } from './sa.ts';

/**
 * The token of an SA that we may lose; nothing where the secret does not outlive us. Our role goes into it: who turns the
 * initiator flag of a message around is given another token than the peer's.
 */
export function crashToken(core: Core, role: IkeSa['role'], spiI: Uint8Array, spiR: Uint8Array): Payload[] {
  if (!core.crashSecret) return [];
  const token = prf('sha256', core.crashSecret, spiI, spiR, utf8(role));
  return [notify(NOTIFY_V2.QUICK_CRASH_DETECTION, token)];
}

/** Keeps the peer's token (4.1: 16 to 128 octets). */
export function keepToken(sa: IkeSa, payloads: readonly Payload[]): void {
  const token = findNotify(payloads, NOTIFY_V2.QUICK_CRASH_DETECTION)?.data;
  if (token && token.length >= 16 && token.length <= 128) sa.crashToken = token;
}

/** A request for an SA that we do not know: it was ours before a crash, or never was (RFC 7296 2.21.4, RFC 6290 4.5). */
export function answerUnknown(core: Core, { header }: Message, local: Endpoint, remote: Endpoint): void {
  if (header.flags & FLAG.RESPONSE || !core.mayAnswer()) return;
  const { spiI, spiR, exchange, messageId } = header;
  const role = header.flags & FLAG.INITIATOR ? 'responder' : 'initiator';
  const flags = FLAG.RESPONSE | (role === 'initiator' ? FLAG.INITIATOR : 0);
  // One half of a live SA is no lost SA.
  const alive = core.sas.has(hex(spiI)) || core.sas.has(hex(spiR));
  const token = alive ? [] : crashToken(core, role, spiI, spiR);
  const payloads = [notify(NOTIFY_V2.INVALID_IKE_SPI), ...token];
  core.send(local, remote, encode({ spiI, spiR, major: 2, minor: 0, exchange, flags, messageId }, payloads));
}

/** An unprotected message for an SA: worth something only with the token that the peer gave us. */
export function onUnprotected(core: Core, sa: IkeSa, payloads: readonly Payload[]): void {
  const token = findNotify(payloads, NOTIFY_V2.QUICK_CRASH_DETECTION)?.data;
  if (sa.state !== 'established' || !token || !sa.crashToken || !equalConstantTime(token, sa.crashToken))
    return;
  if (!findNotify(payloads, NOTIFY_V2.INVALID_IKE_SPI)) return;
  lost(core, sa, {
    code: 'PEER_DEAD',
    text: 'the peer has restarted and lost the IKE SA: its crash token proves it',
  });
}
