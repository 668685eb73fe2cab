// ip filter …, ip … secure filter …: filters have numbers, and stand where lists of these numbers are (dialects.md B.4).

import { APPLICATIONS } from '../../../config/schema/filter.ts';
import type { ValueType } from '../../../config/schema/index.ts';
import { addresses, integer, oneOf, ports } from '../../../config/schema/types.ts';
import type { Args } from '../../grammar/match.ts';
import { type Command, looks } from '../command.ts';
import type { Draft } from '../draft.ts';
import { geOf, lan, lanOf, slot } from '../slots.ts';

const MOST = 999_999_999;
const number = slot(integer(1, MOST), 'Filter', 'フィルター番号');

/** `*` is anything; a network may have its mask. */
function orAny(type: ValueType): ValueType {
  return {
    ...type,
    allowed: `*, or ${type.allowed}`,
    parse: (t) => (t === '*' ? t : type.parse(t)),
  };
}

/** Names of ports: those of the applications, and two that are none here. */
const SERVICES: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    Object.entries(APPLICATIONS).flatMap(([name, [, at]]) => (at === undefined ? [] : [[name, at]])),
  ),
  ...{ ftp: 21, tftp: 69 },
};

const port = orAny({ ...ports, parse: (t) => ports.parse(String(SERVICES[t] ?? t)) });
const address = orAny(addresses(4));

/** Yamaha's words for protocols, and ours. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  ...{ '*': 'any', tcp: 'tcp', udp: 'udp', 'tcp,udp': 'tcpudp', 'udp,tcp': 'tcpudp' },
  ...{ icmp: 'icmp', esp: 'esp', ah: 'ah', gre: 'gre' },
};
const protocol: ValueType = {
  allowed: '*, tcp, udp, "tcp,udp", icmp, esp, ah, gre or a number from 0 to 255',
  values: Object.keys(PROTOCOLS).filter((word) => word !== 'udp,tcp'),
  parse: (t) => PROTOCOLS[t] ?? integer(0, 255).parse(t),
};

const ACTIONS: Readonly<Record<string, string>> = {
  ...{ pass: 'pass', 'pass-nolog': 'pass', reject: 'block', 'reject-nolog': 'block' },
};
const LATER = ['pass-log', 'reject-log', 'restrict', 'restrict-log', 'restrict-nolog'];

const head = 'filter.ipv4.';
const LEAVES = {
  source: 'source.address',
  destination: 'destination.address',
  sourcePort: 'source.port',
  destinationPort: 'destination.port',
} as const;

const definition: Command = {
  place: 'head',
  help: {
    en: 'A filter by its number; it stands where ip … secure filter names it',
    ja: 'IPパケットのフィルターの設定',
  },
  ...looks(
    'ip filter <number> / <action> <source> [<destination> [<protocol> [<sourcePort> [<destinationPort>]]]]',
    {
      number,
      action: slot(oneOf(...Object.keys(ACTIONS), ...LATER), 'What becomes of it; reject is counted', '処理'),
      source: slot(address, 'Source', '送信元アドレス'),
      destination: slot(address, 'Destination', '宛先アドレス'),
      protocol: slot(protocol, 'Protocol', 'プロトコル'),
      sourcePort: slot(port, 'Source port', '送信元ポート'),
      destinationPort: slot(port, 'Destination port', '宛先ポート'),
    },
  ),
  apply: (draft, args) => {
    const at = `${head}${args.number}`;
    const action = ACTIONS[String(args.action)];
    if (action === undefined)
      return `${args.action} is known but not built: use pass or reject, show status filter counts what they meet`;
    const place = draft.configured(`${at}.interface`);
    if (place !== undefined && place !== 'none')
      return `filter ${args.number} stands at ${place} in SEIL's dialect: give another number, or delete filter.ipv4.${args.number}`;
    const withPorts = [args.sourcePort, args.destinationPort].some((p) => p !== undefined && p !== '*');
    const proto = args.protocol ?? 'any';
    if (withPorts && !['tcp', 'udp', 'tcpudp', 'any'].includes(String(proto)))
      return `${proto} has no ports: leave them out, or give tcp or udp`;
    draft.forget(`${at}.`);
    draft.set(`${at}.interface`, 'none');
    draft.set(`${at}.action`, action);
    draft.set(`${at}.protocol`, proto as string | number);
    for (const [name, leaf] of Object.entries(LEAVES)) {
      const value = args[name] as string | number | undefined;
      draft.set(`${at}.${leaf}`, value === '*' ? undefined : value);
    }
    return undefined;
  },
  reset: (draft, args) => {
    if (draft.configured(`${head}${args.number}.interface`) === 'none')
      draft.forget(`${head}${args.number}.`);
    return undefined;
  },
  print: (draft) =>
    draft.numbers(head).flatMap((n) => {
      const at = `${head}${n}`;
      if (draft.configured(`${at}.interface`) !== 'none') return [];
      const held = draft.get(`${at}.protocol`);
      const word = Object.entries(PROTOCOLS).find(([, v]) => v === held)?.[0] ?? String(held);
      const value = (leaf: string) => String(draft.configured(`${at}.${leaf}`) ?? '*');
      const action = draft.configured(`${at}.action`) === 'pass' ? 'pass' : 'reject';
      const all = [
        value(LEAVES.source),
        value(LEAVES.destination),
        word,
        value(LEAVES.sourcePort),
        value(LEAVES.destinationPort),
      ];
      const last = all.findLastIndex((w) => w !== '*');
      return [['ip', 'filter', String(n), action, ...all.slice(0, Math.max(last, 1) + 1)]];
    }),
};

const dynamicHead = 'filter.dynamic.';

const dynamic: Command = {
  place: 'head',
  help: {
    en: 'A dynamic filter: answers to what it fits come back',
    ja: '動的フィルターの定義',
  },
  ...looks('ip filter dynamic <number> / <source> <destination> <application>', {
    number,
    source: slot(address, 'Source', '送信元アドレス'),
    destination: slot(address, 'Destination', '宛先アドレス'),
    application: slot(oneOf(...Object.keys(APPLICATIONS), 'ftp'), 'Application', 'アプリケーション'),
  }),
  apply: (draft, args) => {
    if (args.application === 'ftp')
      return 'ftp is known but not built, and tells passwords to everybody: use tcp, or a protocol that needs no second connection';
    const at = `${dynamicHead}${args.number}`;
    for (const side of ['source', 'destination'] as const)
      draft.set(`${at}.${side}.address`, args[side] === '*' ? undefined : String(args[side]));
    draft.set(`${at}.application`, String(args.application));
    return undefined;
  },
  reset: (draft, args) => {
    draft.forget(`${dynamicHead}${args.number}.`);
    return undefined;
  },
  print: (draft) =>
    draft.numbers(dynamicHead).flatMap((n) => {
      const value = (leaf: string) => String(draft.configured(`${dynamicHead}${n}.${leaf}`) ?? '*');
      if (value('application') === '*') return [];
      const ends = [value('source.address'), value('destination.address')];
      return [['ip', 'filter', 'dynamic', String(n), ...ends, value('application')]];
    }),
};

const side = slot(oneOf('in', 'out'), 'in or out', 'in または out');
const list = { ...number };

/** The lists of an interface: `at` is "interface.ge0" or "interface.ipsec0". */
function setLists(draft: Draft, at: string, args: Args): undefined {
  const words = (value: unknown) => [value ?? []].flat().map(String).join(' ') || undefined;
  draft.set(`${at}.ipv4.filter.${args.side}`, words(args.filter));
  draft.set(`${at}.ipv4.filter.${args.side}-dynamic`, words(args.dynamic));
  return undefined;
}

