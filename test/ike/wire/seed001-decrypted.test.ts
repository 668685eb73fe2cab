// The encrypted packets of seed 001 as its author decrypted them. The plaintext is composed from the listings; hashes
// and nonces that the article cuts or leaves out are zero there, and "Extra data" is the padding.
import { describe, expect, test } from 'vitest';
import { Core } from '../../../src/ike/core.ts';
import type { Settings } from '../../../src/ike/policy.ts';
import { phase2Proposal } from '../../../src/ike/proposal/v1.ts';
import { encrypted } from '../../../src/ike/v1/exchange.ts';
import type { IsakmpSa } from '../../../src/ike/v1/sa.ts';
import { idsOf } from '../../../src/ike/v1/selectors.ts';
import { ENCAPSULATION, EXCHANGE, NOTIFY_V1, PROTOCOL } from '../../../src/ike/wire/numbers.ts';
import { decodeChain, encodeChain, firstNumber, type Payload } from '../../../src/ike/wire/v1.ts';
import { concat, fromHex, hex } from '../../../src/net/bytes.ts';
import { A, B, policy, SETTINGS } from '../simulation.ts';

const COOKIES = '80f5f36ce1766d90 8cfaf864c7f83e09';
const { IDENTITY_PROTECTION, INFORMATIONAL_V1, QUICK_MODE } = EXCHANGE;

/** A HASH payload whose octets are known up to where the article cuts them. */
const hash = (known = ''): Payload => ({
  type: 'hash',
  data: concat(fromHex(known), new Uint8Array(32)).slice(0, 32),
});
const id = (protocol: number, address: string): Payload => {
  return { type: 'id', idType: 1, protocol, port: 0, data: fromHex(address) };
};
const notify = (type: number, data = ''): Payload => ({
  ...{ type: 'notify', doi: 1, protocol: PROTOCOL.ISAKMP, spi: fromHex(COOKIES), notify: type },
  data: fromHex(data),
});
const remove = (protocol: number, spi: string): Payload => {
  return { type: 'delete', doi: 1, protocol, spis: [fromHex(spi)] };
};

type Packet = {
  readonly number: string;
  readonly exchange: number;
  readonly messageId: number;
  /** The header's Length. */
  readonly length: number;
  readonly plain: string;
  readonly extra: string;
  readonly payloads: readonly Payload[];
};

const KNOWN_982 = 'bce6c95193e84ae9f1a9fa3b3d74b7e668d786efbcc21d66';
const KNOWN_983 = '203e729768c31086ee05b1045bf476be26143095ef206758';
const HASH = `0024 ${'00'.repeat(32)}`;
const ISAKMP_4750 = '3e630be8eae722e3 7e702f546e15df42';

const PACKETS: Packet[] = [
  {
    ...{ number: '#982 SEIL, main mode 5', exchange: IDENTITY_PROTECTION, messageId: 0, length: 92 },
    plain: `08 00 000c 01 11 0000 0a000001  00 00 0024 ${KNOWN_982} 0000000000000000`,
    extra: '8d3ae82a97faf1f5e39f0339b0df670f',
    payloads: [id(17, '0a000001'), hash(KNOWN_982)],
  },
  {
    ...{ number: '#983 strongSwan, main mode 6', exchange: IDENTITY_PROTECTION, messageId: 0, length: 92 },
    plain: `08 00 000c 01 00 0000 0a000002  00 00 0024 ${KNOWN_983} 0000000000000000`,
    extra: '00000000000000000000000000000000',
    payloads: [id(0, '0a000002'), hash(KNOWN_983)],
  },
  {
    ...{ number: '#984 INITIAL-CONTACT', exchange: INFORMATIONAL_V1, messageId: 0x74763459, length: 108 },
    plain: `0b 00 ${HASH}  00 00 001c 00000001 01 10 6002 ${COOKIES}`,
    extra: 'cf5f3383201a28174d843a128858eb0f',
    payloads: [hash(), notify(NOTIFY_V1.INITIAL_CONTACT)],
  },
  {
    ...{ number: '#994 R-U-THERE', exchange: INFORMATIONAL_V1, messageId: 0xc1dced89, length: 108 },
    plain: `0b 00 ${HASH}  00 00 0020 00000001 01 10 8d28 ${COOKIES} 0000093f`,
    extra: 'fc591da2ece0b619213c1c0b',
    payloads: [hash(), notify(NOTIFY_V1.R_U_THERE, '0000093f')],
  },
  {
    ...{ number: '#995 R-U-THERE-ACK', exchange: INFORMATIONAL_V1, messageId: 0xa7ab07fa, length: 108 },
    plain: `0b 00 ${HASH}  00 00 0020 00000001 01 10 8d29 ${COOKIES} 0000093f`,
    extra: '000000000000000000000000',
    payloads: [hash(), notify(NOTIFY_V1.R_U_THERE_ACK, '0000093f')],
  },
  {
    ...{
      number: '#4748 Delete of an IPsec SA',
      exchange: INFORMATIONAL_V1,
      messageId: 0x2331f18e,
      length: 92,
    },
    plain: `0c 00 ${HASH}  00 00 0010 00000001 03 04 0001 cd4b0c11`,
    extra: '000000000000000000000000',
    payloads: [hash(), remove(PROTOCOL.ESP, 'cd4b0c11')],
  },
  {
    ...{
      number: '#4750 Delete of the ISAKMP SA',
      exchange: INFORMATIONAL_V1,
      messageId: 0x943fe700,
      length: 108,
    },
    plain: `0c 00 ${HASH}  00 00 001c 00000001 01 10 0001 ${ISAKMP_4750}`,
    extra: '00000000000000000000000000000000',
    payloads: [hash(), remove(PROTOCOL.ISAKMP, ISAKMP_4750)],
  },
];

