// Candidate → check → commit → running → save. One candidate for all who edit; a commit may take itself back.
import { apply, type Change, diff } from '../config/diff.ts';
import type { Tree } from '../config/tree.ts';
import { validate } from '../config/validate.ts';
import type { Log } from './log.ts';
import { Refused, type Router } from './router.ts';
import { type Entry, LINE_BY_LINE, type Store } from './store.ts';

/** What confirms a commit by itself. */
export type Condition = { readonly ping: string } | { readonly tunnel: string };

export type CommitOptions = {
  readonly by: string;
  readonly comment?: string;
  /** Taken back after this time, in seconds, unless confirmed. */
  readonly confirmWithin?: number;
  readonly when?: Condition;
  /** Whether tunnels may be there half-made, as a dialect that commits line by line has them. */
  readonly lenient?: boolean;
};

/** A commit, or a whole span of them, that is taken back unless somebody confirms. */
type Trial = {
  readonly before: Tree;
  readonly until: number;
  timer: NodeJS.Timeout;
  /** Lines that acted at once are in it. */
  immediate?: boolean;
  readonly probe?: NodeJS.Timeout;
};

export type ChangeState = {
  /** Settings that differ between candidate and running, and between running and what is saved. */
  readonly uncommitted: number;
  readonly unsaved: number;
  /** Seconds until the running configuration is taken back. */
  readonly confirmWithin?: number;
};

const PROBE_MS = 1000;

/** Between two attempts to take a commit back. */
const TAKE_BACK_AGAIN_MS = 5000;

export class Changes {
  readonly #router: Router;
  readonly #store: Store | undefined;
  readonly #log: Log;
  readonly #met: (condition: Condition, since: number) => Promise<boolean>;
  #saved: Tree;
  #candidate: Tree;
  #trial: Trial | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** `met` says whether a condition holds now; `saved` is what the router would start with. */
  constructor(
    router: Router,
    store: Store | undefined,
    saved: Tree,
    log: Log,
    met: (condition: Condition, since: number) => Promise<boolean>,
  ) {
    this.#router = router;
    this.#store = store;
    this.#log = log;
    this.#met = met;
    this.#saved = saved;
    this.#candidate = router.tree;
    // What runs at the start is what the first commit can be taken back to.
    const last = this.#lastCommit();
    if (router.tree.size > 0 && (!last || diff(last, router.tree).length > 0))
      this.#record(router.tree, 'router', 'start');
  }

