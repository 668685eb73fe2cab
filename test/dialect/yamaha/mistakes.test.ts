// Yamaha's own sentences, each with what would be right (dialects.md B.1).
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { read } from '../../../src/dialect/index.ts';
import { parseYamaha } from '../../../src/dialect/yamaha/parse.ts';

const wrong = (line: string, language?: 'en' | 'ja') => parseYamaha(line, language).errors[0];

const CASES: readonly [string, number, RegExp][] = [
  ['foo', 1, /^Error: Invalid command name: "foo"; no command begins so/],
  ['ipsec ike versoin 1 2', 11, /^Error: Invalid command name: "versoin"; did you mean version\?$/],
  ['ipsec ike version 1 3', 21, /^Error: Illegal keyword: "3"/],
  [
    'ipsec ike version x 2',
    19,
    /^Error: Parameter must be an integer: "x"; here stands <gateway> \(a whole number from 1 to 6000\)\.$/,
  ],
  ['ipsec ike version 9999 2', 19, /^Error: Parameter out of range: "9999"/],
  ['ipsec ike local address 1 300.1.1.1', 27, /^Error: Unrecognized IP address parameter: "300\.1\.1\.1"/],
  [
    'ipsec ike version 1',
    19,
    /^Error: Insufficient or too many parameters: <value> \(1 or 2\) is missing\.$/,
  ],
  [
    'ipsec ike version 1 2 3',
    23,
    /^Error: Insufficient or too many parameters: nothing stands behind the first 5 words\.$/,
  ],
  ['ip tunnel mtu 1300', 1, /^Error: Execute tunnel select command beforehand$/],
  [
    'ipsec ike encryption 1 aes265-cbc',
    24,
    /^Error: Illegal keyword: "aes265-cbc"; did you mean aes256-cbc\?$/,
  ],
  ['ipsec ike encryption 1 des-cbc', 1, /des is known but not built yet: single DES is broken/],
  ['ipsec ike pre-shared-key 1 text "open', 33, /^The closing quote is missing/],
  ['ipsec sa policy 101 1 esp aes-cbc', 1, /without an authentication algorithm.*add sha256-hmac/],
  ['ipsec ike keepalive use 1 on heartbeat', 1, /^Error: heartbeat is known but not built: use dpd/],
  ['ipsec ike group 1 modp768', 1, /modp768 has been broken in public/],
  [
    'l2tp service on',
    1,
    /(?<![.)] )l2tp service is known but not built yet: remote access for phones comes later/,
  ],
];

describe('one sentence with its place', () => {
  test.each(CASES)('%s', (line, column, message) => {
    const mistake = wrong(line);
    expect(mistake.message).toMatch(message);
    expect([mistake.line, mistake.column]).toEqual([1, column]);
  });

  test('in Japanese', () => {
    expect(wrong('foo', 'ja').message).toMatch(/^エラー：コマンド名を確認してください/);
    expect(wrong('ipsec ike version 9999 2', 'ja').message).toMatch(
      /^エラー：パラメータが範囲を越えています/,
    );
    expect(wrong('ipsec ike version 1', 'ja').message).toMatch(/^エラー：パラメータの数が不適当です/);
  });
});

test('abbreviations that mean one thing are taken, others list what they may mean', () => {
  const { errors, tree } = parseYamaha('ips ik vers 1 2\nipsec ike pre 1 text k');
  expect(errors).toEqual([]);
  expect(tree.value('interface.ipsec0.ike.version')).toBe(2);
  expect(wrong('ipsec ike re 1 x').message).toMatch(/"re" may be remote, restrict-dangling-sa, retry/);
});

test('a line with a mistake changes nothing', () => {
  const { tree } = parseYamaha(
    'ipsec sa policy 101 1 esp aes-cbc sha-hmac\nipsec sa policy 101 2 esp aes-cbc',
  );
  expect(tree.indexes('interface.ipsec')).toEqual([0]);
});

test('no secret is repeated, wherever in the line the mistake is', () => {
  const secret = 'S3cr3tW0rd';
  const lines = [
    `ipsec ike pre-shared-key 1 ${secret}`,
    `ipsec ike pre-shared-kay 1 text ${secret}`,
    `ipsec ike pre-shared-key 1 text a ${secret}`,
    `ipsec ike pre-shared-key x text ${secret}`,
    `ipsec ike pre-shared-key 1 txt ${secret}`,
    `pp auth username someone ${secret}`,
    `login password ${secret} ${secret}`,
  ];
  for (const line of lines) {
    const { errors, explain } = read(line, 'yamaha');
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.map((m) => JSON.stringify(m) + explain('f', m)).join('\n')).not.toContain(secret);
  }
});

test('total: any text gives a tree and sentences', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'ipsec',
      'ike',
      'tunnel',
      'select',
      'no',
      '1',
      'text',
      '"',
      '\\',
      '#',
      'pp',
      'ip',
      'route',
    ),
    fc.string(),
  );
  const line = fc.array(word, { maxLength: 8 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      for (const m of parseYamaha(lines.join('\n')).errors) expect(m.message.length).toBeGreaterThan(5);
    }),
  );
});
