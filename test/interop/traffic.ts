// Traffic between namespaces, measured: pings, a checksummed transfer, a rate.

import { join } from 'node:path';
import type { Ns } from './netns.ts';
import { type Proc, sleep } from './proc.ts';

export type PingOptions = {
  /** Payload octets; the ICMP and IP headers come on top. */
  size?: number;
  /** Address or device to send from. */
  source?: string;
  /** Forbid fragmentation, here and on the way. */
  dontFragment?: boolean;
};
/** The average round trip is NaN when nothing came back. */
export type PingResult = { sent: number; received: number; lossPercent: number; rttAvgMs: number };
/**
 * `lost`: sequence numbers from 1 without an answer, in order; `twice`: those with more than one. `longestGapMs`: the
 * longest time without an answer, from the first answer to the end; how long an outage was, since ping slows down while
 * answers are missing.
 */
export type PingTrace = {
  sent: number;
  received: number;
  lost: number[];
  twice: number[];
  longestGapMs: number;
};

/** Whether one echo request was answered within `timeoutMs`. Unreachable counts as no. */
export async function pingOnce(
  ns: Ns,
  dest: string,
  options: PingOptions & { timeoutMs?: number } = {},
): Promise<boolean> {
  const wait = String((options.timeoutMs ?? 1000) / 1000);
  const command = ['ping', '-n', '-q', '-c', '1', '-W', wait, ...flags(options), dest];
  return (await ns.exec(command, { allowFail: true })).code === 0;
}

/** Tries until an answer comes; false when none did within `timeoutMs`. */
export async function pingUntil(
  ns: Ns,
  dest: string,
  timeoutMs = 10_000,
  options: PingOptions = {},
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!(await pingOnce(ns, dest, { ...options, timeoutMs: 500 }))) {
    if (performance.now() > end) return false;
    await sleep(50);
  }
  return true;
}

/** Sends `count` requests, one every `intervalMs`, and waits for the last ones as long as ping does (2 s). */
export async function ping(
  ns: Ns,
  dest: string,
  options: PingOptions & { count?: number; intervalMs?: number } = {},
): Promise<PingResult> {
  const { count = 10, intervalMs = 20 } = options;
  const pace = ['-c', String(count), '-i', String(intervalMs / 1000), '-W', '2'];
  const { stdout, stderr } = await ns.exec(['ping', '-n', '-q', ...pace, ...flags(options), dest], {
    allowFail: true,
    timeoutMs: count * Math.max(intervalMs, 20) + 15_000,
  });
  const [sent, received] = summary(stdout, stderr);
  const rttAvgMs = Number(/^rtt [^=]*= [\d.]+\/([\d.]+)/m.exec(stdout)?.[1] ?? Number.NaN);
  return { sent, received, lossPercent: (100 * (sent - received)) / sent, rttAvgMs };
}

/**
 * Pings until a round loses nothing, three rounds at most: just after a tunnel came up, a userland peer on a busy machine
 * may lose a packet. Tests of renewals use continuousPing, which forgives nothing.
 */
export async function steadyPing(...[ns, dest, options]: Parameters<typeof ping>): Promise<PingResult> {
  let result = await ping(ns, dest, options);
  for (let round = 1; round < 3 && result.received < result.sent; round++)
    result = await ping(ns, dest, options);
  return result;
}

/** A ping that goes on until it is stopped, keeping account of every sequence number. */
export class ContinuousPing {
  #proc: Proc;

  constructor(proc: Proc) {
    this.#proc = proc;
  }

