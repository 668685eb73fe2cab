// `show system crypto`: speeds, the kernel in use, and a warning where a suite is slow on this CPU.
import { expect, test } from 'vitest';
import type { CryptoSpeed } from '../../src/dataplane/port.ts';
import type { Tunnel } from '../../src/plan/desired.ts';
import { cryptoView, showCrypto } from '../../src/show/crypto.ts';
import type { TunnelView } from '../../src/show/view.ts';

const speed = (suite: string, kernel: string, chosen: boolean, gbit: number): CryptoSpeed => ({
  suite,
  kernel,
  chosen,
  gbit,
});
const tunnel = (ciphers: string[], hashes: string[]) =>
  ({ name: 'ipsec0', child: { at: 'interface.ipsec0', ciphers, hashes } }) as unknown as Tunnel;
const view = (suite: string) => ({ connection: 'ipsec0', children: [{ suite }] }) as unknown as TunnelView;

/** A Raspberry Pi 4: no AES instructions (dataplane.md). */
const PI4 = [
  speed('aes128-gcm16', 'openssl', true, 0.41),
  speed('chacha20-poly1305', 'neon', true, 1.62),
  speed('chacha20-poly1305', 'openssl', false, 1.31),
  speed('aes256/sha256', 'openssl', true, 0.35),
];

test('the kernel in use is marked, and the tunnels that use it', () => {
  const text = showCrypto(cryptoView(PI4, [], [view('aes256/sha256/modp2048/esn')]));
  expect(text).toContain('aes256/sha256          openssl       0.35 *  in use: ipsec0\n');
  expect(text).toContain('chacha20-poly1305      neon          1.62 *\n');
  expect(text).toContain('chacha20-poly1305      openssl       1.31\n');
  expect(text).not.toContain('Warning');
});

test.each([
  [['aes128-gcm16'], [], 'aes128-gcm16'],
  [['aes256', 'aes128'], ['sha256', 'sha1'], 'aes256/sha256'],
])('a slow suite that is proposed first is warned of: %j %j', (ciphers, hashes, suite) => {
  const { warnings } = cryptoView(PI4, [tunnel(ciphers, hashes)], []);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`ipsec0 proposes ${suite} first, which reaches 0.`);
  expect(warnings[0]).toContain(
    'interface.ipsec0.ike.proposal.phase2.encryption.0.algorithm : chacha20-poly1305 on both sides',
  );
});

test('what is fast is not warned of', () => {
  expect(cryptoView(PI4, [tunnel(['chacha20-poly1305'], [])], []).warnings).toEqual([]);
  const fast = [speed('aes128-gcm16', 'x', true, 40), speed('chacha20-poly1305', 'x', true, 8)];
  expect(cryptoView(fast, [tunnel(['aes128-gcm16'], [])], []).warnings).toEqual([]);
});
