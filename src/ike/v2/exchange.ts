// Requests and responses of one IKE SA (RFC 7296 2.1 to 2.4): one request at a time, retransmitted byte for byte.
import { sameEndpoint } from '../../net/endpoint.ts';
import { movePeer } from '../child.ts';
import type { Core } from '../core.ts';
import type { ExchangeName } from '../event.ts';
import { followInside, followMessage } from '../follow.ts';
import { EXCHANGE, FLAG, NOTIFY_V2, nameOf } from '../wire/numbers.ts';
import { find, type Message, notify, type Payload, type PayloadOf } from '../wire/v2.ts';
import { onUnprotected } from './crash.ts';
import { answerCreateChild } from './create-child-sa.ts';
import { gather, wanted, whole } from './fragments.ts';
import { answerAuth } from './ike-auth.ts';
import { answerInformational } from './informational.ts';
import { lost } from './lifecycle.ts';
import type { Path } from './mobike.ts';
import { decrypt, inside, type Opened, open, type Protection, payloadsOf, seal } from './protect.ts';
import { about, type IkeSa, LIVENESS, type Task, within } from './sa.ts';

/** First wait of 4 s, each 1.8 times the one before, five retransmissions: 165 s until a peer counts as dead. */
const FIRST_WAIT_MS = 4000;
const WAIT_FACTOR = 1.8;
const RETRANSMISSIONS = 5;

/** IPv6 header, UDP header, non-ESP marker: what stands around a fragment. */
const AROUND_OCTETS = 40 + 8 + 4;

/** A peer that was heard within this time is not dead. */
const SILENCE_MS = 60_000;

const EXCHANGE_NAMES: Readonly<Record<number, ExchangeName>> = {
  [EXCHANGE.IKE_SA_INIT]: 'INIT',
  [EXCHANGE.IKE_AUTH]: 'AUTH',
  [EXCHANGE.CREATE_CHILD_SA]: 'CHLD',
};

const NOTHING = new Uint8Array(0);

function nameOfExchange(exchange: number): ExchangeName {
  return EXCHANGE_NAMES[exchange] ?? 'INFO';
}

/** Runs an exchange now, or after the one that is under way: our window is one request (2.3). */
export function enqueue(sa: IkeSa, task: Task): void {
  sa.queue.push(task);
  proceed(sa);
}

export function proceed(sa: IkeSa): void {
  if (sa.busy || sa.outstanding || sa.state === 'gone') return;
  sa.queue.shift()?.();
}

/** Sends a protected request; `done` gets the payloads of its response. */
export function request(
  core: Core,
  sa: IkeSa,
  exchange: number,
  payloads: readonly Payload[],
  what: string,
  done: (payloads: readonly Payload[]) => void,
): void {
  const messageId = sa.nextRequest;
  const data = sealed(core, sa, exchange, messageId, false, payloads);
  transmit(core, sa, { messageId, data, what, done, exchange: nameOfExchange(exchange) });
}

/** Sends request octets as they are (IKE_SA_INIT is not protected) and keeps them for retransmission. */
export function transmit(
  core: Core,
  sa: IkeSa,
  message: {
    messageId: number;
    data: readonly Uint8Array[];
    what: string;
    exchange: ExchangeName;
    done: (payloads: readonly Payload[]) => void;
  },
): void {
  sa.nextRequest = message.messageId + 1;
  sa.outstanding = { ...message, tries: 0 };
  core.event({ about: within(sa, message.exchange), did: 'started' });
  if (message.what === LIVENESS) core.event({ about: within(sa, 'INFO'), did: 'keepalive-sent' });
  send(core, sa, message.data);
  core.arm(`sa:${sa.id}:retransmit`, FIRST_WAIT_MS, () => retransmit(core, sa));
}

function retransmit(core: Core, sa: IkeSa): void {
  const out = sa.outstanding;
  if (!out) return;
  out.tries++;
  const negotiating = sa.state === 'init' || sa.state === 'auth';
  const subject = within(sa, out.exchange);
  // On a lossy path one exchange may fail while the peer is heard in others: then it goes on.
  if (out.tries > RETRANSMISSIONS && (negotiating || core.now - sa.lastHeard >= SILENCE_MS)) {
    const established = sa.state === 'established' || sa.state === 'replaced';
    core.event({ about: subject, did: 'request-timeout', messageId: out.messageId });
    if (established) core.event({ about: about(sa), did: 'dead-peer' });
    lost(core, sa, {
      code: established ? 'PEER_DEAD' : 'TIMEOUT',
      text: `${sa.remote.address} did not answer ${out.what} (${RETRANSMISSIONS + 1} tries)`,
      hint: established
        ? 'the peer or the path to it is down'
        : 'check that the peer runs, that UDP 500 and 4500 pass, and that it expects our address',
    });
    return;
  }
  core.event({ about: subject, did: 'request-again', messageId: out.messageId, count: out.tries });
  send(core, sa, out.data);
  const wait = FIRST_WAIT_MS * WAIT_FACTOR ** Math.min(out.tries, RETRANSMISSIONS);
  core.arm(`sa:${sa.id}:retransmit`, wait, () => retransmit(core, sa));
}

