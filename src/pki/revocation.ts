// What is known of revoked certificates: lists (RFC 5280 5) and OCSP answers (RFC 6960), fetched where a certificate
// says and kept until they are out of date. Both are signed, so they travel over plain HTTP.
import { hex } from '../net/bytes.ts';
import type { Certificate, X509 } from './x509.ts';

const TIMEOUT_MS = 3000;
const MOST_OCTETS = 1 << 20;
/** What could not be had is asked for again after this time; what names no next update, too. */
const AGAIN_MS = 300_000;
/** However long it says that it holds. */
const LONGEST_MS = 86_400_000;
const MOST_KEPT = 64;

type Kept = { readonly until: number; readonly octets: Uint8Array | undefined };

export class Revocation {
  readonly #x509: X509;
  readonly #kept = new Map<string, Promise<Kept>>();

  constructor(x509: X509) {
    this.#x509 = x509;
  }

  /**
   * The lists that the certificates of a verified path point to, as far as they can be had and are their issuers'. `first`
   * is what the first of them says.
   */
  async lists(path: readonly Uint8Array[], first: Certificate): Promise<Uint8Array[]> {
    const wanted = path.slice(0, -1).flatMap((certificate, i) => {
      const about = i === 0 ? first : this.#x509.describe(certificate);
      const urls = about?.crlUrls.filter(isHttp).slice(0, 2) ?? [];
      return urls.map((url) => this.#list(url, path[i + 1]));
    });
    return (await Promise.all(wanted)).filter((octets) => octets !== undefined);
  }

  /** OCSP's word about one certificate of a verified path; undefined when there is none. */
  async status(
    { ocspUrls }: Certificate,
    certificate: Uint8Array,
    issuer: Uint8Array,
  ): Promise<'good' | 'revoked' | undefined> {
    const url = ocspUrls.find(isHttp);
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

  /** What its issuer did not sign is no list: anybody on the way could keep a tunnel down with it. */
  #list(url: string, issuer: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#keep(url, async () => {
      const octets = await fetched(url, {});
      if (!octets || !this.#x509.listIsFrom(octets, issuer)) return undefined;
      return { octets, until: this.#x509.listNextUpdate(octets) };
    });
  }

  async #keep(
    key: string,
    get: () => Promise<{ octets: Uint8Array; until: number } | undefined>,
  ): Promise<Uint8Array | undefined> {
    const known = await this.#kept.get(key);
    if (known && Date.now() < known.until) return known.octets;
    const next = get().then((got): Kept => {
      const soon = Date.now() + AGAIN_MS;
      const until = got?.until ? Math.min(got.until * 1000, Date.now() + LONGEST_MS) : soon;
      return { until: Math.max(until, soon), octets: got?.octets };
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
    const response = await fetch(url, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
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
