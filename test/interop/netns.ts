// A laboratory of network namespaces: made, wired and removed by one test, with nothing left on the machine.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dismissJanitor, engageJanitor } from './janitor.ts';
import { Loss, type LossPoint } from './loss.ts';
import { type ExecOptions, type ExecResult, exec, Proc, type SpawnOptions } from './proc.ts';
import { Scope } from './scope.ts';

/**
 * Namespaces and folders are `sk-<label>-<pid>.<n>-<name>`, so that a later lab can tell the leavings of
 * a dead one.
 */
const OURS = /^sk-.+-(\d+)\.\d+-/;

let labs = 0;

/** One network namespace. */
export class Ns {
  readonly name: string;
  readonly lab: Lab;

  constructor(lab: Lab, name: string) {
    this.lab = lab;
    this.name = name;
  }

  /** Rejects with the command's output in the message unless `allowFail`. */
  exec(command: string[], options?: ExecOptions): Promise<ExecResult> {
    return exec(this.lab.scope, ['ip', 'netns', 'exec', this.name, ...command], options);
  }

  /** `ip netns exec` replaces itself by the command, so the pid is the command's own. */
  spawn(command: string[], options?: SpawnOptions & { stdin?: 'pipe' }): Proc {
    return Proc.start(this.lab.scope, ['ip', 'netns', 'exec', this.name, ...command], options);
  }

  async ip(...args: string[]): Promise<string> {
    return (await exec(this.lab.scope, ['ip', '-n', this.name, ...args])).stdout;
  }

  async address(dev: string, cidr: string): Promise<void> {
    await this.ip('address', 'add', cidr, 'dev', dev, ...(cidr.includes(':') ? ['nodad'] : []));
  }

  /** `hop` is a gateway's address or a device; `more` goes to `ip route` as it is. */
  async route(dest: string, hop: string, ...more: string[]): Promise<void> {
    const family = dest.includes(':') || hop.includes(':') ? '-6' : '-4';
    await this.ip(family, 'route', 'replace', dest, isIP(hop) ? 'via' : 'dev', hop, ...more);
  }

  async sysctl(settings: Record<string, string | number>): Promise<void> {
    const pairs = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
    await this.exec(['sysctl', '-qw', ...pairs]);
  }

  async nft(ruleset: string): Promise<void> {
    await this.exec(['nft', '-f', '-'], { input: ruleset });
  }
}

export type VethOptions = {
  mtu?: number;
  /**
   * false: real frames with real checksums, no superpackets; what a packet socket or a TUN reader must
   * see.
   */
  offloads?: boolean;
};

/** Everything a test makes on the machine. `close` takes it all away. */
export class Lab {
  readonly label: string;
  readonly scope = new Scope();
  /** A directory of this lab; short, because control sockets live in it (108 characters at most). */
  readonly tmp: string;
  #id: string;

  private constructor(label: string) {
    this.label = label;
    this.#id = `sk-${label}-${process.pid}.${labs++}`;
    this.tmp = mkdtempSync(join(tmpdir(), `${this.#id}-`));
    engageJanitor();
    this.scope.defer(dismissJanitor);
    this.scope.defer(() => rmSync(this.tmp, { recursive: true, force: true }));
  }

  static async open(label: string): Promise<Lab> {
    if (!/^[a-z0-9]{1,12}$/i.test(label)) throw new Error(`lab label ${label}: 1 to 12 letters and digits`);
    const lab = new Lab(label);
    sweep();
    return lab;
  }

  async netns(name: string): Promise<Ns> {
    const full = `${this.#id}-${name}`;
    this.scope.defer(() => removeNetns(full));
    await exec(this.scope, ['ip', 'netns', 'add', full]);
    const ns = new Ns(this, full);
    await ns.ip('link', 'set', 'lo', 'up');
    await ns.sysctl({
      'net.ipv4.ip_forward': 1,
      'net.ipv6.conf.all.forwarding': 1,
      // The larger of `all` and the interface's own value counts, and new interfaces start with `default`.
      'net.ipv4.conf.all.rp_filter': 0,
      'net.ipv4.conf.default.rp_filter': 0,
      'net.ipv6.conf.all.accept_dad': 0,
      'net.ipv6.conf.default.accept_dad': 0,
    });
    return ns;
  }

  /** A cable between two namespaces, both ends up. */
  async veth(nsA: Ns, ifA: string, nsB: Ns, ifB: string, options: VethOptions = {}): Promise<void> {
    const mtu = options.mtu === undefined ? [] : ['mtu', String(options.mtu)];
    const end = (ns: Ns, dev: string) => ['name', dev, 'netns', ns.name, ...mtu];
    const link = ['ip', 'link', 'add', ...end(nsA, ifA), 'type', 'veth', 'peer', ...end(nsB, ifB)];
    await exec(this.scope, link);
    for (const [ns, dev] of [[nsA, ifA] as const, [nsB, ifB] as const]) {
      if (options.offloads === false) {
        await ns.exec([
          'ethtool',
          '-K',
          dev,
          'tx',
          'off',
          'tso',
          'off',
          'gso',
          'off',
          'gro',
          'off',
          'sg',
          'off',
        ]);
      }
      await ns.ip('link', 'set', dev, 'up');
    }
  }

  /** Drops `percent` of the packets at one point of `ns`, for those that `match` (an nftables expression). */
  lossy(ns: Ns, at: LossPoint, percent: number, match = ''): Promise<Loss> {
    return Loss.add(ns, at, percent, match);
  }

  /**
   * Source NAT for whatever leaves through `outDev`; `random` also moves source ports, as many home
   * routers do.
   */
  async masquerade(ns: Ns, outDev: string, options: { random?: boolean } = {}): Promise<void> {
    await ns.nft(`table ip lab_nat {
  chain postrouting {
    type nat hook postrouting priority 100
    oifname "${outDev}" masquerade${options.random ? ' random' : ''}
  }
}
`);
  }

  defer(close: () => unknown, abandon?: () => unknown): () => void {
    return this.scope.defer(close, abandon);
  }

  close(): Promise<void> {
    return this.scope.close();
  }
}

/** The processes whose network namespace this is. */
export function netnsPids(name: string): number[] {
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').filter(Boolean).map(Number);
}

export function netnsNames(): string[] {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  return (stdout ?? '').split('\n').flatMap((line) => line.split(' ')[0] || []);
}

/**
 * Whatever still runs in a namespace of ours descends from what we started there (a shell's child, a
 * forked daemon).
 */
function removeNetns(name: string): void {
  if (!netnsNames().includes(name)) return;
  for (const pid of netnsPids(name)) {
    try {
      if (pid !== process.pid) process.kill(pid, 'SIGKILL');
    } catch {
      // ended in between
    }
  }
  spawnSync('ip', ['netns', 'delete', name]);
}

/** Takes away what labs left behind whose process and janitor were both killed outright. */
function sweep(): void {
  for (const name of netnsNames()) {
    const pid = OURS.exec(name)?.[1];
    if (pid !== undefined && !alive(Number(pid))) removeNetns(name);
  }
  for (const name of readdirSync(tmpdir())) {
    const pid = OURS.exec(name)?.[1];
    if (pid !== undefined && !alive(Number(pid)))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Zombies are dead: not every process 1 collects orphans. */
export function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
