// syslog …: where the log goes besides (dialects.md B.4).

import { FACILITIES } from '../../../config/schema/syslog.ts';
import { either, integer, ipv4, oneOf } from '../../../config/schema/types.ts';
import { type Command, looks, setting } from '../command.ts';
import type { Draft } from '../draft.ts';
import { address, ENABLED, slot, toggle } from '../slots.ts';

const place = 'tail';
const of = 'router';
const SERVERS = 'syslog.remote.server.';

/** At most so many, as there. */
const MOST = 4;

function servers(draft: Draft): { readonly n: number; readonly address: string }[] {
  const paths = draft.below(SERVERS).filter((path) => /\.\d+\.ipv[46]\.address$/.test(path));
  return paths
    .map((path) => ({ n: Number(path.split('.')[3]), address: String(draft.get(path)) }))
    .sort((a, b) => a.n - b.n);
}

const host: Command = {
  place,
  help: { en: 'Servers that get the log', ja: 'ログを送信するホスト' },
  ...looks('syslog host / <address>...', { address: slot(address, 'Address', 'IPアドレス') }),
  apply: (draft, args) => {
    const list = [args.address ?? []].flat().map(String);
    if (list.length > MOST) return `${list.length} servers are too many: give at most ${MOST}`;
    draft.forget(SERVERS);
    for (const [n, server] of list.entries())
      draft.set(`${SERVERS}${n}.ipv${server.includes(':') ? 6 : 4}.address`, server);
    return undefined;
  },
  reset: (draft) => {
    draft.forget(SERVERS);
    return undefined;
  },
  print: (draft) => {
    const list = servers(draft).map((s) => s.address);
    return list.length > 0 && list.length <= MOST ? [['syslog', 'host', ...list]] : [];
  },
};

const local: Command = {
  place,
  help: { en: 'Our address that the log comes from', ja: '送信元IPアドレス' },
  ...looks('syslog local address / <address>', { address: slot(ipv4, 'Address', 'IPアドレス') }),
  apply: (draft, args) => {
    const list = servers(draft);
    if (list.length === 0) return 'give the servers first: syslog host';
    for (const { n } of list) draft.set(`${SERVERS}${n}.source.ipv4.address`, String(args.address));
    return undefined;
  },
  reset: (draft) => {
    for (const { n } of servers(draft)) draft.set(`${SERVERS}${n}.source.ipv4.address`, undefined);
    return undefined;
  },
  print: (draft) => {
    const list = new Set(servers(draft).map(({ n }) => draft.get(`${SERVERS}${n}.source.ipv4.address`)));
    const [one] = list;
    return list.size === 1 && one !== undefined ? [['syslog', 'local', 'address', String(one)]] : [];
  },
};

const LEVEL = 'syslog.log-level';

/** Two switches for one level: debug has all, without info only what is wrong comes. */
function level(word: 'info' | 'debug', en: string, ja: string): Command {
  const put = (draft: Draft, on: boolean) => {
    const now = draft.get(LEVEL);
    if (word === 'debug') draft.set(LEVEL, on ? 'debug' : now === 'debug' ? 'info' : now);
    else draft.set(LEVEL, on ? (now === 'debug' ? now : 'info') : now === 'debug' ? now : 'warning');
    return undefined;
  };
  return {
    place,
    help: { en, ja },
    ...looks(`syslog ${word} / <switch>`, { switch: toggle }),
    apply: (draft, args) => put(draft, args.switch === 'on'),
    reset: (draft) => put(draft, word === 'info'),
    print: (draft) => {
      const now = draft.get(LEVEL);
      if (word === 'debug') return now === 'debug' ? [['syslog', 'debug', 'on']] : [];
      return now === 'warning' ? [['syslog', 'info', 'off']] : [];
    },
  };
}

export const syslogCommands: readonly Command[] = [
  host,
  setting({
    ...{ place, of, look: 'syslog facility / <facility>' },
    slots: {
      facility: slot(
        oneOf(...Object.keys(FACILITIES), ...Object.values(FACILITIES).map(String)),
        'Facility by name or number',
        'ファシリティー',
      ),
    },
    bind: [
      {
        slot: 'facility',
        leaf: 'syslog.facility',
        words: {
          ...Object.fromEntries(Object.keys(FACILITIES).map((name) => [name, name])),
          ...Object.fromEntries(Object.entries(FACILITIES).map(([name, n]) => [String(n), name])),
        },
        fallback: 'user',
      },
    ],
    help: { en: 'Facility of our lines', ja: 'SYSLOGのファシリティー' },
  }),
  setting({
    ...{ place, of, look: 'syslog format type / <format>' },
    slots: { format: slot(oneOf('yamaha', 'rfc3164', 'rfc5424'), 'Form of the lines', 'SYSLOGの形式') },
    bind: [{ slot: 'format', leaf: 'syslog.format', fallback: 'yamaha' }],
    help: { en: 'Form of the lines', ja: 'SYSLOGパケットの形式' },
  }),
  setting({
    ...{ place, of, slots: { switch: toggle }, look: 'syslog notice / <switch>' },
    bind: [{ slot: 'switch', leaf: 'yamaha.syslog-notice', words: ENABLED, fallback: 'disable' }],
    help: { en: 'Whether filtered packets are logged', ja: 'NOTICEタイプのSYSLOGを出力するか否か' },
  }),
  level('info', 'Whether the log tells what happens', 'INFOタイプのSYSLOGを出力するか否か'),
  level('debug', 'Whether the log tells every step', 'DEBUGタイプのSYSLOGを出力するか否か'),
  local,
  setting({
    ...{ place, of, look: 'syslog srcport / <port>' },
    slots: { port: slot(either(integer(1, 65_535), oneOf('any')), 'UDP port', 'UDPポート番号') },
    bind: [{ slot: 'port', leaf: 'syslog.source-port', absent: 'any', fallback: 514 }],
    help: { en: 'Port that the log comes from', ja: '送信元ポート番号' },
  }),
];
