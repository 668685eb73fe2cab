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
  readonly timer: NodeJS.Timeout;
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

export class Changes {
  readonly #router: Router;
  readonly #store: Store | undefined;
  readonly #log: Log;
  readonly #met: (condition: Condition) => Promise<boolean>;
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
    met: (condition: Condition) => Promise<boolean>,
  ) {
    this.#router = router;
    this.#store = store;
    this.#log = log;
    this.#met = met;
    this.#saved = saved;
    this.#candidate = router.tree;
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
    const done = await this.#router.apply(tree);
    if (options.confirmWithin !== undefined) this.#try(before, options.confirmWithin, options.when);
    // A commit while another waits is part of the trial, and no confirmation of it.
    if (changes.length === 0) return { done };
    const { by, comment = '' } = options;
    const entry = this.#store?.record(tree, { time: new Date().toISOString(), by, comment });
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
    this.#store?.record(tree, { time: new Date().toISOString(), by, comment: LINE_BY_LINE });
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
    const ask = async () => {
      if (when && (await this.#met(when).catch(() => false)) && this.#trial?.timer === timer)
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

  /** Nobody confirmed: what ran before runs again. The candidate stays, so that the mistake can be mended. */
  async #takeBack(): Promise<void> {
    const before = this.#trial?.before;
    this.#endTrial();
    if (!before) return;
    this.#note('warning', 'rollback', 'the commit was not confirmed in time: taken back');
    await this.#router.apply(before).catch((e: Error) => this.#note('error', 'rollback', e.message));
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
