// syslog.*: where the log goes besides (dialects.md A.6, B.4).
import type { Leaf } from './leaf.ts';
import { integer, ipv4, ipv6, oneOf, text } from './types.ts';

/** Numbers of RFC 5424 6.2.1. */
export const FACILITIES: Readonly<Record<string, number>> = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`local${i}`, 16 + i])),
};

const facility = oneOf(...Object.keys(FACILITIES));
const level = oneOf('error', 'warning', 'info', 'debug');
const format = oneOf('rfc3164', 'rfc5424', 'yamaha');
const p = 'syslog.remote.server.[]';

export const syslog: readonly Leaf[] = [
  {
    path: 'syslog.facility',
    type: facility,
    default: 'user',
    ours: true,
    help: 'Facility of our lines at all servers that say nothing else.',
    ja: 'ファシリティー(サーバーごとの指定がない場合)。',
  },
  {
    path: 'syslog.log-level',
    type: level,
    default: 'info',
    ours: true,
    help: 'The least that servers get which say nothing else.',
    ja: '送信する最低のレベル(サーバーごとの指定がない場合)。',
  },
  {
    path: 'syslog.format',
    type: format,
    default: 'rfc3164',
    ours: true,
    help: 'Form of the lines; yamaha: priority and text alone.',
    ja: '行の形式。yamahaは優先度と本文のみ。',
  },
  {
    path: 'syslog.source-port',
    type: integer(1, 65_535),
    ours: true,
    help: 'UDP port that our lines come from; without it any.',
    ja: '送信元UDPポート。指定しなければ任意。',
  },
  {
    path: `${p}.ipv4.address`,
    type: ipv4,
    help: 'A server that gets the log.',
    ja: 'ログの送信先サーバー。',
  },
  {
    path: `${p}.ipv6.address`,
    type: ipv6,
    help: 'A server that gets the log, by IPv6.',
    ja: 'ログの送信先サーバー(IPv6)。',
  },
  {
    path: `${p}.port`,
    type: integer(1, 65_535),
    default: 514,
    help: 'UDP port of the server.',
    ja: 'サーバーのUDPポート。',
  },
  {
    path: `${p}.facility`,
    type: facility,
    help: 'Facility of our lines there.',
    ja: 'このサーバーへのファシリティー。',
  },
  {
    path: `${p}.hostname`,
    type: text(64, 1),
    help: 'Our name in the lines; without it that of the router.',
    ja: '行に入れるホスト名。指定しなければ本機の名前。',
  },
  {
    path: `${p}.log-level`,
    type: level,
    help: 'The least that this server gets.',
    ja: 'このサーバーに送信する最低のレベル。',
  },
  {
    path: `${p}.source.ipv4.address`,
    type: ipv4,
    help: 'Our address that the lines come from.',
    ja: '送信元IPv4アドレス。',
  },
];
