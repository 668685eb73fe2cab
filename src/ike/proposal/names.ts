// Algorithms by name, ours and others', for people: what has no name keeps its number.
import { CIPHERS, groupById, HASHES } from '../crypto/algorithm.ts';
import {
  FOREIGN_ENCRYPTION,
  FOREIGN_ENCRYPTION_P1,
  FOREIGN_GROUP,
  FOREIGN_HASH_P1,
  FOREIGN_INTEGRITY,
  FOREIGN_PRF,
  nameOf,
} from '../wire/numbers.ts';

function foreign(table: Readonly<Record<string, number>>, kind: string, id: number | undefined): string {
  if (id === undefined) return `${kind} missing`;
  const name = nameOf(table, id);
  return name === String(id) ? `${kind} ${id}` : name;
}

function bits(name: string, keyLength: number | undefined): string {
  return keyLength ? `${name}/${keyLength}` : name;
}

/** An ESP or IKEv2 cipher (transform type 1). */
export function cipherName(id: number, keyLength: number | undefined): string {
  const c = Object.values(CIPHERS).find((c) => c.espId === id && c.keyLength === keyLength);
  return c?.name ?? bits(foreign(FOREIGN_ENCRYPTION, 'cipher', id), keyLength);
}

/** A cipher of IKEv1's phase 1. */
export function phase1CipherName(id: number | undefined, keyLength: number | undefined): string {
  const c = Object.values(CIPHERS).find((c) => c.phase1Id === id && c.keyLength === keyLength);
  return c?.name ?? bits(foreign(FOREIGN_ENCRYPTION_P1, 'cipher', id), keyLength);
}

export function phase1HashName(id: number | undefined): string {
  return Object.values(HASHES).find((h) => h.phase1Id === id)?.name ?? foreign(FOREIGN_HASH_P1, 'hash', id);
}

export function prfName(id: number): string {
  return Object.values(HASHES).find((h) => h.prfId === id)?.name ?? foreign(FOREIGN_PRF, 'prf', id);
}

export function integrityName(id: number): string {
  const own = Object.values(HASHES).find((h) => h.integId === id)?.name;
  return own ?? foreign(FOREIGN_INTEGRITY, 'integrity', id);
}

export function groupName(id: number | undefined): string {
  return (id === undefined ? undefined : groupById(id)?.name) ?? foreign(FOREIGN_GROUP, 'group', id);
}
