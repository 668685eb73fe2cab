// Completion of keys: whoever only takes what is offered reaches every key there is.
import { describe, expect, test } from 'vitest';
import { concrete, schema } from '../../../src/config/schema/index.ts';
import { completeKey, completeValue } from '../../../src/dialect/seil/complete.ts';

const shown = (typed: string, keys: readonly string[] = []) => completeKey(typed, keys).map((c) => c.shown);

test('every leaf of the schema is reached by what is offered, segment by segment', () => {
  for (const { path } of schema) {
    const key = concrete(path, []);
    let typed = '';
    for (const segment of key.split('.')) {
      const offered = completeKey(typed);
      const next = offered.find((c) => c.text === `${typed}${segment}.` || c.text === `${typed}${segment}`);
      expect(next, `${typed}${segment} of ${key}`).toBeDefined();
      typed = next!.text;
    }
    expect(
      completeKey(key).some((c) => c.leaf?.path === path),
      key,
    ).toBe(true);
  }
});

describe('what is offered', () => {
  test('numbers that are in use, and the first that is free', () => {
    const keys = ['interface.ipsec0.mtu', 'interface.ipsec7.mtu'];
    expect(shown('interface.ips', keys)).toEqual(['ipsec0.', 'ipsec1.', 'ipsec7.']);
    expect(shown('interface.ipsec5')).toEqual(['ipsec5.']);
  });

  test('no spelling that is never printed', () => {
    expect(shown('interface.ipsec0.resp')).toEqual([]);
    expect(shown('interface.ipsec0.ike.resp')).toEqual(['responder-only']);
  });

  test('values that can be listed', () => {
    expect(completeValue('interface.ipsec0.ike.dpd')).toEqual(['enable', 'disable']);
    expect(completeValue('interface.ipsec0.mtu')).toEqual([]);
  });

  test('nothing behind what leads nowhere', () => {
    expect(completeKey('interface.nonsense.')).toEqual([]);
  });
});
