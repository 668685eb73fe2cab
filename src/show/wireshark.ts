// Keys as Wireshark's tables have them: whole, with the names of its own lists (Preferences, Protocols, ISAKMP and ESP).
import type { CipherName, HashName } from '../ike/crypto/algorithm.ts';
import { familyOf } from '../net/address.ts';
import { hex } from '../net/bytes.ts';

/** Of an ISAKMP SA: what encrypts its messages. */
export type Ikev1Keys = { readonly cookieI: Uint8Array; readonly cipherKey: Uint8Array };

export type Ikev2Keys = {
  readonly spiI: Uint8Array;
  readonly spiR: Uint8Array;
  readonly cipher: CipherName;
  readonly integrity: HashName | undefined;
  /** SK_ei, SK_er, SK_ai, SK_ar; of an AEAD the salt ends SK_e. */
  readonly ei: Uint8Array;
  readonly er: Uint8Array;
  readonly ai: Uint8Array;
  readonly ar: Uint8Array;
};

/** Of one direction. */
export type EspKeys = {
  readonly source: string;
  readonly destination: string;
  readonly spi: number;
  readonly cipher: CipherName;
  readonly integrity: HashName | undefined;
  /** Of an AEAD with its salt. */
  readonly key: Uint8Array;
  readonly integrityKey: Uint8Array;
  readonly esn: boolean;
};

/** Files of a Wireshark profile by their names. */
export type Tables = {
  readonly ikev1_decryption_table: string;
  readonly ikev2_decryption_table: string;
  readonly esp_sa: string;
};

const IKE_CIPHERS: Readonly<Record<CipherName, string>> = {
  '3des': '3DES [RFC2451]',
  aes128: 'AES-CBC-128 [RFC3602]',
  aes192: 'AES-CBC-192 [RFC3602]',
  aes256: 'AES-CBC-256 [RFC3602]',
  'aes128-gcm16': 'AES-GCM-128 with 16 octet ICV [RFC5282]',
  'aes256-gcm16': 'AES-GCM-256 with 16 octet ICV [RFC5282]',
  'chacha20-poly1305': 'ChaCha20-Poly1305 [RFC7634]',
};

const IKE_MACS: Readonly<Record<HashName, string>> = {
  md5: 'HMAC_MD5_96 [RFC2403]',
  sha1: 'HMAC_SHA1_96 [RFC2404]',
  sha256: 'HMAC_SHA2_256_128 [RFC4868]',
  sha384: 'HMAC_SHA2_384_192 [RFC4868]',
  sha512: 'HMAC_SHA2_512_256 [RFC4868]',
};

const ESP_CIPHERS: Readonly<Record<CipherName, string>> = {
  '3des': 'TripleDES-CBC [RFC2451]',
  aes128: 'AES-CBC [RFC3602]',
  aes192: 'AES-CBC [RFC3602]',
  aes256: 'AES-CBC [RFC3602]',
  'aes128-gcm16': 'AES-GCM with 16 octet ICV [RFC4106]',
  'aes256-gcm16': 'AES-GCM with 16 octet ICV [RFC4106]',
  'chacha20-poly1305': 'ChaCha20 with Poly1305 [RFC7634]',
};

const ESP_MACS: Readonly<Record<HashName, string>> = {
  md5: 'HMAC-MD5-96 [RFC2403]',
  sha1: 'HMAC-SHA-1-96 [RFC2404]',
  sha256: 'HMAC-SHA-256-128 [RFC4868]',
  sha384: 'HMAC-SHA-384-192 [RFC4868]',
  sha512: 'HMAC-SHA-512-256 [RFC4868]',
};

const row = (cells: readonly string[]) => `${cells.join(',')}\n`;
const quoted = (text: string) => `"${text}"`;

export function tablesOf(keys: {
  readonly ikev1: readonly Ikev1Keys[];
  readonly ikev2: readonly Ikev2Keys[];
  readonly esp: readonly EspKeys[];
}): Tables {
  return {
    ikev1_decryption_table: keys.ikev1.map((k) => row([hex(k.cookieI), hex(k.cipherKey)])).join(''),
    ikev2_decryption_table: keys.ikev2
      .map((k) =>
        row([
          ...[hex(k.spiI), hex(k.spiR), hex(k.ei), hex(k.er), quoted(IKE_CIPHERS[k.cipher])],
          ...[hex(k.ai), hex(k.ar), quoted(k.integrity ? IKE_MACS[k.integrity] : 'NONE [RFC4306]')],
        ]),
      )
      .join(''),
    esp_sa: keys.esp
      .map((k) =>
        row(
          [
            familyOf(k.source) === 6 ? 'IPv6' : 'IPv4',
            ...[k.source, k.destination, `0x${k.spi.toString(16).padStart(8, '0')}`],
            ...[ESP_CIPHERS[k.cipher], `0x${hex(k.key)}`],
            ...(k.integrity ? [ESP_MACS[k.integrity], `0x${hex(k.integrityKey)}`] : ['NULL', '']),
            // Extended sequence numbers begin with high half 0 (RFC 4303 2.2.1).
            ...(k.esn ? ['64-bit', '0x00000000'] : ['32-bit', '']),
          ].map(quoted),
        ),
      )
      .join(''),
  };
}
