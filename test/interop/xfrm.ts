// A suite of ours as iproute2 and a Linux kernel's list of algorithms write it.

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

export type Xfrm = {
  /** Octets of key material, an AEAD's salt included, and of the integrity key. */
  readonly keyOctets: number;
  readonly macOctets: number;
  /** What the kernel's template is called. */
  readonly algorithm: string;
  /** What `ip xfrm state add` is told; keys in hexadecimal. */
  readonly options: (key: string, macKey: string) => string;
};

/** `suite` is "cipher" for an AEAD, else "cipher/integrity". */
export function xfrm(suite: string): Xfrm {
  const [cipher, mac] = suite.split('/');
  if (mac === undefined) {
    const { name, octets } = AEADS[cipher];
    const options = (key: string) => `aead '${name}' 0x${key} 128`;
    return { keyOctets: octets, macOctets: 0, algorithm: name, options };
  }
  const { name, octets } = CIPHERS[cipher];
  const { octets: macOctets, icvBits } = MACS[mac];
  return {
    ...{ keyOctets: octets, macOctets, algorithm: `authenc(hmac(${mac}),${name})` },
    options: (key, macKey) => `enc '${name}' 0x${key} auth-trunc 'hmac(${mac})' 0x${macKey} ${icvBits}`,
  };
}
