// The ciphers that protect IKE messages, through node:crypto.
import { type CipherGCMTypes, createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { concat } from '../../net/bytes.ts';
import type { Cipher } from './algorithm.ts';

// Keys go in as KeyObjects: of plain octets Node first tries whether they are one, by exceptions that it throws and catches,
// which costs several times as much as the cipher.

/** CBC without padding of its own: the length is a multiple of the block. */
export function cbcEncrypt(cipher: Cipher, key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array {
  const c = createCipheriv(cipher.node, createSecretKey(key), iv).setAutoPadding(false);
  return concat(c.update(plain), c.final());
}

/** The inverse; the length must be a positive multiple of the block. */
export function cbcDecrypt(cipher: Cipher, key: Uint8Array, iv: Uint8Array, text: Uint8Array): Uint8Array {
  const d = createDecipheriv(cipher.node, createSecretKey(key), iv).setAutoPadding(false);
  return concat(d.update(text), d.final());
}

const TAG = { authTagLength: 16 } as const;

/** ciphertext | tag. `key` holds key and salt; the nonce is salt | iv (RFC 5282 4, RFC 7634 2). */
export function aeadSeal(
  cipher: Cipher,
  key: Uint8Array,
  iv: Uint8Array,
  aad: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  const nonce = concat(key.subarray(cipher.keyOctets), iv);
  // The name covers ChaCha20-Poly1305 too; the types of node:crypto list each AEAD apart.
  const secret = createSecretKey(key.subarray(0, cipher.keyOctets));
  const c = createCipheriv(cipher.node as CipherGCMTypes, secret, nonce, TAG);
  c.setAAD(aad);
  return concat(c.update(plain), c.final(), c.getAuthTag());
}

/** The plaintext, or undefined when the tag does not verify. */
export function aeadOpen(
  cipher: Cipher,
  key: Uint8Array,
  iv: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < cipher.icvOctets) return undefined;
  const nonce = concat(key.subarray(cipher.keyOctets), iv);
  const secret = createSecretKey(key.subarray(0, cipher.keyOctets));
  const d = createDecipheriv(cipher.node as CipherGCMTypes, secret, nonce, TAG);
  d.setAAD(aad);
  d.setAuthTag(sealed.subarray(sealed.length - cipher.icvOctets));
  const plain = d.update(sealed.subarray(0, sealed.length - cipher.icvOctets));
  try {
    return concat(plain, d.final());
  } catch {
    return undefined;
  }
}
