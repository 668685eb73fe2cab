// A suite as iproute2 and the kernel's list of algorithms write it.

const MACS: Record<string, { octets: number; icvBits: number }> = {
  md5: { octets: 16, icvBits: 96 },
  sha1: { octets: 20, icvBits: 96 },
  sha256: { octets: 32, icvBits: 128 },
  sha384: { octets: 48, icvBits: 192 },
  sha512: { octets: 64, icvBits: 256 },
};
const AEADS: Record<string, { name: string; octets: number }> = {
  'aes128-gcm16': { name: 'rfc4106(gcm(aes))', octets: 20 },
  'aes256-gcm16': { name: 'rfc4106(gcm(aes))', octets: 36 },
  'chacha20-poly1305': { name: 'rfc7539esp(chacha20,poly1305)', octets: 36 },
};
const CIPHERS: Record<string, { name: string; octets: number }> = {
  aes128: { name: 'cbc(aes)', octets: 16 },
  aes192: { name: 'cbc(aes)', octets: 24 },
  aes256: { name: 'cbc(aes)', octets: 32 },
  '3des': { name: 'cbc(des3_ede)', octets: 24 },
};

/** `suite` is "cipher" or "cipher/integrity". `algorithm` is what the kernel's template is called. */
export function xfrm(suite: string): { options: string; algorithm: string } {
  const [cipher, mac] = suite.split('/');
  if (mac === undefined) {
    const { name, octets } = AEADS[cipher];
    return { options: `aead '${name}' ${key(octets)} 128`, algorithm: name };
  }
  const { name, octets } = CIPHERS[cipher];
  const { octets: macOctets, icvBits } = MACS[mac];
  return {
    options: `enc '${name}' ${key(octets)} auth-trunc 'hmac(${mac})' ${key(macOctets)} ${icvBits}`,
    algorithm: `authenc(hmac(${mac}),${name})`,
  };
}

/** 3DES takes no key of three equal parts. */
function key(octets: number): string {
  return `0x${Array.from({ length: octets }, (_, n) => (n + 1).toString(16).padStart(2, '0')).join('')}`;
}

/** The driver behind an algorithm, from /proc/crypto: the one of the highest priority. */
export function driverOf(algorithm: string, procCrypto: string): string | undefined {
  const field = (entry: string, name: string) => new RegExp(`^${name} *: (.*)$`, 'm').exec(entry)?.[1];
  const entries = procCrypto.split('\n\n').filter((entry) => field(entry, 'name') === algorithm);
  entries.sort((a, b) => Number(field(b, 'priority')) - Number(field(a, 'priority')));
  return entries.length === 0 ? undefined : field(entries[0], 'driver');
}
