// A terminal as a person has it: keys in, a screen out. A tmux server of its own, which goes with the lab.
import { join } from 'node:path';
import type { Lab, Ns } from './netns.ts';
import { until } from './proc.ts';

export class Tmux {
  readonly #ns: Ns;
  readonly #socket: string;

  private constructor(ns: Ns, socket: string) {
    this.#ns = ns;
    this.#socket = socket;
  }

  /** A terminal of 120 × 40 in a namespace, with a command in it; its home is the lab's folder. */
  static async open(lab: Lab, ns: Ns, command: readonly string[]): Promise<Tmux> {
    const tmux = new Tmux(ns, join(lab.tmp, 'tmux.sock'));
    const env = ['env', `HOME=${lab.tmp}`, 'LANG=C.UTF-8', 'TERM=screen', 'TMUX='];
    const quoted = [...env, ...command].map((word) => `'${word}'`).join(' ');
    await tmux.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '120', '-y', '40', '-s', 's', quoted);
    await tmux.#tmux('set-option', '-g', 'remain-on-exit', 'on');
    await tmux.#tmux('set-option', '-g', 'history-limit', '20000');
    return tmux;
  }

  #tmux(...args: string[]) {
    return this.#ns.exec(['tmux', '-S', this.#socket, ...args], { allowFail: true });
  }

  /** Types text as it is. */
  async type(text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', '-t', 's', text);
  }

  /** A key by its name: Enter, Tab, C-c, C-d, Up. */
  async key(...names: string[]): Promise<void> {
    await this.#tmux('send-keys', '-t', 's', ...names);
  }

  async line(text: string): Promise<void> {
    await this.type(text);
    await this.key('Enter');
  }

  /** Pastes as a terminal does: with marks around it where the program asked for them. */
  async paste(text: string): Promise<void> {
    await this.#tmux('set-buffer', text);
    await this.#tmux('paste-buffer', '-p', '-t', 's');
  }

  /** Everything that was on the screen so far. */
  async screen(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p', '-J', '-S', '-', '-t', 's')).stdout.replace(/[ \n]+$/, '');
  }

  async clear(): Promise<void> {
    await this.key('C-l');
    await this.#tmux('clear-history', '-t', 's');
  }

  /** Waits until the screen shows something; returns it. */
  async shows(pattern: RegExp, ms = 15_000): Promise<string> {
    let last = '';
    await until(
      async () => {
        last = await this.screen();
        return pattern.test(last);
      },
      ms,
      () => `the screen does not show ${pattern}:\n${last}`,
      100,
    );
    return last;
  }

  /** Whether the command has ended. */
  async ended(): Promise<boolean> {
    return (await this.#tmux('list-panes', '-t', 's', '-F', '#{pane_dead}')).stdout.trim() === '1';
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server');
  }
}
