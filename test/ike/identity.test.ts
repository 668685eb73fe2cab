// Who a peer may say it is.
import { expect, test } from 'vitest';
import { identityToWire, wrongIdentity } from '../../src/ike/identity.ts';
import type { Credential } from '../../src/ike/policy.ts';
import { Secret } from '../../src/net/secret.ts';
import { A, B, policy } from './simulation.ts';

const other = identityToWire({ type: 'address', value: '10.9.8.7' });
const privateKey = { kind: 'rsa' as const, pkcs8: new Secret(new Uint8Array(0)) };
const none = new Uint8Array(0);
const trust = { authorities: [], keyHashes: none, revocationLists: [], revocation: 'check' as const };
const certificate: Credential = { method: 'certificate', privateKey, chain: [], trust };

test('behind a NAT a peer with our key may have any address; one with a certificate only that of its name', () => {
  expect(wrongIdentity(policy(A, B), other, true)).toBeUndefined();
  expect(wrongIdentity(policy(A, B), other, false)?.code).toBe('ID_MISMATCH');
  const signed = policy(A, B, { credential: certificate });
  expect(wrongIdentity(signed, other, true)?.code).toBe('ID_MISMATCH');
  expect(wrongIdentity(signed, identityToWire({ type: 'address', value: B }), true)).toBeUndefined();
});

test('our own name in the mouth of the peer is our own message, handed back', () => {
  const mine = identityToWire({ type: 'address', value: A });
  expect(wrongIdentity(policy(A, B), mine, true)?.code).toBe('ID_MISMATCH');
});
