// Arbitrary messages of both versions, in the one form that decoding gives: what is generated is what must come back.
import fc from 'fast-check';
import type { Attribute } from '../../src/ike/wire/attribute.ts';
import { PAYLOAD_V1, PAYLOAD_V2 } from '../../src/ike/wire/numbers.ts';
import type * as v1 from '../../src/ike/wire/v1.ts';
import type * as v2 from '../../src/ike/wire/v2.ts';

export const u8 = fc.integer({ min: 0, max: 0xff });
export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

export function octets(minLength = 0, maxLength = 80): fc.Arbitrary<Uint8Array> {
  // fast-check gives arrays of its own realm; vitest compares prototypes.
  return fc.uint8Array({ minLength, maxLength }).map((a) => new Uint8Array(a));
}

const few = <T>(one: fc.Arbitrary<T>, maxLength = 4) => fc.array(one, { maxLength });

/** The value of a long attribute is its first six octets as a number. */
const long = (type: number, o: Uint8Array): Attribute => {
  return { type, value: o.subarray(0, 6).reduce((v, b) => v * 256 + b, 0), octets: o };
};

function attributes(type: fc.Arbitrary<number>): fc.Arbitrary<Attribute[]> {
  return few(
    fc.oneof(
      fc.record({ type, value: u16 }),
      fc.tuple(type, octets(0, 12)).map(([t, o]) => long(t, o)),
    ),
    6,
  );
}

const attributeType = fc.integer({ min: 0, max: 0x7fff });

/** Data attributes of any type, short and long. */
export const attributeList = attributes(attributeType);

/** SPIs of one Delete are of one size. */
const spis = fc
  .integer({ min: 1, max: 16 })
  .chain((size) => few(octets(size, size)))
  .filter((list) => list.length >= 0);

const transformV1: fc.Arbitrary<v1.Transform> = fc.record({
  ...{ number: u8, id: u8, attributes: attributeList },
});

const proposalV1: fc.Arbitrary<v1.Proposal> = fc.record({
  ...{ number: u8, protocol: u8, spi: octets(0, 16), transforms: few(transformV1) },
});

const knownV1 = new Set<number>([
  ...[PAYLOAD_V1.NONE, PAYLOAD_V1.SA, PAYLOAD_V1.KE, PAYLOAD_V1.ID, PAYLOAD_V1.HASH, PAYLOAD_V1.NONCE],
  ...[PAYLOAD_V1.FRAGMENT, PAYLOAD_V1.CERT, PAYLOAD_V1.CERTREQ, PAYLOAD_V1.SIG],
  ...[PAYLOAD_V1.NOTIFY, PAYLOAD_V1.DELETE, PAYLOAD_V1.VENDOR, PAYLOAD_V1.NAT_D, PAYLOAD_V1.NAT_D_DRAFT],
]);

export const payloadV1: fc.Arbitrary<v1.Payload> = fc.oneof(
  fc.record({ type: fc.constant('sa' as const), doi: u32, situation: u32, proposals: few(proposalV1) }),
  fc.record({
    type: fc.constantFrom('ke', 'hash', 'sig', 'nonce', 'vendor'),
    data: octets(),
  }) as fc.Arbitrary<v1.Payload>,
  fc.record({ type: fc.constantFrom('cert', 'certreq'), encoding: u8, data: octets() }),
  fc.record({
    ...{ type: fc.constant('fragment' as const), id: u16, number: u8, last: fc.boolean(), data: octets() },
  }),
  fc.record({ type: fc.constant('id' as const), idType: u8, protocol: u8, port: u16, data: octets() }),
  fc.record({
    ...{ type: fc.constant('notify' as const), doi: u32, protocol: u8, spi: octets(0, 255), notify: u16 },
    data: octets(),
  }),
  fc.record({ type: fc.constant('delete' as const), doi: u32, protocol: u8, spis }),
  fc.record({ type: fc.constant('nat-d' as const), draft: fc.boolean(), data: octets() }),
  fc.record({
    type: fc.constant('unknown' as const),
    payload: u8.filter((n) => !knownV1.has(n)),
    data: octets(),
  }),
);

export const chainV1 = fc.array(payloadV1, { minLength: 1, maxLength: 8 });

