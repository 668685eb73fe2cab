// Tree → Yamaha's commands, with the indents that its own listing has. What they cannot say is named.
import { canonical } from '../../config/canonical.ts';
import { diff } from '../../config/diff.ts';
import { findLeaf, type Value } from '../../config/schema/index.ts';
import { unbuilt } from '../../config/schema/yamaha.ts';
import { Tree } from '../../config/tree.ts';
import { MASK } from '../mask.ts';
import type { Place } from './command.ts';
import { beginning, commands } from './commands/index.ts';
import { keptLines } from './commands/kept.ts';
import { Draft } from './draft.ts';
import { parseLine, quote } from './line.ts';
import { factory, Session } from './parse.ts';

export type Printed = {
  readonly text: string;
  /** Keys whose value no command says. */
  readonly unexpressed: readonly string[];
};

/** Indents of commands that belong to a tunnel: after `tunnel select`, and beneath its policy. */
const INDENT: Readonly<Record<Place, string>> = {
  head: '',
  tunnel: ' ',
  gateway: '  ',
  link: ' ',
  tail: '',
};

/** Made once: a tree does not change, and everybody looks at the same. */
const made = new WeakMap<
  Tree,
  { readonly lines: readonly string[]; readonly unexpressed: readonly string[] }
>();

export function printYamaha(tree: Tree, options: { readonly maskSecrets: boolean }): Printed {
  const known = made.get(tree) ?? make(tree);
  made.set(tree, known);
  const shown = options.maskSecrets ? listing(masked(tree)) : known.lines;
  return { text: shown.map((l) => `${l}\n`).join(''), unexpressed: known.unexpressed };
}

function make(tree: Tree) {
  const lines = listing(tree);
  return { lines, unexpressed: lost(tree, lines) };
}

function listing(tree: Tree): string[] {
  const draft = new Draft(tree, beginning);
  const kept = keptLines(draft);
  const at = (place: Place, n: number) =>
    commands
      .filter((c) => c.place === place)
      .flatMap((c) => c.print?.(draft, n) ?? [])
      .map((words) => INDENT[place] + words.map(quote).join(' '));
  const tunnels = draft.objects().flatMap((n) => {
    const more = (kept.get(`tunnel ${n + 1}`) ?? []).map((line) => ` ${line}`);
    return [`tunnel select ${n + 1}`, ...at('tunnel', n), ...at('gateway', n), ...more, ...at('link', n)];
  });
  const pps = [...kept].filter(([selection]) => selection.startsWith('pp '));
  return [
    ...at('head', 0),
    ...pps.flatMap(([selection, list]) => [
      selection.replace('pp', 'pp select'),
      ...list.map((line) => ` ${line}`),
    ]),
    ...tunnels,
    ...(tunnels.length + pps.length > 0 ? ['tunnel select none'] : []),
    ...(kept.get('') ?? []),
    ...at('tail', 0),
  ];
}

/** What reading the commands back does not bring. */
function lost(tree: Tree, lines: readonly string[]): string[] {
  const session = new Session(factory);
  for (const line of lines) {
    const parsed = parseLine(line);
    if (parsed.ok) session.run(parsed.words, 'en');
  }
  return diff(canonical(tree), canonical(session.draft.tree())).map((change) => change.path);
}

/** Every secret by its mask. */
function masked(tree: Tree): Tree {
  const out = new Map<string, Value>();
  for (const [path, value] of tree.entries()) {
    if (!findLeaf(path)?.leaf.secret) out.set(path, value);
    else if (path.endsWith('.preshared-key-octets')) out.set(path.replace(/-octets$/, ''), MASK);
    else if (path.endsWith('.command-with-secret')) out.set(path, `${unbuilt(String(value))?.head} ${MASK}`);
    else out.set(path, MASK);
  }
  return new Tree(out);
}
