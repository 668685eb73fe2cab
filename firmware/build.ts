// `npm run firmware -- x86_64|rpi`.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pkg from '../package.json' with { type: 'json' };
import { BOARDS, type Board } from './board.ts';
import { build, usualCache } from './image.ts';
import { ownSigner } from './keys.ts';

const HOME = fileURLToPath(new URL('..', import.meta.url));

const USAGE = `usage: npm run firmware -- x86_64|rpi [--out FOLDER] [--version TEXT] [--key FILE --certificate FILE]
                                      [--refresh] [--fresh]
  --out          where images go (build/firmware)
  --version      what the image calls itself (${pkg.version})
  --key, --certificate   who signs; else the builder's own, made once
  --refresh      today's Debian packages instead of the cached ones
  --fresh        every step anew`;

function main(): void {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: text,
      version: text,
      key: text,
      certificate: text,
      cache: text,
      refresh: { type: 'boolean' },
      fresh: { type: 'boolean' },
    },
  });
  const board = BOARDS[positionals[0] as Board['name']];
  if (!board || positionals.length > 1) throw new Error(USAGE);
  if ((values.key === undefined) !== (values.certificate === undefined))
    throw new Error('Give --key and --certificate together.');
  if (process.getuid?.() !== 0) throw new Error('Images hold files of several users: be root.');
  const cache = values.cache ?? usualCache();
  const signer =
    values.key && values.certificate
      ? { key: values.key, certificate: values.certificate }
      : ownSigner(join(cache, 'signer'));
  build(board, {
    cache,
    signer,
    out: values.out ?? join(HOME, 'build/firmware'),
    version: values.version ?? pkg.version,
    fresh: values.fresh ?? false,
    refresh: values.refresh ?? false,
  });
}

// A key that ends a build ends the program that runs for it, and then what it left is taken away.
process.on('SIGINT', () => {});
try {
  main();
} catch (e) {
  process.stderr.write(`sekisho: ${(e as Error).message}\n`);
  process.exitCode = 1;
}
