// `sekisho script FILE`: the lines of a file as commands. The first that fails ends it, and says where.
import { readText } from '../file.ts';
import type { Session } from './session.ts';

/** Resolves with the exit code. */
export async function script(session: Session, file: string): Promise<number> {
  for (const [index, line] of readText(file).split(/\r?\n/).entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#') || text.startsWith('!')) continue;
    const outcome = await session.execute(text);
    if (!outcome.ok) {
      process.stderr.write(`${file}:${index + 1}: ${outcome.text}`);
      return 1;
    }
    process.stdout.write(outcome.text);
    if (outcome.end) return 0;
  }
  return 0;
}
