// An image that is built again: the same octets, and nothing left behind on the machine that built it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BOARDS } from '../../firmware/board.ts';
import { build, type Product, usualCache } from '../../firmware/image.ts';
import { ownSigner } from '../../firmware/keys.ts';
import { image, VERSION } from './image.ts';

/** Steps whose inputs come from a mirror, where they may be others tomorrow. */
const FETCHED = /^(?:debian|kernel|busybox|chips)-[^.]+$/;

const sum = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** What a build may leave on a machine that it should not. */
function around(): string {
  const entries = '/proc/sys/fs/binfmt_misc';
  return [
    readFileSync('/proc/self/mounts', 'utf8'),
    execFileSync('losetup', ['--list', '--noheadings'], { encoding: 'utf8' }),
    existsSync(entries) ? readdirSync(entries).join(' ') : '',
  ].join('\n');
}

test.each(Object.values(BOARDS))(
  'of $name is the same octets, and leaves no mount, loop device or binfmt entry',
  (board) => {
    const signer = ownSigner(join(usualCache(), 'signer'));
    const before = around();
    const first = image(board, signer);
    const cache = mkdtempSync(join(tmpdir(), 'sekisho-again-'));
    try {
      for (const name of readdirSync(usualCache()).filter((n) => FETCHED.test(n)))
        execFileSync('cp', ['-a', join(usualCache(), name), cache]);
      const order = { signer, version: VERSION, fresh: false, refresh: false };
      const second = build(board, { ...order, cache, out: join(cache, 'out') });
      const sums = ({ image: disk, root, boot }: Product) => ({
        ...{ root: sum(root), boot: sum(boot), disk: sum(disk) },
        parts: sum(disk.replace(/\.img\.zst$/, '.spdx.json')),
      });
      expect(sums(second)).toEqual(sums(first));
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
    expect(around()).toBe(before);
  },
);
