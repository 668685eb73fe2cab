// Stateless cookies (RFC 7296 2.6): under load a peer proves its address before we keep anything for it.
import { addressBytes } from '../../net/address.ts';
import { concat, equalConstantTime } from '../../net/bytes.ts';
import type { Endpoint } from '../../net/endpoint.ts';
import { prf } from '../crypto/prf.ts';

/** Secrets live this long; a cookie of the previous one is still good. */
const SECRET_MS = 60_000;

export class Cookies {
  #secrets: { version: number; secret: Uint8Array }[] = [];
  #since = Number.NEGATIVE_INFINITY;
  #version = 0;

  /** Rotates the secret when its time is over. */
  refresh(now: number, random: (octets: number) => Uint8Array): void {
    if (now - this.#since < SECRET_MS) return;
    this.#since = now;
    this.#version = (this.#version + 1) & 255;
    this.#secrets = [{ version: this.#version, secret: random(32) }, ...this.#secrets.slice(0, 1)];
  }

  /** version | HMAC(secret, Ni | IPi | port | SPIi), as 2.6 suggests. */
  make(nonce: Uint8Array, remote: Endpoint, spiI: Uint8Array): Uint8Array {
    return this.#cookie(this.#secrets[0], nonce, remote, spiI);
  }

  valid(cookie: Uint8Array | undefined, nonce: Uint8Array, remote: Endpoint, spiI: Uint8Array): boolean {
    if (!cookie) return false;
    const key = this.#secrets.find((s) => s.version === cookie[0]);
    return key !== undefined && equalConstantTime(cookie, this.#cookie(key, nonce, remote, spiI));
  }

  #cookie(
    key: { version: number; secret: Uint8Array },
    nonce: Uint8Array,
    remote: Endpoint,
    spiI: Uint8Array,
  ): Uint8Array {
    const port = Uint8Array.of(remote.port >> 8, remote.port & 255);
    return concat(
      Uint8Array.of(key.version),
      prf('sha256', key.secret, nonce, addressBytes(remote.address), port, spiI),
    );
  }
}