/** Ends the wait for a response; its handler may start the next request of the same exchange. */
export function answered(core: Core, sa: IkeSa, payloads: readonly Payload[]): void {
  const out = sa.outstanding;
  if (!out) return;
  delete sa.outstanding;
  core.cancel(`sa:${sa.id}:retransmit`);
  if (out.what === LIVENESS) core.event({ about: within(sa, 'INFO'), did: 'keepalive-received' });
  core.event({ about: within(sa, out.exchange), did: 'terminated' });
  out.done(payloads);
  proceed(sa);
}

/** Answers a request, and keeps the octets: a retransmitted request gets the same ones (2.1). */
export function respond(
  core: Core,
  sa: IkeSa,
  exchange: number,
  messageId: number,
  payloads: readonly Payload[],
): void {
  const data = sealed(core, sa, exchange, messageId, true, payloads);
  sa.lastResponse = { messageId, data };
  delete sa.answering;
  reply(core, sa, data);
  core.event({ about: within(sa, nameOfExchange(exchange)), did: 'terminated' });
}

/** A message that nobody waits an answer for: Deletes of a router that goes down. */
export function tell(core: Core, sa: IkeSa, exchange: number, payloads: readonly Payload[]): void {
  send(core, sa, sealed(core, sa, exchange, sa.nextRequest++, false, payloads));
}

function send(core: Core, sa: IkeSa, datagrams: readonly Uint8Array[]): void {
  go(core, sa, datagrams, sa.local, sa.remote);
}

/** An answer goes back the way its question came, whatever we know of the peer's address (RFC 7296 2.11). */
function reply(core: Core, sa: IkeSa, datagrams: readonly Uint8Array[]): void {
  const { from, to } = sa.asked ?? { from: sa.remote, to: sa.local };
  go(core, sa, datagrams, to, from);
}

function go(
  core: Core,
  sa: IkeSa,
  datagrams: readonly Uint8Array[],
  local: IkeSa['local'],
  remote: IkeSa['remote'],
): void {
  for (const data of datagrams) {
    followMessage(core, sa, 'send', data);
    core.send(local, remote, data);
  }
}

function protectionOf(sa: IkeSa): Protection | undefined {
  return sa.suite && sa.keys ? { suite: sa.suite, keys: sa.keys } : undefined;
}

function sealed(
  core: Core,
  sa: IkeSa,
  exchange: number,
  messageId: number,
  response: boolean,
  payloads: readonly Payload[],
): Uint8Array[] {
  const flags = (sa.role === 'initiator' ? FLAG.INITIATOR : 0) | (response ? FLAG.RESPONSE : 0);
  const header = { spiI: sa.spiI, spiR: sa.spiR, major: 2, minor: 0, exchange, flags, messageId };
  const limit = sa.fragmentation ? core.settings.fragmentSize - AROUND_OCTETS : undefined;
  const random = (n: number) => core.random(n);
  const protection = protectionOf(sa)!;
  followInside(core, sa, 'send', () => inside(protection, payloads));
  return seal(protection, sa.role === 'initiator', header, payloads, random, limit);
}

