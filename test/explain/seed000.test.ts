// Seed 000's mystery and its solution, explained: the Galaxy's request, and what a responder answers.
import { describe, expect, test } from 'vitest';
import { type Explanation, explain } from '../../src/explain/explain.ts';
import { explanationText } from '../../src/explain/text.ts';
import * as v2 from '../../src/ike/wire/v2.ts';
import { find } from '../../src/ike/wire/v2.ts';
import { fixture } from '../ike/samples.ts';
import { ethernet, type Sent } from './capture.ts';

const PHONE = { address: '153.236.0.9', port: 60119 };
const ROUTER = { address: '192.168.1.1', port: 500 };
const ask = (time: number, data: Uint8Array): Sent => ({ time, from: PHONE, to: ROUTER, data });
const answer = (time: number, data: Uint8Array): Sent => ({ time, from: ROUTER, to: PHONE, data });

const galaxy = fixture('galaxy_note20_android13_ike_sa_init_req');
const retry = fixture('galaxy_note20_retry_group14_req');
const refusal = fixture('er605_no_proposal_chosen_rsp');
const otherGroup = fixture('good_invalid_ke_payload_rsp_group14');

function explained(sent: readonly Sent[]): Explanation {
  const result = explain(ethernet(sent));
  if (!result.ok) throw new Error(result.why);
  return result.value;
}

/** An acceptance as the good responder would send it. */
function acceptance(): Uint8Array {
  const decoded = v2.decode(retry);
  if (!decoded.ok) throw new Error('the fixture');
  const { header, payloads } = decoded.value;
  const [offer] = find(payloads, 'sa')!.proposals;
  const transforms = [
    offer.transforms.find((t) => t.type === 1)!,
    offer.transforms.find((t) => t.type === 2 && t.id === 5)!,
    offer.transforms.find((t) => t.type === 3 && t.id === 12)!,
    offer.transforms.find((t) => t.type === 4 && t.id === 14)!,
  ];
  return v2.encode({ ...header, spiR: new Uint8Array(8).fill(7), flags: 0x20 }, [
    { type: 'sa', proposals: [{ ...offer, transforms }] },
    find(payloads, 'ke')!,
    find(payloads, 'nonce')!,
  ]);
}

