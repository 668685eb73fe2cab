// What a router that nobody has configured begins with: what was put beside its boot loader, or DHCP and nothing else.
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Tree } from '../config/tree.ts';
import { read } from '../dialect/index.ts';

export type First = { readonly tree: Tree; readonly mistakes: readonly string[] };

const FILES = ['sekisho.conf', 'sekisho.pub'] as const;

/**
 * `sekisho.conf`, in either dialect, and `sekisho.pub`, public keys that may log in, of a folder; undefined when neither is
 * there. A configuration with mistakes is not taken in parts.
 */
export function firstConfiguration(folder: string): First | undefined {
  const [conf, pub] = FILES.map((name) => join(folder, name));
  if (!existsSync(conf) && !existsSync(pub)) return undefined;
  const found = existsSync(conf) ? read(readFileSync(conf, 'utf8')) : undefined;
  const mistakes = (found?.errors ?? []).map((m) => found?.explain('sekisho.conf', m) ?? m.message);
  const begin = found && mistakes.length === 0 ? found.tree : factory;
  const keys = existsSync(pub) ? readFileSync(pub, 'utf8').split('\n').filter(Boolean) : [];
  const next = (begin.indexes('sshd.authorized-keys.').at(-1) ?? -1) + 1;
  const wanted = keys.map((key, i) => `sshd.authorized-keys.${next + i}.pubkey : "${key.trim()}"`);
  const added = read(['sshd.service : enable', ...wanted].join('\n'));
  if (added.errors.length > 0)
    return {
      tree: begin,
      mistakes: [...mistakes, 'sekisho.pub holds a line that is no public key: it is left out.'],
    };
  const all = keys.length > 0 ? new Tree([...begin.entries(), ...added.tree.entries()]) : begin;
  return { tree: all, mistakes };
}

/**
 * Takes both files away, overwritten (what a card's own controller keeps nobody can tell), and the folder with them if it held
 * nothing else. Throws when the disk does.
 */
export function forgetFirst(folder: string): void {
  for (const name of FILES) {
    const path = join(folder, name);
    if (!existsSync(path)) continue;
    const file = openSync(path, 'r+');
    try {
      writeSync(file, Buffer.alloc(fstatSync(file).size));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    rmSync(path);
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Reached by SSH from where the network gives it an address, for whoever holds the key. */
const factory = read(
  [
    'interface.ge0.ipv4.address : dhcp',
    'route.ipv4.0.destination : default',
    'route.ipv4.0.gateway : dhcp',
  ].join('\n'),
).tree;
