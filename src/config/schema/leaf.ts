// What a schema leaf is. Parser, printer, completion, help, validation and reference are derived from it.

/** A configuration value in canonical form; what it may be is the leaf's type. */
export type Value = string | number;

export type ValueType = {
  /** What may stand here, in one phrase that ends an error sentence: "1 or 2", "an IPv4 address". */
  readonly allowed: string;
  /** Every value, where they can be listed: completion offers these. */
  readonly values?: readonly string[];
  /** The canonical value, or undefined when the text is none. */
  readonly parse: (text: string) => Value | undefined;
  /** The text that parses back to the value; String() where absent. */
  readonly print?: (value: Value) => string;
};

export type Leaf = {
  /**
   * Dotted path; `[]` stands for an integer: a segment of its own is a list index, after a name it numbers the
   * name (`interface.ipsec[].ike.version`).
   */
  readonly path: string;
  readonly type: ValueType;
  /** What it is and what its values mean, in English. */
  readonly help: string;
  /** The same in Japanese. */
  readonly ja: string;
  /** The value that holds when the key is absent. */
  readonly default?: Value;
  /** For a leaf of an ordered list: the whole list that holds when the list is absent. */
  readonly listDefault?: readonly Value[];
  /** Other paths that are read as this one and never printed. */
  readonly alias?: readonly string[];
  /** Never shown, logged or put into an error text. */
  readonly secret?: true;
  /** Our own addition, without a counterpart in SEIL. */
  readonly ours?: true;
  /** Why a value that the dialect knows is refused today, and what to do; undefined when it is built. */
  readonly refuse?: (value: Value) => string | undefined;
};

/** A leaf that the dialect knows and Sekisho has not built. The value is left out: it may be a secret. */
export function notBuilt(instead: string): (value: Value) => string {
  return () => `is known but not built yet: ${instead}`;
}

/** Only some values of a leaf are refused. */
export function notBuiltFor(values: readonly Value[], instead: string): (value: Value) => string | undefined {
  return (value) => (values.includes(value) ? `${value} is known but not built yet: ${instead}` : undefined);
}
