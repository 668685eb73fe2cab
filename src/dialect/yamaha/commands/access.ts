// sshd …, timezone, schedule at … ntpdate: who may come in, and the time (dialects.md B.4).

import type { ValueType } from '../../../config/schema/index.ts';
import { either, hostName, integer, ipv4, ipv6, oneOf } from '../../../config/schema/types.ts';
import { type Command, looks, setting } from '../command.ts';
import type { Draft } from '../draft.ts';
import { ENABLED, slot, toggle } from '../slots.ts';

const place = 'tail';
const of = 'router';
const slots = { switch: toggle };

const PASSWORDS = 'sshd.password-authentication';
const ZONE = 'option.timezone';
const CLIENT = 'ntp.client.';

const methods: Command = {
  place,
  help: { en: 'How a person is known', ja: 'SSHの認証方式の設定' },
  ...looks('sshd auth method / <method>...', {
    method: slot(oneOf('password', 'publickey'), 'password, publickey', 'password、publickey'),
  }),
  apply: (draft, args) => {
    const list = [args.method ?? []].flat();
    if (!list.includes('publickey')) return 'keys are always taken: add publickey';
    draft.set(PASSWORDS, list.includes('password') ? 'enable' : undefined);
    return undefined;
  },
  reset: (draft) => {
    draft.set(PASSWORDS, undefined);
    return undefined;
  },
  print: (draft) =>
    draft.get(PASSWORDS) === 'enable' ? [['sshd', 'auth', 'method', 'password', 'publickey']] : [],
};

/** The box made its own at the first start. */
const hostKey: Command = {
  place,
  help: { en: 'Nothing to do: the box has made its own', ja: '効果なし(初回起動時に生成済み)' },
  ...looks('sshd host key generate', {}),
  apply: () => undefined,
  print: () => [],
};

const timezone: Command = {
  place,
  help: { en: 'Time zone', ja: 'タイムゾーンの設定' },
  ...looks('timezone / <zone>', {
    zone: slot(oneOf('jst', 'utc', '+09:00', '+00:00'), 'Zone', 'タイムゾーン'),
  }),
  apply: (draft, args) => {
    draft.set(ZONE, ['jst', '+09:00'].includes(String(args.zone)) ? 'JST' : undefined);
    return undefined;
  },
  reset: (draft) => {
    draft.set(ZONE, undefined);
    return undefined;
  },
  print: (draft) => (draft.get(ZONE) === 'JST' ? [['timezone', 'jst']] : []),
};

const when: ValueType = {
  allowed: 'a date like */*, 1/1 or */mon, or startup',
  parse: (t) => (/^(?:startup|[\d*,-]+\/[\da-z*,-]+)$/.test(t) ? t : undefined),
};
const clock: ValueType = {
  allowed: 'a time like 12:00',
  parse: (t) => (/^[\d*]{1,2}:[\d*]{1,2}(?::[\d*]{1,2})?$/.test(t) ? t : undefined),
};

function setServer(draft: Draft, n: number, host: string | undefined): undefined {
  draft.set(`${CLIENT}${n}.address`, host);
  draft.set('ntp.service', draft.numbers(CLIENT).length > 0 ? 'enable' : undefined);
  return undefined;
}

/** There a habit, once a day; here the clock follows the server all the time. */
const schedule: Command = {
  place,
  help: { en: 'A time server that the clock follows', ja: '時刻を合わせるNTPサーバー' },
  ...looks('schedule at <number> / <date> [<time>] <lines> ntpdate <server> [<log>]', {
    number: slot(integer(1, 65_535), 'Number', 'スケジュールの番号'),
    date: slot(when, 'Date', '日付'),
    time: slot(clock, 'Time', '時刻'),
    lines: slot(oneOf('*'), '*', '*'),
    server: slot(either(ipv4, ipv6, hostName), 'Time server', 'NTPサーバー'),
    log: slot(oneOf('syslog'), 'syslog', 'syslog'),
  }),
  apply: (draft, args) => setServer(draft, Number(args.number) - 1, String(args.server)),
  reset: (draft, args) => setServer(draft, Number(args.number) - 1, undefined),
  print: (draft) =>
    draft.get('ntp.service') !== 'enable'
      ? []
      : draft
          .numbers(CLIENT)
          .filter((n) => n < 65_535)
          .map((n) => {
            const server = String(draft.configured(`${CLIENT}${n}.address`));
            return ['schedule', 'at', String(n + 1), '*/*', '00:00', '*', 'ntpdate', server];
          }),
};

export const accessCommands: readonly Command[] = [
  setting({
    ...{ place, of, slots, look: 'sshd service / <switch>' },
    bind: [{ slot: 'switch', leaf: 'sshd.service', words: ENABLED, fallback: 'disable' }],
    help: { en: 'Whether the shell is reached by SSH', ja: 'SSHサーバー機能の有無の設定' },
  }),
  setting({
    ...{ place, of, look: 'sshd host / <who>' },
    slots: { who: slot(oneOf('any', 'lan'), 'any, or only from inside', 'any または lan') },
    bind: [{ slot: 'who', leaf: 'sshd.access', fallback: 'any' }],
    help: { en: 'From where', ja: 'SSHサーバーへアクセスできるホストの設定' },
  }),
  methods,
  hostKey,
  timezone,
  schedule,
  setting({
    ...{ place, of, slots, look: 'sntpd service / <switch>' },
    bind: [{ slot: 'switch', leaf: 'ntp.server', words: ENABLED, fallback: 'disable' }],
    help: { en: 'Whether hosts inside may ask us for the time', ja: 'SNTPサーバー機能の有無の設定' },
  }),
];
