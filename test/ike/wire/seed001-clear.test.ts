// The unencrypted packets of seed 001 ("Decrypted packets: SEIL IKE/IPsec"), composed from its listings.
import { expect, test } from 'vitest';
import type { IkePolicy } from '../../../src/ike/policy.ts';
import { phase1Proposal } from '../../../src/ike/proposal/v1.ts';
import { EXCHANGE, NOTIFY_V1, PROTOCOL, VENDOR } from '../../../src/ike/wire/numbers.ts';
import { decode, encode, type Payload } from '../../../src/ike/wire/v1.ts';
import { fromHex, hex } from '../../../src/net/bytes.ts';

const NOTHING = new Uint8Array(0);

/** #3005: SEIL with lifetime 777, aes256, sha256, modp1024. Each line is a line of the listing. */
const P3005 = `
  442f96f6896a2deb 0000000000000000 01 10 02 00 00000000 000000a4
  0d 00 0038 00000001 00000001
    00 00 002c 01 01 00 01
      00 00 0024 01 01 0000
        800b 0001
        800c 0309
        8001 0007
        800e 0100
        8003 0001
        8002 0004
        8004 0002
  0d 00 0014 7003cbc1097dbe9c2600ba6983bc8b35
  0d 00 0014 afcad71368a1f1c96b8696fc77570100
  0d 00 0014 4a131c81070358455c5728f20e95452f
  00 00 0014 90cb80913ebb696e086381b5ec427b1f`;

/** #3006: strongSwan's refusal. */
const P3006 = `
  442f96f6896a2deb 544cc5837f7aba35 0b 10 05 00 1b6ded22 00000038
  00 00 001c 00000001 01 10 000e 442f96f6896a2deb 544cc5837f7aba35`;

const main = (spiI: string) => ({
  ...{ spiI: fromHex(spiI), spiR: new Uint8Array(8), major: 1, minor: 0 },
  ...{ exchange: EXCHANGE.IDENTITY_PROTECTION, flags: 0, messageId: 0 },
});

/** What SEIL sends first, with the proposal that our builder makes of a configuration. */
function firstMessage(ike: IkePolicy): Payload[] {
  const vendors = [VENDOR.RACOON, VENDOR.DPD, VENDOR.NAT_T_RFC3947, VENDOR.NAT_T_DRAFT_02_N];
  return [
    { type: 'sa', doi: 1, situation: 1, proposals: [phase1Proposal(ike, 'preshared-key')] },
    ...vendors.map((id): Payload => ({ type: 'vendor', data: fromHex(id) })),
  ];
}

const CONFIGURED: IkePolicy = {
  ciphers: ['aes256'],
  hashes: ['sha256'],
  groups: ['modp1024'],
  lifetime: 777,
};
const REFUSAL: Payload = {
  ...{ type: 'notify', doi: 1, protocol: PROTOCOL.ISAKMP, notify: NOTIFY_V1.NO_PROPOSAL_CHOSEN },
  ...{ spi: fromHex('442f96f6896a2deb544cc5837f7aba35'), data: NOTHING },
};

function payloads(bytes: Uint8Array): readonly Payload[] | undefined {
  const decoded = decode(bytes);
  if (!decoded.ok) throw new Error(decoded.error.rule);
  expect(decoded.value.header.length).toBe(bytes.length);
  return decoded.value.payloads;
}

test('#3005: 164 octets from the configuration', () => {
  const bytes = encode(main('442f96f6896a2deb'), firstMessage(CONFIGURED));
  expect(bytes).toHaveLength(164);
  expect(hex(bytes)).toBe(hex(fromHex(P3005)));
  expect(payloads(fromHex(P3005))).toEqual(firstMessage(CONFIGURED));
});

test('#3006: 56 octets, NO-PROPOSAL-CHOSEN about the pair of cookies', () => {
  const bytes = encode(
    {
      ...{ ...main('442f96f6896a2deb'), spiR: fromHex('544cc5837f7aba35') },
      ...{ exchange: EXCHANGE.INFORMATIONAL_V1, messageId: 0x1b6ded22 },
    },
    [REFUSAL],
  );
  expect(bytes).toHaveLength(56);
  expect(hex(bytes)).toBe(hex(fromHex(P3006)));
  expect(payloads(fromHex(P3006))).toEqual([REFUSAL]);
});

test('#4860: a lifetime of 60 s in the short form makes it 336 octets', () => {
  const ike: IkePolicy = {
    ...{ ciphers: ['aes256', 'aes128', '3des'], hashes: ['sha256', 'sha1'] },
    ...{ groups: ['modp1536'], lifetime: 60 },
  };
  const bytes = encode(main('27951c0311583ac7'), firstMessage(ike));
  expect(bytes).toHaveLength(336);
  const sa = bytes.subarray(28, 28 + 12 + 8 + 36);
  const head = '0d0000e4 00000001 00000001 000000d8 01010006 03000024 01010000';
  expect(hex(sa)).toBe(
    hex(fromHex(`${head} 800b0001 800c003c 80010007 800e0100 80030001 80020004 80040005`)),
  );
});

test('#3371: four ciphers and four hashes are 16 transforms, numbered from 1, encryption outermost', () => {
  const { transforms } = phase1Proposal(
    {
      ...{ ciphers: ['aes256', 'aes192', 'aes128', '3des'], hashes: ['sha512', 'sha384', 'sha256', 'sha1'] },
      ...{ groups: ['modp1536'], lifetime: 86_400 },
    },
    'preshared-key',
  );
  expect(transforms.map((t) => t.number)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
  const value = (type: number) =>
    transforms.map((t) => t.attributes.find((a) => a.type === type)?.value ?? 'none');
  expect(value(14)).toEqual([256, 192, 128, 'none'].flatMap((bits) => Array(4).fill(bits)));
  expect(value(2)).toEqual(Array.from({ length: 4 }, () => [6, 5, 4, 2]).flat());
});
