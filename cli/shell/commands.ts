// The shell's own commands, of both dialects: what they look like, what they ask of the router.
import type { ValueType } from '../../src/config/schema/index.ts';
import { duration, either, integer, ipv4, ipv6, oneOf, text } from '../../src/config/schema/types.ts';
import type { Request } from '../../src/daemon/protocol.ts';
import type { Args, Phrase } from '../../src/dialect/grammar/match.ts';
import { pattern, type SlotOf, type Text } from '../../src/dialect/grammar/pattern.ts';
import type { Dialect } from '../../src/dialect/index.ts';
import { firmwareHealth, installFirmware } from './firmware.ts';
import { overview } from './help.ts';
import { captureTunnel, exportKeys } from './keys.ts';
import { setPassword } from './password.ts';
import { type Outcome, type Session, said } from './session.ts';

export type ShellCommand = Phrase & {
  readonly help: Text;
  /** Only of those who may change things. */
  readonly admin?: true;
  readonly run: (session: Session, args: Args, json: boolean) => Promise<Outcome>;
};

const slot = (type: ValueType, en: string, ja: string): SlotOf => ({ type, help: { en, ja } });
const any: ValueType = { allowed: 'any text', parse: (t) => t };

/** What is there now is offered by the router; anything of the kind is taken. */
export const TUNNEL: ValueType = {
  allowed: 'a tunnel like ipsec0',
  parse: (t) => (/^(?:ipsec|policy)\d+$/.test(t) ? t : undefined),
};
export const KEY: ValueType = { allowed: 'a key', parse: (t) => (/^[\w.*-]+$/.test(t) ? t : undefined) };
const FILE: ValueType = text(4095, 1);
const ADDRESS = either(ipv4, ipv6);

/** Seconds; `60s` and `1m30s` too. */
const DURATION = duration(1, 600);

