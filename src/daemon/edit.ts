// Requests that change the configuration, and what they are answered. Whoever may not change anything is refused before.
import { hostname } from 'node:os';
import { apply, type Change, diff } from '../config/diff.ts';
import { findLeaf, type Value } from '../config/schema/index.ts';
import type { Tree } from '../config/tree.ts';
import { type Dialect, print, read } from '../dialect/index.ts';
import { MASK } from '../dialect/mask.ts';
import { completeKey } from '../dialect/seil/complete.ts';
import { quote } from '../dialect/seil/line.ts';
import { MAX_LINE, parseLine } from '../dialect/yamaha/line.ts';
import { Session } from '../dialect/yamaha/parse.ts';
import { refusal } from '../dialect/yamaha/sentence.ts';
import { ikeView, tunnelView } from '../show/view.ts';
import type { Changes } from './changes.ts';
import type { Answer, Caller, Request, State } from './protocol.ts';
import { Refused, type Router } from './router.ts';

const done = (text: string, data?: unknown): Answer => ({
  ok: true,
  text,
  ...(data === undefined ? {} : { data }),
});
const refused = (error: string): Answer => ({ ok: false, error });
const lines = (list: readonly string[]) => list.map((line) => `${line}\n`).join('');

export async function edit(changes: Changes, request: Request, caller: Caller): Promise<Answer> {
  try {
    return await changes.alone(() => change(changes, request, caller));
  } catch (e) {
    return refused((e as Error).message);
  }
}

async function change(changes: Changes, request: Request, { name: by }: Caller): Promise<Answer> {
  switch (request.command) {
    case 'set':
      return set(changes, request.line);
    case 'delete':
      return remove(changes, request.key);
    case 'load':
      return load(changes, request.file, request.source);
    case 'discard':
      changes.edit(changes.running);
      return done('');
    case 'check': {
      const effect = await changes.check();
      return done(effect.length > 0 ? lines(effect) : 'Nothing would change.\n');
    }
    case 'commit': {
      const { comment, confirmWithin, when } = request;
      if (
        when &&
        'tunnel' in when &&
        !changes.candidate.indexes('interface.ipsec').some((n) => `ipsec${n}` === when.tunnel)
      )
        return refused(`There is no tunnel ${when.tunnel} in what would be committed.`);
      const options = {
        by,
        ...(comment ? { comment } : {}),
        ...(confirmWithin ? { confirmWithin } : {}),
        ...(when ? { when } : {}),
      };
      const { done: text, entry } = await changes.commit(options);
      const number = entry ? `Commit ${entry.number}.\n` : '';
      const wait = confirmWithin ? `It is taken back in ${confirmWithin} s unless confirmed.\n` : '';
      return done((text.length > 0 ? lines(text) : 'Nothing to change.\n') + number + wait);
    }
    case 'confirm':
      return changes.confirm(by) ? done('') : refused('Nothing waits for a confirmation.');
    case 'rollback':
      changes.rollback(request.back);
      return done(lines(changeLines(diff(changes.running, changes.candidate))));
    case 'save':
      changes.save(by);
      return done('');
    case 'yamaha':
      return immediate(changes, request, by);
    case 'password': {
      const at = `login.${request.account}.encrypted-password`;
      const to = findLeaf(at)?.leaf.type.parse(request.hash);
      if (to === undefined) return refused('That is no hash of a password.');
      const clean = changes.state().unsaved === 0;
      await changes.immediate(apply(changes.running, [{ path: at, to }]), by);
      if (clean) changes.save(by);
      return done('');
    }
    case 'rollback-timer':
      changes.watch(request.seconds);
      return done('');
    case 'reload': {
      const found = changes.candidate;
      const wrong = load(changes, request.file, request.source, true);
      if (!wrong.ok) return wrong;
      const { done: text } = await changes.commit({ by, lenient: true }).catch((e: Error) => {
        changes.edit(found);
        throw e;
      });
      return done(text.length > 0 ? lines(text) : 'Nothing to change.\n');
    }
    default:
      return refused('There is no such request.');
  }
}

function set(changes: Changes, line: string): Answer {
  const { tree, unread, explain } = read(line, 'seil');
  if (unread.length > 0)
    return refused(unread.map((m) => explain('', m).replace(/^:1:\d+: /, '')).join('\n'));
  const entries = [...tree.entries()];
  if (entries.length === 0) return refused('There is nothing to set: give a key, a colon and a value.');
  // What holds anyway need not be said.
  const made = entries.map(
    ([path, to]): Change => (findLeaf(path)?.leaf.default === to ? { path } : { path, to }),
  );
  changes.edit(apply(changes.candidate, made));
  return done('');
}

