// Work that the engine hands out because it takes milliseconds or needs files and network: public-key operations and
// the judgement of certificates. The answer comes back as an input, in a later step.
import type { KeyExchangeJob, KeyExchangeResult } from './crypto/key-exchange.ts';
import type { SignJob, SignResult } from './crypto/signature.ts';
import type { WireIdentity } from './identity.ts';
import type { Credential } from './policy.ts';
import type { Reason } from './reason.ts';

/** Is the peer who it says, by its signature under a key that we believe? */
export type ProofJob = {
  readonly kind: 'proof';
  readonly credential: Exclude<Credential, { method: 'preshared-key' }>;
  readonly id: WireIdentity;
  /** DER, as the peer sent them: its own first. */
  readonly certificates: readonly Uint8Array[];
  /** The authentication method's number (RFC 7296 3.8), or IKEv1's bare RSA. */
  readonly method: number | 'raw-rsa';
  readonly auth: Uint8Array;
  /** What is signed. */
  readonly data: Uint8Array;
};

export type ProofResult =
  | {
      readonly ok: true;
      /** For people: that the peer's certificate ends soon. */
      readonly reminder?: string;
    }
  | ({ readonly ok: false } & Pick<Reason, 'code' | 'text' | 'hint'>);

export type Job = ({ readonly kind: 'key-exchange' } & KeyExchangeJob) | SignJob | ProofJob;

export type JobResult = KeyExchangeResult | SignResult | ProofResult;
