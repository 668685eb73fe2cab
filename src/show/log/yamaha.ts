// The log as a Yamaha writes it: the [IKE2] lines of seed 004 from the engine's events, everything else by its text.
import type { Did, Event, Subject } from '../../ike/event.ts';
import type { Numbers } from '../yamaha.ts';

/** How the configuration numbers a connection. */
type NumbersOf = (connection: string) => Numbers;

function prefix(about: Subject | undefined, numbers: NumbersOf): string {
  switch (about?.kind) {
    case 'ike':
      return `SA:${about.sa}/IKE `;
    case 'child':
      return `SA:${about.sa}/CHLD_${about.direction.toUpperCase()} `;
    case 'exchange': {
      const gateway = about.connection === undefined ? '*' : numbers(about.connection).gateway;
      return `GW:${gateway}/SA:${about.sa}/${about.exchange} `;
    }
    case 'isakmp':
      return `GW:${numbers(about.connection).gateway} `;
    default:
      return '';
  }
}

/** IKEv1's lines say so by another word. */
function versionOf(about: Subject | undefined): '[IKE]' | '[IKE2]' {
  const old = about?.kind === 'isakmp' || (about?.kind === 'first' && about.version === 1);
  return old ? '[IKE]' : '[IKE2]';
}

/** Octets as lines of sixteen. */
function octets(data: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += 16)
    lines.push(
      `\n  ${[...data.subarray(at, at + 16)].map((o) => o.toString(16).padStart(2, '0')).join(' ')}`,
    );
  return lines.join('');
}

const PAYLOADS: Readonly<Record<string, string>> = {
  ...{
    idi: 'IDi',
    idr: 'IDr',
    tsi: 'TSi',
    tsr: 'TSr',
    nonce: 'NONCE',
    vendor: 'Vendor ID',
    sk: 'SK',
    skf: 'SKF',
  },
  ...{ notify: 'Notify', delete: 'Delete', certreq: 'CERTREQ', 'nat-d': 'NAT-D', unknown: 'unknown' },
};

const DOES = { send: 'generate', receive: 'process' } as const;

function words(e: Did, numbers: NumbersOf): string {
  switch (e.did) {
    case 'assigned':
      return 'temporarily assigned';
    case 'established':
    case 'deleted':
      return e.did;
    case 'dead-peer':
      return 'dead peer detection';
    case 'started':
    case 'terminated':
      return `exchange ${e.did}`;
    case 'bound':
      return `bound on SA:${e.sa}/IKE${e.changed ? ' (changed)' : ''}`;
    case 'gateway':
      return `assigned gateway GW:${numbers(e.connection).gateway}`;
    case 'policy': {
      const { tunnel, policy } = numbers(e.connection);
      return `assigned policy TN:${tunnel}/PY:${policy}`;
    }
    case 'nat':
      return `${e.found ? '' : 'no '}NAT box detected at ${e.side} side`;
    case 'request-again':
      return `iWindow retransmit request[msgID:${e.messageId} cnt:${e.count}]`;
    case 'request-timeout':
      return `iWindow retransmission timed out[msgID:${e.messageId}]`;
    case 'response-again':
      return `rWindow retransmit response[msgID:${e.messageId}]`;
    case 'dropped':
      return `${e.window}Window dropped message[msgID:${e.messageId}]`;
    case 'no-ike-sa':
      return 'cannot find or create IKE SA';
    case 'no-keys':
      return 'not exists SKEYs';
    case 'wrong-integrity':
      return 'authentication is wrong';
    case 'auth-method':
    case 'auth-data':
      return `unmatched ${e.did.replace('-', ' ')}`;
    case 'broken':
      return `cannot process ${e.payload} payload`;
    case 'missing':
      return `${e.payload} payload is not contained`;
    case 'unacceptable':
      return `cannot accept ${e.payload} payload`;
    case 'unknown-child':
      return `not found CHILD SA, ignored(SPI:${e.spi.toString(16).padStart(8, '0')})`;
    case 'keepalive-sent':
      return 'send keepalive';
    case 'keepalive-received':
      return 'received keepalive';
    case 'rekey-inhibited':
      return 'inhibited rekey (newer SA exists)';
    case 'message':
      return `${e.way} message:${octets(e.data)}`;
    case 'plain': {
      const what = e.way === 'send' ? 'encrypting' : 'decrypted';
      return `${what} message: (pad size:${e.padding}):${octets(e.data)}`;
    }
    case 'header':
      return `${DOES[e.way]} IKE header[msgID:${e.messageId}]`;
    case 'payload':
      return `${DOES[e.way]} ${PAYLOADS[e.payload] ?? e.payload.toUpperCase()} payload`;
    case 'input':
      return `${e.name}:${octets(e.data)}`;
    case 'key':
      return `${e.name}: (${e.octets} octets; whole by "export keys")`;
  }
}

/** "[IKE2] GW:1/SA:3/INIT exchange started" */
export function eventLine(event: Event, numbers: NumbersOf): string {
  return `${versionOf(event.about)} ${prefix(event.about, numbers)}${words(event, numbers)}`;
}

/** "2026/11/22 01:02:03: message", local time. */
export function yamahaLine(time: Date, message: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('/');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${day} ${clock}: ${message}`;
}
