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
  const keys = existsSync(pub) ? keysOf(readFileSync(pub, 'utf8')) : { good: [], mistakes: [] };
  const next = (begin.indexes('sshd.authorized-keys.').at(-1) ?? -1) + 1;
  const wanted = keys.good.map((key, i) => `sshd.authorized-keys.${next + i}.pubkey : "${key}"`);
  const { tree: added } = read(['sshd.service : enable', ...wanted].join('\n'));
  const tree = wanted.length > 0 ? new Tree([...begin.entries(), ...added.entries()]) : begin;
  return { tree, mistakes: [...mistakes, ...keys.mistakes] };
}

/** A key a line, as in authorized_keys: blank lines and those that begin with # say nothing. */
function keysOf(text: string): { readonly good: readonly string[]; readonly mistakes: readonly string[] } {
  const good: string[] = [];
  const mistakes: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const key = line.trim();
    if (key === '' || key.startsWith('#')) continue;
    const { errors } = read(`sshd.authorized-keys.0.pubkey : "${key}"`);
    if (errors.length === 0) good.push(key);
    else
      mistakes.push(
        `sekisho.pub:${i + 1}: this is no public key, and is left out: one looks like ssh-ed25519 AAAA….`,
      );
  }
  return { good, mistakes };
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
