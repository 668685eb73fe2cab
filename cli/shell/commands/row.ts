// A command as its table has it, and the ways that many of them ask.
import type { Request } from '../../../src/daemon/protocol.ts';
import type { Args, Phrase } from '../../../src/dialect/grammar/match.ts';
import { pattern, type SlotOf, type Text } from '../../../src/dialect/grammar/pattern.ts';
import { type Outcome, type Session, said } from '../session.ts';

export type ShellCommand = Phrase & {
  readonly help: Text;
  /** Only of those who may change things. */
  readonly admin?: true;
  readonly run: (session: Session, args: Args, json: boolean) => Promise<Outcome>;
};

export type Row = readonly [look: string, en: string, ja: string, run: ShellCommand['run'], admin?: 'admin'];

export const ask =
  (make: (args: Args, json: boolean) => Request) => async (session: Session, args: Args, json: boolean) =>
    said(await session.request(make(args, json)));

export const show = (what: string) => ask((_args, json) => ({ command: 'show', what, json }));

/** In the language of the session. */
export const view = (what: (args: Args) => string) => async (session: Session, args: Args, json: boolean) =>
  said(
    await session.request({ command: 'show', what: what(args), json, language: session.terminal.language }),
  );

/** What a slot of several words took. */
export const words = (value: unknown): string => [value ?? []].flat().map(String).join(' ');

export function make(rows: readonly Row[], all: Readonly<Record<string, SlotOf>>): ShellCommand[] {
  return rows.map(([look, en, ja, run, admin]) => ({
    pattern: pattern(look, all),
    help: { en, ja },
    run,
    ...(admin ? { admin: true as const } : {}),
  }));
}