function listLines(draft: Draft, at: string, name: string): string[][] {
  return ['in', 'out'].flatMap((way) => {
    const [fixed, moving] = ['', '-dynamic'].map((end) => draft.configured(`${at}.ipv4.filter.${way}${end}`));
    if (fixed === undefined && moving === undefined) return [];
    const more = moving === undefined ? [] : ['dynamic', ...String(moving).split(' ')];
    return [
      [
        'ip',
        name,
        'secure',
        'filter',
        way,
        ...(fixed === undefined ? [] : String(fixed).split(' ')),
        ...more,
      ],
    ];
  });
}

const secureHelp = {
  en: 'Filters of an interface in their order; what none of them lets pass is dropped',
  ja: 'フィルターの適用',
};

function secure(): Command[] {
  const slots = { interface: slot(lan, 'Interface', 'インターフェース'), side, filter: list, dynamic: list };
  const forms = ['<filter>... [dynamic <dynamic>...]', 'dynamic <dynamic>...'];
  return forms.flatMap((form, i): Command[] => [
    {
      place: 'head',
      help: secureHelp,
      ...looks(`ip <interface> secure filter <side> / ${form}`, slots),
      apply: (draft, args) => setLists(draft, `interface.${geOf(String(args.interface))}`, args),
      reset: (draft, args) =>
        setLists(draft, `interface.${geOf(String(args.interface))}`, { side: args.side } as Args),
      ...(i > 0
        ? {}
        : {
            print: (draft: Draft) =>
              draft
                .numbers('interface.ge')
                .flatMap((n) => listLines(draft, `interface.ge${n}`, lanOf(`ge${n}`))),
          }),
    },
    {
      place: 'link',
      selected: true,
      help: secureHelp,
      ...looks(`ip tunnel secure filter <side> / ${form}`, slots),
      apply: (draft, args, tunnel) => setLists(draft, `interface.ipsec${draft.tunnel(tunnel)}`, args),
      reset: (draft, args, tunnel) =>
        setLists(draft, `interface.ipsec${draft.tunnel(tunnel)}`, { side: args.side } as Args),
      ...(i > 0
        ? {}
        : { print: (draft: Draft, n: number) => listLines(draft, `interface.ipsec${n}`, 'tunnel') }),
    },
  ]);
}

export const filterCommands: readonly Command[] = [definition, dynamic, ...secure()];
