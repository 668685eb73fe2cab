// The control socket: one JSON request a line, one JSON answer a line. Who asks is known from the socket itself.
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { loadNative } from '../dataplane/native.ts';
import type { Answer, Caller, Request } from './protocol.ts';

/** A configuration of 100,000 lines fits; more is no request. */
const MAX_REQUEST = 32 << 20;

const GROUP = 'sekisho';

/** Its members may change things. */
const ADMINISTRATORS = 'sekisho-admin';

export type Handler = (request: Request, caller: Caller) => Promise<Answer>;

export async function listen(path: string, handle: Handler): Promise<Server> {
  if (await answers(path))
    throw new Error(`another router listens at ${path}: stop it, or give --socket PATH`);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  rmSync(path, { force: true });
  const server = createServer((socket) => serve(socket, handle));
  // Nobody may connect before mode and group are right.
  const mask = process.umask(0o177);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  }).finally(() => process.umask(mask));
  const gid = groupId(GROUP);
  if (gid !== undefined) chownSync(path, process.getuid?.() ?? 0, gid);
  chmodSync(path, 0o660);
  return server;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

/** The fields of a name's line in a table like /etc/group. */
function fieldsOf(table: string, is: (fields: readonly string[]) => boolean): readonly string[] | undefined {
  return readFileSync(table, 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(is);
}

function groupId(name: string): number | undefined {
  const fields = fieldsOf('/etc/group', ([own]) => own === name);
  return fields && Number(fields[2]);
}

/** SO_PEERCRED: the kernel's word for who connected. */
function callerOf(socket: Socket): Caller {
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
  const uid = loadNative().peerUid(fd);
  const name = fieldsOf('/etc/passwd', (f) => f[2] === String(uid))?.[0];
  const members = fieldsOf('/etc/group', ([own]) => own === ADMINISTRATORS)?.[3]?.split(',') ?? [];
  const admin = uid === 0 || uid === process.getuid?.() || (name !== undefined && members.includes(name));
  return { role: admin ? 'admin' : 'user', name: name ?? `uid ${uid}` };
}

function serve(socket: Socket, handle: Handler): void {
  const caller = callerOf(socket);
  let pending = '';
  socket.setEncoding('utf8');
  socket.on('error', () => {}); // A caller that goes away takes its answer with it.
  socket.on('data', (chunk: string) => {
    pending += chunk;
    if (pending.length > MAX_REQUEST) return socket.destroy();
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      reply(socket, line, caller, handle);
    }
  });
}

async function reply(socket: Socket, line: string, caller: Caller, handle: Handler): Promise<void> {
  let answer: Answer;
  try {
    answer = await handle(JSON.parse(line) as Request, caller);
  } catch (e) {
    answer = {
      ok: false,
      error: e instanceof SyntaxError ? 'The request is no JSON.' : (e as Error).message,
    };
  }
  if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
}
