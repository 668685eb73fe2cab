import { format, inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/net/bytes.ts';
import { Secret } from '../../src/net/secret.ts';

const WORD = 'xeeB5gohvaYi';
const secret = new Secret(utf8(WORD));

describe('Secret', () => {
  test.each([
    ['template', `${secret}`],
    ['JSON', JSON.stringify({ psk: secret, list: [secret] })],
    ['inspection', inspect({ deep: { psk: secret } }, { depth: 9, showHidden: true })],
    ['format', format('%s %o %j', secret, secret, secret)],
    ['own properties', JSON.stringify(Object.getOwnPropertyNames(secret))],
    ['a copy by spreading', JSON.stringify({ ...secret })],
  ])('does not show in %s', (_how, text) => {
    expect(text).not.toContain(WORD);
    // Octets as a list of numbers would be no better.
    expect(text.replace(/\s/g, '')).not.toContain('120,101,101,66');
  });

  test('a word stands in its place', () => expect(`${secret}`).toBe('[secret]'));

  test('is there for a computation', () => expect(secret.reveal()).toEqual(utf8(WORD)));

  test('compares by its octets', () => {
    expect(secret.equals(new Secret(utf8(WORD)))).toBe(true);
    expect(secret.equals(new Secret(utf8('xeeB5gohvaYj')))).toBe(false);
    expect(secret.equals(new Secret(utf8('xeeB5gohvaY')))).toBe(false);
  });
});
