// Secrets as they lie on the disk: sealed with a key of this machine, so that a copied file tells nothing (AES-256-GCM).
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const MARK = 'sealed:1:';
const NONCE = 12;
const TAG = 16;

/** Whether a text is one that seal() made. */
export function isSealed(text: string): boolean {
  return text.startsWith(MARK);
}

/** `place`: where the secret belongs; it opens nowhere else. `key`: 32 octets. */
export function seal(key: Uint8Array, place: string, secret: string): string {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return MARK + Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64');
}

/** Undefined where it was sealed with another key, for another place, or has been changed. */
export function unseal(key: Uint8Array, place: string, text: string): string | undefined {
  const octets = Buffer.from(text.slice(MARK.length), 'base64');
  if (!isSealed(text) || octets.length < NONCE + TAG) return undefined;
  const [nonce, tag] = [octets.subarray(0, NONCE), octets.subarray(-TAG)];
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place)).setAuthTag(tag);
  try {
    return decipher.update(octets.subarray(NONCE, -TAG)).toString('utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}
