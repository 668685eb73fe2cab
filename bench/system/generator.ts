// Small packets from host1 to host2 by generator.c, counted where they arrive.
import { join } from 'node:path';
import type { Pair } from '../../test/interop/pair.ts';

const GENERATOR = join(import.meta.dirname, '../.cache/generator');
/** generator.c's PORT. */
const PORT = 7000;

export type Flood = {
  /** The first of `spread` addresses (default 1). */
  address: string;
  spread?: number;
  /** Ports to send to; with one address, the number of flows. */
  ports?: number;
  /** Octets of UDP payload. */
  size: number;
  /** Datagrams that follow each other on one flow (default 1). */
  burst?: number;
  seconds: number;
};

/** What arrived, in thousands of packets a second. */
export async function flood(
  net: Pair,
  { address, spread = 1, ports = 1, size, burst = 1, seconds }: Flood,
): Promise<number> {
  const receiver = net.host2.spawn([GENERATOR, 'receive', String(size)]);
  try {
    await receiver.waitOutput(/^listening$/m);
    const load = [address, spread, ports, size, burst, seconds].map(String);
    const { stdout } = await net.host1.exec([GENERATOR, 'send', ...load], {
      timeoutMs: seconds * 1000 + 15_000,
    });
    await receiver.waitOutput(/^\d+ [\d.]+$/m, 10_000);
    const [, packets, took] = /^(\d+) ([\d.]+)$/m.exec(receiver.stdout)!.map(Number);
    if (packets > Number(stdout)) throw new Error(`${packets} of ${stdout.trim()} packets arrived`);
    return packets / took / 1000;
  } finally {
    await receiver.stop();
  }
}

/** One receiver hears all ports: rewriting them in host2 costs less than 256 sockets there would. */
export async function gatherPorts(net: Pair, ports: number): Promise<void> {
  await net.host2.nft(`table ip bench {
  chain prerouting {
    type filter hook prerouting priority raw
    udp dport ${PORT + 1}-${PORT + ports - 1} udp dport set ${PORT}
  }
}
`);
}
