// Our own router as a process in a namespace, driven as an operator drives it: a file, a socket, a signal.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IkeView, TunnelView } from '../../src/show/view.ts';
import type { Lab, Ns } from './netns.ts';
import { type Proc, until } from './proc.ts';

const CLI = fileURLToPath(new URL('../../cli/sekisho', import.meta.url));

type LogEntry = {
  /** ISO 8601. */
  time: string;
  level: string;
  code: string;
  connection?: string;
  text: string;
  reason?: { code: string; key?: string };
};

export class Sekisho {
  readonly ns: Ns;
  readonly socket: string;
  readonly #logFile: string;
  readonly #configFile: string;
  #proc: Proc;
  readonly #started = Date.now();

  private constructor(ns: Ns, socket: string, logFile: string, configFile: string, proc: Proc) {
    this.ns = ns;
    this.socket = socket;
    this.#logFile = logFile;
    this.#configFile = configFile;
    this.#proc = proc;
  }

  /** Starts a router from SEIL text and waits until it is ready. */
  static start(lab: Lab, ns: Ns, name: string, config: string): Promise<Sekisho> {
    const file = join(lab.tmp, `${name}.conf`);
    writeFileSync(file, config);
    return Sekisho.#run(lab, ns, name, ['--config', file, '--state', join(lab.tmp, `${name}.state`)]);
  }

  /**
   * Starts a router with what is in the folder of its state. `first`: what a new one begins with; `system`: where it asks the
   * system around.
   */
  static boot(
    lab: Lab,
    ns: Ns,
    name: string,
    folders: { state: string; first?: string; system?: string },
  ): Promise<Sekisho> {
    return Sekisho.#run(
      lab,
      ns,
      name,
      Object.entries(folders).flatMap(([option, folder]) => [`--${option}`, folder]),
    );
  }

  static async #run(lab: Lab, ns: Ns, name: string, more: readonly string[]): Promise<Sekisho> {
    const [socket, log, file] = ['sock', 'log', 'conf'].map((end) => join(lab.tmp, `${name}.${end}`));
    // The machine's clock is nobody's business here.
    const proc = ns.spawn([CLI, 'run', '--socket', socket, '--keep-clock', ...more], { log });
    const router = new Sekisho(ns, socket, log, file, proc);
    await until(
      () => /ready, /.test(router.stderr()) || !proc.running,
      40_000,
      () => `sekisho ${name} is not ready:\n${router.stderr()}`,
    );
    if (!proc.running) throw new Error(`sekisho ${name} ended:\n${router.stderr()}`);
    return router;
  }

  stderr(): string {
    try {
      return readFileSync(this.#logFile, 'utf8');
    } catch {
      return '';
    }
  }

  async cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return this.ns.exec([CLI, '--socket', this.socket, ...args], { allowFail: true });
  }

  async show(...what: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli('show', ...what);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  async json<T>(...what: string[]): Promise<T> {
    return JSON.parse(await this.show(...what, '--json')) as T;
  }

  tunnel(name = 'ipsec0'): Promise<TunnelView | undefined> {
    return this.json<TunnelView[]>('status', 'ipsec').then((all) => all.find((t) => t.connection === name));
  }

  ike(): Promise<IkeView[]> {
    return this.json<IkeView[]>('status', 'ike');
  }

  /** Of this start: what an earlier one said is kept too. */
  async log(): Promise<LogEntry[]> {
    const all = await this.json<LogEntry[]>('log');
    return all.filter((e) => Date.parse(e.time) >= this.#started);
  }

  async waitUp(name = 'ipsec0', ms = 20_000): Promise<TunnelView> {
    let last: TunnelView | undefined;
    await until(
      async () => {
        last = await this.tunnel(name);
        return last?.state === 'up';
      },
      ms,
      () => `${name} is ${last?.state}:\n${this.stderr()}`,
      100,
    );
    return last!;
  }

  /** Waits for a log entry with this code (and reason), among those after the first `from`. */
  async waitLog(match: (entry: LogEntry) => boolean, what: string, ms = 20_000, from = 0): Promise<LogEntry> {
    let found: LogEntry | undefined;
    await until(
      async () => {
        found = (await this.log()).slice(from).find(match);
        return found !== undefined;
      },
      ms,
      () => `no ${what} in the log:\n${this.stderr()}`,
      100,
    );
    return found!;
  }

  reload(config: string): Promise<{ code: number; stdout: string; stderr: string }> {
    writeFileSync(this.#configFile, config);
    return this.cli('reload', this.#configFile);
  }

  get running(): boolean {
    return this.#proc.running;
  }

  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number> {
    return this.#proc.stop('SIGTERM', 10_000);
  }

  /** SIGKILL: a crash without a word. */
  kill(): Promise<number> {
    return this.#proc.stop('SIGKILL');
  }
}
