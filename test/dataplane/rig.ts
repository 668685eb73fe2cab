// Two dataplanes with static keys between two hosts: what the fast path does, without IKE around it.
//   host1 192.168.1.2 – ge1 A ge0 10.0.0.1 ===== 10.0.0.2 ge0 B ge1 – 192.168.2.2 host2
import { fileURLToPath } from 'node:url';
import type { NativeEsp, Statistics, TunnelSettings } from '../../src/dataplane/port.ts';
import type { Selector } from '../../src/ike/io.ts';
import { addressBytes, rangeOf } from '../../src/net/address.ts';
import type { Ns } from '../interop/netns.ts';
import { openPair, type Pair } from '../interop/pair.ts';
import { type Proc, until } from '../interop/proc.ts';
import type { RigConfig, RigSa } from './rig-process.ts';

const PROCESS = fileURLToPath(new URL('rig-process.ts', import.meta.url));
const NODE = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));

export type RigOptions = {
  suite?: { cipher: RigSa['cipher']; integrity?: RigSa['integrity']; key: number; integrityKey?: number };
  esn?: boolean;
  ecn?: boolean;
  encapsulated?: boolean;
  nativeEsp?: NativeEsp;
  tunnel?: Partial<TunnelSettings>;
  /** What B lets in from A: prefixes of A's side and of B's. */
  trafficOfB?: { local: string[]; remote: string[] };
  offloads?: boolean;
};

const GCM = { cipher: 'aes128-gcm16', key: 20 } as const;

export class End {
  readonly ns: Ns;
  readonly proc: Proc;
  constructor(ns: Ns, proc: Proc) {
    this.ns = ns;
    this.proc = proc;
  }

  async ask(line: string, answer: RegExp): Promise<string> {
    const from = this.proc.stdout.length;
    this.proc.say(line);
    return this.said(answer, from);
  }

  /** What it said that matches, from an offset of its output on; waits for it. */
  async said(answer: RegExp, from = 0): Promise<string> {
    const found = () => answer.exec(this.proc.stdout.slice(from))?.[0];
    await until(
      async () => found() !== undefined,
      5000,
      () => `${answer}: ${this.proc.stderr}`,
    );
    return found()!;
  }

  async statistics(): Promise<Statistics> {
    return JSON.parse(await this.ask('statistics', /^\{.*\}$/m));
  }

  async drops(): Promise<Record<string, number>> {
    const { tunnels, drops } = await this.statistics();
    return { ...drops, ...tunnels[0].drops };
  }
}

export type Rig = Pair & { endA: End; endB: End };

export async function openRig(label: string, options: RigOptions = {}): Promise<Rig> {
  const net = await openPair(label, options.offloads === undefined ? {} : { offloads: options.offloads });
  try {
    await net.a.address('ge0', '10.0.0.1/24');
    await net.b.address('ge0', '10.0.0.2/24');
    for (const [ns, n] of [
      [net.a, 1],
      [net.b, 2],
    ] as const) {
      await ns.address('ge1', `192.168.${n}.1/24`);
      await ns.address('ge1', `fd00:${n}::1/64`);
      await ns.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 });
    }
    const [endA, endB] = [await startEnd(net.a, 1, options), await startEnd(net.b, 2, options)];
    return { ...net, endA, endB };
  } catch (e) {
    await net.lab.close();
    throw e;
  }
}

/** Our dataplane as router n in a namespace whose addresses stand already; a foreign one may be the other end. */
export async function startEnd(ns: Ns, n: 1 | 2, options: RigOptions): Promise<End> {
  const proc = ns.spawn([NODE, PROCESS, JSON.stringify(config(n, options))], { stdin: 'pipe' });
  await proc.waitOutput(/ready/);
  // The kernel shall say nothing of its own into the tunnel: tests count packets.
  await ns.nft(
    'table ip6 quiet; delete table ip6 quiet; table ip6 quiet { chain c { type filter hook output priority 0; icmpv6 type { mld2-listener-report, nd-router-solicit } drop; }; }',
  );
  await ns.ip('link', 'set', 'ipsec0', 'mtu', String(settings(options).mtu), 'txqueuelen', '1000', 'up');
  await ns.route(`192.168.${3 - n}.0/24`, 'ipsec0');
  await ns.route(`fd00:${3 - n}::/64`, 'ipsec0');
  return new End(ns, proc);
}

/** SPIs towards A (1) and B (2), and the static key of each: hexadecimal. */
export const SPI = { 1: 0x1234_0002, 2: 0x1234_0001 } as const;
export const INTEGRITY_KEY_OCTET = '5a';
export function keyOf(spi: number, octets: number): string {
  return spi
    .toString(16)
    .repeat(32)
    .slice(0, octets * 2);
}

function settings(o: RigOptions): TunnelSettings {
  return { name: 'ipsec0', mtu: 1400, mss4: 0, mss6: 0, tos: 0, df: 'set', ipv6: true, ...o.tunnel };
}

function config(n: 1 | 2, o: RigOptions): RigConfig {
  const suite = o.suite ?? GCM;
  const port = (o.encapsulated ?? true) ? 4500 : 500;
  const sa = (spi: number, more: Partial<RigSa>): RigSa => ({
    tunnel: 'ipsec0',
    transport: false,
    loose: false,
    spi,
    cipher: suite.cipher,
    key: keyOf(spi, suite.key),
    ...('integrity' in suite && suite.integrity
      ? { integrity: suite.integrity, integrityKey: INTEGRITY_KEY_OCTET.repeat(suite.integrityKey ?? 0) }
      : {}),
    esn: o.esn ?? false,
    ecn: o.ecn ?? false,
    replayWindow: 4096,
    encapsulated: o.encapsulated ?? true,
    local: { address: `10.0.0.${n}`, port },
    remote: { address: `10.0.0.${3 - n}`, port },
    soft: { seconds: 3600 },
    hard: { seconds: 3600 },
    ...more,
  });
  const t = o.trafficOfB;
  const traffic = t && { local: t.local.map(selector), remote: t.remote.map(selector) };
  return {
    tunnel: settings(o),
    ...(o.nativeEsp ? { nativeEsp: o.nativeEsp } : {}),
    in: sa(SPI[n], n === 2 && traffic ? { traffic } : {}),
    out: sa(SPI[n === 1 ? 2 : 1], {}),
  };
}

/** Octets travel as JSON in an object of their own. */
function selector(prefix: string): Selector {
  const octets = (a: Uint8Array) => ({ octets: [...a] }) as unknown as Uint8Array;
  const { first, last } = prefix.includes('/')
    ? rangeOf(prefix)
    : { first: addressBytes(prefix), last: addressBytes(prefix) };
  return { protocol: 0, startPort: 0, endPort: 65_535, first: octets(first), last: octets(last) };
}
