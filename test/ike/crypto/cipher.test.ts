// The ciphers against published vectors: RFC 3602, the GCM paper, RFC 8439, RFC 7634; 3DES against OpenSSL's.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CIPHERS } from '../../../src/ike/crypto/algorithm.ts';
import { aeadOpen, aeadSeal, cbcDecrypt, cbcEncrypt } from '../../../src/ike/crypto/cipher.ts';
import { concat, fromHex, hex } from '../../../src/net/bytes.ts';
import { title, type Vector, vectors } from '../samples.ts';

const cbc = (v: Vector) =>
  v.iv.length === 16 ? CIPHERS['3des'] : v.key.length === 32 ? CIPHERS.aes128 : CIPHERS.aes256;

describe.each([...vectors('aes-cbc'), ...vectors('3des')].map((v) => ({ name: title(v), v })))(
  '$name',
  ({ v }) => {
    const [key, iv, plain, text] = [v.key, v.iv, v.plaintext, v.ciphertext].map(fromHex);

    test('encrypts and decrypts', () => {
      expect(hex(cbcEncrypt(cbc(v), key, iv, plain))).toBe(v.ciphertext);
      expect(hex(cbcDecrypt(cbc(v), key, iv, text))).toBe(v.plaintext);
    });
  },
);

test('AES-192-CBC is the inverse of itself, and no other key or IV is', () => {
  const [key, iv, plain] = [24, 16, 64].map((n) => Uint8Array.from({ length: n }, (_, i) => i * 7 + n));
  const text = cbcEncrypt(CIPHERS.aes192, key, iv, plain);
  expect(cbcDecrypt(CIPHERS.aes192, key, iv, text)).toEqual(plain);
  expect(cbcDecrypt(CIPHERS.aes192, key.with(0, 0xff), iv, text)).not.toEqual(plain);
  expect(cbcDecrypt(CIPHERS.aes192, key, iv.with(0, 0xff), text)).not.toEqual(plain);
});

type Aead = { name: string; cipher: (typeof CIPHERS)['aes256']; key: string; iv: string; v: Vector };

const AEADS: Aead[] = [
  ...vectors('aes-gcm').map((v) => ({
    name: title(v),
    cipher: CIPHERS[v.key.length === 32 ? 'aes128-gcm16' : 'aes256-gcm16'],
    // The paper's nonce of 12 octets is our salt and explicit IV (RFC 4106 4).
    key: v.key + v.iv.slice(0, 8),
    iv: v.iv.slice(8),
    v,
  })),
  ...vectors('chacha20-poly1305').map((v) => ({
    name: title(v),
    cipher: CIPHERS['chacha20-poly1305'],
    key: v.key + v.salt,
    iv: v.iv,
    v,
  })),
];

describe.each(AEADS)('$name', ({ cipher, key, iv, v }) => {
  const [k, n, aad, plain] = [key, iv, v.aad, v.plaintext].map(fromHex);
  const sealed = fromHex(v.ciphertext + v.tag);

  test('seals and opens', () => {
    expect(k).toHaveLength(cipher.keyOctets + cipher.saltOctets);
    expect(n).toHaveLength(cipher.ivOctets);
    expect(hex(aeadSeal(cipher, k, n, aad, plain))).toBe(v.ciphertext + v.tag);
    expect(hex(aeadOpen(cipher, k, n, aad, sealed)!)).toBe(v.plaintext);
  });

  test('opens nothing that differs in tag, text, AAD, nonce or salt, and nothing too short', () => {
    const flip = (b: Uint8Array, at: number) => b.with(at, b[at] ^ 1);
    expect(aeadOpen(cipher, k, n, aad, flip(sealed, sealed.length - 1))).toBeUndefined();
    expect(aeadOpen(cipher, k, n, aad, flip(sealed, 0))).toBeUndefined();
    expect(aeadOpen(cipher, k, n, concat(aad, Uint8Array.of(0)), sealed)).toBeUndefined();
    expect(aeadOpen(cipher, k, flip(n, 0), aad, sealed)).toBeUndefined();
    expect(aeadOpen(cipher, flip(k, cipher.keyOctets), n, aad, sealed)).toBeUndefined();
    for (let length = 0; length < 18; length++) {
      expect(aeadOpen(cipher, k, n, aad, sealed.subarray(0, length))).toBeUndefined();
    }
  });
});

test('the ESP packet of RFC 7634 Appendix A is among those that the native engine checks when it starts', () => {
  const v = vectors('chacha20-poly1305').find((v) => v.section === 'Appendix A')!;
  const header = readFileSync(new URL('../../../native/crypto/known_answers.h', import.meta.url), 'utf8');
  expect(v.espPacket).toBe(v.spi + v.sequence + v.iv + v.ciphertext + v.tag);
  expect(header).toContain(
    `{"chacha20-poly1305", "", false, "${v.key}${v.salt}", "", "${v.espPacket}", "${v.plaintext}"}`,
  );
});
