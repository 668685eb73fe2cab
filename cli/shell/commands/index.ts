// The shell's own commands: what they look like, what they ask of the router.
import type { Dialect } from '../../../src/dialect/index.ts';
import { BOX } from './box.ts';
import { COMMON } from './common.ts';
import { make, type ShellCommand } from './row.ts';
import { SEIL } from './seil.ts';
import { slots } from './slots.ts';
import { YAMAHA, yamahaSlots } from './yamaha.ts';

export type { ShellCommand } from './row.ts';

const TABLES: Readonly<Record<Dialect, readonly ShellCommand[]>> = {
  seil: make([...SEIL, ...COMMON, ...BOX], slots),
  yamaha: make([...YAMAHA, ...COMMON, ...BOX], yamahaSlots),
};

export function commandsOf(dialect: Dialect): readonly ShellCommand[] {
  return TABLES[dialect];
}
