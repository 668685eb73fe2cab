// `sekisho convert seil yamaha FILE`: a configuration from one dialect into the other, without a router.
import { Argument, Command } from 'commander';
import { DIALECTS, type Dialect, print, read } from '../src/dialect/index.ts';
import { fail, readText } from './file.ts';

export function convertCommand(): Command {
  const dialect = (name: string) => new Argument(`<${name}>`).choices([...DIALECTS]);
  return new Command('convert')
    .description('a configuration in the other dialect, on standard output; what that cannot say is named')
    .addArgument(dialect('from'))
    .addArgument(dialect('to'))
    .argument('<file>')
    .action((from: Dialect, to: Dialect, file: string) => {
      // What is not built yet is still said in both.
      const { tree, unread, explain } = read(readText(file), from);
      if (unread.length > 0) fail(unread.map((m) => explain(file, m)).join('\n'));
      const { text, unexpressed } = print(tree, to, { maskSecrets: false });
      process.stdout.write(text);
      for (const key of unexpressed)
        process.stderr.write(`${file}: ${key} cannot be said in the dialect ${to}: it is left out.\n`);
    });
}
