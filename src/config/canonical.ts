// One tree for all that mean the same: lists count from 0, and what holds anyway is not in it.
import { findLeaf, type Value } from './schema/index.ts';
import { Tree } from './tree.ts';

/** Lists whose numbers only put their entries in order; those of policies, tunnels and peers are names. */
const LISTS =
  /^(.*\.(?:encryption|hash|authentication|dh-group-alternative|alias)|route\.ipv[46]|syslog\.remote\.server|yamaha\.kept)\.(\d+)\.(.+)$/;

/** Settings of one peer that stand for those of all. */
const RHYTHM = /^interface\.ipsec\d+\.(ike\.(?:dpd-interval|dpd-maxfail|nat-keepalive-interval))$/;

/** The same configuration in its simplest form. */
export function canonical(tree: Tree): Tree {
  const numbers = new Map<string, Map<number, number>>();
  const lists = new Map<string, Value[]>();
  const out: [string, Value][] = [];
  for (const [path, value] of tree.entries()) {
    const general = RHYTHM.exec(path)?.[1];
    if (value === findLeaf(path)?.leaf.default || (general && tree.value(general) === value)) continue;
    const [, list, index, rest] = LISTS.exec(path) ?? [];
    if (list === undefined) {
      out.push([path, value]);
      continue;
    }
    const seen = numbers.get(list) ?? new Map<number, number>();
    numbers.set(list, seen);
    const n = seen.get(Number(index)) ?? seen.size;
    seen.set(Number(index), n);
    out.push([`${list}.${n}.${rest}`, value]);
    lists.set(list, [...(lists.get(list) ?? []), value]);
  }
  const usual = (path: string) => {
    const list = LISTS.exec(path)?.[1];
    const holds = list && findLeaf(path)?.leaf.listDefault;
    return holds && String(holds) === String(lists.get(list));
  };
  return new Tree(out.filter(([path]) => !usual(path)));
}
