// What the shell itself says, in both languages.
import type { Text } from '../../src/dialect/grammar/pattern.ts';

export const TEXTS = {
  unknown: { en: 'There is no such command', ja: 'そのようなコマンドはありません' },
  incomplete: { en: 'The command is not complete', ja: 'コマンドが途中です' },
  ambiguous: { en: 'may be', ja: 'の候補' },
  expected: { en: 'here stands', ja: 'ここに置けるもの' },
  meant: { en: 'did you mean', ja: 'もしかして' },
  administrator: {
    en: 'Only root and the router’s owner may do this.',
    ja: 'このコマンドは管理者のみ使用できます。',
  },
  more: { en: '--- more --- (space: page, enter: line, q: end)', ja: '--- つづく ---' },
  done: { en: '<enter>: run it', ja: '<enter>: 実行する' },
  unsaved: {
    en: 'The running configuration is not saved. Save it? (y/n) ',
    ja: '現在の設定は保存されていません。保存しますか？ (y/n) ',
  },
  uncommitted: { en: 'uncommitted', ja: '未反映' },
  notSaved: { en: 'unsaved', ja: '未保存' },
  confirm: { en: 'confirm within', ja: '要確認・残り' },
  default: { en: 'default', ja: '初期値' },
  atTerminal: { en: 'Passwords are asked for at a terminal.', ja: 'パスワードは端末から設定してください。' },
  newPassword: { en: 'New password: ', ja: '新しいパスワード: ' },
  samePassword: { en: 'Once more: ', ja: '確認のためもう一度: ' },
  shortPassword: {
    en: 'Eight characters at least; nothing has changed.',
    ja: '8文字以上にしてください。変更していません。',
  },
  otherPassword: {
    en: 'The two are not the same; nothing has changed.',
    ja: '一致しません。変更していません。',
  },
  calledOff: { en: 'Nothing has changed.', ja: '変更していません。' },
  none: { en: 'Nothing is different.', ja: '差分はありません。' },
} as const satisfies Record<string, Text>;
