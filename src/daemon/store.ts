// Configurations on the disk: the one to start with, and every one that was committed, by number. Secrets are sealed.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { findLeaf, type Value } from '../config/schema/index.ts';
import { isSealed, seal, unseal } from '../config/seal.ts';
import { Tree } from '../config/tree.ts';
import { parseLine, quote } from '../dialect/seil/line.ts';
import { parseSeil } from '../dialect/seil/parse.ts';
import { printSeil } from '../dialect/seil/print.ts';
import { type Disk, replaceFile } from './files.ts';

/** Of a commit: who, when, why. */
export type Entry = {
  readonly number: number;
  /** ISO 8601. */
  readonly time: string;
  readonly by: string;
  readonly comment: string;
};

/** Commits that are kept. */
const KEPT = 100;

/** Of commits that are made by single lines: in a row they are one. */
export const LINE_BY_LINE = 'line by line';

/** Between two lines of a row. */
const FRESH_MS = 600_000;

const STARTUP = 'startup.conf';
const HISTORY = 'history';

export class Store {
  readonly #folder: string;
  readonly #key: Uint8Array;
  readonly #disk: Disk;
  readonly #lost: (sentence: string) => void;

  /**
   * `key`: 32 octets that seal; `lost` hears a sentence of every secret that cannot be opened, and of every file that cannot be
   * read: the rest is worth having. Throws when the folder cannot be made.
   */
  constructor(folder: string, key: Uint8Array, lost: (sentence: string) => void = () => {}, disk: Disk = fs) {
    this.#lost = lost;
    this.#folder = folder;
    this.#key = key;
    this.#disk = disk;
    disk.mkdirSync(join(folder, HISTORY), { recursive: true, mode: 0o700 });
  }

  /** What the router starts with; undefined when nothing was saved. Throws one sentence when it cannot be read. */
  startup(): Tree | undefined {
    const text = this.#text(STARTUP);
    return text === undefined ? undefined : this.#open(STARTUP, text);
  }

  /** Whether nobody has ever saved or committed anything, as far as the disk says. */
  get blank(): boolean {
    try {
      return this.#text(STARTUP) === undefined && this.#numbers().length === 0;
    } catch {
      return false;
    }
  }

  save(tree: Tree): void {
    replaceFile(this.#disk, join(this.#folder, STARTUP), this.#seal(tree));
  }

  /**
   * Keeps a commit under the next number. With the comment LINE_BY_LINE it stands in place of the last one of the same kind
   * and person, if that is fresh.
   */
  record(tree: Tree, entry: Omit<Entry, 'number'>): Entry {
    const numbers = this.#numbers();
    const last = numbers.at(-1) ?? 0;
    const number = this.#continues(entry) ? last : last + 1;
    const head = [`# time ${entry.time}`, `# by ${oneLine(entry.by)}`, `# comment ${oneLine(entry.comment)}`];
    replaceFile(this.#disk, this.#path(number), `${head.join('\n')}\n${this.#seal(tree)}`);
    for (const old of numbers.slice(0, -KEPT + 1)) this.#disk.rmSync(this.#path(old), { force: true });
    return { number, ...entry };
  }

  #continues({ by, comment, time }: Omit<Entry, 'number'>): boolean {
    if (comment !== LINE_BY_LINE) return false;
    const [last] = this.history();
    const fresh = last !== undefined && Date.parse(time) - Date.parse(last.time) < FRESH_MS;
    return fresh && last.by === by && last.comment === comment;
  }

  /** Newest first. Of one that cannot be read there is its number. */
  history(): Entry[] {
    const numbers = this.#readable(() => this.#numbers()) ?? [];
    return numbers.toReversed().map((number) => {
      const text = this.#readable(() => this.#text(this.#name(number))) ?? '';
      const field = (name: string) => new RegExp(`^# ${name} (.*)$`, 'm').exec(text)?.[1] ?? '';
      return { number, time: field('time'), by: field('by'), comment: field('comment') };
    });
  }

  /** A disk fails in places: the rest is worth having. */
  #readable<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (e) {
      this.#lost((e as Error).message);
      return undefined;
    }
  }

  /** A commit by its number; undefined when there is none. Throws one sentence when it cannot be read. */
  revision(number: number): Tree | undefined {
    const text = this.#text(this.#name(number));
    return text === undefined ? undefined : this.#open(`commit ${number}`, text);
  }

  #name(number: number): string {
    return join(HISTORY, `${String(number).padStart(6, '0')}.conf`);
  }

  #path(number: number): string {
    return join(this.#folder, this.#name(number));
  }

  #numbers(): number[] {
    const names = this.#disk.readdirSync(join(this.#folder, HISTORY)) as string[];
    return names
      .flatMap((name) => (/^\d{6,}\.conf$/.test(name) ? [Number.parseInt(name, 10)] : []))
      .sort((a, b) => a - b);
  }

  #text(name: string): string | undefined {
    try {
      return this.#disk.readFileSync(join(this.#folder, name), 'utf8');
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new Error(`${name} cannot be read: ${(e as Error).message}`);
    }
  }

  /** SEIL's form with the secrets sealed. */
  #seal(tree: Tree): string {
    const sealed = [...tree.entries()].map(([path, value]): [string, Value] =>
      findLeaf(path)?.leaf.secret ? [path, seal(this.#key, path, String(value))] : [path, value],
    );
    // Without columns: a line must not grow by the length of another.
    return printSeil(new Tree(sealed), { maskSecrets: false, aligned: false });
  }

  #open(what: string, text: string): Tree {
    const lines = text.split('\n').map((line) => {
      const parsed = parseLine(line);
      const secretKey = parsed.kind === 'setting' && findLeaf(parsed.key)?.leaf.secret;
      if (parsed.kind !== 'setting' || !secretKey || !isSealed(parsed.value)) return line;
      const secret = unseal(this.#key, parsed.key, parsed.value);
      if (secret === undefined) {
        this.#lost(
          `${what}: the secret at ${parsed.key} was sealed by another machine, or has been changed: set it anew`,
        );
        return '';
      }
      return `${parsed.key} : ${quote(secret)}`;
    });
    const { tree, unread } = parseSeil(lines.join('\n'));
    if (unread.length > 0) throw new Error(`${what}, line ${unread[0].line}: ${unread[0].message}`);
    return tree;
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 200);
}
