// TCP between a namespace and an emulated guest, which has neither Node nor much else: random octets, summed at both ends.
import { join } from 'node:path';
import type { Ns } from './netns.ts';
import type { PeerVm } from './peervm.ts';

export type Sums = { sent: string; received: string };

export type GuestTcp = {
  /** The guest's address. */
  address: string;
  octets: number;
  /** Octets a second; as fast as it goes without. */
  pace?: number;
};

const TIMEOUT_SECONDS = 60;
/** Every transfer has a port of its own, which also names its files. */
let nextPort = 5001;
const CHUNKS_A_SECOND = 20;

/** The emulated guest takes its time to listen. */
function connect(address: string, port: number): string {
  return `until exec 3<>/dev/tcp/${address}/${port}; do sleep 0.2; done 2>/dev/null`;
}

/** timeout(1) ends the shell's children too, who would hold its output open. */
async function bash(ns: Ns, script: string): Promise<string> {
  const command = ['timeout', String(TIMEOUT_SECONDS), 'bash', '-c', script];
  return (await ns.exec(command, { timeoutMs: (TIMEOUT_SECONDS + 5) * 1000 })).stdout;
}

/** A command that writes the file to its output. */
function read(file: string, pace: number | undefined): string {
  if (pace === undefined) return `cat ${file}`;
  const chunk = Math.ceil(pace / CHUNKS_A_SECOND);
  const wait = `select undef, undef, undef, ${1 / CHUNKS_A_SECOND}`;
  return `perl -e 'while (sysread STDIN, $b, ${chunk}) { syswrite STDOUT, $b; ${wait} }' <${file}`;
}

/** From a namespace into the guest. */
export async function tcpToGuest(ns: Ns, vm: PeerVm, what: GuestTcp): Promise<Sums> {
  const { address, octets, pace } = what;
  const port = nextPort++;
  const file = join(ns.lab.tmp, `tcp-${port}`);
  const sum = `/tmp/sum-${port}`;
  await vm.run(
    `rm -f ${sum}; (nc -l -p ${port} | sha256sum >${sum}.new; mv ${sum}.new ${sum}) >/dev/null 2>&1 </dev/null &`,
  );
  const script = `head -c ${octets} /dev/urandom >${file}; ${connect(address, port)}; ${read(file, pace)} >&3; exec 3>&-; sha256sum <${file}`;
  const sent = await bash(ns, script);
  const received = await vm.run(`until [ -e ${sum} ]; do sleep 0.1; done; cat ${sum}`);
  return { sent, received: received.stdout };
}

/** From the guest into a namespace, which opens the connection. */
export async function tcpFromGuest(ns: Ns, vm: PeerVm, what: GuestTcp): Promise<Sums> {
  const { address, octets, pace } = what;
  const port = nextPort++;
  const file = `/tmp/tcp-${port}`;
  const sent = await vm.run(
    `head -c ${octets} /dev/urandom >${file}; (${read(file, pace)} | nc -l -p ${port} >/dev/null 2>&1 &); sha256sum <${file}`,
  );
  const script = `${connect(address, port)}; sha256sum <&3`;
  const received = await bash(ns, script);
  return { sent: sent.stdout, received };
}
