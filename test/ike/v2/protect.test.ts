// The Encrypted payload: RFC 7634 Appendix B, and for every suite that a round trip is exact and any flipped bit refused.
import { describe, expect, test, vi } from 'vitest';
import { CIPHERS, HASHES, type HashName } from '../../../src/ike/crypto/algorithm.ts';
import { cbcEncrypt } from '../../../src/ike/crypto/cipher.ts';
import { integrity } from '../../../src/ike/crypto/prf.ts';
import type { IkeSuite } from '../../../src/ike/proposal/v2.ts';
import { type IkeKeys, ikeKeys } from '../../../src/ike/v2/keys.ts';
import { open, type Protection, seal as sealAll } from '../../../src/ike/v2/protect.ts';
import { EXCHANGE, FLAG, NOTIFY_V2 } from '../../../src/ike/wire/numbers.ts';
import { decode, notify, type Payload } from '../../../src/ike/wire/v2.ts';
import { concat, fromHex, hex } from '../../../src/net/bytes.ts';
import { vectors } from '../samples.ts';
import { generator } from '../simulation.ts';

vi.setConfig({ testTimeout: 120_000 });

const next = generator(7296);
const random = (n: number) => Uint8Array.from({ length: n }, () => next() * 256);
const HEADER = {
  ...{ spiI: random(8), spiR: random(8), major: 2, minor: 0 },
  ...{ exchange: EXCHANGE.INFORMATIONAL, flags: FLAG.INITIATOR, messageId: 9 },
};

/** A message that goes whole is one datagram. */
const seal = (...args: Parameters<typeof sealAll>): Uint8Array => sealAll(...args)[0];

/** Undefined when not even the clear part decodes. */
function unseal(p: Protection, fromInitiator: boolean, datagram: Uint8Array) {
  const message = decode(datagram);
  if (!message.ok) return undefined;
  const opened = open(p, fromInitiator, datagram, message.value);
  return opened.ok ? { ok: true as const, payloads: opened.payloads } : opened;
}

const HASH_NAMES = Object.keys(HASHES) as HashName[];
const SUITES: IkeSuite[] = Object.values(CIPHERS).flatMap((c): IkeSuite[] =>
  HASH_NAMES.map((hash) => ({
    ...{ cipher: c.name, prf: hash, group: 'modp2048' },
    ...(c.aead ? {} : { integrity: hash }),
  })),
);

function protection(suite: IkeSuite): Protection {
  const keys = ikeKeys(suite, random(32), random(16), random(16), HEADER.spiI, HEADER.spiR);
  return { suite, keys };
}

test('RFC 7634 Appendix B: the INFORMATIONAL request, opened and sealed', () => {
  const v = vectors('chacha20-poly1305').find((v) => v.section === 'Appendix B')!;
  const keys = { ei: fromHex(v.key + v.salt) } as IkeKeys;
  const p: Protection = { suite: { cipher: 'chacha20-poly1305', prf: 'sha256', group: 'x25519' }, keys };
  const payloads = [notify(NOTIFY_V2.SET_WINDOW_SIZE, fromHex('0000000a'))];
  expect(unseal(p, true, fromHex(v.packet))).toEqual({ ok: true, payloads });
  // The RFC's request comes from the initiator although its flags say otherwise.
  const header = { ...HEADER, spiI: fromHex(v.spii), spiR: fromHex(v.spir), flags: 0, messageId: 9 };
  expect(hex(seal(p, true, header, payloads, () => fromHex(v.iv)))).toBe(v.packet);
});

describe.each(SUITES.map((suite) => ({ name: `${suite.cipher} ${suite.prf}`, suite })))(
  '$name',
  ({ suite }) => {
    const p = protection(suite);

    test('what is sealed opens, at any length and in both directions', () => {
      for (const length of [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 300]) {
        const payloads: Payload[] = [
          { type: 'nonce', data: random(length) },
          notify(NOTIFY_V2.COOKIE, random(3)),
        ];
        for (const fromInitiator of [true, false]) {
          const datagram = seal(p, fromInitiator, HEADER, payloads, random);
          expect(unseal(p, fromInitiator, datagram)).toEqual({ ok: true, payloads });
          // What stands behind the message in the datagram is none of it.
          expect(unseal(p, fromInitiator, concat(datagram, random(5)))).toEqual({ ok: true, payloads });
          expect(unseal(p, !fromInitiator, datagram)).toMatchObject({ ok: false, authentic: false });
        }
      }
      const empty = seal(p, true, HEADER, [], random);
      expect(unseal(p, true, empty)).toEqual({ ok: true, payloads: [] });
    });

    test('one flipped bit anywhere is refused', () => {
      const datagram = seal(p, true, HEADER, [notify(NOTIFY_V2.COOKIE, random(5))], random);
      const accepted: number[] = [];
      for (let bit = 0; bit < datagram.length * 8; bit++) {
        const at = bit >> 3;
        const result = unseal(p, true, datagram.with(at, datagram[at] ^ (1 << (bit & 7))));
        if (result && (result.ok || result.authentic)) accepted.push(bit);
      }
      expect(accepted).toEqual([]);
    });

    test('cut anywhere, it is refused: also when the lengths say so', () => {
      const datagram = seal(p, true, HEADER, [notify(NOTIFY_V2.COOKIE, random(5))], random);
      for (let length = 0; length < datagram.length; length++) {
        const cut = datagram.slice(0, length);
        expect(unseal(p, true, cut)).toBeUndefined();
        if (length < 32) continue;
        cut[27] = length;
        cut[31] = length - 28;
        expect(unseal(p, true, cut)).toMatchObject({ ok: false, authentic: false });
      }
    });
  },
);

test('IVs are drawn anew, so the same message is never the same octets', () => {
  const p = protection(SUITES[0]);
  const [a, b] = [0, 1].map(() => seal(p, true, HEADER, [], random));
  expect(a).not.toEqual(b);
});

test('any padding of the sender is taken; one longer than the text is its mistake, and a known one', () => {
  const suite: IkeSuite = { cipher: 'aes128', integrity: 'sha256', prf: 'sha256', group: 'modp2048' };
  const p = protection(suite);
  const sealed = (plain: Uint8Array) => {
    const iv = random(16);
    const text = cbcEncrypt(CIPHERS.aes128, p.keys.ei, iv, plain);
    const length = 28 + 4 + 16 + text.length + 16;
    const prefix = seal(p, true, HEADER, [], random).slice(0, 32);
    prefix.set([length], 27);
    prefix.set([40, 0, 0, length - 28], 28);
    const all = concat(prefix, iv, text);
    return concat(all, integrity('sha256', p.keys.ai, all));
  };
  const nonce = concat(fromHex('00000006 0102'));
  for (const padding of [9, 25, 57]) {
    const plain = concat(nonce, random(padding), Uint8Array.of(padding));
    expect(unseal(p, true, sealed(plain))).toEqual({
      ...{ ok: true, payloads: [{ type: 'nonce', data: Uint8Array.of(1, 2) }] },
    });
  }
  for (const padding of [16, 255]) {
    const plain = concat(nonce, random(9), Uint8Array.of(padding));
    expect(unseal(p, true, sealed(plain))).toMatchObject({ ok: false, authentic: true });
  }
});