/** A datagram for an SA that has keys: everything but IKE_SA_INIT. */
export function receive(
  core: Core,
  sa: IkeSa,
  datagram: Uint8Array,
  message: Message,
  from: IkeSa['remote'],
  to: IkeSa['local'],
): void {
  const { header } = message;
  const protection = protectionOf(sa);
  followMessage(core, sa, 'receive', datagram);
  if (!protection) return core.event({ did: 'no-keys' });
  const isResponse = (header.flags & FLAG.RESPONSE) !== 0;
  const skf = find(message.payloads, 'skf');
  if (isResponse && !skf && !find(message.payloads, 'sk')) return onUnprotected(core, sa, message.payloads);
  const opened = skf
    ? reassemble(sa, protection, datagram, message, skf)
    : open(protection, sa.role === 'responder', datagram, message);
  if (!opened) return;
  if (!opened.ok) {
    core.note(
      'debug',
      'message-dropped',
      sa.connection,
      `message from ${from.address} dropped: ${opened.rule}`,
    );
    core.event(opened.authentic ? { did: 'broken', payload: 'SK' } : { did: 'wrong-integrity' });
    if (opened.authentic && !isResponse && sa.state !== 'gone' && header.messageId === sa.expectedRequest) {
      sa.expectedRequest++;
      respond(core, sa, header.exchange, header.messageId, [notify(NOTIFY_V2.INVALID_SYNTAX)]);
    }
    return;
  }
  followInside(core, sa, 'receive', () => opened);
  if (isResponse) {
    const { messageId } = header;
    if (sa.outstanding?.messageId !== messageId)
      return core.event({ about: about(sa), did: 'dropped', window: 'i', messageId });
    heard(core, sa, from, to);
    answered(core, sa, opened.payloads);
    return;
  }
  // The answer to our IKE_AUTH is still under way: the peer, which has the SA already, will ask again.
  if (sa.state === 'auth' && sa.role === 'initiator') return;
  if (header.messageId === sa.expectedRequest && sa.state !== 'gone') {
    heard(core, sa, from, to);
    sa.asked = { from, to };
    sa.expectedRequest++;
    answer(core, sa, message, opened.payloads, { from, to });
  } else if (header.messageId === sa.expectedRequest - 1 && sa.lastResponse?.messageId === header.messageId) {
    core.event({ about: about(sa), did: 'response-again', messageId: header.messageId });
    sa.asked = { from, to };
    reply(core, sa, sa.lastResponse.data);
  } else core.event({ about: about(sa), did: 'dropped', window: 'r', messageId: header.messageId });
}

/** The whole message once its last fragment is there; undefined before, and for what is of no use (RFC 7383 2.6). */
function reassemble(
  sa: IkeSa,
  protection: Protection,
  datagram: Uint8Array,
  message: Message,
  skf: PayloadOf<'skf'>,
): Opened | undefined {
  const { header } = message;
  const response = (header.flags & FLAG.RESPONSE) !== 0;
  const expected = response ? sa.outstanding?.messageId : sa.expectedRequest;
  // A request that was answered is answered again, for its first fragment only (2.6.1).
  const again = !response && header.messageId === sa.expectedRequest - 1 && skf.number === 1;
  if (!sa.fragmentation || (header.messageId !== expected && !again)) return undefined;
  if (!again && !wanted(sa.fragments, message, skf, response)) return undefined;
  const opened = decrypt(protection, sa.role === 'responder', datagram, message, skf);
  if (!opened.ok) return opened;
  if (again) return payloadsOf(NOTHING, 0);
  sa.fragments = gather(sa.fragments, message, skf, response, opened.text);
  const complete = whole(sa.fragments);
  if (!complete) return undefined;
  delete sa.fragments;
  return payloadsOf(complete.text, complete.first);
}

/** An authentic, fresh message: the peer lives, and is reached where it came from when a NAT is involved (2.23). */
function heard(core: Core, sa: IkeSa, from: IkeSa['remote'], to: IkeSa['local']): void {
  sa.lastHeard = core.now;
  if (sa.state === 'init') {
    // IKE_AUTH may come from and to port 4500 (2.23): the first protected message fixes the ports.
    sa.remote = from;
    sa.local = to;
    return;
  }
  if (sa.nat.remote && !sameEndpoint(sa.remote, from)) moved(core, sa, from);
}

/** The peer's NAT gave it another address or port; its children follow. */
export function moved(core: Core, sa: IkeSa, to: IkeSa['remote']): void {
  core.note('info', 'peer-moved', sa.connection, `peer moved to ${to.address}[${to.port}]`);
  sa.remote = to;
  movePeer(core, sa.children, to);
}

function answer(core: Core, sa: IkeSa, message: Message, payloads: readonly Payload[], path: Path): void {
  const { exchange, messageId } = message.header;
  const critical = payloads.find((p) => p.type === 'unknown' && p.critical);
  if (critical?.type === 'unknown') {
    respond(core, sa, exchange, messageId, [
      notify(NOTIFY_V2.UNSUPPORTED_CRITICAL_PAYLOAD, Uint8Array.of(critical.payload)),
    ]);
    return;
  }
  const ready = sa.state === 'established' || sa.state === 'replaced';
  core.event({ about: within(sa, nameOfExchange(exchange)), did: 'started' });
  if (exchange === EXCHANGE.IKE_AUTH && sa.state === 'init' && sa.role === 'responder') {
    answerAuth(core, sa, messageId, payloads);
  } else if (exchange === EXCHANGE.CREATE_CHILD_SA && ready) answerCreateChild(core, sa, messageId, payloads);
  else if (exchange === EXCHANGE.INFORMATIONAL && ready)
    answerInformational(core, sa, messageId, payloads, path);
  else {
    core.note(
      'debug',
      'message-refused',
      sa.connection,
      `${nameOf(EXCHANGE, exchange)} does not fit the state of the SA`,
    );
    respond(core, sa, exchange, messageId, [notify(NOTIFY_V2.INVALID_SYNTAX)]);
  }
}
