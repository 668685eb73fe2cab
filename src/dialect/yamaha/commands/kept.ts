// Commands that are known and not built, or without effect: kept as they are, and named where they are refused.
import { ANY_LAN, UNBUILT, type Unbuilt, unbuilt } from '../../../config/schema/yamaha.ts';
import type { Args } from '../../grammar/match.ts';
import { type Pattern, pattern } from '../../grammar/pattern.ts';
import { type Command, noPattern } from '../command.ts';
import type { Draft } from '../draft.ts';
import { quote } from '../line.ts';
import { lan, rest, slot } from '../slots.ts';

const KEPT = 'yamaha.kept.';
const slots = {
  interface: slot(lan, 'Interface', 'インターフェース'),
  anything: slot(rest, 'Anything', '任意'),
};

type Entry = { readonly n: number; readonly selection: string; readonly command: string };

function entries(draft: Draft): Entry[] {
  return draft.numbers(KEPT).map((n) => {
    const value = (leaf: string) => draft.configured(`${KEPT}${n}.${leaf}`);
    const command = value('command') ?? value('command-with-secret');
    return { n, selection: String(value('selection') ?? ''), command: String(command ?? '') };
  });
}

/** In the order in which they are printed. */
function store(draft: Draft, list: readonly Entry[]): void {
  draft.forget(KEPT);
  const sorted = list.toSorted((a, b) => rank(a.selection) - rank(b.selection));
  for (const [n, { selection, command }] of sorted.entries()) {
    draft.set(`${KEPT}${n}.${unbuilt(command)?.instead ? 'command-with-secret' : 'command'}`, command);
    draft.set(`${KEPT}${n}.selection`, selection === '' ? undefined : selection);
  }
}

/** Of the PP interfaces first, then of the tunnels, then of the router. */
function rank(selection: string): number {
  if (selection === '') return Number.MAX_SAFE_INTEGER;
  const [kind, number] = selection.split(' ');
  return (kind === 'pp' ? 0 : 1e6) + (number === 'anonymous' ? 1e5 : Number(number));
}

/** Every command under a heading of the table; what it holds stands in place of the same with other values. */
function kept({ head }: Unbuilt): Command[] {
  const help = { en: 'Known and not built', ja: '未対応' };
  const look = head.replace(ANY_LAN, '<interface>');
  const identity: Pattern = pattern(look, slots);
  const full: Pattern = pattern(`${look} [<anything>...]`, slots);
  const begun = (args: Args) => head.replace(ANY_LAN, String(args.interface));
  return [
    {
      place: 'tail',
      pattern: full,
      no: noPattern(identity),
      help,
      apply: (draft, args) => {
        const command = [begun(args), ...[args.anything ?? []].flat().map((w) => quote(String(w)))].join(' ');
        const selection = String(args.selection ?? '');
        const all = entries(draft);
        if (all.some((e) => e.command === command && e.selection === selection)) return undefined;
        store(draft, [...all, { n: all.length, selection, command }]);
        return undefined;
      },
      reset: (draft, args) => {
        const begin = [begun(args), ...[args.rest ?? []].flat()].join(' ');
        const selection = String(args.selection ?? '');
        const meant = (e: Entry) => e.selection === selection && `${e.command} `.startsWith(`${begin} `);
        store(
          draft,
          entries(draft).filter((e) => !meant(e)),
        );
        return undefined;
      },
    },
  ];
}

export const keptCommands: readonly Command[] = UNBUILT.flatMap(kept);

/** Kept commands as they were given, by what was selected: '' where nothing was. */
export function keptLines(draft: Draft): ReadonlyMap<string, readonly string[]> {
  const out = new Map<string, string[]>();
  for (const { selection, command } of entries(draft)) {
    const list = out.get(selection) ?? [];
    list.push(command);
    out.set(selection, list);
  }
  return out;
}