function remove(changes: Changes, key: string): Answer {
  const path = key.replace(/\.?\*+$/, '');
  const meant = (p: string) =>
    path === '' || p === (findLeaf(path)?.path ?? path) || p.startsWith(`${path}.`);
  const gone = [...changes.candidate.entries()].filter(([p]) => meant(p));
  // Of a key that could be configured and is not there is nothing to take away, and that is well.
  if (gone.length === 0)
    return known(path) ? done('') : refused(`There is no key ${path}, and none below it.`);
  changes.edit(
    apply(
      changes.candidate,
      gone.map(([p]) => ({ path: p })),
    ),
  );
  return done('');
}

function known(path: string): boolean {
  return findLeaf(path) !== undefined || completeKey(`${path}.`).length > 0;
}

/** A configuration as a whole. Rules between keys are looked at now only where it is committed at once. */
function load(changes: Changes, file: string, source: string, rules = false): Answer {
  const { tree, unread, errors, explain } = read(source);
  const wrong = rules ? errors : unread;
  if (wrong.length > 0) return refused(wrong.map((m) => explain(file, m)).join('\n'));
  changes.edit(tree);
  return done('');
}

async function immediate(
  changes: Changes,
  request: Extract<Request, { command: 'yamaha' }>,
  by: string,
): Promise<Answer> {
  const { line, selection, language = 'en' } = request;
  if (line.length > MAX_LINE)
    return refused(refusal(`The line is longer than ${MAX_LINE} characters`, language));
  const parsed = parseLine(line);
  if (!parsed.ok) return refused(refusal(parsed.message.replace(/\.$/, ''), language));
  const session = new Session(changes.running, selection);
  const wrong = session.run(parsed.words, language);
  if (wrong) return refused(wrong.message);
  const tree = session.draft.tree();
  if (diff(changes.running, tree).length > 0) {
    try {
      await changes.immediate(tree, by);
    } catch (e) {
      if (!(e instanceof Refused)) throw e;
      return refused(e.mistakes.map((m) => refusal(m.message.replace(/\.$/, ''), language)).join('\n'));
    }
  }
  return done('', session.selection);
}

/** `- key : value` and `+ key : value`; of a secret only that it is another. */
export function changeLines(list: readonly Change[]): string[] {
  return list.flatMap(({ path, from, to }) => {
    const leaf = findLeaf(path)?.leaf;
    const text = (value: Value) => (leaf?.secret ? MASK : quote(leaf?.type.print?.(value) ?? String(value)));
    return [
      ...(from === undefined ? [] : [`- ${path} : ${text(from)}`]),
      ...(to === undefined ? [] : [`+ ${path} : ${text(to)}`]),
    ];
  });
}

/** What the candidate changes, in a dialect. */
export function compare(changes: Changes, back: number, dialect: Dialect): string {
  if (dialect === 'seil') return lines(changeLines(changes.compare(back)));
  const [before, after] = [listing(changes.revision(back)), listing(changes.candidate)];
  const only = (mark: string, list: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) =>
    [...list].filter(([line]) => !other.has(line)).map(([, shown]) => `${mark} ${shown}`);
  return lines([...only('-', before, after), ...only('+', after, before)]);
}

/** The commands of a tree, each with how it is shown: two that differ in their secret look alike. */
function listing(tree: Tree): ReadonlyMap<string, string> {
  const [real, shown] = [false, true].map((maskSecrets) =>
    placed(print(tree, 'yamaha', { maskSecrets }).text),
  );
  // A secret takes no line of its own: what is not told apart is shown masked.
  return new Map((real.length === shown.length ? real : shown).map((line, i) => [line, shown[i]]));
}

/** Commands of a listing, those of a tunnel with the tunnel before them. */
function placed(text: string): string[] {
  let tunnel = '';
  return text.split('\n').flatMap((line) => {
    if (/^(?:tunnel|pp) select /.test(line)) tunnel = line.endsWith('none') ? '' : line;
    else if (line !== '') return [line.startsWith(' ') ? `${tunnel}: ${line.trim()}` : line];
    return [];
  });
}

export function stateOf(router: Router, changes: Changes, { role }: Caller): State {
  const tunnels = tunnelView(router.source);
  const ike = ikeView(router.source);
  return {
    hostname: router.desired?.hostname ?? hostname(),
    role,
    blank: router.ownsSystem && router.tree.size === 0 && changes.history().length === 0,
    ...changes.state(),
    tunnels: tunnels.map((t) => t.connection),
    interfaces: (router.desired?.links ?? []).map((l) => l.name),
    spis: tunnels.flatMap((t) =>
      t.children.flatMap((c) => [c.spiIn, c.spiOut]).map((spi) => `0x${spi.toString(16).padStart(8, '0')}`),
    ),
    peers: [...new Set(ike.map((v) => v.remote.replace(/\[\d+\]$/, '')))],
    keys: [...changes.candidate.entries()].map(([path]) => path),
  };
}
