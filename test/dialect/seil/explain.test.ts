import { describe, expect, test } from 'vitest';
import { schema } from '../../../src/config/schema/index.ts';
import { explainKey, explainMistake } from '../../../src/dialect/seil/explain.ts';
import { parseSeil } from '../../../src/dialect/seil/parse.ts';

function explained(source: string): string[] {
  return parseSeil(source).errors.map((m) => explainMistake('r.conf', source, m));
}

describe('a mistake in words', () => {
  test('file, line and column, the sentence, the line, a caret under the value', () => {
    expect(explained('# a router\n  ike.retry  : "51" \n')).toEqual([
      `\
r.conf:2:16: ike.retry cannot be "51": it must be a whole number from 1 to 50.
  2 |   ike.retry  : "51" 
    |                ^^^^`,
    ]);
  });

  test('under the key, when the key is the culprit', () => {
    const [text] = explained(`${'\n'.repeat(9)}ike.rety : 5`);
    expect(text.split('\n').slice(1)).toEqual(['  10 | ike.rety …', '     | ^^^^^^^^']);
  });

  test('behind the line, when something is missing there', () => {
    const [text] = explained('ike.retry :');
    expect(text.split('\n').slice(1)).toEqual(['  1 | ike.retry :', '    |            ^']);
  });

  test('of a line that is too long, the key alone', () => {
    const [text] = explained(`hostname : b${' '.repeat(40_000)}c`);
    expect(text.split('\n')[1]).toBe('  1 | hostname …');
  });

  test('CRLF and a byte order mark do not move the caret', () => {
    expect(explained('\uFEFFike.retry : x\r\nike.interval : y\r\n').map((t) => t.split('\n')[2])).toEqual([
      '    |             ^',
      '    |                ^',
    ]);
  });
});

describe('a key in words', () => {
  test.each([
    ['ike.retry', /^ike\.retry: Retransmissions .* Value: a whole number from 1 to 50\. Default: 5\.$/],
    ['interface.ipsec0.responder-only', /^interface\.ipsec\[\]\.ike\.responder-only: .* Default: disable\.$/],
    ['interface.ipsec0.ike.proposal.phase1.lifetime', / Default: 24h\.$/],
    ['interface.ipsec0.ike.proposal.phase1.hash.100.algorithm', / Default: sha256, sha1\.$/],
    ['interface.ipsec0.ipv4.remote', / Value: an IPv4 address like 192\.0\.2\.1\.$/],
  ])('%s', (path, words) => expect(explainKey(path)).toMatch(words));

  test('every key has its words', () => {
    for (const leaf of schema) {
      const text = explainKey(leaf.path.replaceAll('[]', '1'));
      expect(text).toContain(leaf.help);
      expect(text).toContain(leaf.type.allowed);
    }
  });

  test('an unknown key has none', () => expect(explainKey('ike.rety')).toBeUndefined());
});
