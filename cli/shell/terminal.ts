// The shell at a terminal: ? explains at any word, TAB completes, output waits by pages, the prompt tells what waits to be
// committed, confirmed or saved.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { parseLine } from '../../src/dialect/yamaha/line.ts';
import { complete, explain } from './complete.ts';
import { promptOf } from './prompt.ts';
import type { Session } from './session.ts';
import { setUp } from './set-up.ts';
import { TEXTS } from './texts.ts';

const HISTORY = join(homedir(), '.sekisho_history');
const HISTORY_LINES = 1000;

/** Lines that may hold secrets are in no history; abbreviations too. */
const SECRET = /(?:^|[\s.-])(?:pre|pas|sec|logi|user|auth|myn|adm|smtp|comm(?!it|ent)|key\b)/i;

/** Asks the terminal to put marks around what is pasted, and not to any more (DEC private mode 2004). */
const PASTES_MARKED = '\x1b[?2004h';
const PASTES_PLAIN = '\x1b[?2004l';

type Key = { readonly name?: string; readonly ctrl?: boolean; readonly sequence?: string };

/** What readline writes, unless something else has the screen. */
class Screen extends Writable {
  muted = false;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (!this.muted) process.stdout.write(chunk);
    done();
  }
  get columns(): number {
    return process.stdout.columns ?? 80;
  }
  get rows(): number {
    return process.stdout.rows ?? 24;
  }
}

/** Runs until the session ends; resolves with the exit code. Without a terminal lines are read and carried out. */
export async function shell(session: Session): Promise<number> {
  const tty = process.stdin.isTTY === true && process.stdout.isTTY === true;
  await session.refresh().catch((e: Error) => process.stderr.write(`${e.message}\n`));
  if (tty) session.terminal.lines = process.stdout.rows ?? session.terminal.lines;
  const screen = new Screen();
  const rl = createInterface({
    input: process.stdin,
    output: tty ? screen : undefined,
    terminal: tty,
    historySize: HISTORY_LINES,
    history: tty ? remembered() : [],
    removeHistoryDuplicates: true,
    completer: (line: string, done: (e: null, result: [string[], string]) => void) => {
      session
        .refresh()
        .catch(() => undefined)
        .then(() => {
          const { words, part } = complete(session, line);
          done(null, [[...words], part]);
        });
    },
  });
  const run = new Run(session, rl, screen, tty);
  return run.finished;
}

/** One line after the other: a paste of many is carried out in its order. */
class Run {
  readonly finished: Promise<number>;
  readonly #session: Session;
  readonly #rl: Interface;
  readonly #screen: Screen;
  readonly #tty: boolean;
  readonly #queue: string[] = [];
  #pasting = false;
  #busy = false;
  #closed = false;
  /** Whether what is not saved was spoken of. */
  #asked = false;
  #code = 0;
  #end: (code: number) => void = () => {};

  constructor(session: Session, rl: Interface, screen: Screen, tty: boolean) {
    this.#session = session;
    this.#rl = rl;
    this.#screen = screen;
    this.#tty = tty;
    this.finished = new Promise((resolve) => {
      this.#end = resolve;
    });
    rl.on('line', (line) => {
      this.#queue.push(line);
      this.#drain();
    });
    rl.on('close', () => {
      this.#closed = true;
      if (!this.#busy) void this.#leave();
    });
    if (tty) {
      rl.on('SIGINT', () => {
        if (this.#screen.muted) return; // Whoever asks hears it.
        this.#queue.length = 0;
        process.stdout.write('^C\n');
        rl.write(null, { ctrl: true, name: 'u' });
        if (this.#busy) session.interrupt();
        else this.#prompt();
      });
      rl.on('history', (history: string[]) => {
        if (SECRET.test(history[0] ?? '')) history.shift();
        remember(history);
      });
      process.stdout.write(PASTES_MARKED);
      process.stdin.on('keypress', (text: string | undefined, key?: Key) => {
        if (key?.name === 'paste-start') this.#pasting = true;
        else if (key?.name === 'paste-end') this.#pasting = false;
        else if (text === '?' && !this.#pasting) this.#question();
      });
    }
    if (tty)
      session.person = {
        ask: (q, hidden) => this.#answer(q, hidden),
        tell: (t) => void process.stdout.write(t),
      };
    void this.#begin();
  }

  /** On a box that nobody has configured five questions come before the first prompt. */
  async #begin(): Promise<void> {
    const { state } = this.#session;
    if (this.#tty && state?.blank && state.role === 'admin') {
      this.#busy = true;
      const { ok, text } = await setUp(this.#session).catch((e: Error) => ({
        ok: false,
        text: `${e.message}\n`,
      }));
      process.stdout.write(text);
      // Whoever sat here without a password sits before the login again.
      if (!ok) return this.#finish();
      this.#busy = false;
    }
    await this.#prompt();
  }

  /** `?` outside quotes: help for what is typed so far, then the line again as it was. */
  #question(): void {
    const { line, cursor } = this.#rl;
    if (this.#busy || this.#screen.muted) return;
    const before = line.slice(0, cursor - 1);
    if (!parseLine(before).ok) return;
    this.#rl.write(null, { name: 'backspace' });
    this.#busy = true;
    this.#session
      .refresh()
      .catch(() => undefined)
      .then(() => {
        process.stdout.write(`?\n${explain(this.#session, before)}`);
        this.#busy = false;
        if (this.#queue.length > 0) void this.#drain();
        else this.#rl.prompt(true);
      });
  }

  async #drain(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let line = this.#queue.shift(); line !== undefined; line = this.#queue.shift()) {
      const ended = await this.#one(line);
      if (ended) {
        this.#rl.close();
        break;
      }
    }
    this.#busy = false;
    if (this.#closed) await this.#leave();
    else await this.#prompt();
  }

  /** True when the session is over. */
  async #one(line: string): Promise<boolean> {
    try {
      const { ok, text, end } = await this.#session.execute(line);
      if (!ok) this.#code = 1;
      await this.#show(text);
      return end === true && (await this.#mayLeave());
    } catch (e) {
      this.#code = 1;
      process.stdout.write(`${(e as Error).message}\n`);
      return false;
    }
  }

  async #prompt(): Promise<void> {
    if (!this.#tty || this.#closed) return;
    await this.#session.refresh().catch(() => undefined);
    this.#rl.setPrompt(promptOf(this.#session));
    if (!this.#busy && !this.#closed) this.#rl.prompt();
  }

  /** By pages where nobody has typed ahead. */
  async #show(text: string): Promise<void> {
    const page = this.#session.terminal.lines - 1;
    const lines = text.split('\n');
    if (!this.#tty || page < 1 || lines.length <= page + 1 || this.#queue.length > 0) {
      process.stdout.write(text);
      return;
    }
    let at = page;
    process.stdout.write(`${lines.slice(0, page).join('\n')}\n`);
    while (at < lines.length - 1) {
      const key = await this.#key(TEXTS.more[this.#session.terminal.language]);
      if (key.name === 'q' || (key.ctrl && key.name === 'c')) return;
      const step = key.name === 'return' || key.name === 'enter' ? 1 : page;
      process.stdout.write(
        lines
          .slice(at, at + step)
          .map((l, i) => (at + i < lines.length - 1 ? `${l}\n` : l))
          .join(''),
      );
      at += step;
    }
  }

  /** One key, which readline does not see. */
  async #key(question: string): Promise<Key> {
    this.#screen.muted = true;
    process.stdout.write(question);
    const key = await new Promise<Key>((resolve) =>
      process.stdin.once('keypress', (text: string | undefined, k: Key) => resolve(k ?? { name: text })),
    );
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#closed) this.#rl.write(null, { ctrl: true, name: 'u' });
    this.#screen.muted = false;
    process.stdout.write('\r\x1b[K');
    return key;
  }

