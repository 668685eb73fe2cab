// What support needs to see of a router: every view as it is now, without a secret. Whoever has it looks at it with the same
// commands as at the router itself.
import pkg from '../../package.json' with { type: 'json' };
import type { Language } from '../dialect/grammar/pattern.ts';
import type { Answer, Report, State } from './protocol.ts';

/** Of the views those that take their time are asked for last. */
export async function makeReport(
  names: readonly string[],
  show: (what: string, language: Language) => Promise<Answer>,
  state: State,
): Promise<Report> {
  const shows: Record<string, { text: string; data: unknown }> = {};
  for (const what of names) {
    const answer = await show(what, 'en');
    if (answer.ok) shows[what] = { text: answer.text, data: answer.data };
  }
  return {
    kind: 'sekisho-report',
    version: pkg.version,
    time: new Date().toISOString(),
    state,
    shows,
  };
}
