// Whether a certificate names an identity (RFC 4945 3.1): by its alternative names, a DN by its subject.

import { nameText, sameName } from '../ike/distinguished-name.ts';
import type { WireIdentity } from '../ike/identity.ts';
import { ID } from '../ike/wire/numbers.ts';
import { compareBytes } from '../net/bytes.ts';
import type { Certificate } from './x509.ts';

export function certificateNames(certificate: Certificate, { idType, data }: WireIdentity): boolean {
  const text = Buffer.from(data).toString('utf8').toLowerCase();
  const same = (other: Uint8Array) => compareBytes(other, data) === 0;
  switch (idType) {
    case ID.IPV4_ADDR:
    case ID.IPV6_ADDR:
      return certificate.addresses.some(same);
    case ID.FQDN:
      // No wildcards: an identity is one name.
      return certificate.dns.some((name) => name.toLowerCase() === text);
    case ID.USER_FQDN:
      return certificate.emails.some((name) => name.toLowerCase() === text);
    case ID.DER_DN:
      // By their text: the same name may be written in other string types.
      return sameName(nameText(data) ?? '', nameText(certificate.subjectDer) ?? ' ');
    default:
      return false;
  }
}
