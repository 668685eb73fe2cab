// The programs that speak with the networks around: a DHCP client an interface outside, one dnsmasq for those inside, one chronyd.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, DhcpClient, Services } from '../plan/services.ts';
import { chronyConf } from './chrony.ts';
import { askForAddress, type LeaseEvents } from './dhcp-client.ts';
import { dnsmasqConf, type Given, readGiven } from './dnsmasq.ts';
import { Service } from './service.ts';

const LEASES = 'dhcp.leases';

export class Neighbourhood {
  readonly #events: LeaseEvents;
  readonly #folder: string | undefined;
  readonly #clients = new Map<string, Service>();
  #dnsmasq: Service | undefined;
  #chronyd: Service | undefined;
  readonly #setsClock: boolean;
  /** Where nothing outlives a restart. */
  #temporary: string | undefined;

  /** `setsClock`: false where the machine's clock is somebody else's business. */
  constructor(folder: string | undefined, events: LeaseEvents, setsClock: boolean) {
    this.#folder = folder;
    this.#setsClock = setsClock;
    this.#events = events;
  }

  /** Those that ask already go on. */
  async ask(clients: readonly DhcpClient[]): Promise<void> {
    const key = (c: DhcpClient) => `${c.name} ${c.device}`;
    const wanted = new Map(clients.map((c) => [key(c), c]));
    for (const [k, service] of this.#clients) {
      if (wanted.has(k)) continue;
      this.#clients.delete(k);
      await service.stop();
      const [name, device] = k.split(' ');
      this.#events.lease({ name, device }, undefined);
    }
    for (const [k, client] of wanted) {
      if (!this.#clients.has(k)) this.#clients.set(k, askForAddress(client, this.#events));
    }
  }

  async serve(services: Services): Promise<void> {
    await this.#dnsmasq?.stop();
    this.#dnsmasq = undefined;
    if (services.pools.length === 0 && !services.dns) return;
    const folder = this.#place();
    const conf = join(folder, 'dnsmasq.conf');
    writeFileSync(conf, dnsmasqConf(services, { leases: join(folder, LEASES) }));
    this.#dnsmasq = new Service('dnsmasq', ['--keep-in-foreground', `--conf-file=${conf}`], {
      // Its warnings, and what keeps it from beginning.
      err: (line) => {
        if (/warn|fail|cannot|error|unknown|bad/i.test(line)) this.#events.trouble(line);
      },
      ended: (why) => this.#events.trouble(why),
    });
  }

  /** What our DHCP server gave to whom. */
  given(): Given[] {
    if (!this.#dnsmasq) return [];
    const file = join(this.#place(), LEASES);
    return existsSync(file) ? readGiven(readFileSync(file, 'utf8')) : [];
  }

  async follow(clock: Clock | undefined): Promise<void> {
    await this.#chronyd?.stop();
    this.#chronyd = undefined;
    if (!clock) return;
    const folder = this.#place();
    const conf = join(folder, 'chrony.conf');
    const pid = join(folder, 'chrony.pid');
    // Of one that the power took along: whoever has its number now would keep the next one from starting.
    rmSync(pid, { force: true });
    writeFileSync(conf, chronyConf(clock, { drift: join(folder, 'chrony.drift'), pid }));
    const user = process.getuid?.() === 0 ? [] : ['-U'];
    this.#chronyd = new Service('chronyd', ['-d', '-f', conf, ...user, ...(this.#setsClock ? [] : ['-x'])], {
      err: (line) => {
        if (/fatal|could not|error|invalid/i.test(line)) this.#events.trouble(`chronyd: ${line}`);
      },
      ended: (why) => this.#events.trouble(why),
    });
  }

  #place(): string {
    if (this.#folder === undefined) {
      this.#temporary ??= mkdtempSync(join(tmpdir(), 'sekisho-'));
      return this.#temporary;
    }
    mkdirSync(this.#folder, { recursive: true });
    return this.#folder;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((c) => c.stop()));
    this.#clients.clear();
    await this.#dnsmasq?.stop();
    await this.#chronyd?.stop();
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true });
  }
}
