// SEIL's own commands, and the candidate's, which that dialect has.
import type { Request } from '../../../src/daemon/protocol.ts';
import type { Args } from '../../../src/dialect/grammar/match.ts';
import { ask, type Row, show, words } from './row.ts';

/** How a commit waits: `confirmed 5 when tunnel ipsec0 up`. */
function commit(args: Args): Request {
  const when =
    args.address !== undefined
      ? { ping: String(args.address) }
      : args.tunnel !== undefined
        ? { tunnel: String(args.tunnel) }
        : undefined;
  return {
    command: 'commit',
    ...(args.minutes === undefined ? {} : { confirmWithin: Number(args.minutes) * 60 }),
    ...(when ? { when } : {}),
    ...(args.comment === undefined ? {} : { comment: words(args.comment) }),
  };
}

/** A value of several words is one text. */
function settingValue(value: unknown): string {
  const text = words(value);
  return /^[^\s"\\:#!][^\s"\\]*$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

export const SEIL: readonly Row[] = [
  ['show', 'Everything at a glance', '全体の概要', show('overview')],
  [
    'show status interface',
    'Tunnels with their counters',
    'インターフェースの状態',
    show('status interface'),
  ],
  ['show status route', 'Routes', '経路', show('status route')],
  ['show status arp', 'Neighbours and their MAC addresses', '隣接ホストのMACアドレス', show('status arp')],
  ['show status dhcp', 'Addresses that were given to hosts', '割り当てたアドレス', show('status dhcp')],
  ['show system', 'The box: version, load, memory, clock', '本機の状態', show('system')],
  [
    'show status <name>',
    'One interface: interface.ipsec0, or several: interface.ipsec*',
    '1つまたは複数のインターフェースの状態',
    ask((args, json) => ({ command: 'show', what: `status ${args.name}`, json })),
  ],
  ['show config', 'What runs', '動作中の設定', show('config')],
  ['show config running', 'What runs', '動作中の設定', show('config')],
  ['show config candidate', 'What the next commit would make', '編集中の設定', show('config candidate')],
  ['show config yamaha', 'What runs, in the other dialect', '動作中の設定(別の書式)', show('config yamaha')],
  ['show log', 'The log', 'ログ', show('log')],
  ['show log yamaha', 'The log in the other dialect', 'ログ(別の書式)', show('log yamaha')],
  [
    'set <key> <value>...',
    'Makes a setting of the candidate',
    '編集中の設定に値を書く',
    ask((args) => ({ command: 'set', line: `${args.key} : ${settingValue(args.value)}` })),
    'admin',
  ],
  [
    'delete <key>',
    'Takes a setting away, or all below a key',
    '編集中の設定から削除する',
    ask((args) => ({ command: 'delete', key: String(args.key) })),
    'admin',
  ],
  [
    'load <file>',
    'Makes a file the candidate, in either dialect',
    'ファイルを編集中の設定に読み込む',
    (s, args) => s.load(String(args.file)),
    'admin',
  ],
  [
    'compare [<back>]',
    'The candidate beside what runs, or an earlier commit',
    '編集中の設定との差分',
    ask((args) => ({ command: 'compare', back: Number(args.back ?? 0) })),
  ],
  [
    'commit check',
    'What a commit would do',
    'コミットの影響を調べる',
    ask(() => ({ command: 'check' })),
    'admin',
  ],
  [
    'commit [comment <comment>...]',
    'Makes the candidate run',
    '編集中の設定を反映する',
    ask(commit),
    'admin',
  ],
  [
    'commit confirmed <minutes> [when ping <address>] [comment <comment>...]',
    'The same, taken back unless confirmed',
    '確認がなければ元に戻す',
    ask(commit),
    'admin',
  ],
  [
    'commit confirmed <minutes> when tunnel <tunnel> up [comment <comment>...]',
    'The same, confirmed by a tunnel that comes up',
    'トンネルが上がれば確定する',
    ask(commit),
    'admin',
  ],
  [
    'rollback <back>',
    'Makes an earlier commit the candidate',
    '以前の設定を編集中の設定にする',
    ask((args) => ({ command: 'rollback', back: Number(args.back) })),
    'admin',
  ],
  [
    'discard',
    'Forgets what is not committed',
    '編集中の変更を破棄する',
    ask(() => ({ command: 'discard' })),
    'admin',
  ],
  [
    'save',
    'The router starts with what runs',
    '動作中の設定を保存する',
    ask(() => ({ command: 'save' })),
    'admin',
  ],
];
