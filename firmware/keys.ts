// Who vouches for an image: a key and its certificate, of the releases or of whoever builds for himself.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.ts';

export type Signer = { readonly key: string; readonly certificate: string };

/** Ten years: a box must take the update that brings the next certificate. */
const DAYS = '3650';

/** The builder's own, made at the first build and the same afterwards. */
export function ownSigner(folder: string): Signer {
  const signer = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') };
  if (!existsSync(signer.certificate)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    run('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', DAYS],
      ...[
        '-subj',
        '/CN=Sekisho firmware of this builder',
        '-addext',
        'keyUsage=critical,digitalSignature,keyCertSign',
      ],
      ...['-keyout', signer.key, '-out', signer.certificate],
    ]);
  }
  return signer;
}

/** A detached CMS signature (RFC 5652) over the file's octets: `openssl cms -verify -content FILE -inform DER -in FILE.sig`. */
export function sign(file: string, { key, certificate }: Signer): string {
  const signature = `${file}.sig`;
  run('openssl', [
    ...[
      'cms',
      '-sign',
      '-binary',
      '-noattr',
      '-md',
      'sha256',
      '-in',
      file,
      '-signer',
      certificate,
      '-inkey',
      key,
    ],
    ...['-outform', 'DER', '-out', signature],
  ]);
  return signature;
}
