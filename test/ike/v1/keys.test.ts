// Key derivation of IKEv1 against test/vectors/prfplus.json: the formulas of RFC 2409 5, 5.5 and Appendix B.
import { describe, expect, test } from 'vitest';
import type { CipherName, HashName } from '../../../src/ike/crypto/algorithm.ts';
import { prf } from '../../../src/ike/crypto/prf.ts';
import type { IsakmpSuite } from '../../../src/ike/proposal/v1.ts';
import type { EspSuite } from '../../../src/ike/proposal/v2.ts';
import { phase2Hash } from '../../../src/ike/v1/exchange.ts';
import { isakmpKeys, natD, phase1Hash, phase1Iv, phase2Iv, quickModeKeys } from '../../../src/ike/v1/keys.ts';
import type { IsakmpSa } from '../../../src/ike/v1/sa.ts';
import { bodyOf, decodeChain, type PayloadOf } from '../../../src/ike/wire/v1.ts';
import { fromHex, hex, Reader, u32Bytes } from '../../../src/net/bytes.ts';
import { title, type Vector, vectors } from '../samples.ts';

const PHASE1 = vectors('prfplus').filter((v) => v.skeyid);
const QUICK = vectors('prfplus').filter((v) => v.keymat);

const suite = (v: Vector, cipher: CipherName = 'aes256'): IsakmpSuite => {
  return { cipher, hash: v.hash as HashName, group: 'modp1024' };
};

function keysOf(v: Vector, cipher: CipherName) {
  const [psk, ni, nr, shared] = [v.psk, v.ni, v.nr, v.gxy].map(fromHex);
  const [cookieI, cookieR] = [v.ckyI, v.ckyR].map(fromHex);
  return isakmpKeys(suite(v, cipher), { psk, ni, nr, shared, cookieI, cookieR });
}

test('MD5, SHA-1 and SHA-2 are all there', () => {
  const all = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'];
  expect([PHASE1.map((v) => v.hash), QUICK.map((v) => v.hash)]).toEqual([all, all]);
});

describe.each(PHASE1.map((v) => ({ name: title(v), v })))('$name', ({ v }) => {
  test('SKEYID, SKEYID_d and SKEYID_a', () => {
    const keys = keysOf(v, 'aes256');
    expect([keys.skeyid, keys.d, keys.a].map(hex)).toEqual([v.skeyid, v.skeyid_d, v.skeyid_a]);
  });

  test.each([
    ['aes256', 'keyAes256'],
    ['aes128', 'keyAes128'],
    ['3des', 'key3des'],
  ] as const)('the key of %s, stretched where SKEYID_e is too short', (cipher, field) => {
    expect(hex(keysOf(v, cipher).cipher)).toBe(v[field]);
  });

  test('HASH_I and HASH_R', () => {
    const keys = keysOf(v, 'aes256');
    const side = (own: 'i' | 'r') => {
      const of = own === 'i' ? [v.gxi, v.ckyI, v.idii_b] : [v.gxr, v.ckyR, v.idir_b];
      const [publicValue, cookie, id] = of.map(fromHex);
      return { public: publicValue, cookie, id };
    };
    const saBody = fromHex(v.sai_b);
    expect(hex(phase1Hash(suite(v), keys, side('i'), side('r'), saBody))).toBe(v.hashI);
    expect(hex(phase1Hash(suite(v), keys, side('r'), side('i'), saBody))).toBe(v.hashR);
  });

  test('first IV', () => {
    const [gxi, gxr] = [v.gxi, v.gxr].map(fromHex);
    expect(hex(phase1Iv(suite(v), gxi, gxr))).toBe(v.phase1Iv16);
    expect(hex(phase1Iv(suite(v, '3des'), gxi, gxr))).toBe(v.phase1Iv8);
  });

  test('the SA and ID bodies of the vector decode, and come out again as SAi_b and IDii_b', () => {
    const payload = (body: string) =>
      fromHex(`0000${(body.length / 2 + 4).toString(16).padStart(4, '0')}${body}`);
    for (const [first, body] of [
      [1, v.sai_b],
      [5, v.idii_b],
      [5, v.idir_b],
    ] as const) {
      const chain = decodeChain(payload(body), first);
      if (!chain.ok) throw new Error(chain.error.rule);
      expect(hex(bodyOf(chain.value.payloads[0]))).toBe(body);
    }
  });
});

