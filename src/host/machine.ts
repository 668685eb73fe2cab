// The machine under the router, as Linux tells of it.
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { cpus, loadavg, release, uptime } from 'node:os';

/** Sizes in octets, times in seconds. */
export type Machine = {
  /** "Raspberry Pi 5 Model B Rev 1.0", or the processor's name; "" where nobody says. */
  readonly model: string;
  readonly processors: number;
  readonly kernel: string;
  /** Programs that ran or wanted to, over the last 1, 5 and 15 minutes. */
  readonly load: readonly number[];
  /** `used`: what could not be had for something else (MemTotal less MemAvailable). `router`: of that, this process. */
  readonly memory: { readonly total: number; readonly used: number; readonly router: number };
  /** Where the configuration is kept. */
  readonly storage?: { readonly total: number; readonly used: number };
  /** The warmest place that Linux knows. */
  readonly celsius?: number;
  readonly uptime: number;
};

/** `folder`: of the router's files, where it has one. */
export function machine(folder: string | undefined): Machine {
  const meminfo = said('/proc/meminfo');
  const [total, available] = ['MemTotal', 'MemAvailable'].map(
    (name) => 1024 * Number(new RegExp(`^${name}: *(\\d+) kB`, 'm').exec(meminfo)?.[1] ?? 0),
  );
  const celsius = warmest();
  return {
    model: said('/proc/device-tree/model').replaceAll('\0', '') || (cpus()[0]?.model ?? '').trim(),
    processors: cpus().length,
    kernel: release(),
    load: loadavg(),
    memory: { total, used: total - available, router: process.memoryUsage.rss() },
    ...(folder === undefined ? {} : { storage: storage(folder) }),
    ...(celsius === undefined ? {} : { celsius }),
    uptime: Math.round(uptime()),
  };
}

function storage(folder: string): Machine['storage'] {
  const { blocks, bavail, bsize } = statfsSync(folder);
  return { total: blocks * bsize, used: (blocks - bavail) * bsize };
}

const ZONES = '/sys/class/thermal';

function warmest(): number | undefined {
  const zones = list(ZONES).filter((name) => name.startsWith('thermal_zone'));
  const degrees = zones.map((name) => said(`${ZONES}/${name}/temp`)).filter((text) => text !== '');
  return degrees.length === 0 ? undefined : Math.max(...degrees.map(Number)) / 1000;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Emulated machines have none.
  }
}

/** "" of a file that is not there, as not every machine has each. */
function said(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
