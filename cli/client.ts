// The client's end of the control socket.
import { connect } from 'node:net';
import type { Answer, Request } from '../src/daemon/protocol.ts';

/** Sends one request; rejects with one sentence when no router answers, or when nobody waits for the answer any more. */
export function ask(path: string, request: Request, signal?: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    signal?.addEventListener('abort', () => {
      socket.destroy();
      reject(new Error('Interrupted: what the router has begun it carries to its end.'));
    });
    let received = '';
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('data', (chunk: string) => {
      received += chunk;
      if (!received.endsWith('\n')) return;
      socket.end();
      resolve(JSON.parse(received));
    });
    socket.on('close', () => reject(new Error('the router closed the connection without an answer.')));
    socket.on('error', (e: NodeJS.ErrnoException) => {
      const why =
        e.code === 'ENOENT' || e.code === 'ECONNREFUSED'
          ? `no router runs at ${path}: start one with \`sekisho run --config FILE\`, or give --socket PATH.`
          : e.code === 'EACCES'
            ? `you may not use ${path}: be root, or join the group sekisho.`
            : e.message;
      reject(new Error(why));
    });
  });
}
