// Datagrams of real devices: what they say, and that our encoder writes them back octet for octet.
import { describe, expect, test } from 'vitest';
import { ATTRIBUTE_P1 as A1, EXCHANGE, NOTIFY_V2, VENDOR } from '../../../src/ike/wire/numbers.ts';
import * as v1 from '../../../src/ike/wire/v1.ts';
import * as v2 from '../../../src/ike/wire/v2.ts';
import { hex } from '../../../src/net/bytes.ts';
import { FIXTURES, fixture } from '../samples.ts';

function read2(name: (typeof FIXTURES)[number]): v2.Message {
  const decoded = v2.decode(fixture(name));
  if (!decoded.ok) throw new Error(decoded.error.rule);
  return decoded.value;
}

/** Transforms as "1:12/256", in order. */
const names = (p: v2.Proposal) =>
  p.transforms.map((t) => `${t.type}:${t.id}${t.keyLength ? `/${t.keyLength}` : ''}`).join(' ');

/** Octets of the payload or proposal as it stands in a message. */
function octets(payloads: readonly v2.Payload[]): number {
  const { header } = read2('galaxy_note20_android13_ike_sa_init_req');
  return v2.encode(header, payloads).length - 28;
}

const notifies = (m: v2.Message) => m.payloads.flatMap((p) => (p.type === 'notify' ? [p.notify] : []));

describe.each(FIXTURES)('%s', (name) => {
  test('is written back octet for octet', () => {
    const bytes = fixture(name);
    if (name.includes('ikev1')) {
      const decoded = v1.decode(bytes);
      if (!decoded.ok) throw new Error(decoded.error.rule);
      expect(hex(v1.encode(decoded.value.header, decoded.value.payloads!))).toBe(hex(bytes));
      return;
    }
    const { header, payloads } = read2(name);
    expect(hex(v2.encode(header, payloads))).toBe(hex(bytes));
  });
});

describe('Galaxy Note 20 (Android 13), IKE_SA_INIT request', () => {
  const message = read2('galaxy_note20_android13_ike_sa_init_req');
  const [sa, ke, nonce] = message.payloads as [v2.PayloadOf<'sa'>, v2.PayloadOf<'ke'>, v2.PayloadOf<'nonce'>];

  test('header', () => {
    const { header } = message;
    expect(hex(header.spiI)).toBe('0e09e05aa4fa0cb5');
    expect(hex(header.spiR)).toBe('0000000000000000');
    expect(header).toMatchObject({
      ...{ major: 2, minor: 0, exchange: EXCHANGE.IKE_SA_INIT, flags: 0x08, messageId: 0, length: 652 },
    });
  });

  test('SA KE No and five notifies', () => {
    expect(message.payloads.map((p) => p.type)).toEqual(['sa', 'ke', 'nonce', ...Array(4).fill('notify')]);
    expect(notifies(message)).toEqual([
      NOTIFY_V2.NAT_DETECTION_SOURCE_IP,
      NOTIFY_V2.NAT_DETECTION_DESTINATION_IP,
      NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS,
      NOTIFY_V2.REDIRECT_SUPPORTED,
    ]);
    expect(hex(v2.findNotify(message.payloads, NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS)!.data)).toBe(
      '0002000300040005',
    );
    expect(message.payloads.map((p) => octets([p]))).toEqual([244, 264, 36, 28, 28, 16, 8]);
  });

  test('two proposals: CBC, and GCM in its own', () => {
    expect(sa.proposals.map((p) => [p.number, p.protocol, p.transforms.length])).toEqual([
      [1, 1, 15],
      [2, 1, 11],
    ]);
    const rest = '2:7 2:6 2:5 2:2 4:24 4:20 4:19 4:14 4:5';
    expect(names(sa.proposals[0])).toBe(`1:12/256 1:12/128 3:14 3:13 3:12 3:2 ${rest}`);
    expect(names(sa.proposals[1])).toBe(`1:20/256 1:20/128 ${rest}`);
    expect(sa.proposals.map((p) => octets([{ type: 'sa', proposals: [p] }]) - 4)).toEqual([136, 104]);
  });

  test('KE of group 24, nonce of 32 octets', () => {
    expect([ke.group, ke.data.length, nonce.data.length]).toEqual([24, 256, 32]);
  });

  test('its second request differs in the KE payload alone', () => {
    const retry = read2('galaxy_note20_retry_group14_req');
    expect(v2.find(retry.payloads, 'ke')).toMatchObject({ group: 14 });
    expect(v2.find(retry.payloads, 'ke')!.data).toHaveLength(256);
    expect(retry.header).toEqual(message.header);
    const others = (m: v2.Message) => m.payloads.filter((p) => p.type !== 'ke');
    expect(others(retry)).toEqual(others(message));
  });

  test('the right answer asks for group 14, the ER605 refused without a reason', () => {
    const good = read2('good_invalid_ke_payload_rsp_group14');
    expect(good.header).toMatchObject({ spiI: message.header.spiI, flags: 0x20, length: 38, messageId: 0 });
    expect(hex(good.header.spiR)).toBe('0000000000000000');
    expect(good.payloads).toEqual([v2.notify(NOTIFY_V2.INVALID_KE_PAYLOAD, Uint8Array.of(0, 14))]);
    const bad = read2('er605_no_proposal_chosen_rsp');
    expect(bad.header).toMatchObject({ spiI: message.header.spiI, flags: 0x20, length: 36, messageId: 0 });
    expect(hex(bad.header.spiR)).toBe('9a2d65bf64c8f6b0');
    expect(bad.payloads).toEqual([v2.notify(NOTIFY_V2.NO_PROPOSAL_CHOSEN)]);
  });
});

