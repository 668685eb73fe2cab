// One mistake in a configuration, wherever it was found: the same object feeds `check`, the log and the tests.

export type MistakeCode =
  | 'syntax'
  | 'unknown-key'
  | 'duplicate-key'
  | 'bad-value'
  | 'not-built'
  | 'missing'
  | 'conflict'
  | 'weak';

export type Mistake = {
  readonly code: MistakeCode;
  /** Canonical path of the key, or the key as typed when it is unknown. */
  readonly key?: string;
  /** The value as typed; never that of a secret. */
  readonly value?: string;
  /** One sentence: what is wrong, what is allowed, what to do. */
  readonly message: string;
  readonly nearest?: string;
  /** Further keys that the rule looked at: when one of them is broken, the rule has nothing to say. */
  readonly about?: readonly string[];
};

/** A mistake with its place in a file; line and column count from 1. */
export type PlacedMistake = Mistake & {
  readonly line: number;
  readonly column: number;
  /** How many columns the caret line underlines. */
  readonly width: number;
};
