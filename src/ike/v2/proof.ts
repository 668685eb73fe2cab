// AUTH of IKE_AUTH (RFC 7296 2.15): by the shared key, or by a signature (RFC 7427) with certificates or bare keys.
import { equalConstantTime } from '../../net/bytes.ts';
import type { Connection, Core } from '../core.ts';
import { OUR_HASHES, signingOf } from '../crypto/signature.ts';
import { identityText, type WireIdentity } from '../identity.ts';
import { type Credential, keyOf } from '../policy.ts';
import type { Reason } from '../reason.ts';
import { AUTH_V2, CERT_X509_SIGNATURE, NOTIFY_V2, nameOf } from '../wire/numbers.ts';
import { findNotify, notify, type Payload, type PayloadOf } from '../wire/v2.ts';
import { idBody, pskAuth, signedOctets } from './keys.ts';
import { type IkeSa, within } from './sa.ts';

/** What one side signs: what it sent first, the other's nonce, and its identity under SK_p. */
type Inputs = Parameters<typeof signedOctets>;

function inputsOf(sa: IkeSa, initiator: boolean, id: WireIdentity): Inputs {
  const { init, response, nonceI, nonceR } = sa.proof!;
  const [message, nonce, skp] = initiator ? [init, nonceR, sa.keys!.pi] : [response, nonceI, sa.keys!.pr];
  return [sa.suite!, message, nonce, skp, idBody(id)];
}

/** Hands CERT and AUTH to `then`, or the reason why there is no proof of ours. */
export function prove(
  core: Core,
  sa: IkeSa,
  connection: Connection,
  id: WireIdentity,
  then: (proof: Payload[] | Reason) => void,
): void {
  const { credential, at } = connection.policy;
  const inputs = inputsOf(sa, sa.role === 'initiator', id);
  if (credential.method === 'preshared-key') {
    const data = pskAuth(credential.key.reveal(), ...inputs);
    return then([{ type: 'auth', method: AUTH_V2.SHARED_KEY, data }]);
  }
  const signing = signingOf(credential.privateKey.kind, sa.peerHashes);
  if (!signing) {
    const known = sa.peerHashes ? 'none of the hashes that the peer verifies' : 'only RFC 7427 signatures';
    return then({
      code: 'AUTHENTICATION',
      text: `our ${credential.privateKey.kind} key goes with ${known}`,
      key: keyOf(at, 'ike.my-private-key'),
      hint: 'use an RSA or ECDSA P-256 key, which every peer knows',
    });
  }
  core.sign({ key: credential.privateKey, signing, data: signedOctets(...inputs) }, (result) => {
    if (sa.state === 'gone') return;
    if (!result.ok) return then({ code: 'AUTHENTICATION', text: result.error });
    const chain = credential.method === 'certificate' ? credential.chain : [];
    then([
      ...chain.map((data): Payload => ({ type: 'cert', encoding: CERT_X509_SIGNATURE, data })),
      { type: 'auth', method: signing.method, data: result.data },
    ]);
  });
}

/** Hands the reason why the peer's AUTH proves nothing to `then`, or undefined when it proves the identity. */
export function judge(
  core: Core,
  sa: IkeSa,
  connection: Connection,
  id: WireIdentity,
  payloads: readonly Payload[],
  auth: PayloadOf<'auth'>,
  then: (wrong: Reason | undefined) => void,
): void {
  const { credential, at } = connection.policy;
  const inputs = inputsOf(sa, sa.role === 'responder', id);
  const shared = auth.method === AUTH_V2.SHARED_KEY;
  if (shared !== (credential.method === 'preshared-key')) {
    core.event({ about: within(sa, 'AUTH'), did: 'auth-method' });
    return then(otherMethod(at, credential, auth));
  }
  const unmatched = () => core.event({ about: within(sa, 'AUTH'), did: 'auth-data' });
  if (credential.method === 'preshared-key') {
    if (equalConstantTime(auth.data, pskAuth(credential.key.reveal(), ...inputs))) return then(undefined);
    unmatched();
    const key = keyOf(at, 'preshared-key');
    const text = `the preshared key of ${identityText(id)} is not ours`;
    return then({ code: 'AUTHENTICATION', text, key, hint: `make ${key} the same on both sides` });
  }
  const certificates = payloads.flatMap((p) =>
    p.type === 'cert' && p.encoding === CERT_X509_SIGNATURE ? [p.data] : [],
  );
  const { method, data } = auth;
  const proof = { credential, id, certificates, method, auth: data };
  core.prove({ ...proof, data: signedOctets(...inputs) }, (result) => {
    if (sa.state === 'gone') return;
    if (!result.ok) unmatched();
    else if (result.reminder) core.note('warning', 'certificate', connection, result.reminder);
    then(result.ok ? undefined : result);
  });
}

function otherMethod(at: string, credential: Credential, auth: PayloadOf<'auth'>): Reason {
  const key = keyOf(at, 'ike.authentication');
  const theirs = nameOf(AUTH_V2, auth.method);
  return {
    code: 'AUTHENTICATION',
    text: `the peer authenticates by ${theirs}, we expect a ${credential.method}`,
    offered: [theirs],
    accepted: [credential.method],
    key,
    hint: `set ${key} to what the peer uses, or change the peer`,
  };
}

/** Asks for certificates of the authorities that we believe (3.7). */
export function certificateRequest({ policy }: Connection): Payload[] {
  const { credential } = policy;
  if (credential.method !== 'certificate') return [];
  return [{ type: 'certreq', encoding: CERT_X509_SIGNATURE, data: credential.trust.keyHashes }];
}

/** SIGNATURE_HASH_ALGORITHMS, where signatures are to come (RFC 7427 4). */
export function hashNotify({ policy }: Connection): Payload[] {
  if (policy.credential.method === 'preshared-key') return [];
  const data = new Uint8Array(OUR_HASHES.flatMap((h) => [h >> 8, h & 255]));
  return [notify(NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS, data)];
}

/** The hashes that the peer says it verifies; undefined when it says nothing. */
export function hashesOf(payloads: readonly Payload[]): readonly number[] | undefined {
  const data = findNotify(payloads, NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS)?.data;
  if (!data) return undefined;
  return Array.from({ length: data.length >> 1 }, (_, i) => (data[2 * i] << 8) | data[2 * i + 1]);
}
