// Of both dialects: tunnels, keys, the session.
import type { Args } from '../../../src/dialect/grammar/match.ts';
import { overview } from '../help.ts';
import { captureTunnel, exportKeys } from '../keys.ts';
import { type Outcome, type Session, said } from '../session.ts';
import { ask, type Row, show } from './row.ts';

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

export const COMMON: readonly Row[] = [
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
