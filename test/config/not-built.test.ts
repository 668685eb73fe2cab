// Whatever the dialect knows and Sekisho has not built is refused by a sentence, never ignored (issue 2).
import { describe, expect, test } from 'vitest';
import { parseSeil } from '../../src/dialect/seil/parse.ts';
import { MINIMAL } from '../interop/seed001.ts';

/** Refused for this value alone: the sentence names the value. */
const VALUES: [key: string, value: string, instead: RegExp][] = [
  ['interface.ipsec0.dynamic-local-address', 'enable', /give ipv4\.source/],
  ['interface.ipsec0.ike.proposal.phase1.encryption.0.algorithm', 'des', /use aes256/],
  ['interface.ipsec0.ike.proposal.phase2.encryption.0.algorithm', 'des', /use aes256/],
  ['ipsec.security-association.sa1.share-session', 'disable', /share its IKE SA/],
  ['interface.ge2.ipv6.address', 'dhcp6', /give the address itself/],
  ['interface.ge2.ipv6.address', 'router-advertisement', /give the address itself/],
  ['route.ipv6.1.gateway', 'router-advertisement', /give the gateway itself/],
];

/** Refused whatever the value, which may be a secret: the sentence does not name it. */
const LEAVES: [key: string, value: string, instead: RegExp][] = [
  ...['name-service', 'my-node-id', 'peer-node-id', 'my-address', 'address-family', 'key'].map(
    (key): [string, string, RegExp] => [`interface.ipsec0.floatlink.${key}`, 'geheim', /give both addresses/],
  ),
];

/** What a key stands beside, where the minimal configuration has nothing of the kind. */
const PLACES: [start: string, lines: string][] = [
  ['route.ipv6', 'route.ipv6.1.destination : default\n'],
  ['ike.peer.1', 'ike.peer.1.address : 10.0.0.9\nike.peer.1.preshared-key : geheimeres\n'],
  [
    'ipsec.security-association.sa1',
    'ipsec.security-association.sa1.address-type : static\nipsec.security-association.sa1.local-address : 10.0.0.1\n' +
      'ipsec.security-association.sa1.remote-address : 10.0.0.9\n' +
      'ike.peer.1.address : 10.0.0.9\nike.peer.1.preshared-key : geheimeres\n',
  ],
];

/** The minimal configuration with one key of its own or another's place. */
function withKey(key: string, value: string): string {
  const others = MINIMAL.split('\n').filter((line) => !line.startsWith(key));
  const [, place] = PLACES.find(([start]) => key.startsWith(start)) ?? [];
  return `${others.join('\n')}${place ?? ''}${key} : ${value}\n`;
}

describe('known but not built', () => {
  /** The one error of a configuration with the key: its sentence, behind `subject is known but not built yet: `. */
  function advice(key: string, value: string, subject: string): string {
    const source = withKey(key, value);
    const { errors } = parseSeil(source);
    expect(errors).toMatchObject([{ code: 'not-built', key, line: source.trimEnd().split('\n').length }]);
    const [before, after] = errors[0].message.split(' is known but not built yet: ');
    expect(before).toBe(subject);
    return after;
  }

  test.each(VALUES)('%s : %s', (key, value, instead) => {
    expect(advice(key, value, `${key} ${value}`)).toMatch(instead);
  });

  test.each(LEAVES)('%s, whatever the value (%s)', (key, value, instead) => {
    const words = advice(key, value, key);
    expect(words).toMatch(instead);
    expect(words).not.toContain(value);
  });

  test.each([
    ['interface.ipsec0.ike.exchange-mode', 'main'],
    ['interface.ipsec0.dynamic-local-address', 'disable'],
    ['interface.ge2.ipv6.address', '2001:db8::1/64'],
    ['route.ipv4.1.gateway', 'discard'],
  ])('%s : %s is built', (key, value) => expect(parseSeil(withKey(key, value)).errors).toEqual([]));
});
