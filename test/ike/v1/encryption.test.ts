// Encryption of IKEv1 messages (RFC 2409 Appendix B): round trips with every padding that a peer or a setting may choose.
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Core } from '../../../src/ike/core.ts';
import { CIPHERS, type CipherName, type HashName } from '../../../src/ike/crypto/algorithm.ts';
import { cbcDecrypt, cbcEncrypt } from '../../../src/ike/crypto/cipher.ts';
import type { Settings } from '../../../src/ike/policy.ts';
import { decrypt, encrypted, hashVerifies, phase2Hash } from '../../../src/ike/v1/exchange.ts';
import { isakmpKeys } from '../../../src/ike/v1/keys.ts';
import type { IsakmpSa } from '../../../src/ike/v1/sa.ts';
import { EXCHANGE } from '../../../src/ike/wire/numbers.ts';
import { decode, encodeChain, encodeEncrypted, firstNumber, type Message } from '../../../src/ike/wire/v1.ts';
import { concat, fromHex } from '../../../src/net/bytes.ts';
import { chainV1, octets } from '../arbitrary.ts';
import { generator, SETTINGS } from '../simulation.ts';

vi.setConfig({ testTimeout: 120_000 });

const PHASE1 = (['aes128', 'aes192', 'aes256', '3des'] as CipherName[]).flatMap((cipher) =>
  (['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as HashName[]).map((hash) => ({ cipher, hash })),
);
const KIND = { exchange: EXCHANGE.QUICK_MODE, messageId: 0xb6f469ce };
const NOTHING = new Uint8Array(0);

function coreWith(settings: Partial<Settings>, seed = 1): Core {
  const next = generator(seed);
  const core = new Core({ ...SETTINGS, ...settings });
  const random = (n: number) => Uint8Array.from({ length: n }, () => next() * 256);
  core.begin({ now: 0, random, allocateSpi: () => 1 });
  return core;
}

function saWith(cipher: CipherName, hash: HashName): IsakmpSa {
  const [cookieI, cookieR] = ['80f5f36ce1766d90', '8cfaf864c7f83e09'].map(fromHex);
  const suite = { cipher, hash, group: 'modp1536' } as const;
  const [psk, ni, nr, shared] = [1, 2, 3, 4].map((n) => new Uint8Array(20).fill(n));
  const keys = isakmpKeys(suite, { psk, ni, nr, shared, cookieI, cookieR });
  return { cookieI, cookieR, suite, keys } as IsakmpSa;
}

function message(data: Uint8Array): Message {
  const decoded = decode(data);
  if (!decoded.ok) throw new Error(decoded.error.rule);
  expect(decoded.value.payloads).toBeUndefined();
  return decoded.value;
}

describe.each(PHASE1)('$cipher $hash', ({ cipher, hash }) => {
  const sa = saWith(cipher, hash);
  const { blockOctets } = CIPHERS[cipher];
  const iv = new Uint8Array(blockOctets).fill(0x5a);

  test('what we encrypt we decrypt, under every setting, and its last octet passes the strict check', () => {
    const settings = fc.record({
      ...{ exclusiveTail: fc.boolean(), randomPaddingValue: fc.boolean(), randomPaddingLength: fc.boolean() },
      maximumPadding: fc.integer({ min: 0, max: 200 }),
    });
    const property = fc.property(chainV1, settings, fc.nat(), (payloads, s, seed) => {
      const core = coreWith({ ...s, strictPadding: true }, seed);
      const out = encrypted(core, sa, KIND, iv, payloads);
      const padding = out.data.length - 28 - encodeChain(payloads).length;
      expect(padding).toBeGreaterThan(0);
      expect(padding).toBeLessThanOrEqual(
        s.randomPaddingLength ? s.maximumPadding + blockOctets : blockOctets,
      );
      const d = decrypt(core, sa, message(out.data), iv);
      expect(d).toMatchObject({ ok: true, chain: { payloads }, iv: out.iv });
      expect(out.iv).toEqual(out.data.slice(-blockOctets));
    });
    fc.assert(property, { numRuns: 40, seed: 2409 });
  });

  test("a peer's padding may be anything: none, zeros, random, many blocks", () => {
    const blocks = fc.integer({ min: 0, max: 5 });
    const property = fc.property(chainV1, blocks, octets(200, 200), (payloads, more, noise) => {
      const chain = encodeChain(payloads);
      const pad = noise.slice(
        0,
        (((-chain.length % blockOctets) + blockOctets) % blockOctets) + more * blockOctets,
      );
      const text = cbcEncrypt(CIPHERS[cipher], sa.keys!.cipher, iv, concat(chain, pad));
      const header = { spiI: sa.cookieI, spiR: sa.cookieR, major: 1, minor: 0, flags: 0, ...KIND };
      const first = message(encodeEncrypted(header, firstNumber(payloads), text));
      const d = decrypt(coreWith({}), sa, first, iv);
      expect(d).toMatchObject({ ok: true, chain: { payloads }, iv: text.slice(-blockOctets) });
    });
    fc.assert(property, { numRuns: 40, seed: 2409 });
  });

  test('HASH(1) covers what follows it without the padding; one flipped bit of the plaintext is noticed', () => {
    const rest = [{ type: 'nonce' as const, data: new Uint8Array(16).fill(7) }];
    const data = phase2Hash(sa, KIND.messageId, NOTHING, encodeChain(rest));
    const core = coreWith({});
    const out = encrypted(core, sa, KIND, iv, [{ type: 'hash', data }, ...rest]);
    const d = decrypt(core, sa, message(out.data), iv);
    if (!d.ok) throw new Error(d.rule);
    expect(hashVerifies(sa, KIND.messageId, d, NOTHING)).toBe(true);
    expect(hashVerifies(sa, KIND.messageId + 1, d, NOTHING)).toBe(false);
    expect(hashVerifies(sa, KIND.messageId, d, Uint8Array.of(0))).toBe(false);
    const plain = cbcDecrypt(CIPHERS[cipher], sa.keys!.cipher, iv, out.data.slice(28));
    for (let bit = 0; bit < 8 * (d.chain.ends.at(-1) ?? 0); bit++) {
      // The hash covers what is behind its payload: not the first two octets, next payload and a reserved one.
      if (bit >> 3 < 2) continue;
      const other = plain.with(bit >> 3, plain[bit >> 3] ^ (1 << (bit & 7)));
      const header = { spiI: sa.cookieI, spiR: sa.cookieR, major: 1, minor: 0, flags: 0, ...KIND };
      const text = cbcEncrypt(CIPHERS[cipher], sa.keys!.cipher, iv, other);
      const again = decrypt(core, sa, message(encodeEncrypted(header, 8, text)), iv);
      expect(again.ok && hashVerifies(sa, KIND.messageId, again, NOTHING)).toBe(false);
    }
  });

  test('no whole number of blocks, or none, is refused', () => {
    const header = { spiI: sa.cookieI, spiR: sa.cookieR, major: 1, minor: 0, flags: 0, ...KIND };
    for (const length of [0, 1, blockOctets - 1, blockOctets + 1, 3 * blockOctets - 1]) {
      const m = message(encodeEncrypted(header, 8, new Uint8Array(length)));
      expect(decrypt(coreWith({}), sa, m, iv)).toEqual({
        ...{ ok: false, rule: `${length} octets are no whole number of blocks` },
      });
    }
  });
});

test('strict padding refuses a last octet that does not count, and no padding at all passes', () => {
  const sa = saWith('aes128', 'sha1');
  const header = { spiI: sa.cookieI, spiR: sa.cookieR, major: 1, minor: 0, flags: 0, ...KIND };
  const iv = new Uint8Array(16);
  const strict = (exclusiveTail: boolean, plain: string) => {
    const text = cbcEncrypt(CIPHERS.aes128, sa.keys!.cipher, iv, fromHex(plain));
    const m = message(encodeEncrypted(header, 8, text));
    return decrypt(coreWith({ strictPadding: true, exclusiveTail }), sa, m, iv).ok;
  };
  const hash = `0000000c${'00'.repeat(8)}`;
  expect([strict(true, `${hash}00000003`), strict(true, `${hash}00000004`)]).toEqual([true, false]);
  expect([strict(false, `${hash}00000003`), strict(false, `${hash}00000004`)]).toEqual([false, true]);
  expect(strict(true, `00000010${'00'.repeat(12)}`)).toBe(true);
});
