// Of the box that the router runs on, in both dialects: what it reaches, its firmware, its accounts.
import { firmwareHealth, installFirmware } from '../firmware.ts';
import { setPassword } from '../password.ts';
import { nslookup, ping, traceroute } from '../reach.ts';
import { ask, type Row, show } from './row.ts';

export const REBOOT = ask(() => ({ command: 'reboot' }));

export const BOX: readonly Row[] = [
  ['ping <host> [from <address>]', 'Asks a host for five echoes', '相手の応答を5回確かめる', ping],
  ['traceroute <host>', 'The way to a host, and what it carries', '相手までの経路を調べる', traceroute],
  ['nslookup <host>', 'Addresses of a name, or the name of one', '名前またはアドレスを引く', nslookup],
  [
    'show status port',
    'Ethernet ports: which one is geN, and whether a cable is in it',
    'Ethernetポートとケーブルの状態',
    show('status port'),
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
    'bench tunnel <tunnel> loopback',
    'What its cipher suite carries from this machine to itself',
    '対向なしで、トンネルの暗号スイートの性能を測る',
    ask((args) => ({ command: 'bench-loopback', connection: String(args.tunnel) })),
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
  ['reboot', 'Starts the box again', '本機を再起動する', REBOOT, 'admin'],
];
