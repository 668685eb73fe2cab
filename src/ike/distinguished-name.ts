// Distinguished names (X.501) as text: what ID_DER_ASN1_DN carries and people write.
import { OutOfBytes, Reader } from '../net/bytes.ts';

/** Types by their OID's octets, hex (RFC 4519 2, RFC 2985 5.2.1). */
const TYPES: Readonly<Record<string, string>> = {
  '550403': 'CN',
  '550404': 'SN',
  '550405': 'serialNumber',
  '550406': 'C',
  '550407': 'L',
  '550408': 'ST',
  '550409': 'STREET',
  '55040a': 'O',
  '55040b': 'OU',
  '55042a': 'GN',
  '0992268993f22c640119': 'DC',
  '0992268993f22c640101': 'UID',
  '2a864886f70d010901': 'E',
};

const [OID, BMP, SEQUENCE, SET] = [0x06, 0x1e, 0x30, 0x31];

/** "C=JP, O=Example, CN=vpn.example", in the order of the octets; undefined for what is no Name. */
export function nameText(der: Uint8Array): string | undefined {
  try {
    const r = new Reader(der);
    const names = element(r, SEQUENCE);
    const parts: string[] = [];
    while (names.left > 0) {
      const set = element(names, SET);
      while (set.left > 0) {
        const pair = element(set, SEQUENCE);
        const oid = Buffer.from(element(pair, OID).rest()).toString('hex');
        parts.push(`${TYPES[oid] ?? `OID.${oid}`}=${value(pair)}`);
      }
    }
    return r.left === 0 && parts.length > 0 ? parts.join(', ') : undefined;
  } catch (e) {
    if (e instanceof OutOfBytes || e instanceof RangeError) return undefined;
    throw e;
  }
}

function element(r: Reader, tag: number): Reader {
  if (r.u8() !== tag) throw new RangeError('another tag');
  return r.sub(length(r));
}

function length(r: Reader): number {
  const first = r.u8();
  if (first < 0x80) return first;
  return first === 0x81 ? r.u8() : first === 0x82 ? r.u16() : Number.MAX_SAFE_INTEGER;
}

/** What separates, and what a terminal would obey, comes escaped. */
function value(r: Reader): string {
  const tag = r.u8();
  const octets = Buffer.from(r.sub(length(r)).rest());
  const text =
    tag === BMP
      ? octets
          .subarray(0, octets.length & ~1)
          .swap16()
          .toString('utf16le')
      : octets.toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?').replace(/[\\,+=]/g, '\\$&');
}

/** Compares names as people write them: "C=JP, O=Example, CN=a", and the other way round as LDAP does. */
export function sameName(a: string, b: string): boolean {
  const [x, y] = [parts(a), parts(b)];
  return x.join('\n') === y.join('\n') || x.join('\n') === y.reverse().join('\n');
}

function parts(name: string): string[] {
  const list = name.split(/(?<!\\)[,/]/).map((part) => part.trim());
  return list.filter(Boolean).map((part) =>
    part
      .replace(/\s*=\s*/, '=')
      .replace(/\s+/g, ' ')
      .toLowerCase(),
  );
}
