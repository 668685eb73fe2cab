// The image that tests start: built as anybody would build it, from the cache where there is one.
import { join } from 'node:path';
import type { Board } from '../../firmware/board.ts';
import { build, type Product, usualCache } from '../../firmware/image.ts';
import type { Signer } from '../../firmware/keys.ts';
import type { Lab } from '../interop/netns.ts';
import { exec } from '../interop/proc.ts';

export const VERSION = '0.0.1';

export function image(board: Board, signer: Signer): Product {
  const cache = usualCache();
  return build(board, {
    cache,
    out: join(cache, 'out'),
    version: VERSION,
    signer,
    fresh: false,
    refresh: false,
  });
}

/** The disk as it is written to a card. */
export async function unpacked(lab: Lab, { image: file }: Product, name = 'image'): Promise<string> {
  const disk = join(lab.tmp, `${name}.img`);
  await exec(lab.scope, ['zstd', '-qd', '--long=27', file, '-o', disk], { timeoutMs: 120_000 });
  return disk;
}