  /** Undefined also of one that cannot be read, as when a later version made it: the start has told so already. */
  #lastCommit(): Tree | undefined {
    const [last] = this.history();
    try {
      return last && this.#store?.revision(last.number);
    } catch {
      return undefined;
    }
  }

  /** Requests that change something come one after another. */
  alone<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  get candidate(): Tree {
    return this.#candidate;
  }

  get running(): Tree {
    return this.#router.tree;
  }

  /** Makes a tree the candidate; nothing else happens. */
  edit(tree: Tree): void {
    this.#candidate = tree;
  }

  state(): ChangeState {
    const left = this.#trial && Math.max(0, Math.round((this.#trial.until - Date.now()) / 1000));
    return {
      uncommitted: diff(this.running, this.#candidate).length,
      unsaved: diff(this.#saved, this.running).length,
      ...(left === undefined ? {} : { confirmWithin: left }),
    };
  }

  /** What a commit of the candidate would do, in words. Throws Refused. */
  check(lenient = false): Promise<string[]> {
    verify(this.#candidate, lenient);
    return this.#router.preview(this.#candidate);
  }

  /** Makes the candidate the running configuration. Returns what was done, in words. Throws Refused: then nothing has happened. */
  async commit(
    options: CommitOptions,
  ): Promise<{ readonly done: readonly string[]; readonly entry?: Entry }> {
    const tree = this.#candidate;
    verify(tree, options.lenient === true);
    const before = this.running;
    const changes = diff(before, tree);
    // Armed before: what cuts us off may do so while it is applied.
    if (options.confirmWithin !== undefined) this.#try(before, options.confirmWithin, options.when);
    const done = await this.#router.apply(tree).catch((e: Error) => {
      if (options.confirmWithin !== undefined && e instanceof Refused) this.#endTrial();
      throw e;
    });
    // A commit while another waits is part of the trial, and no confirmation of it.
    if (changes.length === 0) return { done };
    const { by, comment = '' } = options;
    const entry = this.#record(tree, by, comment);
    const number = entry ? ` ${entry.number}` : '';
    this.#note(
      'info',
      'commit',
      `commit${number} by ${by}: ${changes.length} settings${comment && `, ${comment}`}`,
    );
    return { done, ...(entry ? { entry } : {}) };
  }

  /** A line that acts at once: commits a tree that is what runs but for it; the candidate keeps its own changes. */
  async immediate(tree: Tree, by: string): Promise<void> {
    verify(tree, true);
    const [before, edits] = [this.running, diff(this.running, this.#candidate)];
    await this.#router.apply(tree);
    this.#candidate = apply(tree, edits);
    this.#record(tree, by, LINE_BY_LINE);
    if (this.#trial) this.#trial.immediate = true;
    this.#note('info', 'commit', `${diff(before, tree).length} settings by ${by}`);
  }

  /** From now on everything is taken back after a time, in seconds, unless it is confirmed; in place of a trial that runs. */
  watch(seconds: number): void {
    this.#try(this.#trial?.before ?? this.running, seconds);
  }

  #try(before: Tree, seconds: number, when?: Condition): void {
    const first = this.#trial?.before ?? before;
    this.#endTrial();
    const timer = setTimeout(() => this.#takeBack(), seconds * 1000);
    const since = performance.now();
    const ask = async () => {
      if (when && (await this.#met(when, since).catch(() => false)) && this.#trial?.timer === timer)
        this.confirm('the condition');
    };
    const probe = when && setInterval(ask, PROBE_MS);
    this.#trial = { before: first, until: Date.now() + seconds * 1000, timer, ...(probe ? { probe } : {}) };
  }

  #endTrial(): void {
    clearTimeout(this.#trial?.timer);
    clearInterval(this.#trial?.probe);
    this.#trial = undefined;
  }

  /**
   * Nobody confirmed: what ran before runs again, and what lines that act at once have changed since goes from the candidate
   * too. What was edited stays there, so that a mistake can be mended. Tried until the machine takes it.
   */
  #takeBack(): Promise<void> {
    return this.alone(async () => {
      const trial = this.#trial;
      if (!trial) return;
      this.#note('warning', 'rollback', 'the commit was not confirmed in time: taken back');
      try {
        const [ran, edits] = [this.running, diff(this.running, this.#candidate)];
        await this.#router.apply(trial.before);
        if (trial.immediate) this.#candidate = apply(trial.before, edits);
        else if (edits.length === 0) this.#candidate = ran;
        this.#endTrial();
        this.#record(trial.before, 'router', 'taken back');
      } catch (e) {
        this.#note('error', 'rollback', `taking back failed, and is tried again: ${(e as Error).message}`);
        trial.timer = setTimeout(() => this.#takeBack(), TAKE_BACK_AGAIN_MS);
      }
    });
  }

  /** A history that cannot be written is told; what runs, runs. */
  #record(tree: Tree, by: string, comment: string): Entry | undefined {
    try {
      return this.#store?.record(tree, { time: new Date().toISOString(), by, comment });
    } catch (e) {
      this.#note('error', 'history', `the commit is not in the history: ${(e as Error).message}`);
      return undefined;
    }
  }

  /** What runs stays. False where nothing waited for it. */
  confirm(by: string): boolean {
    if (!this.#trial) return false;
    this.#endTrial();
    this.#note('info', 'confirm', `the commit is confirmed by ${by}`);
    return true;
  }

  /** Makes an earlier commit the candidate: 0 is what runs, 1 the commit before the last, and so on. Throws one sentence. */
  rollback(back: number): void {
    this.#candidate = this.revision(back);
  }

  revision(back: number): Tree {
    if (back === 0) return this.running;
    const history = this.#store?.history() ?? [];
    const entry = history[back];
    const tree = entry && this.#store?.revision(entry.number);
    if (tree) return tree;
    const known = history.length > 1 ? `0 to ${history.length - 1}` : '0 alone';
    throw new Error(`There is no commit ${back} back: ${known}.`);
  }

  history(): readonly Entry[] {
    return this.#store?.history() ?? [];
  }

  /** What runs is what the router starts with from here on; it also confirms. Throws one sentence. */
  save(by: string): void {
    if (!this.#store) throw new Error('Nothing can be saved: the router has no folder for its state.');
    this.#store.save(this.running);
    this.#saved = this.running;
    this.confirm(by);
    this.#note('info', 'save', `configuration saved by ${by}`);
  }

  /** What the candidate changes of an earlier commit. */
  compare(back: number): readonly Change[] {
    return diff(this.revision(back), this.#candidate);
  }

  /** Of a router that stops. */
  stop(): void {
    this.#endTrial();
  }

  #note(level: 'info' | 'warning' | 'error', code: string, text: string): void {
    this.#log.add({ level, function: 'conf', code, text });
  }
}

function verify(tree: Tree, lenient: boolean): void {
  const half = (key: string | undefined) => lenient && /^interface\.ipsec\d/.test(key ?? '');
  const errors = validate(tree).errors.filter((m) => !(m.code === 'missing' && half(m.key)));
  if (errors.length > 0) throw new Refused(errors);
}
