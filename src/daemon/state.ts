// What outlives the process, in a folder of the router's own: readable by nobody else.

import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from './files.ts';

const SECRET_OCTETS = 32;

export class State {
  readonly #folder: string;

  /** Throws when the folder cannot be made. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
  }

  /** A place below. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /**
   * A secret that is made once and stays the same over restarts. What is no whole one is kept beside it. Throws when a new one
   * cannot be written.
   */
  secret(name: string): Uint8Array {
    const file = join(this.#folder, name);
    try {
      const kept = readFileSync(file);
      if (kept.length === SECRET_OCTETS) return new Uint8Array(kept);
    } catch {
      // As good as none.
    }
    if (existsSync(file)) renameSync(file, `${file}.damaged`);
    const made = randomBytes(SECRET_OCTETS);
    // On the disk before anything is sealed with it.
    replaceFile(fs, file, made);
    return new Uint8Array(made);
  }
}
