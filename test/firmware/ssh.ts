// An administrator's way in, from a host inside: whoever has the key.
import type { Ns } from '../interop/netns.ts';

/** Boxes come and go at the same address here. */
export const SSH = [
  ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
  ...['-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=5'],
];

/** A command of the box's shell. What it said, also when it failed. */
export async function ssh(from: Ns, key: string, ...words: string[]): Promise<string> {
  const command = ['ssh', '-i', key, ...SSH, 'admin@192.168.1.1', ...words];
  return (await from.exec(command, { timeoutMs: 120_000, allowFail: true })).stdout;
}
