// Files that are named on the command line, and the one sentence with which a command ends that cannot go on.
import { readFileSync } from 'node:fs';

/** One sentence to standard error; the exit code says that it failed. */
export function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (e) {
    const code = (e as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : String(code);
    return fail(`sekisho: cannot read ${file}: ${why}.`);
  }
}
