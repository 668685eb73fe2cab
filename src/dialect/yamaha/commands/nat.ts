// nat descriptor …: a descriptor has a number, and stands at the interface outside (dialects.md B.4).

import type { ValueType } from '../../../config/schema/index.ts';
import { addresses, either, integer, ipv4, oneOf, ports } from '../../../config/schema/types.ts';
import { type Command, looks } from '../command.ts';
import { geOf, lan, lanOf, slot } from '../slots.ts';

const place = 'head';
const NAPT = 'nat.ipv4.napt.';
const FORWARD = 'nat.ipv4.snapt.';
const descriptor = slot(integer(1, 999_999_999), 'Descriptor', 'NATディスクリプター番号');

/** The leaves of a descriptor each by a command of its own; `fallback` where it is taken away. */
function one(
  look: string,
  leaf: string,
  type: ValueType,
  words: {
    readonly toLeaf: (word: string) => string | undefined;
    readonly toWord: (value: string) => string;
  },
  help: { readonly en: string; readonly ja: string },
  fallback?: string,
): Command {
  const [before, after] = look.split(' <descriptor>');
  return {
    place,
    help,
    ...looks(`${before} <descriptor>${after ?? ''} / <value>`, {
      descriptor,
      value: slot(type, help.en, help.ja),
    }),
    apply: (draft, args) => {
      const value = words.toLeaf(String(args.value));
      draft.set(`${NAPT}${args.descriptor}.${leaf}`, value);
      return undefined;
    },
    reset: (draft, args) => {
      draft.set(`${NAPT}${args.descriptor}.${leaf}`, fallback);
      return undefined;
    },
    print: (draft) =>
      draft.numbers(NAPT).flatMap((n) => {
        const value = draft.configured(`${NAPT}${n}.${leaf}`);
        const word = value === undefined ? undefined : words.toWord(String(value));
        if (word === undefined || word === '' || type.parse(word) === undefined) return [];
        return [[...before.split(' '), String(n), ...(after ?? '').trim().split(' ').filter(Boolean), word]];
      }),
  };
}

const type: Command = {
  ...one(
    'nat descriptor type <descriptor>',
    'private',
    oneOf('masquerade', 'nat', 'nat-masquerade', 'none'),
    { toLeaf: () => 'auto', toWord: () => 'masquerade' },
    { en: 'What the descriptor does', ja: 'NATディスクリプターの動作タイプの設定' },
  ),
  // Who is behind it may be said already.
  apply: (draft, args) => {
    if (args.value !== 'masquerade') return `${args.value} is known but not built: use masquerade`;
    const key = `${NAPT}${args.descriptor}.private`;
    if (draft.configured(key) === undefined) draft.set(key, 'auto');
    return undefined;
  },
  reset: (draft, args) => {
    draft.forget(`${NAPT}${args.descriptor}.`);
    return undefined;
  },
};

const inner = one(
  'nat descriptor address inner <descriptor>',
  'private',
  either(oneOf('auto'), addresses(4)),
  { toLeaf: (w) => w, toWord: (v) => (v === 'auto' ? '' : v) },
  { en: 'Whose addresses are replaced (auto: all)', ja: 'NAT処理の内側IPアドレスの設定' },
  'auto',
);

const outer = one(
  'nat descriptor address outer <descriptor>',
  'global',
  either(oneOf('primary', 'ipcp'), ipv4),
  { toLeaf: (w) => (w === 'primary' || w === 'ipcp' ? undefined : w), toWord: (v) => v },
  { en: "The address outside (primary: the interface's own)", ja: 'NAT処理の外側IPアドレスの設定' },
);

const PROTOCOLS = ['tcp', 'udp', 'esp', 'gre', 'ah', 'icmp'];
const NUMBERS: Readonly<Record<string, number>> = { icmp: 1, gre: 47, esp: 50, ah: 51 };
const protocolType: ValueType = {
  allowed: 'tcp, udp, esp, gre, ah, icmp, "tcp,udp" or a number',
  values: PROTOCOLS,
  parse: (t) =>
    t === 'tcp,udp' ? 'tcpudp' : (NUMBERS[t] ?? (['tcp', 'udp'].includes(t) ? t : integer(0, 255).parse(t))),
};

/** "80", "8080=80", "6000-6010". */
const portPair: ValueType = {
  allowed: 'a port, a range like 6000-6010, or OUTSIDE=INSIDE',
  parse: (t) => {
    const [outside, inside = outside, ...more] = t.split('=');
    const [a, b] = [ports.parse(outside), ports.parse(inside)];
    if (more.length > 0 || a === undefined || b === undefined) return undefined;
    return a === b ? String(a) : `${a}=${b}`;
  },
};

