// The initiator's half of a key exchange, cheap on purpose: it is the responder that is measured. One key pair serves all
// set-ups, and what the responder has to compute is the same as with any other.
import { createPublicKey, diffieHellman, generateKeyPairSync, getDiffieHellman } from 'node:crypto';
import { fromHex } from '../../src/net/bytes.ts';
import type { KindName } from './kinds.ts';

export type Half = {
  readonly publicValue: Uint8Array;
  readonly shared: (peer: Uint8Array) => Uint8Array;
};

export const HALVES: Readonly<Record<KindName, () => Half>> = { x25519, modp2048 };

/** SubjectPublicKeyInfo of an X25519 key up to the key itself (RFC 8410 4). */
const SPKI = fromHex('302a300506032b656e032100');

function x25519(): Half {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const own = publicKey.export({ type: 'spki', format: 'der' });
  return {
    publicValue: new Uint8Array(own.subarray(SPKI.length)),
    shared: (peer) => {
      const key = Buffer.concat([SPKI, peer]);
      const theirs = createPublicKey({ key, format: 'der', type: 'spki' });
      return new Uint8Array(diffieHellman({ privateKey, publicKey: theirs }));
    },
  };
}

/** The secret exponent is 2^SQUARINGS: a public value of full length, and a shared secret after a few squarings. */
const SQUARINGS = 11;

function modp2048(): Half {
  const prime = BigInt(`0x${getDiffieHellman('modp14').getPrime('hex')}`);
  const power = (base: bigint) => {
    let value = base;
    for (let i = 0; i < SQUARINGS; i++) value = (value * value) % prime;
    return fromHex(value.toString(16).padStart(512, '0'));
  };
  return {
    publicValue: power(2n),
    shared: (peer) => power(BigInt(`0x${Buffer.from(peer).toString('hex')}`)),
  };
}
