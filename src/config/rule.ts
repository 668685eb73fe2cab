// How a rule across keys says that it is broken.
import type { Mistake } from './mistake.ts';

/** `about`: further keys that the rule looked at, which may be broken themselves. */
export type Fail = (key: string, message: string, code?: Mistake['code'], about?: readonly string[]) => void;
export type Warn = (key: string, message: string) => void;
