// A session of the shell: which dialect and language, what is selected, and how a line is carried out. It knows no
// terminal: scripts and one-shot commands are sessions too.
import { readFileSync } from 'node:fs';
import type { Answer, Request, Selection, State } from '../../src/daemon/protocol.ts';
import { match, type Phrase } from '../../src/dialect/grammar/match.ts';
import type { Language } from '../../src/dialect/grammar/pattern.ts';
import { DIALECTS, type Dialect } from '../../src/dialect/index.ts';
import { parseLine } from '../../src/dialect/yamaha/line.ts';
import { deeds, selections } from '../../src/dialect/yamaha/parse.ts';
import { ask } from '../client.ts';
import { commandsOf, type ShellCommand } from './commands/index.ts';
import { wrongWords } from './mistake.ts';
import { parsePipes, throughPipes } from './pipe.ts';

/** Commands whose output is worth a pipe. */
const SHOWING = /^\s*(?:sh|sho|show|comp\w*|diag\w*|help)\b/;

/** What acts at once in Yamaha's dialect. */
const CONFIGURATION: readonly Phrase[] = [...deeds, ...selections];

/** Lines of a screen; 0 is without end. */
export type Terminal = { dialect: Dialect; language: Language; lines: number };

/** Who sits before a terminal. */
export type Person = {
  /** What is typed in answer, undefined when it is called off (Ctrl-C, Ctrl-D); a hidden one is not shown. */
  readonly ask: (question: string, hidden?: boolean) => Promise<string | undefined>;
  readonly tell: (text: string) => void;
};

export type Outcome = {
  readonly ok: boolean;
  readonly text: string;
  /** The session is over. */
  readonly end?: true;
  /** What was looked at is not well: a program is told by the exit code. */
  readonly failed?: boolean;
};

export class Session {
  readonly terminal: Terminal;
  readonly #socket: string;
  readonly #ask: typeof ask;
  selection: Selection = { kind: 'none' };
  state: State | undefined;
  /** Nobody in scripts and one-shot commands. */
  person: Person | undefined;
  #interruption = new AbortController();

  constructor(socket: string, terminal: Partial<Terminal> = {}, asking = ask) {
    this.#socket = socket;
    this.#ask = asking;
    this.terminal = { dialect: 'seil', language: 'en', lines: 24, ...terminal };
  }

  request(request: Request): Promise<Answer> {
    return this.#ask(this.#socket, request, this.#interruption.signal);
  }

  /** Of whoever waits no longer. */
  get signal(): AbortSignal {
    return this.#interruption.signal;
  }

  /** Waits no longer for answers that are under way. */
  interrupt(): void {
    this.#interruption.abort();
    this.#interruption = new AbortController();
  }

  /** What prompt and completion need, as it is now. Rejects with one sentence when no router answers. */
  async refresh(): Promise<State | undefined> {
    const answer = await this.request({ command: 'state' });
    if (answer.ok) this.state = answer.data as State;
    return this.state;
  }

  get commands(): readonly ShellCommand[] {
    return commandsOf(this.terminal.dialect);
  }

  /** Carries a line out; a mistake is one sentence. Rejects when no router answers. */
  async execute(line: string): Promise<Outcome> {
    // What only looks like a pipe in a value is none.
    const piped = SHOWING.test(line)
      ? parsePipes(line)
      : ({ ok: true, command: line.trim(), stages: [] } as const);
    if (!piped.ok) return { ok: false, text: `${piped.message}\n` };
    const { command, stages } = piped;
    if (command === '') return { ok: true, text: '' };
    const compared = stages.find((s) => s.kind === 'compare');
    const json = stages.some((s) => s.kind === 'json');
    const outcome = compared ? await this.#compare(command, compared.back) : await this.#run(command, json);
    if (!outcome.ok) return outcome;
    try {
      return { ...outcome, text: throughPipes(outcome.text, stages) };
    } catch (e) {
      return { ok: false, text: `${(e as Error).message}\n` };
    }
  }

  /** `show | compare 2`: the candidate beside what runs, or an earlier commit. */
  async #compare(command: string, back: number): Promise<Outcome> {
    if (!/^sh(?:ow?)?(?: config)?$/.test(command))
      return { ok: false, text: 'Only show and show config are compared.\n' };
    return said(await this.request({ command: 'compare', back, dialect: this.terminal.dialect }));
  }

  async #run(command: string, json: boolean): Promise<Outcome> {
    // A line of a configuration needs no verb.
    if (this.terminal.dialect === 'seil' && /^[a-z][\w.-]*(?:\.[\w.-]+)?\s*:\s/.test(command))
      return said(await this.request({ command: 'set', line: command }));
    const parsed = parseLine(command);
    if (!parsed.ok) return { ok: false, text: `${parsed.message}\n` };
    const words = parsed.words.map((w) => w.text);
    if (words.length === 0) return { ok: true, text: '' };
    const found = match(this.commands, words);
    if (found.ok) return found.phrase.run(this, found.args, json);
    // Of a command of a configuration the router says what is wrong with it.
    const configuring = this.terminal.dialect === 'yamaha' && match(CONFIGURATION, words);
    if (configuring && (configuring.ok || configuring.at >= found.at)) return this.configure(command);
    return { ok: false, text: `${wrongWords(found, words, this.terminal.language)}\n` };
  }

  /** A command of a Yamaha configuration, which acts at once. */
  async configure(line: string): Promise<Outcome> {
    const { language } = this.terminal;
    const answer = await this.request({ command: 'yamaha', line, selection: this.selection, language });
    if (answer.ok) this.selection = answer.data as Selection;
    return said(answer);
  }

  dialect(name: string): void {
    if ((DIALECTS as readonly string[]).includes(name)) this.terminal.dialect = name as Dialect;
  }

  /** A configuration from a file of this machine. */
  async load(file: string): Promise<Outcome> {
    try {
      return said(await this.request({ command: 'load', file, source: readFileSync(file, 'utf8') }));
    } catch (e) {
      return { ok: false, text: `${(e as Error).message}\n` };
    }
  }
}

/** An answer of the router as the shell says it. */
export function said(answer: Answer): Outcome {
  return answer.ok ? { ok: true, text: answer.text } : { ok: false, text: `${answer.error}\n` };
}
