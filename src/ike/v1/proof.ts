// Identities of phase 1 and what proves them: a hash under the preshared key, or an RSA signature of that hash
// (RFC 2409 5, 5.1, 5.4).
import { equalConstantTime } from '../../net/bytes.ts';
import type { Core } from '../core.ts';
import { identityText, identityToWire, wrongIdentity } from '../identity.ts';
import { keyOf } from '../policy.ts';
import type { Reason } from '../reason.ts';
import { CERT_X509_SIGNATURE, NOTIFY_V1 } from '../wire/numbers.ts';
import { bodyOf, find, type Payload, type PayloadOf } from '../wire/v1.ts';
import { phase1Hash } from './keys.ts';
import { lost } from './lifecycle.ts';
import { reject } from './phase1.ts';
import type { IsakmpSa } from './sa.ts';

/** The ID payload of phase 1 as SEIL sends it: protocol UDP, no port (seed 001 #982). */
export function ownId(sa: IsakmpSa): PayloadOf<'id'> {
  const { idType, data } = identityToWire(sa.connection.policy.myId);
  return { type: 'id', idType, protocol: 17, port: 0, data };
}

/** HASH_I or HASH_R of one side. */
function hashOf(sa: IsakmpSa, own: boolean, id: PayloadOf<'id'>): Uint8Array {
  const mode = sa.phase1!;
  const ours = { public: mode.pair!.publicValue, cookie: sa.role === 'initiator' ? sa.cookieI : sa.cookieR };
  const theirs = { public: mode.peerPublic!, cookie: sa.role === 'initiator' ? sa.cookieR : sa.cookieI };
  const [a, b] = own ? [ours, theirs] : [theirs, ours];
  return phase1Hash(sa.suite!, sa.keys!, { ...a, id: bodyOf(id) }, b, mode.saBody);
}

/** Hands the payloads that prove us to `then`: HASH, or CERT and SIG. The identity is not among them. */
export function prove(
  core: Core,
  sa: IsakmpSa,
  id: PayloadOf<'id'>,
  then: (payloads: Payload[]) => void,
): void {
  const { credential } = sa.connection.policy;
  const hash = hashOf(sa, true, id);
  if (credential.method === 'preshared-key') return then([{ type: 'hash', data: hash }]);
  const mode = sa.phase1!;
  mode.busy = true;
  core.sign({ key: credential.privateKey, signing: 'raw-rsa', data: hash }, (result) => {
    delete mode.busy;
    if (sa.state === 'gone') return;
    if (!result.ok) return lost(core, sa, { code: 'AUTHENTICATION', text: result.error });
    const chain = credential.method === 'certificate' ? credential.chain : [];
    const certificates = chain.map(
      (data): Payload => ({ type: 'cert', encoding: CERT_X509_SIGNATURE, data }),
    );
    then([...certificates, { type: 'sig', data: result.data }]);
  });
}

/** Asks for a certificate of any authority, in the message before the one that carries it (RFC 2408 3.10). */
export function request(sa: IsakmpSa): Payload[] {
  const { method } = sa.connection.policy.credential;
  return method === 'certificate'
    ? [{ type: 'certreq', encoding: CERT_X509_SIGNATURE, data: new Uint8Array(0) }]
    : [];
}

/** Whether the peer's payloads prove the identity that is expected: `then` runs when they do, else the SA is refused. */
export function judge(
  core: Core,
  sa: IsakmpSa,
  id: PayloadOf<'id'>,
  payloads: readonly Payload[],
  then: (peer: string) => void,
): void {
  const { credential, at } = sa.connection.policy;
  const hash = hashOf(sa, false, id);
  if (credential.method === 'preshared-key') {
    const got = find(payloads, 'hash');
    if (got && equalConstantTime(got.data, hash)) return named(core, sa, id, then);
    const text = `the preshared key of ${identityText(id)} is not ours`;
    return reject(core, sa, otherKey(at, text), NOTIFY_V1.INVALID_HASH_INFORMATION);
  }
  const sig = find(payloads, 'sig');
  if (!sig) {
    const text = 'the peer sent no signature';
    return reject(core, sa, { code: 'AUTHENTICATION', text }, NOTIFY_V1.INVALID_SIGNATURE);
  }
  const certificates = payloads.flatMap((p) =>
    p.type === 'cert' && p.encoding === CERT_X509_SIGNATURE ? [p.data] : [],
  );
  const mode = sa.phase1!;
  mode.busy = true;
  const job = { credential, id, certificates, auth: sig.data, data: hash };
  core.prove({ ...job, method: 'raw-rsa' }, (result) => {
    delete mode.busy;
    if (sa.state === 'gone') return;
    if (!result.ok) return reject(core, sa, result, NOTIFY_V1.INVALID_SIGNATURE);
    if (result.reminder) core.note('warning', 'certificate', sa.connection, result.reminder);
    named(core, sa, id, then);
  });
}

function named(core: Core, sa: IsakmpSa, id: PayloadOf<'id'>, then: (peer: string) => void): void {
  const wrong = wrongIdentity(sa.connection.policy, id, sa.nat.remote);
  if (wrong) return reject(core, sa, wrong, NOTIFY_V1.INVALID_ID_INFORMATION);
  then(identityText(id));
}

export function otherKey(at: string, text: string): Reason {
  const key = keyOf(at, 'preshared-key');
  return { code: 'AUTHENTICATION', text, key, hint: `make ${key} the same on both sides` };
}
