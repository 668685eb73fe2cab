// What is measured: a row of the table each.
import { GROUPS } from '../../src/ike/crypto/algorithm.ts';

export type KindName = 'x25519' | 'modp2048';

export type Kind = {
  readonly name: string;
  readonly group: KindName;
  /** How both sides prove who they are. */
  readonly auth: 'psk' | 'rsa';
};

export const KINDS: readonly Kind[] = [
  { name: 'preshared key, x25519', group: 'x25519', auth: 'psk' },
  { name: 'preshared key, modp2048', group: 'modp2048', auth: 'psk' },
  { name: 'RSA certificates, x25519', group: 'x25519', auth: 'rsa' },
];

/** strongSwan's word for the same suite: ENCR and INTEG and PRF of the IKE SA are the same in every row. */
export const CHARON_IKE: Readonly<Record<KindName, string>> = {
  x25519: 'aes256-sha256-curve25519',
  modp2048: 'aes256-sha256-modp2048',
};
export const CHARON_ESP = 'aes128gcm16';

export const groupId = (kind: Kind): number => GROUPS[kind.group].id;