const forward: Command = {
  place,
  help: { en: 'What comes for a port goes to a host inside', ja: '静的IPマスカレードの設定' },
  ...looks('nat descriptor masquerade static <descriptor> <id> / <inside> <protocol> [<port>]', {
    descriptor,
    id: slot(integer(1, 999_999_999), 'Number of the entry', '識別番号'),
    inside: slot(ipv4, 'Host inside', '内側のIPアドレス'),
    protocol: slot(protocolType, 'Protocol', 'プロトコル'),
    port: slot(portPair, 'Port', 'ポート番号'),
  }),
  apply: (draft, args) => {
    const at = `${FORWARD}${args.id}`;
    const holder = draft.configured(`${at}.descriptor`);
    if (draft.below(`${at}.`).length > 0 && holder !== args.descriptor)
      return `number ${args.id} is taken by ${holder === undefined ? `nat.ipv4.snapt.${args.id}` : `descriptor ${holder}`}: give another`;
    const withPorts = ['tcp', 'udp', 'tcpudp'].includes(String(args.protocol));
    if (withPorts !== (args.port !== undefined))
      return withPorts
        ? `${args.protocol} needs a port`
        : `protocol ${args.protocol} has no ports: leave them out`;
    const [outside, inside] = String(args.port ?? '').split('=');
    draft.forget(`${at}.`);
    draft.set(`${at}.descriptor`, Number(args.descriptor));
    draft.set(`${at}.protocol`, args.protocol as string | number);
    draft.set(`${at}.forward.address`, String(args.inside));
    const port = (text: string | undefined) => (text ? ports.parse(text) : undefined);
    draft.set(`${at}.listen.port`, port(outside));
    draft.set(`${at}.forward.port`, port(inside));
    return undefined;
  },
  reset: (draft, args) => {
    if (draft.configured(`${FORWARD}${args.id}.descriptor`) === args.descriptor)
      draft.forget(`${FORWARD}${args.id}.`);
    return undefined;
  },
  print: (draft) =>
    draft.numbers(FORWARD).flatMap((id) => {
      const value = (leaf: string) => draft.configured(`${FORWARD}${id}.${leaf}`);
      const [of, to, protocol] = [value('descriptor'), value('forward.address'), value('protocol')];
      if (of === undefined || to === undefined || protocol === undefined) return [];
      const word =
        protocol === 'tcpudp'
          ? 'tcp,udp'
          : (Object.entries(NUMBERS).find(([, n]) => n === protocol)?.[0] ?? String(protocol));
      const [outside, inside] = [value('listen.port'), value('forward.port')];
      const port =
        outside === undefined ? [] : [inside === undefined ? String(outside) : `${outside}=${inside}`];
      return [
        ['nat', 'descriptor', 'masquerade', 'static', String(of), String(id), String(to), word, ...port],
      ];
    }),
};

const attach: Command = {
  place,
  help: { en: 'The descriptor of an interface outside', ja: 'インターフェースへのNATディスクリプターの適用' },
  ...looks('ip <interface> nat descriptor / <descriptor>', {
    interface: slot(lan, 'Interface', 'インターフェース'),
    descriptor,
  }),
  apply: (draft, args) => {
    const ge = geOf(String(args.interface));
    const key = `${NAPT}${args.descriptor}.interface`;
    const before = draft.configured(key);
    if (before !== undefined && before !== ge)
      return `descriptor ${args.descriptor} stands at ${lanOf(String(before))} already: give each interface one of its own`;
    for (const n of draft.numbers(NAPT))
      if (draft.configured(`${NAPT}${n}.interface`) === ge) draft.set(`${NAPT}${n}.interface`, undefined);
    draft.set(key, ge);
    return undefined;
  },
  reset: (draft, args) => {
    const ge = geOf(String(args.interface));
    for (const n of draft.numbers(NAPT))
      if (draft.configured(`${NAPT}${n}.interface`) === ge) draft.set(`${NAPT}${n}.interface`, undefined);
    return undefined;
  },
  print: (draft) =>
    draft.numbers(NAPT).flatMap((n) => {
      const ge = draft.configured(`${NAPT}${n}.interface`);
      return ge === undefined ? [] : [['ip', lanOf(String(ge)), 'nat', 'descriptor', String(n)]];
    }),
};

export const natCommands: readonly Command[] = [type, inner, outer, forward, attach];
