// The UDP socket of a probe: from a host name to questions and answers, with retransmissions and a polite rate.
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { PORT_IKE } from '../ike/wire/numbers.ts';
import { addressBytes, formatAddress } from '../net/address.ts';
import type { Endpoint } from '../net/endpoint.ts';
import type { Answer, Exchange } from './exchange.ts';

export const DEFAULT_PORT = PORT_IKE;

/** What a person can do something about: one sentence. */
export class CannotProbe extends Error {}

/** At most ten datagrams a second. */
const GAP_MS = 100;
/** One question goes out this often; waits grow twofold. */
const TRIES = 4;
/** Datagrams for one version. */
const MAX_DATAGRAMS = 40;

export type SocketOptions = {
  readonly host: string;
  readonly port: number;
  /** 0: any. */
  readonly sourcePort: number;
  /** Until a question counts as unanswered. */
  readonly seconds: number;
};

export class ProbeSocket {
  readonly #socket: Socket;
  readonly #options: SocketOptions;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  #sent = 0;
  #lastAt = 0;
  #onMessage: ((data: Uint8Array) => void) | undefined;
  #onError: ((e: NodeJS.ErrnoException) => void) | undefined;

  private constructor(socket: Socket, options: SocketOptions, remote: Endpoint) {
    const { address, port } = socket.address();
    this.#socket = socket;
    this.#options = options;
    this.local = { address: canonical(address), port };
    this.remote = remote;
    socket.on('message', (data) => this.#onMessage?.(new Uint8Array(data)));
    socket.on('error', (e) => this.#onError?.(e));
  }

  static async open(options: SocketOptions): Promise<ProbeSocket> {
    const { host, port, sourcePort } = options;
    const address = await resolve(host);
    const family = isIP(address.split('%')[0]);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    await new Promise<void>((done, fail) => {
      socket.once('error', (e: NodeJS.ErrnoException) => fail(new CannotProbe(cannotOpen(e, options))));
      // Connected, so that the kernel tells of ICMP and of the address that we send from.
      socket.bind(sourcePort, () =>
        socket.connect(port, address, (e?: NodeJS.ErrnoException) =>
          e ? fail(new CannotProbe(cannotOpen(e, options))) : done(),
        ),
      );
    }).catch((e) => {
      socket.close();
      throw e;
    });
    socket.removeAllListeners('error');
    return new ProbeSocket(socket, options, { address: canonical(address), port });
  }

  get sent(): number {
    return this.#sent;
  }

  close(): void {
    this.#socket.close();
  }

  /** An exchange with a packet count of its own. */
  exchange(): Exchange {
    const end = this.#sent + MAX_DATAGRAMS;
    return {
      local: this.local,
      remote: this.remote,
      random: (n) => new Uint8Array(randomBytes(n)),
      left: () => end - this.#sent,
      ask: (message, fits) => this.#ask(message, fits, end),
    };
  }

  async #ask(message: Uint8Array, fits: (data: Uint8Array) => boolean, end: number): Promise<Answer> {
    // Waits of 1, 2, 4 and 8 parts of the time.
    const unit = (this.#options.seconds * 1000) / (2 ** TRIES - 1);
    for (let n = 0; n < TRIES && this.#sent < end; n++) {
      await this.#pause();
      const answer = await this.#once(message, fits, unit * 2 ** n);
      if (answer) return answer;
    }
    return { kind: 'silence' };
  }

  async #pause(): Promise<void> {
    const wait = this.#lastAt + GAP_MS - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    this.#lastAt = performance.now();
  }

  #once(
    message: Uint8Array,
    fits: (data: Uint8Array) => boolean,
    waitMs: number,
  ): Promise<Answer | undefined> {
    this.#sent++;
    const began = performance.now();
    return new Promise((resolve) => {
      const end = (answer: Answer | undefined) => {
        clearTimeout(timer);
        this.#onMessage = undefined;
        this.#onError = undefined;
        resolve(answer);
      };
      const timer = setTimeout(() => end(undefined), waitMs);
      this.#onMessage = (data) => {
        if (!fits(data)) return;
        end({ kind: 'answer', data, milliseconds: Math.round((performance.now() - began) * 100) / 100 });
      };
      const failed = (e: NodeJS.ErrnoException) => end({ kind: 'unreachable', why: why(e, this.remote) });
      this.#onError = failed;
      this.#socket.send(message, (e) => {
        if (e) failed(e as NodeJS.ErrnoException);
      });
    });
  }
}

async function resolve(host: string): Promise<string> {
  if (isIP(host.split('%')[0])) return host;
  try {
    return (await lookup(host)).address;
  } catch (e) {
    const code = (e as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOTFOUND' ? 'there is no such name' : code === 'EAI_AGAIN' ? 'DNS does not answer' : code;
    throw new CannotProbe(`cannot find the address of ${host}: ${why}`);
  }
}

/** Without an interface, in the one spelling that hashes of addresses are made from. */
function canonical(address: string): string {
  return formatAddress(addressBytes(address.split('%')[0]));
}

function cannotOpen(e: NodeJS.ErrnoException, { host, sourcePort }: SocketOptions): string {
  switch (e.code) {
    case 'EACCES':
      return `--source-port ${sourcePort} wants root`;
    case 'EADDRINUSE':
      return `--source-port ${sourcePort} is in use here, by an IKE daemon most likely: leave the option out, or stop that`;
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return `there is no route to ${host}`;
    default:
      return `cannot send to ${host}: ${e.code ?? e.message}`;
  }
}

function why(e: NodeJS.ErrnoException, { address, port }: Endpoint): string {
  switch (e.code) {
    case 'ECONNREFUSED':
      return `${address} says that no program listens on UDP ${port}: no IKE daemon runs there`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${address} cannot be reached: there is no route, or nobody has the address`;
    default:
      return `sending to ${address} failed: ${e.code ?? e.message}`;
  }
}
