// The first start's questions: whatever is answered is a configuration without a mistake; passwords as crypt(5) has them.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashed } from '../../cli/shell/password.ts';
import { type Answers, configurationOf } from '../../cli/shell/set-up.ts';
import { read } from '../../src/dialect/index.ts';

const USUAL: Answers = {
  ...{ passwordHash: hashed('over the mountain'), outside: 'dhcp', inside: '192.168.1.1/24' },
  ...{ timezone: 'Asia/Tokyo', aes: true },
};

describe('what the answers make', () => {
  test('has no mistakes and no warnings, with a tunnel and without', () => {
    const tunnel = { peer: 'vpn.example.org', key: 'any "key" \\ at all', network: '192.168.2.0/24' };
    const outside = { address: '203.0.113.2/24', gateway: '203.0.113.1' };
    for (const answers of [USUAL, { ...USUAL, tunnel }, { ...USUAL, outside, tunnel, aes: false }]) {
      const { errors, warnings } = read(configurationOf(answers));
      expect([...errors, ...warnings].map((m) => m.message)).toEqual([]);
    }
  });

  test('lends addresses of its own network, and never its own one', () => {
    const address = fc
      .tuple(fc.integer({ min: 8, max: 29 }), fc.nat(), fc.ipV4())
      .map(([length, host, ip]) => {
        const size = 2 ** (32 - length);
        const number = ip.split('.').reduce((n, part) => n * 256 + Number(part), 0);
        const own = Math.floor(number / size) * size + 1 + (host % (size - 2));
        return `${[24, 16, 8, 0].map((s) => Math.floor(own / 2 ** s) % 256).join('.')}/${length}`;
      });
    fc.assert(
      fc.property(address, (inside) => {
        const { tree, errors } = read(configurationOf({ ...USUAL, inside }));
        expect(errors.map((m) => m.message)).toEqual([]);
        const number = (ip: string) => ip.split('.').reduce((n, part) => n * 256 + Number(part), 0);
        const first = number(String(tree.value('dhcp.server.0.pool.address')).split('/')[0]);
        const own = number(inside.split('/')[0]);
        const count = tree.number('dhcp.server.0.pool.count');
        expect(own < first || own > first + count - 1).toBe(true);
      }),
    );
  });

  test('without instructions for AES ChaCha20-Poly1305 is proposed first', () => {
    const tunnel = { peer: '192.0.2.9', key: 'x', network: '192.168.2.0/24' };
    const first = 'interface.ipsec0.ike.proposal.phase2.encryption.0.algorithm';
    expect(read(configurationOf({ ...USUAL, tunnel, aes: false })).tree.value(first)).toBe(
      'chacha20-poly1305',
    );
    expect(read(configurationOf({ ...USUAL, tunnel })).tree.value(first)).toBe('aes256');
  });
});

describe('a password', () => {
  test('is hashed as crypt(3) does it', () => {
    for (const password of ['over the mountain', '関所を越える', 'x'.repeat(200)]) {
      const hash = hashed(password);
      const crypt = 'print crypt($ARGV[0], $ARGV[1])';
      expect(execFileSync('perl', ['-e', crypt, password, hash], { encoding: 'utf8' })).toBe(hash);
      expect(hashed(password)).not.toBe(hash);
    }
  });
});
