// The log as a Yamaha writes it: the [IKE2] lines of seed 004 from the engine's events, everything else by its text.
import type { Did, Event, Subject } from '../../ike/event.ts';

/** Gateways and tunnels count from 1; a policy is 100 beyond its tunnel. */
const numberOf = (connection: string) => Number(/\d+$/.exec(connection)?.[0] ?? 0) + 1;

function prefix(about: Subject | undefined): string {
  switch (about?.kind) {
    case 'ike':
      return `SA:${about.sa}/IKE `;
    case 'child':
      return `SA:${about.sa}/CHLD_${about.direction.toUpperCase()} `;
    case 'exchange': {
      const gateway = about.connection === undefined ? '*' : numberOf(about.connection);
      return `GW:${gateway}/SA:${about.sa}/${about.exchange} `;
    }
    default:
      return '';
  }
}

function words(e: Did): string {
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
      return `assigned gateway GW:${numberOf(e.connection)}`;
    case 'policy':
      return `assigned policy TN:${numberOf(e.connection)}/PY:${100 + numberOf(e.connection)}`;
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
  }
}

/** "[IKE2] GW:1/SA:3/INIT exchange started" */
export function eventLine(event: Event): string {
  return `[IKE2] ${prefix(event.about)}${words(event)}`;
}

/** "2026/11/22 01:02:03: message", local time. */
export function yamahaLine(time: Date, message: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('/');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return `${day} ${clock}: ${message}`;
}
