// Files that are whole at any moment: written beside, and put in the old one's place when they are on the disk.
import type * as fs from 'node:fs';
import { dirname } from 'node:path';

/** The calls that are made, in order: a test may stop between any two of them. */
export type Disk = Pick<
  typeof fs,
  | 'openSync'
  | 'writeSync'
  | 'fsyncSync'
  | 'closeSync'
  | 'renameSync'
  | 'readFileSync'
  | 'readdirSync'
  | 'rmSync'
  | 'mkdirSync'
>;

/** Readable by the owner alone. Throws when the disk does. */
export function replaceFile(disk: Disk, path: string, content: string | Uint8Array): void {
  const beside = `${path}.new`;
  const file = disk.openSync(beside, 'w', 0o600);
  try {
    const octets = Buffer.from(content as Uint8Array);
    for (let at = 0; at < octets.length; ) at += disk.writeSync(file, octets, at);
    disk.fsyncSync(file);
  } finally {
    disk.closeSync(file);
  }
  disk.renameSync(beside, path);
  settle(disk, dirname(path));
}

/** Gone, also when the power goes now. One that is not there is none. */
export function removeFile(disk: Disk, path: string): void {
  disk.rmSync(path, { force: true });
  settle(disk, dirname(path));
}

function settle(disk: Disk, path: string): void {
  const folder = disk.openSync(path, 'r');
  try {
    disk.fsyncSync(folder);
  } finally {
    disk.closeSync(folder);
  }
}
