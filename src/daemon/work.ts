// Does the engine's jobs: public-key work in the thread pool, certificates with what the network tells of them.
import { runKeyExchange } from '../ike/crypto/key-exchange.ts';
import { runSign } from '../ike/crypto/signature.ts';
import type { Job, JobResult } from '../ike/job.ts';
import { Prover } from '../pki/proof.ts';
import type { X509 } from '../pki/x509.ts';

export class Work {
  readonly #prover: Prover;

  constructor(x509: X509) {
    this.#prover = new Prover(x509);
  }

  /** Never rejects: a job that fails is an answer too. */
  async run(job: Job): Promise<JobResult> {
    try {
      switch (job.kind) {
        case 'key-exchange':
          return await runKeyExchange(job);
        case 'sign':
          return await runSign(job);
        case 'proof':
          return await this.#prover.run(job);
      }
    } catch (e) {
      const error = (e as Error).message;
      return job.kind === 'proof' ? { ok: false, code: 'AUTHENTICATION', text: error } : { ok: false, error };
    }
  }
}
