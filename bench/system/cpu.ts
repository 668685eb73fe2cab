// Processor time, in seconds.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { netnsPids } from '../../test/interop/netns.ts';
import type { Pair } from '../../test/interop/pair.ts';
import { sleep } from '../../test/interop/proc.ts';

/** The unit of /proc, USER_HZ, is 1/100 s wherever Linux runs Node. */
const TICKS = 100;

export type CpuTime = {
  /** The whole machine, whoever worked: iperf3 and the kernel's packet handling included. */
  readonly machine: number;
  /** The routers' processes alone. */
  readonly routers: number;
};

export function cpuTime(net: Pair): CpuTime {
  const pids = [net.a, net.b].flatMap((router) => netnsPids(router.name));
  return { machine: machine(), routers: pids.reduce((sum, pid) => sum + processTime(pid), 0) };
}

/** How much of its processors the machine spends on others' work just now, from 0 to 1. */
export async function busyShare(ms = 1000): Promise<number> {
  const before = machine();
  await sleep(ms);
  return (machine() - before) / (ms / 1000) / cpus().length;
}

/** user, nice, system, irq, softirq of "cpu  user nice system idle iowait irq softirq …". */
function machine(): number {
  const [, user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/, 8)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS;
}

/** Fields 14 and 15 of its stat, all threads together; the name in field 2 may hold anything, even spaces. */
export function processTime(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return 0; // ended in between
  }
}
