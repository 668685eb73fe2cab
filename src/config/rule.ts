// How a rule across keys says that it is broken.

import type { Mistake } from './mistake.ts';
import type { Tree } from './tree.ts';

/** `about`: further keys that the rule looked at, which may be broken themselves. */
export type Fail = (key: string, message: string, code?: Mistake['code'], about?: readonly string[]) => void;
export type Warn = (key: string, message: string) => void;

/** What an object of a list cannot do without; true where nothing is missing. */
export function need(tree: Tree, at: string, leaves: readonly string[], fail: Fail): boolean {
  const missing = leaves.filter((leaf) => tree.value(`${at}.${leaf}`) === undefined);
  for (const leaf of missing) fail(`${at}.${leaf}`, `${at} is not complete: add ${at}.${leaf}.`, 'missing');
  return missing.length === 0;
}
