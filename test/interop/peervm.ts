// A small emulated guest with a Linux kernel's own ESP, on a TAP in a namespace; `peervm.sh` does the work.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab, Ns } from './netns.ts';
import { type ExecResult, exec, tail, until } from './proc.ts';
import { type Connection, childInstalled, PLUGINS, strongswanConf, swanctlConf } from './swanctl-conf.ts';

const SCRIPT = join(import.meta.dirname, 'peervm.sh');
/** Includes the build of the image, once a machine. */
const UP_TIMEOUT_MS = 600_000;
const GUEST_LOG = '/run/charon.log';

export type PeerVmOptions = {
  /** Also the TAP's name, after `pv-`: 12 characters at most. */
  name: string;
  /** The TAP's address in the namespace and the guest's own, as address/length. */
  hostAddr: string;
  addr: string;
  gw?: string;
  /** MiB. */
  mem?: number;
  base?: 'strongswan' | 'libreswan';
  /** More PEERVM_ variables of the script, without the prefix. */
  env?: Record<string, string>;
};

export type RunOptions = { timeoutSeconds?: number; input?: string | Uint8Array; allowFail?: boolean };

export class PeerVm {
  readonly name: string;
  readonly lab: Lab;
  #env: Record<string, string>;
  #charon = false;

  private constructor(lab: Lab, name: string, env: Record<string, string>) {
    this.lab = lab;
    this.name = name;
    this.#env = env;
  }

  /** Boots the guest and waits until it answers: about 7 s, and about a minute more for the first build. */
  static async up(lab: Lab, ns: Ns, options: PeerVmOptions): Promise<PeerVm> {
    const { name, hostAddr, addr, gw, mem, base, env = {} } = options;
    if (!/^[\w-]{1,12}$/.test(name)) throw new Error(`guest name ${name}: at most 12 word characters`);
    const settings = { ...env, NETNS: ns.name, HOSTADDR: hostAddr, ADDR: addr, GW: gw, MEM: mem, BASE: base };
    const given = Object.entries(settings).filter(([, value]) => value !== undefined);
    const vm = new PeerVm(lab, name, {
      ...Object.fromEntries(given.map(([key, value]) => [`PEERVM_${key}`, String(value)])),
      PEERVM_STATE: join(lab.tmp, 'peervm'),
    });
    // Registered first: an interrupt during the boot must end the emulator too.
    lab.defer(
      () => vm.down(),
      () => spawnSync(SCRIPT, ['down', name], { env: { ...process.env, ...vm.#env } }),
    );
    await vm.#script(['up', name], { timeoutMs: UP_TIMEOUT_MS });
    return vm;
  }

  /** Runs a bash command line in the guest. Exit code 124: timed out there; 125: the harness failed. */
  async run(command: string, options: RunOptions = {}): Promise<ExecResult> {
    const { timeoutSeconds = 60, input, allowFail } = options;
    const args = [
      'run',
      '-n',
      this.name,
      '-t',
      String(timeoutSeconds),
      ...(input === undefined ? [] : ['-i']),
    ];
    // The script's own limit is 15 s above the guest's; ours only catches a script that hangs.
    return this.#script([...args, '--', command], {
      input,
      allowFail,
      timeoutMs: (timeoutSeconds + 30) * 1000,
    });
  }

  /** Gives the guest a LAN of its own, with these addresses: what stands behind the tunnel. */
  async lan(...addresses: string[]): Promise<void> {
    const lines = addresses.map((a) => `ip addr add ${a} dev lan ${a.includes(':') ? 'nodad' : ''}`);
    await this.run(['ip link add lan type dummy', ...lines, 'ip link set lan up'].join(' && '));
  }

  /** Copies a file or folder into the guest's folder `dst`, under its own name. */
  async put(source: string, dst: string): Promise<void> {
    await this.#script(['put', '-n', this.name, source, dst], { timeoutMs: 90_000 });
  }

  async down(): Promise<void> {
    await this.#script(['down', this.name], { timeoutMs: 30_000 });
  }

  /** Puts a file below charon's swanctl folder, with the next `strongswan`. */
  write(folder: string, name: string, text: string): void {
    const path = join(this.#etc, 'swanctl', folder);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, name), text);
  }

  /**
   * Loads the connections into charon in the guest, which it starts at the first call. ESP is the kernel's,
   * so `encap` defaults to false here.
   */
  async strongswan(connections: Connection[], charonOptions: Record<string, string> = {}): Promise<void> {
    const etc = this.#etc;
    mkdirSync(join(etc, 'swanctl'), { recursive: true });
    const conf = strongswanConf({
      log: GUEST_LOG,
      socket: '/run/charon.vici',
      plugins: PLUGINS,
      useIpv6: true,
      options: charonOptions,
    });
    writeFileSync(join(etc, 'strongswan.conf'), conf);
    writeFileSync(join(etc, 'swanctl', 'swanctl.conf'), swanctlConf(connections, false));
    await this.put(etc, '/');
    if (!this.#charon) {
      await this.run('setsid /usr/sbin/charon-systemd >/run/charon.out 2>&1 </dev/null &');
      this.#charon = true;
    }
    const said = await this.#ready();
    if (said !== undefined) throw new Error(`charon in guest ${this.name} does not answer\n${said}`);
    await this.swanctl('--load-all');
  }

  async initiate(child: string, timeoutSeconds = 30): Promise<void> {
    const command = `--initiate --child ${child} --timeout ${timeoutSeconds}`;
    const { code, stdout, stderr } = await this.swanctl(command, {
      timeoutSeconds: timeoutSeconds + 10,
      allowFail: true,
    });
    if (code !== 0) throw new Error(`guest ${this.name}: ${stderr}\n${tail(stdout)}`);
  }

  swanctl(args: string, options?: RunOptions): Promise<ExecResult> {
    return this.run(`swanctl ${args} --uri unix:///run/charon.vici`, options);
  }

  async listSas(): Promise<string> {
    return (await this.swanctl('--list-sas')).stdout;
  }

  async established(child: string): Promise<boolean> {
    return childInstalled(await this.listSas(), child);
  }

  async charonLog(): Promise<string> {
    return (await this.run(`cat ${GUEST_LOG}`)).stdout;
  }

  get #etc(): string {
    return join(this.lab.tmp, `vm-${this.name}`, 'etc');
  }

  /** undefined once charon answers, otherwise what it said. An emulated processor takes a few seconds. */
  async #ready(): Promise<string | undefined> {
    const answers = async () =>
      (await this.swanctl('--stats', { allowFail: true, timeoutSeconds: 10 })).code === 0;
    try {
      await until(answers, 60_000, () => '', 250);
      return undefined;
    } catch {
      const { stdout } = await this.run(`cat /run/charon.out ${GUEST_LOG}`, { allowFail: true });
      return tail(stdout);
    }
  }

  async #script(
    args: string[],
    options: { input?: string | Uint8Array; allowFail?: boolean; timeoutMs: number },
  ): Promise<ExecResult> {
    return exec(this.lab.scope, [SCRIPT, ...args], { ...options, env: this.#env });
  }
}
