// What we ask of OpenSSL about certificates; the native module answers (native/x509/verify.h).
import type { Trust } from '../ike/policy.ts';

export type Certificate = {
  readonly subjectDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  /** 4 or 16 octets each. */
  readonly addresses: readonly Uint8Array[];
  readonly crlUrls: readonly string[];
  readonly ocspUrls: readonly string[];
  /** Seconds since 1970. */
  readonly notAfter: number;
};

export type PathRequest = {
  /** DER, the certificate in question first. */
  readonly chain: readonly Uint8Array[];
  readonly authorities: readonly Uint8Array[];
  readonly revocationLists: readonly Uint8Array[];
  readonly revocation: Trust['revocation'];
  /** OCSP has spoken of the certificate itself: no list needs to. */
  readonly ownIsKnown?: boolean;
};

export type Path = {
  /** Empty when the path leads to an authority (RFC 5280 6), else why not, in words that end a sentence. */
  readonly error: string;
  /** What was believed, from the certificate to the authority. */
  readonly path: readonly Uint8Array[];
};

export type OcspAnswer = {
  /** Why the answer is of no use; empty when it is. */
  readonly error: string;
  /** good or revoked. */
  readonly known: boolean;
  readonly revoked: boolean;
  /** Seconds since 1970; 0 when it must be asked anew each time. */
  readonly nextUpdate: number;
};

export interface X509 {
  verify(request: PathRequest): Promise<Path>;
  /** Undefined when the octets are no certificate. */
  describe(certificate: Uint8Array): Certificate | undefined;
  ocspRequest(certificate: Uint8Array, issuer: Uint8Array): Uint8Array;
  ocspAnswer(response: Uint8Array, certificate: Uint8Array, issuer: Uint8Array): OcspAnswer;
  /** Whether the holder of a certificate signed a revocation list. */
  listIsFrom(list: Uint8Array, issuer: Uint8Array): boolean;
  /** Seconds since 1970 until when a revocation list is good; 0 unknown, -1 for what is no list. */
  listNextUpdate(list: Uint8Array): number;
}
