// The judgement over a peer's signature: path, revocation, name, key (RFC 4945, RFC 5280 6, RFC 7427).
import type { KeyObject } from 'node:crypto';
import { publicKeyOf, verifies, verifiesRaw } from '../ike/crypto/signature.ts';
import { nameText } from '../ike/distinguished-name.ts';
import { identityText, type WireIdentity } from '../ike/identity.ts';
import type { ProofJob, ProofResult } from '../ike/job.ts';
import type { Trust } from '../ike/policy.ts';
import { compareBytes } from '../net/bytes.ts';
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
      (await this.#path(job.certificates.slice(0, MOST), about, credential.trust)) ?? wrongName(about, id);
    return wrong ?? { ok: true, subject: subjectOf(about) };
  }

  async #path(chain: readonly Uint8Array[], about: Certificate, trust: Trust): Promise<Refusal | undefined> {
    const { authorities, revocation } = trust;
    const ask = revocation !== 'disable';
    const path = chain.map((c) => this.#x509.describe(c)).filter((c) => c !== undefined);
    const lists = ask ? await this.#revocation.lists(path) : [];
    const revocationLists = [...trust.revocationLists, ...lists];
    // OCSP may be all there is: then no list needs to speak of the certificate.
    const status = ask ? await this.#status(chain, about, authorities) : undefined;
    const known = status === 'good' && revocation === 'require' ? 'check' : revocation;
    const error = await this.#x509.verify({ chain, authorities, revocationLists, revocation: known });
    if (!error && status !== 'revoked') return undefined;
    const why = error || 'OCSP says that it is revoked';
    return {
      ok: false,
      code: 'CERTIFICATE',
      text: `the certificate of ${subjectOf(about)} is refused: ${why}`,
      hint: hintOf(why),
    };
  }

  async #status(chain: readonly Uint8Array[], about: Certificate, authorities: readonly Uint8Array[]) {
    const issuer = [...chain.slice(1), ...authorities].find((c) => {
      const name = this.#x509.describe(c)?.subjectDer;
      return name && compareBytes(name, about.issuerDer) === 0;
    });
    return issuer ? this.#revocation.status(chain[0], about, issuer) : undefined;
  }
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
