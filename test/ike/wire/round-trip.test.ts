// Laws of the codecs: what is encoded decodes to the same, and what decodes at all encodes to a form that stays.
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { decodeAttributes, encodeAttributes } from '../../../src/ike/wire/attribute.ts';
import { decodeHeader } from '../../../src/ike/wire/codec.ts';
import * as v1 from '../../../src/ike/wire/v1.ts';
import * as v2 from '../../../src/ike/wire/v2.ts';
import { concat, Reader, Writer } from '../../../src/net/bytes.ts';
import { chainV1, header, octets, payloadsV2 } from '../arbitrary.ts';

vi.setConfig({ testTimeout: 120_000 });

/** The limit ends the search for a smaller counterexample. */
const RUNS = { numRuns: 1000, seed: 2408, interruptAfterTimeLimit: 60_000 };

function value<T>(decoded: { ok: true; value: T } | { ok: false; error: { rule: string } }): T {
  if (!decoded.ok) throw new Error(decoded.error.rule);
  return decoded.value;
}

describe('IKEv1', () => {
  test('decode(encode(m)) = m, also with other octets behind the message', () => {
    const property = fc.property(header(1), chainV1, octets(), (h, payloads, more) => {
      const bytes = v1.encode(h, payloads);
      const next = v1.payloadNumber(payloads[0]);
      for (const datagram of [bytes, concat(bytes, more)]) {
        const message = value(v1.decode(datagram));
        expect(message.header).toEqual({ ...h, next, length: bytes.length });
        expect(message.payloads).toEqual(payloads);
        expect(message.body).toEqual(bytes.slice(28));
      }
    });
    fc.assert(property, RUNS);
  });

  test('the ends of a chain are where its payloads end, and a body follows each generic header', () => {
    const property = fc.property(chainV1, octets(), (payloads, padding) => {
      const chain = v1.encodeChain(payloads);
      const decoded = value(v1.decodeChain(concat(chain, padding), v1.firstNumber(payloads)));
      expect(decoded.payloads).toEqual(payloads);
      expect(decoded.ends.at(-1)).toBe(chain.length);
      for (const [i, p] of payloads.entries()) {
        const start = decoded.ends[i - 1] ?? 0;
        expect(chain.slice(start + 4, decoded.ends[i])).toEqual(v1.bodyOf(p));
      }
    });
    fc.assert(property, RUNS);
  });

  test('an encrypted message keeps its body, and hides its payloads', () => {
    const property = fc.property(
      header(1),
      octets(0, 300),
      fc.integer({ min: 0, max: 255 }),
      (h, body, first) => {
        const message = value(v1.decode(v1.encodeEncrypted(h, first, body)));
        expect(message.header).toEqual({ ...h, next: first, flags: h.flags | 1, length: 28 + body.length });
        expect([message.body, message.payloads]).toEqual([body, undefined]);
      },
    );
    fc.assert(property, RUNS);
  });
});

describe('IKEv2', () => {
  test('decode(encode(m)) = m, also with other octets behind the message', () => {
    const property = fc.property(header(2), payloadsV2, octets(), (h, payloads, more) => {
      const bytes = v2.encode(h, payloads);
      for (const datagram of [bytes, concat(bytes, more)]) {
        const message = value(v2.decode(datagram));
        expect(message.header).toEqual({ ...h, next: v2.firstNumber(payloads), length: bytes.length });
        expect(message.payloads).toEqual(payloads);
      }
    });
    fc.assert(property, RUNS);
  });

  test('payloads inside an SK payload are the same as outside', () => {
    const property = fc.property(payloadsV2, (payloads) => {
      const w = new Writer();
      v2.encodePayloads(w, payloads);
      expect(value(v2.decodePayloads(w.finish(), v2.firstNumber(payloads)))).toEqual(payloads);
    });
    fc.assert(property, RUNS);
  });
});

test('attributes: octets that decode are the octets that come out', () => {
  const property = fc.property(octets(0, 60), (bytes) => {
    let attributes: ReturnType<typeof decodeAttributes>;
    try {
      attributes = decodeAttributes(new Reader(bytes));
    } catch {
      return;
    }
    const w = new Writer();
    encodeAttributes(w, attributes);
    expect(w.finish()).toEqual(bytes);
  });
  fc.assert(property, RUNS);
});

test('a header says no more than the datagram holds, and no less than itself (RFC 7296 3.1)', () => {
  const bytes = new Uint8Array(40);
  const claim = (length: number, of = bytes.length) => {
    const copy = bytes.slice(0, of);
    if (of >= 28) new DataView(copy.buffer).setUint32(24, length);
    return decodeHeader(copy);
  };
  expect([28, 39, 40].map((n) => claim(n).ok)).toEqual([true, true, true]);
  expect([0, 27, 41, 0x8000_0028, 0xffff_ffff].map((n) => claim(n).ok)).toEqual(Array(5).fill(false));
  expect(claim(41)).toMatchObject({ error: { offset: 24, path: 'header' } });
  for (let of = 0; of < 28; of++) expect(claim(28, of)).toMatchObject({ ok: false });
});
