// A process in the initiator's namespace that plays many peers: `node initiator.ts TASK`, TASK and what it prints are JSON.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { EXCHANGE, FLAG } from '../../src/ike/wire/numbers.ts';
import { decode, find, type Message } from '../../src/ike/wire/v2.ts';
import { hex, Reader } from '../../src/net/bytes.ts';
import { processTime } from '../system/cpu.ts';
import { HALVES } from './half.ts';
import type { Kind } from './kinds.ts';
import { type Peer, type Proof, Setup } from './setup.ts';
import { RESPONDER } from './topology.ts';

export type Task = {
  readonly kind: Kind;
  /** PEM files of the peers' certificate and its key. */
  readonly files?: { readonly certificate: string; readonly key: string };
  readonly peers: readonly Peer[];
  /** Set-ups under way at any time: fewer than the half-open SAs from which on either responder asks for cookies. */
  readonly parallel: number;
} & (
  | {
      /** Set up, delete, and again, each peer by itself. */
      readonly measure: { readonly warmupMs: number; readonly ms: number; readonly responder: number };
    }
  | {
      /** So many SAs of each peer, and then only signs of life until standard input ends. */
      readonly measure?: undefined;
      readonly each: number;
    }
);

/** CPU times in seconds. */
export type Rate = {
  readonly setups: number;
  readonly seconds: number;
  readonly responderCpu: number;
  readonly initiatorCpu: number;
  /** From the first message to the answer of IKE_AUTH, milliseconds. */
  readonly latency: number;
};

const PORT = 4500;
/** RFC 3948 2.2. */
const MARKER = new Uint8Array(4);
/** A request is repeated after so long, and so often: a busy machine's sockets lose a packet now and then. */
const PATIENCE_MS = 2000;
const TRIES = 10;
/** One answer in so many is verified to the last octet; the others only by what shows in the clear. */
const VERIFY_EVERY = 32;

type Waiting = {
  readonly messageId: number;
  readonly resolve: (answer: { message: Message; octets: Uint8Array }) => void;
};

class Sockets {
  readonly #sockets = new Map<string, Socket>();
  /** By the initiator's SPI. */
  readonly #setups = new Map<string, { setup: Setup; waiting?: Waiting }>();

  async open(address: string): Promise<void> {
    const socket = createSocket('udp4');
    socket.on('message', (data) => this.#received(address, data));
    socket.bind(PORT, address);
    await once(socket, 'listening');
    this.#sockets.set(address, socket);
  }

  /** Sends a request and resolves with its answer. */
  async ask(setup: Setup, request: Uint8Array): Promise<{ message: Message; octets: Uint8Array }> {
    const entry: { setup: Setup; waiting?: Waiting } = { setup };
    this.#setups.set(hex(setup.spiI), entry);
    const { address } = setup.peer;
    const answer = new Promise<{ message: Message; octets: Uint8Array }>((resolve, reject) => {
      let tries = 1;
      const timer = setInterval(() => {
        if (tries++ < TRIES) return this.#send(address, request);
        clearInterval(timer);
        reject(new Error(`no answer to ${address} (${TRIES} tries)`));
      }, PATIENCE_MS);
      entry.waiting = {
        messageId: new Reader(request, 20).u32(),
        resolve: (message) => {
          clearInterval(timer);
          resolve(message);
        },
      };
    });
    this.#send(address, request);
    return answer;
  }

  forget(setup: Setup): void {
    this.#setups.delete(hex(setup.spiI));
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }

  #send(address: string, data: Uint8Array): void {
    this.#sockets.get(address)!.send([MARKER, data], PORT, RESPONDER);
  }

  #received(address: string, datagram: Uint8Array): void {
    const octets = datagram.subarray(MARKER.length);
    const decoded = decode(octets);
    if (!decoded.ok) return;
    const message = decoded.value;
    const { header } = message;
    const entry = this.#setups.get(hex(header.spiI));
    if (!entry) return;
    if (header.flags & FLAG.RESPONSE) {
      // Not the second copy of an answer to the request before.
      if (entry.waiting?.messageId === header.messageId) entry.waiting.resolve({ message, octets });
      return;
    }
    // The responder's own request: whether we live.
    if (header.exchange !== EXCHANGE.INFORMATIONAL || find(message.payloads, 'sk')?.first !== 0)
      throw new Error(`the responder asks ${address} for more than a sign of life`);
    this.#send(address, entry.setup.alive(header.messageId));
  }
}

async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2]) as Task;
  const sockets = new Sockets();
  for (const { address } of task.peers) await sockets.open(address);
  const half = HALVES[task.kind.group]();
  const own: Proof | undefined = task.files && {
    certificate: new Uint8Array(new X509Certificate(readFileSync(task.files.certificate)).raw),
    key: createPrivateKey(readFileSync(task.files.key)),
  };
  let made = 0;
  let waited = 0;
  const one = async (peer: Peer): Promise<Setup> => {
    const setup = new Setup(peer, task.kind, half, own);
    const begin = performance.now();
    const init = await sockets.ask(setup, setup.init());
    const auth = await sockets.ask(setup, setup.onInit(init.message, init.octets));
    setup.onAuth(auth.message, auth.octets, made++ % VERIFY_EVERY === 0);
    waited += performance.now() - begin;
    return setup;
  };

  if (!task.measure) {
    // Round by round: many at once from one address look like an attack.
    const todo = Array.from({ length: task.each }, () => task.peers)
      .flat()
      .values();
    const begin = performance.now();
    const loop = async () => {
      for (const peer of todo) await one(peer);
    };
    await Promise.all(Array.from({ length: task.parallel }, loop));
    say({ made, seconds: (performance.now() - begin) / 1000 });
    process.stdin.resume();
    await once(process.stdin, 'end');
    return sockets.close();
  }

  const { warmupMs, ms, responder } = task.measure;
  let done = false;
  const loop = async (peer: Peer) => {
    while (!done) {
      const setup = await one(peer);
      await sockets.ask(setup, setup.delete());
      sockets.forget(setup);
    }
  };
  const now = () => ({
    made,
    waited,
    at: performance.now(),
    responder: processTime(responder),
    initiator: processTime(process.pid),
  });
  const loops = Promise.all(task.peers.slice(0, task.parallel).map(loop));
  const clock = (async () => {
    await new Promise((resolve) => setTimeout(resolve, warmupMs));
    const begin = now();
    await new Promise((resolve) => setTimeout(resolve, ms));
    const end = now();
    done = true;
    const setups = end.made - begin.made;
    const rate: Rate = {
      setups,
      seconds: (end.at - begin.at) / 1000,
      responderCpu: end.responder - begin.responder,
      initiatorCpu: end.initiator - begin.initiator,
      latency: (end.waited - begin.waited) / setups,
    };
    return rate;
  })();
  const [rate] = await Promise.all([clock, loops]);
  say(rate);
  sockets.close();
}

function say(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`initiator: ${error.message}\n`);
  process.exit(1);
});
