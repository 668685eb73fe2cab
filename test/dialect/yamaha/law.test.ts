// Laws of Yamaha's form: whatever can be typed can be printed, and reads back as the same configuration.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical } from '../../../src/config/canonical.ts';
import type { Value } from '../../../src/config/schema/index.ts';
import { Tree } from '../../../src/config/tree.ts';
import type { Node, Pattern } from '../../../src/dialect/grammar/pattern.ts';
import { commands } from '../../../src/dialect/yamaha/commands/index.ts';
import { quote } from '../../../src/dialect/yamaha/line.ts';
import { parseYamaha } from '../../../src/dialect/yamaha/parse.ts';
import { printYamaha } from '../../../src/dialect/yamaha/print.ts';
import { anyText, anyTree } from '../../config/trees.ts';

const small = { gateway: 3, policy: 3, tunnel: 4 };

/** Any words that a pattern takes; ids few and small, so that commands meet. */
function anyWords(pattern: Pattern): fc.Arbitrary<string[]> {
  return fc.tuple(...pattern.map(anyOf)).map((parts) => parts.flat());
}

function anyOf(node: Node): fc.Arbitrary<string[]> {
  if (node.kind === 'word') return fc.constant([node.text]);
  if (node.kind === 'group')
    return fc.boolean().chain((given) => (given ? anyWords(node.nodes) : fc.constant([])));
  const top = small[node.name as keyof typeof small];
  const word =
    top === undefined || node.type.values
      ? anyText(node.type)
      : fc.integer({ min: 1, max: top }).map((n) => String(node.name === 'policy' ? 100 + n : n));
  const written = word.map((w) => (node.keyword ? `${node.keyword}=${quote(w)}` : quote(w)));
  return node.many ? fc.array(written, { minLength: 1, maxLength: 3 }) : written.map((w) => [w]);
}

const kept = (name: string) => /^(?:pp|ppp|pppoe|l2tp|dns|dhcp|console)/.test(name);
const anyCommand = fc.oneof(
  ...commands
    .filter((c) => c.place !== 'tail' || !c.print || kept(JSON.stringify(c.pattern)))
    .flatMap((c) => (c.no && c.reset ? [c.pattern, c.pattern, c.pattern, c.no] : [c.pattern]))
    .map((pattern) => anyWords(pattern).map((words) => words.join(' '))),
  ...[1, 2, 3].map((n) => fc.constant(`tunnel select ${n}`)),
);

const anyProgram = fc.array(anyCommand, { minLength: 1, maxLength: 60 }).map((lines) => lines.join('\n'));

const shape = (tree: Tree): [string, Value][] => [...canonical(tree).entries()];

describe('what can be typed', () => {
  test('is printed, and reads back as the same', () => {
    fc.assert(
      fc.property(anyProgram, (program) => {
        const { tree } = parseYamaha(program);
        const { text, unexpressed } = printYamaha(tree, { maskSecrets: false });
        expect(unexpressed).toEqual([]);
        const back = parseYamaha(text);
        expect(back.errors.filter((m) => m.code === 'syntax')).toEqual([]);
        expect(shape(back.tree)).toEqual(shape(tree));
        expect(printYamaha(back.tree, { maskSecrets: false }).text).toBe(text);
      }),
      { numRuns: 400 },
    );
  });
});

/** Leaves that no command says, by kind: of those every value is named. */
const UNSAID =
  /^(?:hostname|login\.|option\.timezone|sshd\.(?:authorized-keys|hostkey)|nat\.|filter\.|dhcp\.|dns-forwarder\.|resolver\.|ntp\.|telnetd\.|syslog\.(?:remote|log-level)|route\.|yamaha\.kept|system\.|ike\.(?!service)|ipsec\.|interface\.ge\d+\.ipv4\.alias|interface\.ipsec\d+\.(?:ipv[46]\.|yamaha\.(?:phase2-group|nat-traversal-type|keepalive-wait)|dynamic|floatlink|esn|anti-replay|tx-tos|ike\.))/;

describe('any tree', () => {
  test('but for what is named reads back as it was', () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const { text, unexpressed } = printYamaha(tree, { maskSecrets: false });
        const { tree: back } = parseYamaha(text);
        const named = (t: Tree) => shape(t).filter(([path]) => !unexpressed.includes(path));
        expect(named(back)).toEqual(named(tree));
      }),
      { numRuns: 200 },
    );
  });

  test('names only what no command can say', () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const sayable = new Tree(
          [...tree.entries()].filter(([path]) => !UNSAID.test(path) && !/ipsec\d{4}|ge\d{9}/.test(path)),
        );
        expect(
          printYamaha(sayable, { maskSecrets: false }).unexpressed.filter((p) => !UNSAID.test(p)),
        ).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
