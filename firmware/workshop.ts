// Steps that are done once for the same inputs: an interrupted build goes on where it was, a repeated one is quick.
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';

export type Make = (folder: string) => void;

/** Results of a step: some hundred megabytes each, of what was built last. */
const KEPT = 3;

export class Workshop {
  readonly #cache: string;
  readonly #fresh: boolean;
  #number = 0;

  /** `fresh`: everything is made anew, whatever the cache has. */
  constructor(cache: string, fresh = false) {
    this.#cache = cache;
    this.#fresh = fresh;
    mkdirSync(cache, { recursive: true });
  }

  /** A folder as `make` filled it for these inputs, now or before. Half of one is never taken for a whole. */
  step(name: string, inputs: unknown, make: Make, fresh = this.#fresh): string {
    const key = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16);
    const folder = join(this.#cache, `${name}-${key}`);
    this.#number++;
    if (existsSync(folder) && !fresh) {
      utimesSync(folder, new Date(), new Date());
      this.#say(name, 'as before', folder);
      return folder;
    }
    process.stdout.write(`[${this.#number}] ${name} ...\n`);
    const began = performance.now();
    const half = `${folder}.half`;
    for (const old of [half, folder]) rmSync(old, { recursive: true, force: true });
    mkdirSync(half);
    make(half);
    renameSync(half, folder);
    utimesSync(folder, new Date(), new Date());
    this.#forget(name);
    this.#say(name, `${((performance.now() - began) / 1000).toFixed(1)} s`, folder);
    return folder;
  }

  /** What was not asked for lately. */
  #forget(name: string): void {
    const results = readdirSync(this.#cache)
      .filter((n) => n.startsWith(`${name}-`) && /^[0-9a-f]{16}$/.test(n.slice(name.length + 1)))
      .map((n) => join(this.#cache, n))
      .sort((a, b) => lstatSync(b).mtimeMs - lstatSync(a).mtimeMs);
    for (const old of results.slice(KEPT)) rmSync(old, { recursive: true });
  }

  #say(name: string, how: string, folder: string): void {
    process.stdout.write(`[${this.#number}] ${name}: ${how}, ${size(octets(folder))}\n`);
  }
}

export function size(of: number): string {
  return of < 1e6 ? `${(of / 1e3).toFixed(1)} kB` : `${(of / 1e6).toFixed(1)} MB`;
}

/** What a file or folder takes on the disk. */
function octets(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.blocks * 512;
  return readdirSync(path).reduce((sum, name) => sum + octets(join(path, name)), 0);
}

/** Of what files contain, whatever their times: names, kinds, permissions to execute, octets. */
export function digest(paths: readonly string[]): string {
  const hash = createHash('sha256');
  const visit = (path: string, name: string): void => {
    const stat = lstatSync(path);
    hash.update(
      `${name}\0${stat.isDirectory() ? 'd' : stat.isSymbolicLink() ? 'l' : stat.mode & 0o111 ? 'x' : 'f'}\0`,
    );
    if (stat.isDirectory())
      for (const child of readdirSync(path).sort()) visit(join(path, child), `${name}/${child}`);
    else
      hash.update(
        createHash('sha256')
          .update(stat.isSymbolicLink() ? readlinkSync(path) : readFileSync(path))
          .digest(),
      );
  };
  for (const path of paths) visit(path, '');
  return hash.digest('hex');
}