describe('ER605 v2, IKE_SA_INIT request', () => {
  const { header, payloads } = read2('er605_v2_initiator_ike_sa_init_req');

  test('492 octets: two CBC proposals of group 14, no fragmentation, no redirect', () => {
    expect(header).toMatchObject({ flags: 0x08, messageId: 0, length: 492 });
    expect(v2.find(payloads, 'sa')!.proposals.map(names)).toEqual([
      '1:12/256 3:12 2:5 4:14',
      '1:12/256 3:2 2:2 4:14',
    ]);
    expect(v2.find(payloads, 'ke')).toMatchObject({ group: 14 });
    expect(v2.find(payloads, 'nonce')!.data).toHaveLength(32);
    expect(payloads.slice(3).map((p) => p.type === 'notify' && p.notify)).toEqual([
      NOTIFY_V2.NAT_DETECTION_SOURCE_IP,
      NOTIFY_V2.NAT_DETECTION_DESTINATION_IP,
      NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS,
    ]);
    expect(hex(v2.findNotify(payloads, NOTIFY_V2.SIGNATURE_HASH_ALGORITHMS)!.data)).toBe('0001000200030004');
  });
});

describe('SEIL/x86 Ayame, main mode message 1 (seed 001 #1010)', () => {
  const decoded = v1.decode(fixture('seil8_default_ikev1_main_mode_1'));
  if (!decoded.ok) throw new Error(decoded.error.rule);
  const { header, payloads = [] } = decoded.value;

  test('header', () => {
    expect(hex(header.spiI)).toBe('91d78f3b8712fb9a');
    expect(header).toMatchObject({ major: 1, minor: 0, exchange: 2, flags: 0, messageId: 0, length: 360 });
  });

  test('six transforms: AES-256, AES-128, 3DES, each with SHA-256 and SHA-1; 86,400 s in the long form', () => {
    const [proposal, ...more] = v1.find(payloads, 'sa')!.proposals;
    expect(more).toEqual([]);
    const value = (t: v1.Transform, type: number) => t.attributes.find((a) => a.type === type)?.value;
    const rows = proposal.transforms.map((t) => [
      ...[t.number, t.id],
      ...[A1.ENCRYPTION, A1.KEY_LENGTH, A1.HASH, A1.GROUP, A1.AUTHENTICATION].map((type) => value(t, type)),
    ]);
    expect(rows).toEqual([
      [1, 1, 7, 256, 4, 5, 1],
      [2, 1, 7, 256, 2, 5, 1],
      [3, 1, 7, 128, 4, 5, 1],
      [4, 1, 7, 128, 2, 5, 1],
      [5, 1, 5, undefined, 4, 5, 1],
      [6, 1, 5, undefined, 2, 5, 1],
    ]);
    for (const t of proposal.transforms) {
      const order = t.attributes.map((a) => a.type);
      expect(order).toEqual(t.number < 5 ? [11, 12, 1, 14, 3, 2, 4] : [11, 12, 1, 3, 2, 4]);
      expect(t.attributes[1]).toEqual({ type: 12, value: 86_400, octets: Uint8Array.of(0, 1, 0x51, 0x80) });
    }
  });

  test('Vendor IDs in order', () => {
    expect(payloads.slice(1).map((p) => p.type === 'vendor' && hex(p.data))).toEqual([
      VENDOR.RACOON,
      VENDOR.DPD,
      VENDOR.NAT_T_RFC3947,
      VENDOR.NAT_T_DRAFT_02_N,
    ]);
  });
});