  /** The answers so far. */
  get received(): number {
    return answers(this.#proc.stdout).size;
  }

  /**
   * Requests of the last `inFlightMs` without an answer do not count as sent: they may have been on their way
   * when ping was stopped.
   */
  async stop(inFlightMs = 300): Promise<PingTrace> {
    const stopped = Date.now() / 1000;
    await this.#proc.stop('SIGINT');
    const { stdout, stderr } = this.#proc;
    const seen = answers(stdout);
    const waiting = overdue(stdout);
    let [sent] = summary(stdout, stderr);
    // Without a notice it was the very last one.
    while (sent > 0 && !seen.has(sent) && (waiting.get(sent) ?? stopped) > stopped - inFlightMs / 1000)
      sent--;
    const lost: number[] = [];
    for (let sequence = 1; sequence <= sent; sequence++) if (!seen.has(sequence)) lost.push(sequence);
    return {
      sent,
      received: sent - lost.length,
      lost,
      twice: [...times(stdout, /^\[([\d.]+)\] .*?icmp_seq=(\d+) .*\(DUP!\)/gm).keys()],
      longestGapMs: longestGap([...seen.values(), stopped]),
    };
  }
}

/**
 * `intervalMs` is a wish: ping rounds up to the kernel's ticks. At most 65,535 requests: ICMP's sequence
 * number has 16 bits, and the account would wrap.
 */
export function continuousPing(
  ns: Ns,
  dest: string,
  intervalMs: number,
  options: PingOptions = {},
): ContinuousPing {
  const pace = ['-c', '65535', '-i', String(intervalMs / 1000)];
  return new ContinuousPing(ns.spawn(['ping', '-n', '-D', '-O', ...pace, ...flags(options), dest]));
}

export type Transfer = { sha256Sent: string; sha256Received: string; received: number; seconds: number };

/** Sends pseudo-random bytes over TCP, the same for the same seed; `seconds` as the receiver saw it. */
export async function transfer(
  fromNs: Ns,
  toNs: Ns,
  toAddress: string,
  port: number,
  bytes: number,
  options: { timeoutMs?: number; seed?: number } = {},
): Promise<Transfer> {
  const { timeoutMs = 60_000, seed = 1 } = options;
  const end = (role: string, ...more: string[]) => [...TCP_BLOB, role, toAddress, String(port), ...more];
  const receiver = toNs.spawn(end('receive'));
  try {
    await receiver.waitOutput(/^listening$/m);
    const sent = await fromNs.exec(end('send', String(bytes), String(seed)), { timeoutMs });
    await receiver.waitOutput(/^\{.*\}$/m);
    const received = JSON.parse(receiver.stdout.split('\n')[1]);
    const sha256Sent: string = JSON.parse(sent.stdout).sha256;
    return {
      sha256Sent,
      sha256Received: received.sha256,
      received: received.bytes,
      seconds: received.seconds,
    };
  } finally {
    await receiver.stop();
  }
}

export type Iperf3Options = { seconds?: number; streams?: number; reverse?: boolean; port?: number };

/** TCP throughput in Gbit/s as the receiving end saw it; `reverse`: the server sends. */
export async function iperf3(
  clientNs: Ns,
  serverNs: Ns,
  address: string,
  options: Iperf3Options = {},
): Promise<number> {
  const { seconds = 5, streams = 1, reverse = false, port = 5201 } = options;
  const server = serverNs.spawn(['iperf3', '-s', '-1', '-p', String(port), '--forceflush']);
  try {
    await server.waitOutput(/listening/i);
    const load = ['-t', String(seconds), '-P', String(streams), ...(reverse ? ['-R'] : [])];
    const command = ['iperf3', '-J', '-c', address, '-p', String(port), ...load];
    const { stdout } = await clientNs.exec(command, { allowFail: true, timeoutMs: (seconds + 20) * 1000 });
    const report = JSON.parse(stdout);
    if (report.error) throw new Error(`iperf3 to ${address}: ${report.error}`);
    return report.end.sum_received.bits_per_second / 1e9;
  } finally {
    await server.stop();
  }
}

/**
 * Test runners start under older Nodes too, which cannot run TypeScript; the repository has one that
 * does.
 */
const NODE = process.features.typescript
  ? process.execPath
  : join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'node');
const TCP_BLOB = [NODE, join(import.meta.dirname, 'tcp-blob.ts')];

function flags(options: PingOptions): string[] {
  return [
    ...(options.size === undefined ? [] : ['-s', String(options.size)]),
    ...(options.source === undefined ? [] : ['-I', options.source]),
    ...(options.dontFragment ? ['-M', 'do'] : []),
  ];
}

function summary(stdout: string, stderr: string): [sent: number, received: number] {
  const match = /^(\d+) packets transmitted, (\d+) received/m.exec(stdout);
  if (!match) throw new Error(`ping says nothing of use: ${stdout}${stderr}`.trim());
  return [Number(match[1]), Number(match[2])];
}

/**
 * When each sequence number was answered: "[1795308803.275266] 64 bytes from 10.2.0.2: icmp_seq=1 ttl=64
 * time=0.04 ms".
 */
function answers(output: string): Map<number, number> {
  return times(output, /^\[([\d.]+)\] \d+ bytes from .*?icmp_seq=(\d+) .*time=/gm);
}

/**
 * When ping missed an answer, about one interval after the request: "[1795308803.3] no answer yet for
 * icmp_seq=1".
 */
function overdue(output: string): Map<number, number> {
  return times(output, /^\[([\d.]+)\] no answer yet for icmp_seq=(\d+)/gm);
}

function times(output: string, pattern: RegExp): Map<number, number> {
  return new Map(
    Array.from(output.matchAll(pattern), ([, time, sequence]) => [Number(sequence), Number(time)]),
  );
}

function longestGap(seconds: number[]): number {
  const order = seconds.sort((a, b) => a - b);
  return Math.max(0, ...order.slice(1).map((time, n) => (time - order[n]) * 1000));
}