const slots = {
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
  address: slot(ADDRESS, 'Address that must answer', '応答を待つアドレス'),
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

const ask =
  (make: (args: Args, json: boolean) => Request) => async (session: Session, args: Args, json: boolean) =>
    said(await session.request(make(args, json)));

type Row = readonly [look: string, en: string, ja: string, run: ShellCommand['run'], admin?: 'admin'];

const show = (what: string) => ask((_args, json) => ({ command: 'show', what, json }));
/** In the language of the session. */
const view = (what: (args: Args) => string) => async (session: Session, args: Args, json: boolean) =>
  said(
    await session.request({ command: 'show', what: what(args), json, language: session.terminal.language }),
  );

function reversed(outcome: Outcome): Outcome {
  return {
    ...outcome,
    text: outcome.text
      .trimEnd()
      .split('\n')
      .reverse()
      .map((l) => `${l}\n`)
      .join(''),
  };
}

const TECHINFO = [
  'config yamaha',
  'ipsec sa',
  'ipsec sa gateway',
  'status tunnel',
  'ip route',
  'system crypto',
  'log yamaha',
];

async function techinfo(session: Session): Promise<Outcome> {
  let text = '';
  for (const what of TECHINFO) {
    const outcome = said(
      await session.request({ command: 'show', what, language: session.terminal.language }),
    );
    text += `# show ${what.replace(' yamaha', '')}\n${outcome.text}\n`;
  }
  return { ok: true, text };
}

const words = (value: unknown): string => [value ?? []].flat().map(String).join(' ');

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

const ofTunnel = (args: Args) => (args.tunnel === undefined ? {} : { connection: String(args.tunnel) });

async function diagnose(session: Session, args: Args, json: boolean): Promise<Outcome> {
  const ping = args.address === undefined ? {} : { ping: String(args.address) };
  const answer = await session.request({
    command: 'diagnose',
    connection: String(args.tunnel),
    json,
    ...ping,
  });
  const checks = (answer.ok ? answer.data : []) as readonly { verdict: string }[];
  return { ...said(answer), failed: checks.some((c) => c.verdict === 'bad') };
}

const end = async (): Promise<Outcome> => ({ ok: true, text: '', end: true });

/** Of both dialects. */
const COMMON: readonly Row[] = [
  [
    'renew [<tunnel>]',
    'New keys for a tunnel, or for all; no packet is lost',
    '鍵を更新する(通信は途切れない)',
    ask((args) => ({ command: 'renew', ...ofTunnel(args) })),
    'admin',
  ],
  [
    'reconnect [<tunnel>]',
    'Ends the SAs of a tunnel, or of all, and begins anew',
    'SAを削除して接続し直す',
    ask((args) => ({ command: 'end', ...ofTunnel(args) })),
    'admin',
  ],
  [
    'export keys [<tunnel>] [for <window>] [to <folder>]',
    'Keys for Wireshark: of now, and of all that come within a time',
    'Wireshark用の鍵を書き出す',
    exportKeys,
    'admin',
  ],
  [
    'capture <tunnel> [<keys>] <window> [to <folder>]',
    'IKE and ESP of a tunnel as pcapng, with the keys to read it',
    'トンネルのIKEとESPをpcapngに記録する',
    captureTunnel,
    'admin',
  ],
  [
    'show status filter',
    'Filters and NAT, and what they met',
    'フィルターとNATの状態',
    show('status filter'),
  ],
  ['show status ike', 'IKE SAs', 'IKE SAの状態', show('status ike')],
  ['show status ipsec', 'Tunnels and their IPsec SAs', 'トンネルとIPsec SAの状態', show('status ipsec')],
  [
    'show status ipsec.security-policy',
    'What is protected, and by which SAs',
    'セキュリティーポリシーの状態',
    show('status ipsec.security-policy'),
  ],
  [
    'show system crypto',
    'What each cipher suite reaches on this processor',
    '暗号アルゴリズムごとの性能',
    show('system crypto'),
  ],
  ['show history', 'Commits, newest first', 'コミットの履歴', ask(() => ({ command: 'history' }))],
  [
    'diagnose <tunnel> [ping <address>]',
    'Looks at a tunnel from the ground up',
    'トンネルを順に点検する',
    diagnose,
    'admin',
  ],
  [
    'confirm',
    'What was committed stays',
    '反映した設定を確定する',
    ask(() => ({ command: 'confirm' })),
    'admin',
  ],
  [
    'bench crypto',
    'What each cipher suite reaches on this processor',
    '暗号アルゴリズムごとの性能を測る',
    show('system crypto'),
  ],
  [
    'bench tunnel <tunnel> [<address>]',
    'Latency, loss and throughput through a tunnel, to an address behind it',
    'トンネルの遅延、損失、スループットを測る',
    ask((args) => ({
      command: 'bench-tunnel',
      connection: String(args.tunnel),
      ...(args.address === undefined ? {} : { address: String(args.address) }),
    })),
    'admin',
  ],
  [
    'bench serve',
    'Answers measurements of the other end for ten minutes',
    '対向からの測定に10分間応答する',
    ask(() => ({ command: 'bench-serve' })),
    'admin',
  ],
  [
    'firmware status',
    'What the slots hold, and what became of an update',
    'ファームウェアの状態',
    ask(() => ({ command: 'firmware' })),
  ],
  [
    'firmware install <file>',
    'Verifies an update, writes it to the other slot and starts from that',
    'ファームウェアを検証して更新する',
    installFirmware,
    'admin',
  ],
  [
    'firmware health',
    'Waits until all works that worked before an update',
    '更新後に以前と同じく動作しているか確認する',
    firmwareHealth,
    'admin',
  ],
  ['password [<account>]', 'A new password, for admin or user', 'パスワードを変更する', setPassword, 'admin'],
  ['reboot', 'Starts the box again', '本機を再起動する', ask(() => ({ command: 'reboot' })), 'admin'],
  [
    'terminal dialect <dialect>',
    'In which dialect to speak',
    '設定の書式を選ぶ',
    async (s, args) => {
      s.dialect(String(args.dialect));
      return { ok: true, text: '' };
    },
  ],
  [
    'terminal language <language>',
    'In which language help is given',
    'ヘルプの言語を選ぶ',
    async (s, args) => {
      s.terminal.language = args.language as 'en' | 'ja';
      return { ok: true, text: '' };
    },
  ],
  [
    'terminal length <lines>',
    'After how many lines output waits',
    '1画面の行数',
    async (s, args) => {
      s.terminal.lines = Number(args.lines);
      return { ok: true, text: '' };
    },
  ],
  [
    'help',
    'All commands',
    'コマンドの一覧',
    async (s) => ({ ok: true, text: overview(s.commands, s.terminal.language, s.state?.role) }),
  ],
  ['exit', 'Leaves the shell', 'シェルを終了する', end],
  ['quit', 'Leaves the shell', 'シェルを終了する', end],
];

const SEIL: readonly Row[] = [
  ['show', 'Everything at a glance', '全体の概要', show('overview')],
  [
    'show status interface',
    'Tunnels with their counters',
    'インターフェースの状態',
    show('status interface'),
  ],
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

const YAMAHA: readonly Row[] = [
  [
    'ipsec refresh sa',
    'New keys for all tunnels; no packet is lost',
    'SAの手動更新',
    ask(() => ({ command: 'renew' })),
    'admin',
  ],
  [
    'ipsec sa delete <sa>',
    'Ends an SA by its number, or all',
    'SAの削除',
    ask((args) => ({ command: 'end', ...(args.sa === 'all' ? {} : { sa: Number(args.sa) }) })),
    'admin',
  ],
  ['show', 'Everything at a glance', '全体の概要', show('overview')],
  ['show ipsec sa', 'All SAs', 'SAの一覧', view(() => 'ipsec sa')],
  [
    'show ipsec sa gateway [<gateway>]',
    'Gateways and their SAs',
    'ゲートウェイごとのSA',
    view((a) => `ipsec sa gateway${a.gateway === undefined ? '' : ` ${a.gateway}`}`),
  ],
  [
    'show ipsec sa gateway <gateway> detail',
    'The SAs of a gateway',
    'ゲートウェイのSAの詳細',
    view((a) => `ipsec sa gateway ${a.gateway} detail`),
  ],
  [
    'show status tunnel [<number>]',
    'State of tunnels',
    'トンネルインターフェースの状態',
    view((a) => `status tunnel${a.number === undefined ? '' : ` ${a.number}`}`),
  ],
  ['show ip route', 'Routes', '経路情報テーブル', view(() => 'ip route')],
  [
    'show log reverse',
    'The log, newest first',
    'ログ(新しい順)',
    async (s, _args, json) => reversed(await show('log yamaha')(s, {}, json)),
  ],
  ['show techinfo', 'All that support asks for', '技術サポートに必要な情報', techinfo],
  ['show config', 'What runs', '動作中の設定', show('config yamaha')],
  [
    'show config difference',
    'What runs beside the commit before',
    '直前の設定との差分',
    ask(() => ({ command: 'compare', back: 1, dialect: 'yamaha' })),
  ],
  ['show log', 'The log', 'ログ', show('log yamaha')],
  [
    'save',
    'The router starts with what runs',
    '動作中の設定を保存する',
    ask(() => ({ command: 'save' })),
    'admin',
  ],
  [
    'rollback timer <seconds>',
    'Everything from now on is taken back unless confirmed',
    '確認がなければ以後の変更を元に戻す',
    ask((args) => ({ command: 'rollback-timer', seconds: Number(args.seconds) })),
    'admin',
  ],
  [
    'administrator',
    'Of those who may change things: nothing more is asked',
    '管理者モード(権限はログイン時に決まる)',
    async () => ({ ok: true, text: '' }),
  ],
  [
    'console character <charset>',
    'In which language help is given',
    '表示言語の設定',
    async (s, args) => {
      s.terminal.language = String(args.charset).startsWith('ja') ? 'ja' : 'en';
      return { ok: true, text: '' };
    },
  ],
  [
    'console lines <screen>',
    'After how many lines output waits',
    '1画面の行数',
    async (s, args) => {
      s.terminal.lines = args.screen === 'infinity' ? 0 : Number(args.screen);
      return { ok: true, text: '' };
    },
  ],
  [
    'show command',
    'All commands',
    'コマンドの一覧',
    async (s) => ({ ok: true, text: overview(s.commands, s.terminal.language, s.state?.role) }),
  ],
];

const yamahaSlots = {
  ...slots,
  sa: slot(
    either(integer(1, 1_000_000_000), oneOf('all')),
    'Number of an SA, or all',
    'SAの識別子または all',
  ),
  gateway: slot(integer(1, 6000), 'Gateway', 'セキュリティー・ゲートウェイの識別子'),
  number: slot(integer(1, 1024), 'Tunnel', 'トンネルインターフェース番号'),
  charset: slot(oneOf('en.ascii', 'ja.utf8'), 'Language', '文字コード'),
  screen: slot(either(integer(10, 100), oneOf('infinity')), 'Lines', '行数'),
};

/** A value of several words is one text. */
function settingValue(value: unknown): string {
  const text = words(value);
  return /^[^\s"\\:#!][^\s"\\]*$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function make(rows: readonly Row[], all: Readonly<Record<string, SlotOf>>): ShellCommand[] {
  return rows.map(([look, en, ja, run, admin]) => ({
    pattern: pattern(look, all),
    help: { en, ja },
    run,
    ...(admin ? { admin: true as const } : {}),
  }));
}

const TABLES: Readonly<Record<Dialect, readonly ShellCommand[]>> = {
  seil: make([...SEIL, ...COMMON], slots),
  yamaha: make([...YAMAHA, ...COMMON], yamahaSlots),
};

export function commandsOf(dialect: Dialect): readonly ShellCommand[] {
  return TABLES[dialect];
}
