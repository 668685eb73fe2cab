// What stands in a command's gaps.
import type { ValueType } from '../../../src/config/schema/index.ts';
import { duration, either, integer, ipv4, ipv6, oneOf, text } from '../../../src/config/schema/types.ts';
import type { SlotOf } from '../../../src/dialect/grammar/pattern.ts';

export const slot = (type: ValueType, en: string, ja: string): SlotOf => ({ type, help: { en, ja } });
const any: ValueType = { allowed: 'any text', parse: (t) => t };

/** What is there now is offered by the router; anything of the kind is taken. */
const TUNNEL: ValueType = {
  allowed: 'a tunnel like ipsec0',
  parse: (t) => (/^(?:ipsec|policy)\d+$/.test(t) ? t : undefined),
};
const KEY: ValueType = { allowed: 'a key', parse: (t) => (/^[\w.*-]+$/.test(t) ? t : undefined) };
/** No option of the programs that get it. */
const HOST: ValueType = {
  allowed: 'an address or a name',
  parse: (t) => (/^[\w:][\w.:-]{0,253}$/.test(t) ? t : undefined),
};
const FILE: ValueType = text(4095, 1);
const ADDRESS = either(ipv4, ipv6);

/** Seconds; `60s` and `1m30s` too. */
const DURATION = duration(1, 600);

export const slots = {
  key: slot(KEY, 'Key', 'キー'),
  value: slot(any, 'Value', '値'),
  file: slot(FILE, 'File', 'ファイル'),
  comment: slot(any, 'Comment', 'コメント'),
  minutes: slot(integer(1, 1440, 'minutes'), 'Minutes until it is taken back', '自動で戻すまでの時間(分)'),
  seconds: slot(
    integer(10, 86_400, 'seconds'),
    'Seconds until everything is taken back',
    '自動で戻すまでの時間(秒)',
  ),
  address: slot(ADDRESS, 'Address', 'アドレス'),
  host: slot(HOST, 'Address or name', 'アドレスまたは名前'),
  tunnel: slot(TUNNEL, 'Tunnel', 'トンネル'),
  back: slot(integer(0, 99), 'How many commits back', 'いくつ前か'),
  dialect: slot(oneOf('seil', 'yamaha'), 'Dialect', '設定の書式'),
  language: slot(oneOf('en', 'ja'), 'Language', '言語'),
  lines: slot(integer(0, 1000), 'Lines of the screen; 0: without end', '行数(0: 無制限)'),
  window: slot(DURATION, 'How long, like 60s', '時間(例: 60s)'),
  folder: slot(FILE, 'Folder', 'フォルダー'),
  keys: slot(oneOf('with-keys'), 'Together with the keys', '鍵も書き出す'),
  name: slot(KEY, 'Interface', 'インターフェース'),
  account: slot(oneOf('admin', 'user'), 'Account', 'アカウント'),
};