const transformV2: fc.Arbitrary<v2.Transform> = fc
  .record({
    ...{ type: u8, id: u16, keyLength: fc.option(u16, { nil: undefined }) },
    unknown: attributes(attributeType.filter((t) => t !== 14)),
  })
  .map(({ type, id, keyLength, unknown }) => ({
    ...{ type, id },
    ...(keyLength === undefined ? {} : { keyLength }),
    ...(unknown.length > 0 ? { unknown } : {}),
  }));

const proposalV2: fc.Arbitrary<v2.Proposal> = fc.record({
  ...{ number: u8, protocol: u8, spi: octets(0, 16), transforms: few(transformV2) },
});

const selector: fc.Arbitrary<v2.TrafficSelector> = fc.integer({ min: 0, max: 16 }).chain((n) =>
  fc.record({
    ...{ type: u8, protocol: u8, startPort: u16, endPort: u16, first: octets(n, n), last: octets(n, n) },
  }),
);

const knownV2 = new Set<number>([
  ...[PAYLOAD_V2.NONE, PAYLOAD_V2.SA, PAYLOAD_V2.KE, PAYLOAD_V2.IDI, PAYLOAD_V2.IDR, PAYLOAD_V2.AUTH],
  ...[PAYLOAD_V2.NONCE, PAYLOAD_V2.NOTIFY, PAYLOAD_V2.DELETE, PAYLOAD_V2.VENDOR, PAYLOAD_V2.TSI],
  ...[PAYLOAD_V2.TSR, PAYLOAD_V2.SK, PAYLOAD_V2.SKF, PAYLOAD_V2.CERT, PAYLOAD_V2.CERTREQ],
]);

export const payloadV2: fc.Arbitrary<v2.Payload> = fc.oneof(
  fc.record({ type: fc.constant('sa' as const), proposals: few(proposalV2) }),
  fc.record({ type: fc.constant('ke' as const), group: u16, data: octets() }),
  fc.record({ type: fc.constantFrom('idi', 'idr'), idType: u8, data: octets() }) as fc.Arbitrary<v2.Payload>,
  fc.record({
    ...{ type: fc.constantFrom('cert', 'certreq'), encoding: u8, data: octets() },
  }) as fc.Arbitrary<v2.Payload>,
  fc.record({ type: fc.constant('auth' as const), method: u8, data: octets() }),
  fc.record({ type: fc.constantFrom('nonce', 'vendor'), data: octets() }) as fc.Arbitrary<v2.Payload>,
  fc.record({
    ...{
      type: fc.constant('notify' as const),
      protocol: u8,
      spi: octets(0, 255),
      notify: u16,
      data: octets(),
    },
  }),
  fc.record({ type: fc.constant('delete' as const), protocol: u8, spis }),
  fc.record({ type: fc.constantFrom('tsi', 'tsr'), selectors: few(selector) }) as fc.Arbitrary<v2.Payload>,
  fc.record({
    ...{ type: fc.constant('unknown' as const), payload: u8.filter((n) => !knownV2.has(n)) },
    ...{ critical: fc.boolean(), data: octets() },
  }),
);

const encrypted = fc.record({ type: fc.constant('sk' as const), first: u8, body: octets() });
const fragment = fc
  .tuple(u8, fc.integer({ min: 1, max: 0xffff }), u16, octets())
  .map(([first, number, more, body]) => {
    return { type: 'skf' as const, first, number, total: Math.min(number + more, 0xffff), body };
  });

/** An Encrypted payload, or a fragment of one, is the last one, whatever stands inside. */
export const payloadsV2: fc.Arbitrary<v2.Payload[]> = fc
  .tuple(fc.array(payloadV2, { maxLength: 8 }), fc.option(fc.oneof(encrypted, fragment), { nil: undefined }))
  .map(([list, sk]) => (sk ? [...list, sk] : list));

/** Header fields that the encoder does not compute; IKEv1 messages in the clear lack the encryption flag. */
export const header = (major: number) =>
  fc.record({
    ...{ spiI: octets(8, 8), spiR: octets(8, 8), major: fc.constant(major) },
    ...{ minor: fc.integer({ min: 0, max: 15 }), exchange: u8, messageId: u32 },
    flags: major === 1 ? u8.map((f) => f & 0xfe) : u8,
  });
