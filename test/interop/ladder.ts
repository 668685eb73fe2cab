// Message ladders as seed 001 draws them: packets and their order off the wire, what is in them out of charon's log.
import { EXCHANGE } from '../../src/ike/wire/numbers.ts';
import type { Ns } from './netns.ts';
import type { Proc } from './proc.ts';

/** `-->` comes from the router that stands in SEIL's place, `<--` from its peer. */
type Packet = {
  readonly direction: '-->' | '<--';
  readonly exchange: number;
  readonly messageId: number;
  /** The ISAKMP header's Length: without the Non-ESP Marker on port 4500. */
  readonly octets: number;
};

export type Rung = Packet & {
  /** The router's port and the peer's. */
  readonly ports: readonly [router: number, peer: number];
  /** In charon's words: [SA, V, V, V, V]; [?] when charon could not read it, or was dead. */
  readonly payloads: readonly string[];
};

const NAMES: Readonly<Record<number, string>> = {
  [EXCHANGE.IDENTITY_PROTECTION]: 'Identity Protection',
  [EXCHANGE.INFORMATIONAL_V1]: 'Informational',
  [EXCHANGE.QUICK_MODE]: 'Quick Mode',
};

const CHARON: Readonly<Record<string, number>> = {
  ID_PROT: EXCHANGE.IDENTITY_PROTECTION,
  INFORMATIONAL_V1: EXCHANGE.INFORMATIONAL_V1,
  QUICK_MODE: EXCHANGE.QUICK_MODE,
};

const MARKER = 4;
const FILTER = 'ip and udp and (port 500 or (port 4500 and udp[8:4] = 0))';

/** Watches IKE on a device. */
export class Wire {
  readonly #dump: Proc;
  readonly #router: string;

  private constructor(dump: Proc, router: string) {
    this.#dump = dump;
    this.#router = router;
  }

  /** `router` is the outer address that our router has there. */
  static async watch(ns: Ns, dev: string, router: string): Promise<Wire> {
    const dump = ns.spawn(['tcpdump', '-lnx', '--immediate-mode', '-i', dev, FILTER]);
    await dump.waitOutput(/listening on/);
    return new Wire(dump, router);
  }

  /** All so far. What goes over the wire twice, octet for octet, is a repetition and left out. */
  ladder(charonLog: string): Rung[] {
    const contents = contentsOf(charonLog);
    const seen = new Set<string>();
    const rungs: Rung[] = [];
    for (const text of this.#dump.stdout.split(/^(?=\S)/m)) {
      const lines = Array.from(text.matchAll(/^\t0x\w+: {2}(.*)$/gm), ([, octets]) => octets);
      const ip = Buffer.from(lines.join('').replaceAll(' ', ''), 'hex');
      // A heading, or a packet that is still being written.
      if (ip.length < 20 || ip.length < ip.readUInt16BE(2)) continue;
      const udp = ip.subarray((ip[0] & 15) * 4);
      const [from, to] = [udp.readUInt16BE(0), udp.readUInt16BE(2)];
      const isakmp = udp.subarray(8 + (from === 500 || to === 500 ? 0 : MARKER));
      if (seen.has(isakmp.toString('hex'))) continue;
      seen.add(isakmp.toString('hex'));
      const ours = ip.subarray(12, 16).join('.') === this.#router;
      const packet: Packet = {
        direction: ours ? '-->' : '<--',
        exchange: isakmp[18],
        messageId: isakmp.readUInt32BE(20),
        octets: isakmp.readUInt32BE(24),
      };
      const payloads = contents.get(keyOf(packet))?.shift() ?? ['?'];
      rungs.push({ ...packet, ports: ours ? [from, to] : [to, from], payloads });
    }
    return rungs;
  }

  /**
   * One line a message: `--> 500 Identity Protection 360: SA V V V V`. The lengths of charon's own messages are left
   * to charon. Ports that differ are both named.
   */
  text(charonLog: string): string[] {
    return this.ladder(charonLog).map(({ direction, exchange, payloads, ports, octets }) => {
      const port = ports[0] === ports[1] ? ports[0] : `${ports[0]}/${ports[1]}`;
      const length = direction === '-->' ? ` ${octets}` : '';
      return `${direction} ${port} ${NAMES[exchange]}${length}: ${payloads.join(' ')}`;
    });
  }
}

function keyOf({ direction, exchange, messageId, octets }: Packet): string {
  return `${direction} ${exchange} ${messageId} ${octets}`;
}

const PACKET = /^(received|sending) packet: from \S+ to \S+ \((\d+) bytes\)/;
const MESSAGE = /^(parsed|generating) (\w+) (?:request|response) (\d+) \[ (.*?) \]/;

/** The payloads of each packet that charon read or wrote: two lines of one of its threads. */
function contentsOf(log: string): Map<string, string[][]> {
  const contents = new Map<string, string[][]>();
  const add = (direction: Packet['direction'], octets: string, message: RegExpExecArray) => {
    const [, , exchange, messageId, payloads] = message;
    const key = keyOf({
      direction,
      exchange: CHARON[exchange],
      messageId: Number(messageId),
      octets: Number(octets),
    });
    contents.set(key, [...(contents.get(key) ?? []), payloads.split(' ')]);
  };
  const threads = new Map<string, { received?: string; generated?: RegExpExecArray }>();
  for (const [, thread, text] of log.matchAll(/(\d\d)\[(?:NET|ENC)\] (.*)$/gm)) {
    const packet = PACKET.exec(text);
    const message = MESSAGE.exec(text);
    const { received, generated } = threads.get(thread) ?? {};
    if (packet?.[1] === 'received') threads.set(thread, { received: packet[2] });
    else if (message?.[1] === 'generating') threads.set(thread, { generated: message });
    else if (message && received) add('-->', received, message);
    else if (packet && generated) {
      add('<--', packet[2], generated);
      threads.delete(thread);
    }
  }
  return contents;
}
