// Who may come in: accounts, SSH; and by which clock the router tells the time. dialects.md A.6.
import type { Leaf, ValueType } from './leaf.ts';
import { notBuilt } from './leaf.ts';
import { enableDisable, oneOf } from './types.ts';

/** As crypt(5) has them, of methods that are slow to try out. */
const passwordHash: ValueType = {
  allowed: 'a hash of crypt(5): bcrypt ($2a$, $2b$, $2y$), scrypt ($7$), yescrypt ($y$) or SHA-512 ($6$)',
  parse: (t) => (/^\$(?:2[aby]|7|y|6)\$[A-Za-z0-9./$=,]{8,240}$/.test(t) ? t : undefined),
};

/** "ssh-ed25519 AAAA… who": what follows the key is a label. */
const publicKey: ValueType = {
  allowed: 'a public key as ssh-keygen writes it, like ssh-ed25519 AAAAC3…',
  parse: (t) =>
    /^(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]{2,60} [A-Za-z0-9+/]{16,16000}={0,2}(?: [ -~]{1,100})?$/.test(
      t,
    )
      ? t.trimEnd()
      : undefined,
};

/** IANA's names, and what SEIL calls the one of Japan. */
export const timeZone: ValueType = {
  allowed: 'a time zone like Asia/Tokyo, JST or UTC',
  parse: (t) =>
    /^(?=.{2,40}$)[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*){0,2}$/.test(t) && (t === 'JST' || exists(t))
      ? t
      : undefined,
};

function exists(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== undefined;
  } catch {
    return false;
  }
}

/** The account of the two roles. */
function account(name: 'admin' | 'user', help: string, ja: string): Leaf {
  return { path: `login.${name}.encrypted-password`, type: passwordHash, secret: true, help, ja };
}

export const access: readonly Leaf[] = [
  {
    path: 'option.timezone',
    type: timeZone,
    default: 'UTC',
    help: 'Time zone of the log and of every time shown.',
    ja: 'ログなどの時刻に用いるタイムゾーン。',
  },
  account(
    'admin',
    'Password of admin, who may change everything, hashed; the command `password` makes it.',
    '管理者(admin)のパスワードのハッシュ。passwordコマンドで設定する。',
  ),
  account(
    'user',
    'Password of user, who may look and sees no secret, hashed.',
    '一般ユーザー(user)のパスワードのハッシュ。',
  ),
  {
    path: 'sshd.service',
    type: enableDisable,
    default: 'disable',
    help: 'Whether the shell is reached by SSH.',
    ja: 'SSHサーバー機能を使用するか否か。',
  },
  {
    path: 'sshd.password-authentication',
    type: enableDisable,
    default: 'disable',
    help: 'Whether a password is enough, or a key is needed.',
    ja: 'パスワード認証を許可するか否か。disableでは公開鍵認証のみ。',
  },
  {
    path: 'sshd.access',
    type: oneOf('any', 'lan'),
    default: 'any',
    ours: true,
    help: 'From where: any, or lan: not by interfaces that lead outside (those with NAPT, DHCP or the default gateway).',
    ja: 'SSHで接続できる場所。any: どこからでも、lan: 外側のインターフェース(NAPT、DHCPまたはデフォルトゲートウェイのあるもの)を除く。',
  },
  {
    path: 'sshd.authorized-keys.[].pubkey',
    type: publicKey,
    help: 'A public key that may log in as admin.',
    ja: 'adminとしてログインできる公開鍵。',
  },
  {
    path: 'sshd.hostkey',
    type: { allowed: 'a key', parse: (t) => t },
    secret: true,
    refuse: notBuilt('the box makes its own at the first start'),
    help: 'Key of the host.',
    ja: 'ホスト鍵。',
  },
];
