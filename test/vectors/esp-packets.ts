// Makes native/crypto/known_answers.h: one ESP packet a suite, sealed here with node:crypto alone, so that the native
// kernels are held against an implementation that shares no code with them. Run: node test/vectors/esp-packets.ts
// ChaCha20-Poly1305 without ESN is the packet of RFC 7634 Appendix A itself.
import { createCipheriv, createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const vectors = JSON.parse(
  readFileSync(new URL('./chacha20-poly1305.json', import.meta.url), 'utf8'),
).vectors;
const rfc7634 = vectors.find((v: { section: string }) => v.section === 'Appendix A');

const count = (n: number, from: number) => Buffer.from(Array.from({ length: n }, (_, i) => (from + i) & 255));
const spi = Buffer.from('01020304', 'hex');
const low = Buffer.from('00000005', 'hex');
const high = Buffer.from('0000000a', 'hex');
/** The inner packet of RFC 7634 A and its trailer, long enough for several blocks of each cipher. */
const inner = Buffer.from(rfc7634.sourcePacket, 'hex');

function trailer(block: number): Buffer {
  const pad = (block - ((inner.length + 2) % block)) % block;
  return Buffer.concat([inner, count(pad, 1), Buffer.from([pad, 4])]);
}

const rows: string[] = [];

function row(
  encryption: string,
  integrity: string,
  esn: boolean,
  key: Buffer,
  mac: Buffer,
  packet: Buffer,
  text: Buffer,
) {
  const fields = [encryption, integrity].map((s) => `"${s}"`);
  const hex = [key, mac, packet, text].map((b) => `"${b.toString('hex')}"`);
  rows.push(`    {${[...fields, esn, ...hex].join(', ')}},`);
}

const AEADS = [
  ['aes128-gcm16', 'aes-128-gcm', 16],
  ['aes256-gcm16', 'aes-256-gcm', 32],
  ['chacha20-poly1305', 'chacha20-poly1305', 32],
] as const;
for (const [name, node, octets] of AEADS) {
  for (const esn of [false, true]) {
    const key = count(octets, 0x80);
    const salt = Buffer.from(rfc7634.salt, 'hex');
    const iv = Buffer.from(rfc7634.iv, 'hex');
    const text = trailer(4);
    const cipher = createCipheriv(node as 'aes-128-gcm', key, Buffer.concat([salt, iv]), {
      authTagLength: 16,
    });
    cipher.setAAD(esn ? Buffer.concat([spi, high, low]) : Buffer.concat([spi, low]));
    const sealed = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
    const packet = Buffer.concat([spi, low, iv, sealed]);
    row(name, '', esn, Buffer.concat([key, salt]), Buffer.alloc(0), packet, text);
  }
}

const CBCS = [
  ['aes128', 'aes-128-cbc', 16, 16],
  ['aes192', 'aes-192-cbc', 24, 16],
  ['aes256', 'aes-256-cbc', 32, 16],
  ['3des', 'des-ede3-cbc', 24, 8],
] as const;
const MACS = [
  ['md5', 16, 12],
  ['sha1', 20, 12],
  ['sha256', 32, 16],
  ['sha384', 48, 24],
  ['sha512', 64, 32],
] as const;
for (const [name, node, octets, block] of CBCS) {
  for (const [hash, macOctets, icv] of MACS) {
    for (const esn of [false, true]) {
      const key = count(octets, 0x10);
      const mac = count(macOctets, 0x40);
      const iv = count(block, 0xa0);
      const text = trailer(block);
      const cipher = createCipheriv(node, key, iv).setAutoPadding(false);
      const body = Buffer.concat([spi, low, iv, cipher.update(text), cipher.final()]);
      const hmac = createHmac(hash, mac).update(body);
      if (esn) hmac.update(high);
      row(name, hash, esn, key, mac, Buffer.concat([body, hmac.digest().subarray(0, icv)]), text);
    }
  }
}

writeFileSync(
  new URL('../../native/crypto/known_answers.h', import.meta.url),
  `// Known ESP packets, one a suite, with and without ESN. Made by test/vectors/esp-packets.ts; do not edit.
#pragma once

namespace sekisho {

// SPI 01020304, sequence number 5, with ESN 0xa00000005. Key material, packet and plaintext in hex.
struct KnownAnswer {
  const char* encryption;
  const char* integrity;
  bool esn;
  const char* key;
  const char* mac_key;
  const char* packet;
  const char* text;
};

inline constexpr KnownAnswer kKnownAnswers[] = {
${rows.join('\n')}
};

}  // namespace sekisho
`,
);
