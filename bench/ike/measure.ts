// One visit of a responder: so many set-ups a second, or so much memory.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../../test/interop/certificates.ts';
import type { Ns } from '../../test/interop/netns.ts';
import { type Proc, sleep, until } from '../../test/interop/proc.ts';
import { processTime } from '../system/cpu.ts';
import type { Rate, Task } from './initiator.ts';
import type { Kind } from './kinds.ts';
import { CERTIFICATES, pin, type ResponderName, START } from './responders.ts';
import { type Net, peerAddress, peerNetwork, RESPONDER, visit } from './topology.ts';

const INITIATOR = new URL('initiator.ts', import.meta.url).pathname;

/** Half-open SAs from which on ours asks for cookies: 32, charon: 30, and 3 of one address. */
const PARALLEL = 16;
const WARMUP_MS = 2000;

/** 1,000 is what a configuration may hold, with a dataplane's tunnel each. */
export const IDLE = { peers: 1000, each: 10 } as const;
/** Longer than the 20 s between two questions whether a peer lives. */
const IDLE_MS = 30_000;

/** Responder and initiator have a processor each, so that neither takes the other's time. */
const RESPONDER_CPU = 0;
const INITIATOR_CPU = 1;

export function measureRate(name: ResponderName, kind: Kind, seconds: number): Promise<Rate> {
  return visit('ike', async (net) => {
    const ca = kind.auth === 'rsa' ? authority(net) : undefined;
    const responder = await START[name](net, kind, PARALLEL, ca);
    await pin(net, responder, RESPONDER_CPU);
    const measure = { warmupMs: WARMUP_MS, ms: seconds * 1000, responder };
    const [certificate, key] = ['pem', 'key'].map((end) => ca?.path(`${CERTIFICATES.peers}.${end}`) ?? '');
    const files = ca && { files: { certificate, key } };
    const initiator = initiate(net, { kind, ...files, peers: peers(PARALLEL), parallel: PARALLEL, measure });
    return result<Rate>(initiator, WARMUP_MS + seconds * 1000 + 30_000);
  });
}

/** One certificate for the responder, and one for all the peers. */
function authority(net: Net): Authority {
  const ca = new Authority(join(net.lab.tmp, 'pki'));
  ca.issue([CERTIFICATES.responder, RESPONDER], 'rsa-2048');
  ca.issue([CERTIFICATES.peers, ...peers(PARALLEL).map((p) => p.address)], 'rsa-2048');
  return ca;
}

/** Memory in MB (1,000,000 octets), CPU as a share of one processor. */
export type Idle = {
  readonly before: number;
  readonly made: number;
  readonly after: number;
  /** While nothing but signs of life is exchanged. */
  readonly busy: number;
};

export function measureIdle(name: ResponderName, kind: Kind): Promise<Idle> {
  return visit('ike', async (net) => {
    const responder = await START[name](net, kind, IDLE.peers);
    const before = resident(responder);
    const task: Task = { kind, peers: peers(IDLE.peers), parallel: PARALLEL, each: IDLE.each };
    const initiator = initiate(net, task);
    const { made } = await result<{ made: number }>(initiator, 300_000);
    const cpu = processTime(responder);
    await sleep(IDLE_MS);
    if (!initiator.running) throw new Error(initiator.stderr);
    const busy = (processTime(responder) - cpu) / (IDLE_MS / 1000);
    return { before, made, after: resident(responder), busy };
  });
}

function peers(count: number) {
  return Array.from({ length: count }, (_, n) => ({ address: peerAddress(n), network: peerNetwork(n) }));
}

function initiate(net: Net, task: Task): Proc {
  return inNode(net.initiator, INITIATOR, JSON.stringify(task));
}

function inNode(ns: Ns, ...args: string[]): Proc {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
  return ns.spawn(['taskset', '-c', String(INITIATOR_CPU), ...node, ...args], { stdin: 'pipe' });
}

async function result<T>(proc: Proc, ms: number): Promise<T> {
  const done = () => proc.stdout.includes('\n') || !proc.running;
  await until(done, ms, () => 'the initiator does not come to an end');
  if (!proc.stdout.includes('\n')) {
    await proc.exited;
    throw new Error(proc.stderr.trim());
  }
  return JSON.parse(proc.stdout) as T;
}

/** Resident memory, of which /proc tells kB of 1,024. */
function resident(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return (Number(line?.[1]) * 1024) / 1e6;
}