describe('the refusal that nobody understood', () => {
  const e = explained([ask(1000, galaxy), answer(1000.002587, refusal)]);
  const [n] = e.negotiations;

  test('names who is there and what was offered', () => {
    expect(e.negotiations).toHaveLength(1);
    expect(n.looksLike.initiator).toBe("Samsung's Android client");
    expect(n.keGroup).toBe('modp2048-256');
    expect(n.offer).toHaveLength(2);
    expect(n.offer[0].names.group).toEqual(['modp2048-256', 'ecp384', 'ecp256', 'modp2048', 'modp1536']);
    expect([n.spiI, n.spiR]).toEqual(['0e09e05aa4fa0cb5', '9a2d65bf64c8f6b0']);
  });

  test('says that it is about the connection, not the algorithms', () => {
    expect(n.outcome).toBe('refused');
    expect(n.findings[0]).toMatchObject({
      level: 'error',
      code: 'NO_CONNECTION_FOR_PEER',
      text: expect.stringMatching(/no connection for 153\.236\.0\.9 or for this IKE version/),
    });
  });

  test('tells of the NAT and of the weak group', () => {
    expect(n.findings.map((f) => f.code)).toEqual(['NO_CONNECTION_FOR_PEER', 'NAT', 'WEAK']);
    expect(n.findings[2].text).toMatch(/modp2048-256 \(RFC 8247 advises against it/);
  });

  test('draws the ladder', () => {
    expect(n.ladder.map((r) => [r.at, r.sender, r.exchange, r.kind, r.octets])).toEqual([
      [0, 'initiator', 'IKE_SA_INIT', 'request', 652],
      [0.002587, 'responder', 'IKE_SA_INIT', 'response', 36],
    ]);
    const text = explanationText(e);
    expect(text).toMatch(/^IKEv2 {2}153\.236\.0\.9\[60119\] → 192\.168\.1\.1\[500\]/);
    expect(text).toMatch(
      /0\.000000 {2}60119 --> 500 {2}IKE_SA_INIT request {3}652 {2}SA KE\(modp2048-256\) Ni N\(NAT_DETECTION_SOURCE_IP\)/,
    );
    expect(text).toMatch(
      /0\.002587 {2}60119 <-- 500 {2}IKE_SA_INIT response {3}36 {2}N\(NO_PROPOSAL_CHOSEN\)/,
    );
    expect(text).toMatch(/ERROR {4}the responder answered NO_PROPOSAL_CHOSEN/);
  });
});

test('the same refusal with SPI 0 is about the proposals', () => {
  const bare = refusal.slice();
  bare.fill(0, 8, 16);
  const [n] = explained([ask(0, galaxy), answer(0.1, bare)]).negotiations;
  expect(n.findings[0]).toMatchObject({
    code: 'NO_PROPOSAL',
    text: expect.stringMatching(/none of the prop/),
  });
});

describe('INVALID_KE_PAYLOAD', () => {
  test('followed by the right group, and it worked', () => {
    const [n] = explained([
      ask(0, galaxy),
      answer(0.01, otherGroup),
      ask(0.02, retry),
      answer(0.03, acceptance()),
    ]).negotiations;
    expect(n.findings[0]).toMatchObject({
      code: 'RETRIED',
      level: 'note',
      text: expect.stringMatching(/asked for modp2048 .*followed with modp2048, and it worked/),
    });
    expect(n.chosen?.names).toEqual({
      encryption: ['aes256'],
      prf: ['sha256'],
      integrity: ['sha256'],
      group: ['modp2048'],
    });
    // Nothing follows in this capture.
    expect(n.outcome).toBe('unfinished');
    expect(n.findings.map((f) => f.text).join()).toMatch(/did not go on with IKE_AUTH/);
  });

  test('a refusal that somebody forged before the acceptance does not count', () => {
    const [n] = explained([ask(0, retry), answer(0.01, refusal), answer(0.02, acceptance())]).negotiations;
    expect(n.findings[0].code).toBe('CHOSEN');
  });

  test('not followed', () => {
    const [n] = explained([ask(0, galaxy), answer(0.01, otherGroup)]).negotiations;
    expect(n.outcome).toBe('refused');
    expect(n.findings[0]).toMatchObject({
      code: 'KE_GROUP_NOT_ALLOWED',
      text: expect.stringMatching(/did not try again although it offers it/),
    });
  });

  test('for a group that was not offered, or that was sent', () => {
    const asking = (group: number) => {
      const octets = otherGroup.slice();
      octets[octets.length - 1] = group;
      return explained([ask(0, galaxy), answer(0.01, octets)]).negotiations[0].findings[0];
    };
    expect(asking(31)).toMatchObject({
      code: 'KE_GROUP_NOT_ALLOWED',
      text: expect.stringMatching(/asked for x25519 .*does not offer/),
    });
    expect(asking(24)).toMatchObject({ code: 'PROTOCOL', text: expect.stringMatching(/a defect/) });
  });
});

describe('cookies', () => {
  const cookie = v2.encode(
    {
      spiI: galaxy.slice(0, 8),
      spiR: new Uint8Array(8),
      ...{ major: 2, minor: 0, exchange: 34, flags: 0x20, messageId: 0 },
    },
    [v2.notify(16390, new Uint8Array(24).fill(1))],
  );
  const withCookie = () => {
    const decoded = v2.decode(galaxy);
    if (!decoded.ok) throw new Error('the fixture');
    const { header, payloads } = decoded.value;
    return v2.encode(header, [v2.notify(16390, new Uint8Array(24).fill(1)), ...payloads]);
  };

  test('brought', () => {
    const [n] = explained([
      ask(0, galaxy),
      answer(0.1, cookie),
      ask(0.2, withCookie()),
      answer(0.3, refusal),
    ]).negotiations;
    expect(n.findings.map((f) => f.code).slice(0, 2)).toEqual(['COOKIE', 'NO_CONNECTION_FOR_PEER']);
    expect(n.ladder[2].payloads[0]).toBe('N(COOKIE)');
  });

  test('not brought', () => {
    const [n] = explained([ask(0, galaxy), answer(0.1, cookie)]).negotiations;
    expect(n.findings[0]).toMatchObject({
      code: 'PROTOCOL',
      text: expect.stringMatching(/did not come back/),
    });
  });
});

test('no answer at all: what may be the cause, and how often it was tried', () => {
  const [n] = explained([0, 4, 11.2].map((time) => ask(time, galaxy))).negotiations;
  expect(n.outcome).toBe('unanswered');
  expect(n.ladder.map((r) => r.repeats)).toEqual([undefined, 0, 0]);
  expect(n.findings[0].text).toMatch(
    /IKE_SA_INIT, sent 3 times, got no answer: UDP 500 is blocked on the way, no IKE daemon runs/,
  );
});

test('a SEIL that gets no answer, in IKEv1', () => {
  const seil = fixture('seil8_default_ikev1_main_mode_1');
  const [n] = explained([{ time: 0, from: { ...PHONE, port: 500 }, to: ROUTER, data: seil }]).negotiations;
  expect([n.version, n.mode, n.outcome]).toEqual([1, 'main', 'unanswered']);
  expect(n.offer).toHaveLength(6);
  expect(n.offer[0]).toMatchObject({
    lifetime: 86400,
    names: {
      encryption: ['aes256'],
      hash: ['sha256'],
      group: ['modp1536'],
      authentication: ['preshared-key'],
    },
  });
  expect(n.vendors.initiator).toEqual([
    'racoon (KAME)',
    'Dead Peer Detection',
    'NAT traversal (RFC 3947)',
    'NAT traversal (draft-02\\n)',
  ]);
});
