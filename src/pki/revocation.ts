// What is known of revoked certificates: lists (RFC 5280 5) and OCSP answers (RFC 6960), fetched where a certificate
// says and kept until they are out of date. Both are signed, so they travel over plain HTTP.
import { hex } from '../net/bytes.ts';
import type { Certificate, X509 } from './x509.ts';

const TIMEOUT_MS = 3000;
const MOST_OCTETS = 1 << 20;
/** What could not be had is asked for again after this time; what names no next update, too. */
const AGAIN_MS = 300_000;
const MOST_KEPT = 256;

type Kept = { readonly until: number; readonly octets: Uint8Array | undefined };

export class Revocation {
  readonly #x509: X509;
  readonly #kept = new Map<string, Promise<Kept>>();

  constructor(x509: X509) {
    this.#x509 = x509;
  }

  /** The lists that the certificates of a path point to, as far as they can be had. */
  async lists(path: readonly Certificate[]): Promise<Uint8Array[]> {
    const urls = new Set(path.flatMap((c) => c.crlUrls.filter(isHttp).slice(0, 2)));
    const all = await Promise.all([...urls].map((url) => this.#list(url)));
    return all.filter((octets) => octets !== undefined);
  }

  /** OCSP's word about one certificate; undefined when there is none. */
  async status(
    certificate: Uint8Array,
    about: Certificate,
    issuer: Uint8Array,
  ): Promise<'good' | 'revoked' | undefined> {
    const url = about.ocspUrls.find(isHttp);
    if (!url) return undefined;
    const request = this.#x509.ocspRequest(certificate, issuer);
    const octets = await this.#keep(`${url} ${hex(request)}`, async () => {
      const headers = { 'content-type': 'application/ocsp-request' };
      const response = await fetched(url, { method: 'POST', headers, body: Buffer.from(request) });
      const answer = response && this.#x509.ocspAnswer(response, certificate, issuer);
      return answer && !answer.error ? { octets: response, until: answer.nextUpdate } : undefined;
    });
    if (!octets) return undefined;
    const answer = this.#x509.ocspAnswer(octets, certificate, issuer);
    if (answer.error || !answer.known) return undefined;
    return answer.revoked ? 'revoked' : 'good';
  }

  #list(url: string): Promise<Uint8Array | undefined> {
    return this.#keep(url, async () => {
      const octets = await fetched(url, {});
      const until = octets ? this.#x509.listNextUpdate(octets) : -1;
      return octets && until >= 0 ? { octets, until } : undefined;
    });
  }

  async #keep(
    key: string,
    get: () => Promise<{ octets: Uint8Array; until: number } | undefined>,
  ): Promise<Uint8Array | undefined> {
    const known = await this.#kept.get(key);
    if (known && Date.now() < known.until) return known.octets;
    const next = get().then((got): Kept => {
      const until = Math.max(got ? got.until * 1000 : 0, Date.now() + AGAIN_MS);
      return { until: got?.until ? got.until * 1000 : until, octets: got?.octets };
    });
    this.#kept.set(key, next);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value ?? '');
    return (await next).octets;
  }
}

function isHttp(url: string): boolean {
  return /^https?:\/\//i.test(url);
}

/** The body of a response of 200; undefined for everything else. */
async function fetched(url: string, init: RequestInit): Promise<Uint8Array | undefined> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok || !response.body) return undefined;
    const parts: Uint8Array[] = [];
    let octets = 0;
    for await (const part of response.body) {
      octets += part.length;
      if (octets > MOST_OCTETS) return undefined;
      parts.push(part);
    }
    return new Uint8Array(Buffer.concat(parts));
  } catch {
    return undefined; // Whether that matters is for the one who asked to say.
  }
}
