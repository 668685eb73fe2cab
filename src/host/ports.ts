// Devices come and go while the router runs: an adapter at USB is late, or is pulled out and put in again.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

const FOLDER = '/sys/class/net';
const LOOK_MS = 2000;

/** What the router makes itself. */
const OURS = /^(?:ipsec|policy)\d+$/;

export class Ports {
  #seen = present();
  #timer: NodeJS.Timeout | undefined;

  /** `changed` hears of every change, and which devices are others now by the same name. */
  watch(changed: (others: ReadonlySet<string>) => void): void {
    this.#timer = setInterval(() => {
      const [before, now] = [this.#seen, present()];
      this.#seen = now;
      const others = [...now].filter(([name, index]) => index !== (before.get(name) ?? index));
      const gone = [...before.keys()].some((name) => !now.has(name));
      const come = [...now.keys()].some((name) => !before.has(name));
      if (gone || come || others.length > 0) changed(new Set(others.map(([name]) => name)));
    }, LOOK_MS).unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** The kernel's number of each device by its name. */
function present(): Map<string, string> {
  const names = readdirSync(FOLDER).filter((name) => !OURS.test(name));
  return new Map(names.flatMap((name) => index(name)));
}

function index(name: string): [string, string][] {
  try {
    return [[name, readFileSync(`${FOLDER}/${name}/ifindex`, 'utf8')]];
  } catch {
    return []; // Gone in between, or no device: bonding keeps a file of its settings here.
  }
}

/** What a device is, and whether there is a cable in it. */
export type PortFacts = { readonly mac: string; readonly driver: string; readonly link: string };

export function factsOf(device: string): PortFacts {
  const at = `${FOLDER}/${device}`;
  const carrier = said(`${at}/carrier`);
  const speed = Number(said(`${at}/speed`));
  return {
    mac: said(`${at}/address`) || '-',
    driver: driverOf(at),
    link: carrier === '' ? 'down' : carrier === '0' ? 'no cable' : speed > 0 ? `${speed} Mbit/s` : 'up',
  };
}

function driverOf(at: string): string {
  try {
    return basename(readlinkSync(`${at}/device/driver`));
  } catch {
    return '-';
  }
}

/** "" where the kernel says nothing, as of the carrier of a device that is down. */
function said(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
