// Yamaha's own commands.
import { either, integer, oneOf } from '../../../src/config/schema/types.ts';
import { overview } from '../help.ts';
import { type Outcome, type Session, said } from '../session.ts';
import { REBOOT } from './box.ts';
import { ask, type Row, show, view } from './row.ts';
import { slot, slots } from './slots.ts';

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

export const yamahaSlots = {
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

export const YAMAHA: readonly Row[] = [
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
  ['show environment', 'The box: version, load, memory, clock', '本機の状態', show('system')],
  ['show arp', 'Neighbours and their MAC addresses', 'ARPテーブル', show('status arp')],
  ['show status dhcp', 'Addresses that were given to hosts', 'DHCPサーバーの状態', show('status dhcp')],
  ['restart', 'Starts the box again', '本機を再起動する', REBOOT, 'admin'],
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
