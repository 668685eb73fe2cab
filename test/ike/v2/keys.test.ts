// Key derivation of IKEv2 against test/vectors/prfplus.json: the formulas of RFC 7296 2.13 to 2.18.
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { HashName } from '../../../src/ike/crypto/algorithm.ts';
import type { IkeSuite } from '../../../src/ike/proposal/v2.ts';
import {
  childKeys,
  idBody,
  ikeKeys,
  natDetection,
  pskAuth,
  rekeySkeyseed,
  skeyseed,
} from '../../../src/ike/v2/keys.ts';
import { concat, fromHex, hex } from '../../../src/net/bytes.ts';
import { title, type Vector, vectors } from '../samples.ts';

const KEYS = vectors('prfplus').filter((v) => v.skeyseed);
const AUTH = vectors('prfplus').filter((v) => v.auth);

/** The vectors take SK_a and SK_e of 32 octets under any PRF: AES-256 with HMAC-SHA-256. */
const suite = (v: Vector): IkeSuite => {
  return { cipher: 'aes256', integrity: 'sha256', prf: v.hash as HashName, group: 'modp2048' };
};

function keysOf(v: Vector, s = suite(v)) {
  const [seed, ni, nr, spiI, spiR] = [v.skeyseed, v.ni, v.nr, v.spii, v.spir].map(fromHex);
  return ikeKeys(s, seed, ni, nr, spiI, spiR);
}

describe.each(KEYS.map((v) => ({ name: title(v), v })))('$name', ({ v }) => {
  const [ni, nr, gir] = [v.ni, v.nr, v.gir].map(fromHex);

  test('SKEYSEED of a shared secret that begins with zero', () => {
    expect(gir[0]).toBe(0);
    expect(hex(skeyseed(suite(v), ni, nr, gir))).toBe(v.skeyseed);
  });

  test('the seven SK_ keys', () => {
    const { d, ai, ar, ei, er, pi, pr } = keysOf(v);
    const wanted = [v.sk_d, v.sk_ai, v.sk_ar, v.sk_ei, v.sk_er, v.sk_pi, v.sk_pr];
    expect([d, ai, ar, ei, er, pi, pr].map(hex)).toEqual(wanted);
  });

  test('an AEAD takes no SK_a, and SK_e with the salt (RFC 5282 7.1)', () => {
    const { integrity: _, ...aead } = suite(v);
    const { d, ai, ar, ei, er, pi, pr } = keysOf(v, { ...aead, cipher: 'aes128-gcm16' });
    expect([ai.length, ar.length, ei.length, er.length]).toEqual([0, 0, 20, 20]);
    const all = concat(d, ei, er, pi, pr);
    expect(hex(all)).toBe(v.prfPlus.slice(0, 2 * all.length));
  });

  test('SKEYSEED of a renewed SA and KEYMAT of a Child SA, computed anew with node:crypto', () => {
    const keys = keysOf(v);
    const mac = (key: Uint8Array, ...parts: Uint8Array[]) =>
      new Uint8Array(
        createHmac(v.hash, key)
          .update(concat(...parts))
          .digest(),
      );
    const old = { suite: suite(v), keys };
    expect(rekeySkeyseed(old, ni, nr, gir)).toEqual(mac(keys.d, gir, ni, nr));
    for (const shared of [undefined, gir]) {
      const seed = concat(shared ?? new Uint8Array(0), ni, nr);
      let [block, stream] = [new Uint8Array(0), new Uint8Array(0)];
      for (let n = 1; stream.length < 128; n++) {
        block = mac(keys.d, block, seed, Uint8Array.of(n)) as typeof block;
        stream = concat(stream, block) as typeof stream;
      }
      const esp = { cipher: 'aes256', integrity: 'sha256', esn: false } as const;
      const initiator = childKeys(old, esp, ni, nr, shared, true);
      expect(initiator).toEqual({ outbound: stream.slice(0, 64), inbound: stream.slice(64, 128) });
      const responder = childKeys(old, esp, ni, nr, shared, false);
      expect(responder).toEqual({ outbound: initiator.inbound, inbound: initiator.outbound });
    }
  });
});

describe.each(AUTH.map((v) => ({ name: title(v), v })))('$name', ({ v }) => {
  test('AUTH by shared key', () => {
    const [psk, message, nonce, skp, id] = [v.psk, v.realMessage, v.nonce, v.skp, v.idPayloadBody].map(
      fromHex,
    );
    expect(hex(pskAuth(psk, suite(v), message, nonce, skp, id))).toBe(v.auth);
    expect(hex(idBody({ idType: id[0], data: id.subarray(4) }))).toBe(v.idPayloadBody);
  });
});

test('four PRFs, each with keys and both AUTH', () => {
  const names = ['sha1', 'sha256', 'sha384', 'sha512'];
  expect(KEYS.map((v) => v.hash)).toEqual(names);
  expect(AUTH.map((v) => v.hash)).toEqual(names.flatMap((n) => [n, n]));
});

test('NAT detection hashes SPIs, address and port with SHA-1 (2.23)', () => {
  const [i, r] = ['0102030405060708', '1112131415161718'].map(fromHex);
  // printf 01020304050607081112131415161718c00002011194 | xxd -r -p | sha1sum
  const v4 = natDetection(i, r, { address: '192.0.2.1', port: 4500 });
  expect(hex(v4)).toBe('5184f43875ff7d9e3dfdc92bd1dee1a08204de3e');
  const v6 = natDetection(i, r, { address: '2001:db8::1', port: 500 });
  expect(hex(v6)).toBe('645efdf3a4d473679c6a6530abefd3b71d8c18af');
});
