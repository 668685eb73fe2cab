// The judgement over a peer's signature: path, revocation, name, key (RFC 4945, RFC 5280 6, RFC 7427).
import type { KeyObject } from 'node:crypto';
import { publicKeyOf, verifies, verifiesRaw } from '../ike/crypto/signature.ts';
import { nameText } from '../ike/distinguished-name.ts';
import { identityText, type WireIdentity } from '../ike/identity.ts';
import type { ProofJob, ProofResult } from '../ike/job.ts';
import type { Trust } from '../ike/policy.ts';
import { expiry } from './expiry.ts';
import { certificateNames } from './names.ts';
import { Revocation } from './revocation.ts';
import type { Certificate, X509 } from './x509.ts';

/** Certificates of one peer that are looked at. */
const MOST = 16;

type Refusal = Extract<ProofResult, { ok: false }>;

export class Prover {
  readonly #x509: X509;
  readonly #revocation: Revocation;

  constructor(x509: X509) {
    this.#x509 = x509;
    this.#revocation = new Revocation(x509);
  }

  async run(job: ProofJob): Promise<ProofResult> {
    const { credential, id } = job;
    if (credential.method === 'public-key') {
      const key = publicKeyOf(credential.peer);
      const good = key !== undefined && (await signed(job, key));
      return good ? { ok: true } : notSigned(`the public key that is configured for ${identityText(id)}`);
    }
    const [own] = job.certificates;
    if (!own) {
      const hint = 'the peer must send its certificate (strongSwan: send_cert = always)';
      return { ok: false, code: 'AUTHENTICATION', text: 'the peer sent no certificate', hint };
    }
    const about = this.#x509.describe(own);
    const key = about && publicKeyOf(about.publicKey);
    if (!about || !key)
      return { ok: false, code: 'CERTIFICATE', text: 'the certificate of the peer cannot be read' };
    // Who does not hold the key has no claim to the work of looking at the rest.
    if (!(await signed(job, key))) return notSigned(`the certificate of ${subjectOf(about)}`);
    const wrong =
      wrongName(about, id) ?? (await this.#path(job.certificates.slice(0, MOST), about, credential.trust));
    if (wrong) return wrong;
    const soon = expiry(about.notAfter, Date.now());
    return soon
      ? { ok: true, reminder: `the certificate of ${subjectOf(about)} ${soon}: have it renewed` }
      : { ok: true };
  }

  /** First whether an authority vouches for it: only what it signed may tell us where to ask about revocation. */
  async #path(chain: readonly Uint8Array[], about: Certificate, trust: Trust): Promise<Refusal | undefined> {
    const { authorities, revocationLists, revocation } = trust;
    const asked = { chain, authorities, revocationLists: [], revocation: 'disable' as const };
    const { error, path } = await this.#x509.verify(asked);
    if (error) return refused(about, error);
    if (revocation === 'disable') return undefined;
    const fetched = await this.#revocation.lists(path, about);
    const status = path.length > 1 ? await this.#revocation.status(about, path[0], path[1]) : undefined;
    if (status === 'revoked') return refused(about, 'OCSP says that it is revoked');
    const lists = [...revocationLists, ...fetched];
    // Nothing is known, and need not be.
    if (revocation === 'check' && lists.length === 0) return undefined;
    const verdict = await this.#x509.verify({
      chain: path,
      authorities,
      revocationLists: lists,
      revocation,
      ownIsKnown: status === 'good',
    });
    return verdict.error ? refused(about, verdict.error) : undefined;
  }
}

function refused(about: Certificate, why: string): Refusal {
  const text = `the certificate of ${subjectOf(about)} is refused: ${why}`;
  return { ok: false, code: 'CERTIFICATE', text, hint: hintOf(why) };
}

function subjectOf({ subjectDer }: Certificate): string {
  return nameText(subjectDer) || 'a nameless subject';
}

async function signed(job: ProofJob, key: KeyObject): Promise<boolean> {
  if (job.method === 'raw-rsa') return verifiesRaw(key, job.auth, job.data);
  return verifies(key, job.method, job.auth, job.data);
}

function notSigned(by: string): Refusal {
  return { ok: false, code: 'AUTHENTICATION', text: `the signature of the peer is not made by ${by}` };
}

function wrongName(about: Certificate, id: WireIdentity): Refusal | undefined {
  if (certificateNames(about, id)) return undefined;
  return {
    ok: false,
    code: 'CERTIFICATE',
    text: `the certificate of ${subjectOf(about)} does not name ${identityText(id)}`,
    hint: `make one whose subjectAltName holds it, or let the peer use an identity that its certificate holds`,
  };
}

function hintOf(why: string): string {
  if (/expired|not yet valid/.test(why)) return 'renew it, and compare the clocks of both sides';
  if (/revoked/.test(why)) return 'the authority has withdrawn it: make a new one';
  if (/local issuer|unable to get issuer|self.signed/.test(why))
    return 'its authority is not in ike.peers-authority, or the peer does not send the certificates between';
  if (/CRL/.test(why)) return 'no valid revocation list is at hand: ike.revocation : check lets that pass';
  if (/key too small|key too weak|digest/.test(why))
    return 'use RSA of 2,048 bits or more, or ECDSA, over SHA-2';
  return 'see the certificate with: openssl x509 -text';
}
