// strongSwan's charon in a network namespace, with ESP in userland (kernel-libipsec): no kernel ESP needed.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab, Ns } from './netns.ts';
import { type ExecOptions, type ExecResult, type Proc, tail, until } from './proc.ts';
import { type Connection, childInstalled, PLUGINS, strongswanConf, swanctlConf } from './swanctl-conf.ts';

export type { Child, Connection } from './swanctl-conf.ts';

export type StrongswanOptions = {
  name: string;
  /** Outer IPv6. */
  useIpv6?: boolean;
  /** The whole list of plugins in place of the usual one. */
  plugins?: string[];
  /**
   * Settings below `charon-systemd`, keys with dots: { 'retransmit_tries': '2', 'plugins.vici.load':
   * 'yes' }.
   */
  charonOptions?: Record<string, string>;
};

/** An IKE SA or a CHILD_SA by the name of its configuration. */
export type SaName = { ike: string } | { child: string };

/** swanctl reads these folders and complains about missing ones. */
const FOLDERS =
  'conf.d x509 x509ca x509aa x509ac x509crl x509ocsp private pkcs8 pkcs12 rsa ecdsa pubkey bliss'.split(' ');

export class Strongswan {
  readonly name: string;
  readonly ns: Ns;
  #dir: string;
  #proc: Proc | undefined;
  #loaded = false;

  private constructor(ns: Ns, name: string, dir: string) {
    this.ns = ns;
    this.name = name;
    this.#dir = dir;
  }

  static async start(lab: Lab, ns: Ns, options: StrongswanOptions): Promise<Strongswan> {
    const dir = join(lab.tmp, `ss-${options.name}`);
    for (const folder of FOLDERS) mkdirSync(join(dir, 'swanctl', folder), { recursive: true });
    const self = new Strongswan(ns, options.name, dir);
    const conf = strongswanConf({
      log: self.#path('charon.log'),
      socket: self.#path('charon.vici'),
      plugins: options.plugins ?? ['kernel-libipsec', ...PLUGINS],
      useIpv6: options.useIpv6,
      options: options.charonOptions,
    });
    writeFileSync(self.#path('strongswan.conf'), conf);
    writeFileSync(self.#path('charon.log'), '');
    await self.restart();
    return self;
  }

  /** Starts charon again after `stop` or `kill`, with the connections it had. */
  async restart(): Promise<void> {
    if (this.#proc?.running) await this.stop();
    rmSync(this.#path('charon.vici'), { force: true });
    // A private /run keeps the pid files of several charons apart. Each step execs: the pid stays charon's.
    const script = 'mount --make-rprivate / && mount -t tmpfs tmpfs /run && exec /usr/sbin/charon-systemd';
    this.#proc = this.ns.spawn(['unshare', '-m', 'bash', '-c', script], {
      env: { STRONGSWAN_CONF: this.#path('strongswan.conf') },
      log: this.#path('charon.out'),
    });
    const ready = async () => {
      if (!this.#proc!.running) throw new Error(`charon ${this.name} ended at once\n${this.#said()}`);
      if (!existsSync(this.#path('charon.vici'))) return false;
      return (await this.swanctl(['--stats'], { allowFail: true, timeoutMs: 5000 })).code === 0;
    };
    await until(ready, 15_000, () => `charon ${this.name} does not answer\n${this.#said()}`);
    if (this.#loaded) await this.swanctl(['--load-all']);
  }

  /** Puts a file below the swanctl folder: write('x509', 'peer.pem', …). */
  write(folder: string, name: string, text: string): void {
    writeFileSync(this.#path(`swanctl/${folder}/${name}`), text);
  }

  /** Replaces the configuration. SAs that exist stay, as they are. */
  async load(connections: Connection[]): Promise<void> {
    writeFileSync(this.#path('swanctl/swanctl.conf'), swanctlConf(connections));
    await this.swanctl(['--load-all']);
    this.#loaded = true;
  }

  /** Brings a CHILD_SA up, and its IKE SA when there is none. */
  async initiate(child: string, timeoutSeconds = 20): Promise<void> {
    await this.#command(['--initiate', '--child', child], timeoutSeconds);
  }

  /** `force` does not wait for the peer's answer: for peers that are gone. */
  async terminate(sa: SaName, options: { force?: boolean; timeoutSeconds?: number } = {}): Promise<void> {
    // With both a force and a limit charon would wait the limit out and report a failure.
    if (options.force) await this.swanctl(['--terminate', ...selector(sa), '--force']);
    else await this.#command(['--terminate', ...selector(sa)], options.timeoutSeconds ?? 20);
  }

  /** Only asks for it: charon answers before the exchange has taken place. */
  async rekey(sa: SaName): Promise<void> {
    await this.swanctl(['--rekey', ...selector(sa)]);
  }

  async listSas(): Promise<string> {
    return (await this.swanctl(['--list-sas'])).stdout;
  }

  async established(child: string): Promise<boolean> {
    return childInstalled(await this.listSas(), child);
  }

  async waitEstablished(child: string, timeoutMs = 20_000): Promise<void> {
    const done = () => this.established(child);
    await until(done, timeoutMs, () => `${this.name}: no CHILD_SA ${child}\n${this.#said()}`, 200);
  }

  /** Everything charon logged since `start`, also over restarts. */
  log(): string {
    return readFileSync(this.#path('charon.log'), 'utf8');
  }

  /**
   * Resolves with the match; looks at the log from the character `from` on (as `log().length` gave it
   * earlier).
   */
  async waitLog(pattern: RegExp, timeoutMs = 10_000, from = 0): Promise<RegExpExecArray> {
    const once = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    let found: RegExpExecArray | null = null;
    const look = () => {
      found = once.exec(this.log().slice(from));
      return found !== null;
    };
    await until(look, timeoutMs, () => `${this.name}: no ${pattern} in the log\n${this.#said()}`);
    return found!;
  }

  /** Any other swanctl command. */
  swanctl(args: string[], options: ExecOptions = {}): Promise<ExecResult> {
    const uri = ['--uri', `unix://${this.#path('charon.vici')}`];
    const env = { STRONGSWAN_CONF: this.#path('strongswan.conf'), SWANCTL_DIR: this.#path('swanctl') };
    return this.ns.exec(['swanctl', ...args, ...uri], { ...options, env });
  }

  /** An orderly end: charon deletes its SAs and tells the peers. */
  async stop(): Promise<void> {
    await this.#proc?.stop('SIGTERM', 10_000);
  }

  /** A crash: nobody is told. */
  async kill(): Promise<void> {
    await this.#proc?.stop('SIGKILL');
  }

  async #command(args: string[], timeoutSeconds: number): Promise<void> {
    try {
      const limit = ['--timeout', String(timeoutSeconds)];
      await this.swanctl([...args, ...limit], { timeoutMs: (timeoutSeconds + 10) * 1000 });
    } catch (error) {
      throw new Error(`${this.name}: ${(error as Error).message}\n${this.#said()}`);
    }
  }

  #path(file: string): string {
    return join(this.#dir, file);
  }

  #said(): string {
    const out = this.#path('charon.out');
    return `${existsSync(out) ? tail(readFileSync(out, 'utf8'), 1000) : ''}\n${tail(this.log())}`.trim();
  }
}

function selector(sa: SaName): string[] {
  return 'ike' in sa ? ['--ike', sa.ike] : ['--child', sa.child];
}
