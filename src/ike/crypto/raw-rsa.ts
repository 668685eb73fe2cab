// Bare RSA (RFC 2409 5.1: the hash itself, PKCS #1 padded), for which node:crypto has no asynchronous form: a thread of
// its own does it, since a key of 4,096 bits takes a small processor some twenty milliseconds.
import { constants, type KeyObject, privateEncrypt } from 'node:crypto';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

type Task = { readonly id: number; readonly key: KeyObject; readonly data: Uint8Array };
type Outcome = { readonly id: number; readonly signature?: Uint8Array; readonly error?: string };
type Waiting = { readonly resolve: (signature: Uint8Array) => void; readonly reject: (e: Error) => void };

let worker: Worker | undefined;
let tasks = 0;
const waiting = new Map<number, Waiting>();

/** The signature of `data`, at most the modulus less 11 octets. Rejects with OpenSSL's complaint. */
export function rawRsa(key: KeyObject, data: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const id = tasks++;
    waiting.set(id, { resolve, reject });
    worker ??= begin();
    worker.postMessage({ id, key, data } satisfies Task);
  });
}

function begin(): Worker {
  const thread = new Worker(new URL(import.meta.url));
  thread.on('message', ({ id, signature, error }: Outcome) => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (signature) one?.resolve(signature);
    else one?.reject(new Error(error));
  });
  thread.on('error', (e) => {
    worker = undefined;
    for (const one of waiting.values()) one.reject(e);
    waiting.clear();
  });
  // It waits for work as long as there is a router, and keeps none from ending. Last: a listener takes the port into account.
  thread.unref();
  return thread;
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  port.on('message', ({ id, key, data }: Task) => {
    const outcome = (): Outcome => {
      try {
        const signature = privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, data);
        return { id, signature: new Uint8Array(signature) };
      } catch (e) {
        return { id, error: (e as Error).message };
      }
    };
    port.postMessage(outcome());
  });
}