  /** A line in answer to a question: not a command, in no history. Undefined when it is called off. */
  async #answer(question: string, hidden = false): Promise<string | undefined> {
    this.#screen.muted = true;
    process.stdout.write(question);
    let text = '';
    const rub = (from: string) => {
      if (!hidden) process.stdout.write('\b \b'.repeat([...text].length - [...from].length));
      text = from;
    };
    const answer = await new Promise<string | undefined>((resolve) => {
      const end = (answer: string | undefined) => {
        process.stdin.off('keypress', hear);
        resolve(answer);
      };
      const hear = (typed: string | undefined, key?: Key) => {
        // Readline heard it first, and must not keep it.
        Object.assign(this.#rl, { line: '', cursor: 0 });
        const name = key?.name;
        if (key?.ctrl && (name === 'c' || name === 'd')) end(undefined);
        else if (key?.ctrl && name === 'u') rub('');
        else if (name === 'backspace') rub([...text].slice(0, -1).join(''));
        else if (name === 'return' || name === 'enter') end(text);
        else if (typed !== undefined && !key?.ctrl && typed >= ' ') {
          text += typed;
          if (!hidden) process.stdout.write(typed);
        }
      };
      process.stdin.on('keypress', hear);
    });
    await new Promise((resolve) => setImmediate(resolve));
    // What readline heard of it is no command.
    if (!this.#closed) this.#rl.write(null, { ctrl: true, name: 'u' });
    this.#queue.length = 0;
    this.#screen.muted = false;
    process.stdout.write('\n');
    return answer;
  }

  /** What is not saved would be lost with the power: whoever may save is asked. */
  async #mayLeave(): Promise<boolean> {
    const state = await this.#session.refresh().catch(() => undefined);
    this.#asked = true;
    if (!this.#tty || !state || state.role !== 'admin' || state.unsaved === 0) return true;
    const { name } = await this.#key(TEXTS.unsaved[this.#session.terminal.language]);
    if (name === 'y') process.stdout.write((await this.#session.execute('save')).text);
    this.#asked = name === 'y' || name === 'n';
    return this.#asked;
  }

  /** Ctrl-D asks like `exit`, and leaves whatever the answer is but yes. */
  async #leave(): Promise<void> {
    if (this.#tty && !this.#asked) {
      process.stdin.setRawMode(true).resume();
      await this.#mayLeave();
      process.stdin.setRawMode(false).pause();
    }
    this.#finish();
  }

  #finish(): void {
    if (this.#tty) process.stdout.write(`${PASTES_PLAIN}\n`);
    this.#end(this.#tty ? 0 : this.#code);
  }
}

function remembered(): string[] {
  try {
    return readFileSync(HISTORY, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

function remember(history: readonly string[]): void {
  try {
    writeFileSync(HISTORY, history.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    if (existsSync(HISTORY)) chmodSync(HISTORY, 0o600);
  } catch {
    // A home that cannot be written costs the history and no more.
  }
}
