// IP addresses, prefixes and address ranges as plain values with one canonical text form.

export type Family = 4 | 6;

/** An address in canonical text ("10.0.0.1", "2001:db8::1"); bytes come from addressBytes. */
export type Address = string;

/** An address with a prefix length, host bits kept ("10.0.0.1/24" on an interface). */
export type Cidr = string;

/** Returns the canonical text of an address, or undefined when it is none (RFC 5952 for IPv6). */
export function parseAddress(text: string, family?: Family): Address | undefined {
  const bytes = text.includes(':') ? parse6(text) : parse4(text);
  if (!bytes || (family && bytes.length !== (family === 4 ? 4 : 16))) return undefined;
  return formatAddress(bytes);
}

function parse4(text: string): Uint8Array | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const octets = match.slice(1).map(Number);
  if (octets.some((o, i) => o > 255 || String(o) !== match[i + 1])) return undefined;
  return Uint8Array.from(octets);
}

function parse6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string): number[] | undefined => {
    if (half === '') return [];
    const out: number[] = [];
    const parts = half.split(':');
    for (const [i, part] of parts.entries()) {
      if (part.includes('.') && i === parts.length - 1) {
        const v4 = parse4(part);
        if (!v4) return undefined;
        out.push((v4[0] << 8) | v4[1], (v4[2] << 8) | v4[3]);
      } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(Number.parseInt(part, 16));
      else return undefined;
    }
    return out;
  };
  // A dotted quad stands at the very end (RFC 4291 2.2).
  if (halves.length === 2 && halves[0].includes('.')) return undefined;
  const head = groups(halves[0]);
  const tail = halves.length === 2 ? groups(halves[1]) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array<number>(Math.max(missing, 0)).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  for (const [i, g] of all.entries()) {
    bytes[i * 2] = g >> 8;
    bytes[i * 2 + 1] = g & 255;
  }
  return bytes;
}

export function formatAddress(bytes: Uint8Array): Address {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2] << 8) | bytes[i * 2 + 1]);
  // RFC 5952 4.2: the longest run of two or more zero groups, the first one of equals, becomes "::".
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > best.length) best = { at: i, length: n };
    if (n > 0) i += n - 1;
  }
  const words = groups.map((g) => g.toString(16));
  if (best.at < 0) return words.join(':');
  return `${words.slice(0, best.at).join(':')}::${words.slice(best.at + best.length).join(':')}`;
}

/** The octets of a canonical address: 4 or 16. The text must come from parseAddress. */
export function addressBytes(address: Address): Uint8Array {
  const bytes = address.includes(':') ? parse6(address) : parse4(address);
  if (!bytes) throw new TypeError(`not an IP address: ${address}`);
  return bytes;
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}

/** Canonical "address/length" (host bits kept), or undefined. */
export function parseCidr(text: string, family?: Family): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const address = parseAddress(match[1], family);
  const length = Number(match[2]);
  if (!address || length > (familyOf(address) === 4 ? 32 : 128) || String(length) !== match[2]) {
    return undefined;
  }
  return `${address}/${length}`;
}

export function splitCidr(cidr: Cidr): { address: Address; length: number } {
  const slash = cidr.indexOf('/');
  return { address: cidr.slice(0, slash), length: Number(cidr.slice(slash + 1)) };
}

/** The network of a CIDR: host bits cleared. */
export function networkOf(cidr: Cidr): Cidr {
  const { address, length } = splitCidr(cidr);
  return `${formatAddress(masked(addressBytes(address), length, 0))}/${length}`;
}

/** Whether two networks have an address in common; those of two families have none. */
export function overlap(a: Cidr, b: Cidr): boolean {
  const [one, other] = [splitCidr(a), splitCidr(b)];
  if (familyOf(one.address) !== familyOf(other.address)) return false;
  const length = Math.min(one.length, other.length);
  return networkOf(`${one.address}/${length}`) === networkOf(`${other.address}/${length}`);
}

/** First and last address of a prefix, the form of an IKEv2 Traffic Selector (RFC 7296 3.13.1). */
export function rangeOf(cidr: Cidr): { first: Uint8Array; last: Uint8Array } {
  const { address, length } = splitCidr(cidr);
  const bytes = addressBytes(address);
  return { first: masked(bytes, length, 0), last: masked(bytes, length, 255) };
}

/** The prefix that a range is exactly, or undefined when it is none. */
export function prefixOfRange(first: Uint8Array, last: Uint8Array): Cidr | undefined {
  let length = 0;
  const bits = first.length * 8;
  while (length < bits && bit(first, length) === bit(last, length)) length++;
  for (let i = length; i < bits; i++) if (bit(first, i) !== 0 || bit(last, i) !== 1) return undefined;
  return `${formatAddress(first)}/${length}`;
}

/** The octets of a network mask: 24 gives 255.255.255.0. */
export function maskBytes(length: number, family: Family): Uint8Array {
  return masked(new Uint8Array(family === 4 ? 4 : 16).fill(255), length, 0);
}

/** The length of a contiguous mask, or undefined. */
export function maskLength(mask: Uint8Array): number | undefined {
  let length = 0;
  while (length < mask.length * 8 && bit(mask, length)) length++;
  for (let i = length; i < mask.length * 8; i++) if (bit(mask, i)) return undefined;
  return length;
}

function bit(bytes: Uint8Array, i: number): number {
  return (bytes[i >> 3] >> (7 - (i & 7))) & 1;
}

function masked(bytes: Uint8Array, length: number, host: 0 | 255): Uint8Array {
  return bytes.map((b, i) => {
    const keep = Math.min(Math.max(length - i * 8, 0), 8);
    const mask = (0xff << (8 - keep)) & 0xff;
    return (b & mask) | (host & ~mask & 0xff);
  });
}

/** An IPv4 address as a number, for counting from one to another. */
export function ipv4Number(address: Address): number {
  return address.split('.').reduce((n, octet) => n * 256 + Number(octet), 0);
}

export function ipv4Of(number: number): Address {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
