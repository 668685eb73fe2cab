// What is measured of a system, and one visit that measures it.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HOST2, type Pair } from '../../test/interop/pair.ts';
import { iperf3, pingUntil } from '../../test/interop/traffic.ts';
import { cpuTime } from './cpu.ts';
import { flood, gatherPorts } from './generator.ts';
import type { Pace } from './pace.ts';
import { summarize } from './summary.ts';
import type { System } from './systems.ts';
import { makeWireLike, visit } from './topology.ts';
import { DESTINATIONS, FIRST_DESTINATION } from './tunnels.ts';

export const MEASURES = {
  tcp1: { title: 'TCP 1', unit: 'Gbit/s' },
  tcp4: { title: 'TCP 4', unit: 'Gbit/s' },
  wire1: { title: 'wire-like 1', unit: 'Gbit/s' },
  wire4: { title: 'wire-like 4', unit: 'Gbit/s' },
  udp1: { title: '64 B, 1 flow', unit: 'kpps' },
  udp256: { title: '64 B, 256 flows', unit: 'kpps' },
  spread64: { title: '64 B, spread', unit: 'kpps' },
  spread1400: { title: '1,400 B, spread', unit: 'kpps' },
  bursts1400: { title: '1,400 B, bursts', unit: 'kpps' },
  pingIdle: { title: 'ping idle', unit: 'µs' },
  pingLoaded: { title: 'ping loaded', unit: 'µs' },
  cpuMachine: { title: 'CPU, machine', unit: 's/GB' },
  cpuRouters: { title: 'CPU, routers', unit: 's/GB' },
  packet: { title: '1,400 B without I/O', unit: 'ns' },
} as const;

export type MeasureKey = keyof typeof MEASURES;
export type Sample = Partial<Record<MeasureKey, number>>;
/** `failures`: what went wrong, by measure, or `start` when there was nothing to measure. */
export type VisitResult = { sample: Sample; failures: Record<string, string> };

const FLOWS = 256;
const SMALL = 64;
/** Fits into every tunnel. */
const LARGE = 1372;
/** What a TCP sender hands over at once: 64 KB. */
const BURST = 45;
const PING_INTERVAL_MS = 20;

export async function measure(system: System, label: string, pace: Pace): Promise<VisitResult> {
  const sample: Sample = {};
  const failures: Record<string, string> = {};
  const attempt = async (what: string, work: () => Promise<Sample>) => {
    try {
      Object.assign(sample, await work());
    } catch (error) {
      failures[what] = (error as Error).message;
    }
  };
  const { start } = system;
  if (!start) {
    await attempt('packet', async () => ({ packet: await nanoseconds(system.micro) }));
    return { sample, failures };
  }
  await attempt('start', () =>
    visit(label, async (net) => {
      await start(net);
      if (!(await pingUntil(net.host1, HOST2, 10_000)))
        throw new Error('the tunnel is up but carries nothing');
      await gatherPorts(net, FLOWS);
      const steps = system.spread ? spreadSteps(net, pace) : tunnelSteps(net, pace);
      for (const [what, work] of steps) await attempt(what, work);
      return {};
    }),
  );
  return { sample, failures };
}

type Step = [what: string, work: () => Promise<Sample>];

/** In this order: wire-like is last, because it stays. */
function tunnelSteps(net: Pair, pace: Pace): Step[] {
  const tcp = (streams: number) => iperf3(net.host1, net.host2, HOST2, { seconds: pace.tcpSeconds, streams });
  const small = (ports: number) =>
    flood(net, { address: HOST2, ports, size: SMALL, seconds: pace.floodSeconds });
  return [
    ['pingIdle', async () => ({ pingIdle: await roundTrip(net, pace.pings) })],
    [
      'tcp1',
      async () => {
        const before = cpuTime(net);
        const tcp1 = await tcp(1);
        const after = cpuTime(net);
        const gigabytes = (tcp1 * pace.tcpSeconds) / 8;
        const routers = after.routers - before.routers;
        return {
          tcp1,
          cpuMachine: (after.machine - before.machine) / gigabytes,
          // Without a process in the routers nothing can be told of them.
          ...(routers > 0 && { cpuRouters: routers / gigabytes }),
        };
      },
    ],
    [
      'tcp4',
      async () => {
        const pings = Math.floor((pace.tcpSeconds * 1000 * 0.8) / PING_INTERVAL_MS);
        const [tcp4, pingLoaded] = await Promise.all([tcp(4), roundTrip(net, pings)]);
        return { tcp4, pingLoaded };
      },
    ],
    ['udp1', async () => ({ udp1: await small(1) })],
    ['udp256', async () => ({ udp256: await small(FLOWS) })],
    [
      'wire1',
      async () => {
        await makeWireLike(net);
        return { wire1: await tcp(1) };
      },
    ],
    ['wire4', async () => ({ wire4: await tcp(4) })],
  ];
}

/** To all destinations in turn, a packet or a burst each. */
function spreadSteps(net: Pair, { floodSeconds: seconds }: Pace): Step[] {
  const to = (size: number, burst: number) =>
    flood(net, { address: FIRST_DESTINATION, spread: DESTINATIONS, size, burst, seconds });
  return [
    ['spread64', async () => ({ spread64: await to(SMALL, 1) })],
    ['spread1400', async () => ({ spread1400: await to(LARGE, 1) })],
    ['bursts1400', async () => ({ bursts1400: await to(LARGE, BURST) })],
  ];
}

/** A measure of native/bench/micro.cc by its name. */
async function nanoseconds(name: string): Promise<number> {
  const micro = join(import.meta.dirname, '../../native/build-bench/micro');
  const { stdout } = await promisify(execFile)(micro, ['5', name]);
  const [, ns] = /\t([\d.]+)$/m.exec(stdout) ?? [];
  if (ns === undefined) throw new Error(`${name} is no micro-benchmark`);
  return Number(ns);
}

/** The median: one late answer of a busy machine would move an average far. */
async function roundTrip(net: Pair, count: number): Promise<number> {
  const pace = ['-c', String(count), '-i', String(PING_INTERVAL_MS / 1000), '-W', '2'];
  const { stdout } = await net.host1.exec(['ping', '-n', ...pace, HOST2], { allowFail: true });
  const times = Array.from(stdout.matchAll(/ time=([\d.]+) ms$/gm), ([, ms]) => Number(ms) * 1000);
  if (times.length === 0) throw new Error('no ping was answered');
  return summarize(times).median;
}
