// Packets of a device as they are on the wire, through tcpdump.
import { spawn } from 'node:child_process';
import { HostError } from './run.ts';

/** A capture holds no more than this. */
const MOST_OCTETS = 20 << 20;

export type Captured = {
  /** Classic pcap. */
  readonly pcap: Uint8Array;
  /** Why there may have been more. */
  readonly note?: string;
};

/** All IKE and ESP with an address, for some seconds from when `begun` is called. Rejects with one sentence when it cannot begin. */
export function capture(device: string, peer: string, seconds: number, begun: () => void): Promise<Captured> {
  // Fragments have no ports: they are ESP's or IKE's as well.
  const filter = `host ${peer} and (udp port 500 or udp port 4500 or esp or (ip[6:2] & 0x1fff != 0) or ip6 proto 44)`;
  return new Promise((resolve, reject) => {
    const child = spawn('tcpdump', ['-i', device, '-n', '-U', '-s', '0', '-w', '-', filter], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const parts: Buffer[] = [];
    let octets = 0;
    let complaint = '';
    let note: string | undefined;
    let timer: NodeJS.Timeout | undefined;
    child.stdout.on('data', (part: Buffer) => {
      octets += part.length;
      if (octets <= MOST_OCTETS) parts.push(part);
      else {
        note = `it ended at ${MOST_OCTETS >> 20} MB, before its time`;
        child.kill('SIGINT');
      }
    });
    child.stderr.on('data', (text: Buffer) => {
      complaint += text;
      if (timer !== undefined || !complaint.includes('listening on')) return;
      timer = setTimeout(() => child.kill('SIGINT'), seconds * 1000);
      begun();
    });
    child.on('error', (e: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new HostError(e.code === 'ENOENT' ? 'tcpdump is not installed' : e.message));
    });
    child.on('close', () => {
      clearTimeout(timer);
      if (octets === 0) reject(new HostError(complaint.trim().split('\n').at(-1) ?? 'tcpdump gave nothing'));
      else resolve({ pcap: Buffer.concat(parts), ...(note ? { note } : {}) });
    });
  });
}