describe.each(QUICK.map((v) => ({ name: title(v), v })))('$name', ({ v }) => {
  const messageId = new Reader(fromHex(v.msgid)).u32();
  const keys = { ...keysOf(PHASE1[0], 'aes256'), d: fromHex(v.skeyid_d), a: fromHex(v.skeyid_a) };
  const sa = { suite: suite(v), keys } as IsakmpSa;
  const [ni, nr] = [v.ni, v.nr].map(fromHex);

  test('IV from the last block of phase 1 and the message ID', () => {
    expect(hex(phase2Iv(suite(v), fromHex(v.lastPhase1Block16), messageId))).toBe(v.phase2Iv16);
    expect(hex(phase2Iv(suite(v, '3des'), fromHex(v.lastPhase1Block8), messageId))).toBe(v.phase2Iv8);
  });

  test('HASH(1) and HASH(2), and HASH(3) by its formula', () => {
    expect(hex(phase2Hash(sa, messageId, new Uint8Array(0), fromHex(v.message1)))).toBe(v.hash1);
    expect(hex(phase2Hash(sa, messageId, ni, fromHex(v.message2)))).toBe(v.hash2);
    const hash3 = prf(v.hash as HashName, keys.a, Uint8Array.of(0), u32Bytes(messageId), ni, nr);
    expect(hex(hash3)).toBe(v.hash3);
  });

  test.each([
    ['aes128 and sha1', { cipher: 'aes128', integrity: 'sha1', esn: false }, 36],
    ['aes256 and sha256', { cipher: 'aes256', integrity: 'sha256', esn: false }, 64],
    ['3des and md5', { cipher: '3des', integrity: 'md5', esn: false }, 40],
    ['aes256 and sha512', { cipher: 'aes256', integrity: 'sha512', esn: true }, 96],
    ['aes256-gcm16 with its salt', { cipher: 'aes256-gcm16', esn: false }, 36],
  ] as [string, EspSuite, number][])('KEYMAT of %s, each SPI its own', (_, esp, octets) => {
    const spi = new Reader(fromHex(v.spi)).u32();
    const other = (spi ^ 1) >>> 0;
    const asInbound = quickModeKeys(sa.suite!, keys, esp, { in: spi, out: other }, ni, nr, undefined);
    const asOutbound = quickModeKeys(sa.suite!, keys, esp, { in: other, out: spi }, ni, nr, undefined);
    expect(hex(asInbound.inbound)).toBe(v.keymat.slice(0, 2 * octets));
    expect(asOutbound).toEqual({ inbound: asInbound.outbound, outbound: asInbound.inbound });
    const pfs = quickModeKeys(sa.suite!, keys, esp, { in: spi, out: other }, ni, nr, fromHex(v.gqmxy));
    expect(hex(pfs.inbound)).toBe(v.keymatPfs.slice(0, 2 * octets));
  });

  test('message 1 of the vector decodes: SA, nonce, two subnets', () => {
    const chain = decodeChain(fromHex(v.message1), 1);
    if (!chain.ok) throw new Error(chain.error.rule);
    const [offer, nonce, ...ids] = chain.value.payloads;
    expect(offer).toMatchObject({
      proposals: [{ protocol: 3, spi: fromHex(v.spi), transforms: [{ id: 12 }] }],
    });
    expect(nonce).toEqual({ type: 'nonce', data: ni });
    expect(ids.map((p) => hex((p as PayloadOf<'id'>).data))).toEqual([
      '0a010000ffff0000',
      '0a020000ffff0000',
    ]);
  });
});

test('NAT-D hashes cookies, address and port (RFC 3947 3.2), IPv4 and IPv6', () => {
  const [i, r] = ['0102030405060708', '1112131415161718'].map(fromHex);
  const seal = (address: string, port: number) => hex(natD(suite(PHASE1[1]), i, r, { address, port }));
  // printf 01020304050607081112131415161718c00002011194 | xxd -r -p | sha1sum
  expect(seal('192.0.2.1', 4500)).toBe('5184f43875ff7d9e3dfdc92bd1dee1a08204de3e');
  expect(seal('2001:db8::1', 500)).toBe('645efdf3a4d473679c6a6530abefd3b71d8c18af');
});