/** Just enough of an ISAKMP SA to encrypt under it: AES-256, as in the article. */
const SA = {
  ...{ cookieI: fromHex('80f5f36ce1766d90'), cookieR: fromHex('8cfaf864c7f83e09') },
  suite: { cipher: 'aes256', hash: 'sha256', group: 'modp1536' },
  keys: { cipher: fromHex('4fab73ae45d51536fc833c695acb8ea75a7e59af2cc5b49eaeb7b83ccb1f4953') },
} as IsakmpSa;

function sealed(
  p: Pick<Packet, 'exchange' | 'messageId' | 'payloads'>,
  settings: Partial<Settings>,
): Uint8Array {
  const core = new Core({ ...SETTINGS, ...settings });
  core.begin({ now: 0, random: (n) => new Uint8Array(n).fill(0xa5), allocateSpi: () => 1 });
  return encrypted(core, SA, p, new Uint8Array(16), p.payloads).data;
}

/** ID payload type, HASH payload type: what the header's Next payload says. */
const first = (p: Packet) => (p.exchange === IDENTITY_PROTECTION ? 5 : 8);

describe.each(PACKETS)('$number', (p) => {
  const plain = concat(fromHex(p.plain), fromHex(p.extra));

  test('decodes to the fields of the listing, with its padding', () => {
    expect(plain).toHaveLength(p.length - 28);
    const decoded = decodeChain(plain, first(p));
    if (!decoded.ok) throw new Error(decoded.error.rule);
    expect(decoded.value.payloads).toEqual(p.payloads);
    expect(decoded.value.ends.at(-1)).toBe(plain.length - fromHex(p.extra).length);
  });

  test('encodes to the octets of the listing', () => {
    expect(hex(encodeChain(p.payloads))).toBe(hex(fromHex(p.plain)));
    expect(firstNumber(p.payloads)).toBe(first(p));
  });

  test.each([
    ['SEIL', { randomPaddingValue: true }],
    ['strongSwan', { randomPaddingValue: false }],
  ])('is as long as listed when encrypted with the padding of %s', (_, settings) => {
    const data = sealed(p, settings);
    expect(data).toHaveLength(p.length);
    const mid = p.messageId.toString(16).padStart(8, '0');
    const head = `${first(p).toString(16).padStart(2, '0')} 10 ${p.exchange.toString(16).padStart(2, '0')} 01`;
    const length = p.length.toString(16).padStart(8, '0');
    expect(hex(data.subarray(0, 28))).toBe(hex(fromHex(`${COOKIES} ${head} ${mid} ${length}`)));
  });
});

test("SEIL's padding ends with its length less one (exclusive-tail)", () => {
  for (const p of PACKETS.filter((p) => !/^0+$/.test(p.extra))) {
    const extra = fromHex(p.extra);
    expect(extra.at(-1)).toBe(extra.length - 1);
  }
});

test("#985: SEIL's default quick mode message 1 is 316 octets, 288 of them encrypted", () => {
  const [child] = policy(A, B).children;
  const payloads: Payload[] = [
    hash(),
    {
      ...{ type: 'sa', doi: 1, situation: 1 },
      proposals: [phase2Proposal(child, fromHex('0debf9ad'), ENCAPSULATION.TUNNEL)],
    },
    { type: 'nonce', data: new Uint8Array(16) },
    ...idsOf({ ...child, selectors: { local: ['192.168.1.0/24'], remote: ['192.168.2.0/24'] } }),
  ];
  const ids = '05 00 0010 04 00 0000 c0a80100 ffffff00  00 00 0010 04 00 0000 c0a80200 ffffff00';
  expect(hex(encodeChain(payloads)).endsWith(hex(fromHex(ids)))).toBe(true);
  const data = sealed({ exchange: QUICK_MODE, messageId: 0xb6f469ce, payloads }, {});
  expect([data.length, data.length - 28 - encodeChain(payloads).length]).toEqual([316, 16]);
});
