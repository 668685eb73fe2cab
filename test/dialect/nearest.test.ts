import { describe, expect, test } from 'vitest';
import { concrete, schema } from '../../src/config/schema/index.ts';
import { nearestKey, nearestValue } from '../../src/dialect/nearest.ts';

describe('the nearest key', () => {
  test.each([
    ['hostnam', 'hostname'],
    ['ike.dpd-intervall', 'ike.dpd-interval'],
    ['interface.ipsec5.preshard-key', 'interface.ipsec5.preshared-key'],
    ['interface.ipsec12.ike.my-identifer.fqdn', 'interface.ipsec12.ike.my-identifier.fqdn'],
    ['interface.ge3.mtv', 'interface.ge3.mtu'],
    ['Interface.Ge3.MTU', 'interface.ge3.mtu'],
    ['interface.ipsec0.responder-onli', 'interface.ipsec0.responder-only'],
    ['route.ipv4.100.gatway', 'route.ipv4.100.gateway'],
    ['interface.ge0.ipv4.alias.200.adress', 'interface.ge0.ipv4.alias.200.address'],
    [
      'interface.ipsec3.ike.proposal.phase1.hash.100.algoritm',
      'interface.ipsec3.ike.proposal.phase1.hash.100.algorithm',
    ],
  ])('%s: did you mean %s?', (typed, meant) => expect(nearestKey(typed)).toBe(meant));

  test('any key with one letter dropped is found again', () => {
    for (const { path } of schema) {
      const key = concrete(path, [0, 0]);
      const at = key.lastIndexOf('.') + 2;
      const typed = key.slice(0, at) + key.slice(at + 1);
      // Lists apart: their index is a second number.
      if (!/\.\d+\./.test(key)) expect(nearestKey(typed)).toBe(key);
    }
  });

  test.each(['', 'x', 'completely.different.words', 'snmp.community'])('%j is like none', (typed) => {
    expect(nearestKey(typed)).toBeUndefined();
  });
});

describe('the nearest value', () => {
  const values = ['main', 'aggressive'];

  test('the fewest edits win, within a third of the word', () => {
    expect(nearestValue('agressive', values)).toBe('aggressive');
    expect(nearestValue('Main', values)).toBe('main');
    expect(nearestValue('mian', values)).toBeUndefined();
    expect(nearestValue('quick', values)).toBeUndefined();
    expect(nearestValue('aes12', ['aes192', 'aes128'])).toBe('aes192');
    expect(nearestValue('aes265', ['aes256', 'aes192'], 2)).toBe('aes256');
  });
});
