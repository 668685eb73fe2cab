// Packet loss without netem, which not every kernel has: nftables drops at random and counts.

import type { Ns } from './netns.ts';

/** `dev`: everything that arrives on a device, before any other hook. `hook`: that hook of IPv4 and IPv6. */
export type LossPoint = { dev: string } | { hook: 'prerouting' | 'input' | 'forward' | 'output' };

let tables = 0;

/**
 * A point that loses packets. A packet is what the kernel handles there: with offloads on, a TCP
 * superpacket of 64 KiB is lost as one (see `VethOptions.offloads`).
 */
export class Loss {
  #ns: Ns;
  #table: string;
  #match: string;

  private constructor(ns: Ns, table: string, match: string) {
    this.#ns = ns;
    this.#table = table;
    this.#match = match;
  }

  static async add(ns: Ns, at: LossPoint, percent: number, match: string): Promise<Loss> {
    const family = 'dev' in at ? 'netdev' : 'inet';
    const hook = 'dev' in at ? `ingress device "${at.dev}" priority 0` : `${at.hook} priority -300`;
    const loss = new Loss(ns, `${family} lab_loss${tables++}`, match);
    await ns.nft(`table ${loss.#table} {
  counter seen {
  }
  counter dropped {
  }
  chain loss {
    type filter hook ${hook}
  }
}
${loss.#rules(percent)}`);
    return loss;
  }

  /** Changes the rate; the counters go on. */
  async set(percent: number): Promise<void> {
    await this.#ns.nft(`flush chain ${this.#table} loss\n${this.#rules(percent)}`);
  }

  async counts(): Promise<{ seen: number; dropped: number }> {
    const { stdout } = await this.#ns.exec([
      'nft',
      '-j',
      'list',
      'counters',
      'table',
      ...this.#table.split(' '),
    ]);
    const items: { counter?: { name: string; packets: number } }[] = JSON.parse(stdout).nftables;
    const packets = (name: string) => items.find((item) => item.counter?.name === name)!.counter!.packets;
    return { seen: packets('seen'), dropped: packets('dropped') };
  }

  async remove(): Promise<void> {
    await this.#ns.nft(`delete table ${this.#table}\n`);
  }

  #rules(percent: number): string {
    const share = Math.round(percent * 100);
    const add = `add rule ${this.#table} loss ${this.#match}`;
    if (share >= 10_000) return `${add} counter name seen counter name dropped drop\n`;
    return `${add} counter name seen\n${add} numgen random mod 10000 < ${share} counter name dropped drop\n`;
  }
}
