// The engine against the first packets of real devices: what it answers, octet for octet, and why.
import { describe, expect, test } from 'vitest';
import { runKeyExchange } from '../../src/ike/crypto/key-exchange.ts';
import { Engine } from '../../src/ike/engine.ts';
import type { Effect, Env } from '../../src/ike/io.ts';
import type { ConnectionPolicy } from '../../src/ike/policy.ts';
import { NOTIFY_V2 } from '../../src/ike/wire/numbers.ts';
import * as v2 from '../../src/ike/wire/v2.ts';
import { concat, fromHex, hex } from '../../src/net/bytes.ts';
import { fixture } from './samples.ts';
import { A, B, policy, SETTINGS } from './simulation.ts';

const HERE = { address: A, port: 500 };
const PEER = { address: B, port: 500 };
const GALAXY_SPI = fromHex('0e09e05aa4fa0cb5');

/** An engine with one connection, its effects of each step, and the jobs it asked for, run for real. */
class Bench {
  readonly engine = new Engine(SETTINGS);
  readonly #env: Env;

  constructor(changes: Partial<ConnectionPolicy>, cookie?: Uint8Array) {
    let draws = 0;
    const random = (n: number) =>
      n === 8 && cookie ? cookie : Uint8Array.from({ length: n }, () => ++draws * 37);
    this.#env = { now: 0, random, allocateSpi: () => 0x1000 };
    const connections = [policy(A, B, { initiate: 'never', ...changes })];
    this.step({ kind: 'configure', connections, settings: SETTINGS });
  }

  step(input: Parameters<Engine['step']>[0]): Effect[] {
    return this.engine.step(input, this.#env);
  }

  receive(data: Uint8Array): Effect[] {
    return this.step({ kind: 'datagram', local: HERE, remote: PEER, data });
  }

  /** Fires the timer with which a wanted tunnel begins, and runs the jobs that this and their ends ask for. */
  async begin(): Promise<Effect[]> {
    return this.work(this.step({ kind: 'timer', id: 'connection:ipsec0:retry' }));
  }

  async work(effects: Effect[]): Promise<Effect[]> {
    const out = [...effects];
    for (const e of effects) {
      if (e.kind !== 'job' || e.job.kind !== 'key-exchange') continue;
      out.push(
        ...(await this.work(this.step({ kind: 'job', id: e.id, result: await runKeyExchange(e.job) }))),
      );
    }
    return out;
  }
}

const sent = (effects: Effect[]) => effects.flatMap((e) => (e.kind === 'send' ? [e.data] : []));
const facts = (effects: Effect[]) => effects.flatMap((e) => (e.kind === 'note' ? [e.fact] : []));

function ikev2(changes: Partial<ConnectionPolicy['ike']> = {}): Partial<ConnectionPolicy> {
  return {
    version: 2,
    ike: { ciphers: ['aes256'], hashes: ['sha256'], groups: ['modp2048'], lifetime: 86_400, ...changes },
  };
}

function message(data: Uint8Array): v2.Message {
  const decoded = v2.decode(data);
  if (!decoded.ok) throw new Error(decoded.error.rule);
  return decoded.value;
}

describe('a Galaxy that begins with group 24', () => {
  test('is told to use group 14: exactly these octets, and nothing is kept', () => {
    const bench = new Bench(ikev2());
    const effects = bench.receive(fixture('galaxy_note20_android13_ike_sa_init_req'));
    expect(sent(effects).map(hex)).toEqual([hex(fixture('good_invalid_ke_payload_rsp_group14'))]);
    expect(effects.find((e) => e.kind === 'send')).toMatchObject({ local: HERE, remote: PEER });
    expect(effects.some((e) => e.kind === 'job' || e.kind === 'arm')).toBe(false);
    expect(bench.engine.connections.get('ipsec0')!.sas.size).toBe(0);
  });

  test('its second request is accepted', async () => {
    const bench = new Bench(ikev2());
    bench.receive(fixture('galaxy_note20_android13_ike_sa_init_req'));
    const effects = await bench.work(bench.receive(fixture('galaxy_note20_retry_group14_req')));
    const [{ header, payloads }] = sent(effects).map(message);
    expect(header).toMatchObject({ spiI: GALAXY_SPI, flags: 0x20, messageId: 0 });
    const { proposals } = v2.find(payloads, 'sa')!;
    expect(proposals).toMatchObject([{ number: 1, protocol: 1, transforms: { length: 4 } }]);
    expect(proposals[0].transforms).toContainEqual({ type: 1, id: 12, keyLength: 256 });
    expect(v2.find(payloads, 'ke')).toMatchObject({ group: 14, data: { length: 256 } });
  });

  test('AES-GCM is taken from its second proposal', async () => {
    const bench = new Bench(ikev2({ ciphers: ['aes256-gcm16'] }));
    const effects = await bench.work(bench.receive(fixture('galaxy_note20_retry_group14_req')));
    const [sa] = sent(effects).map((d) => v2.find(message(d).payloads, 'sa')!);
    expect(sa.proposals).toMatchObject([{ number: 2, transforms: { length: 3 } }]);
  });

  test('without a connection for its address it is refused, and the log says why', () => {
    const bench = new Bench({ ...ikev2(), remote: '203.0.113.7' });
    const effects = bench.receive(fixture('galaxy_note20_android13_ike_sa_init_req'));
    const [refusal] = sent(effects).map(message);
    expect(refusal.payloads).toEqual([v2.notify(NOTIFY_V2.NO_PROPOSAL_CHOSEN)]);
    expect(facts(effects)[0].reason).toMatchObject({
      code: 'NO_CONNECTION_FOR_PEER',
      peer: "Samsung's Android client",
      hint: 'nearest is ipsec0, which expects the peer at 203.0.113.7',
    });
  });

  test('a connection of a group it lacks is refused with both sides of the mismatch', () => {
    const bench = new Bench(ikev2({ groups: ['x25519'] }));
    const effects = bench.receive(fixture('galaxy_note20_android13_ike_sa_init_req'));
    expect(sent(effects).map((d) => message(d).payloads)).toEqual([
      [v2.notify(NOTIFY_V2.NO_PROPOSAL_CHOSEN)],
    ]);
    expect(facts(effects)[0].reason).toMatchObject({
      code: 'NO_PROPOSAL',
      nearest: { dimension: 'group', accepted: ['x25519'] },
      key: 'interface.ipsec0.ike.proposal.phase1.dh-group',
    });
  });
});

describe('an ER605', () => {
  test.each([
    ['sha256', 1, 12, 5],
    ['sha1', 2, 2, 2],
  ] as const)('is accepted with %s: proposal %i', async (hash, number, integrity, prf) => {
    const bench = new Bench(ikev2({ hashes: [hash] }));
    const request = message(fixture('er605_v2_initiator_ike_sa_init_req'));
    const effects = await bench.work(bench.receive(fixture('er605_v2_initiator_ike_sa_init_req')));
    const [answer] = sent(effects).map(message);
    expect(answer.header).toMatchObject({ spiI: request.header.spiI, flags: 0x20 });
    const [proposal, ...more] = v2.find(answer.payloads, 'sa')!.proposals;
    expect(more).toEqual([]);
    expect(proposal).toMatchObject({ number, protocol: 1, spi: { length: 0 } });
    expect(proposal.transforms).toHaveLength(4);
    expect(proposal.transforms).toEqual(
      expect.arrayContaining([
        { type: 1, id: 12, keyLength: 256 },
        { type: 2, id: prf },
        { type: 3, id: integrity },
        { type: 4, id: 14 },
      ]),
    );
    expect(v2.find(answer.payloads, 'ke')).toMatchObject({ group: 14, data: { length: 256 } });
    const nonce = v2.find(answer.payloads, 'nonce')!.data.length;
    expect(nonce).toBeGreaterThanOrEqual(16);
    expect(facts(effects).some((f) => f.level === 'warning' || f.level === 'error')).toBe(false);
    expect(bench.engine.connections.get('ipsec0')!.sas.size).toBe(1);
  });

  test('its refusal of our request is explained: it has no connection for us', async () => {
    const bench = new Bench({ ...ikev2(), initiate: 'start' }, GALAXY_SPI);
    await bench.begin();
    const reasons = facts(bench.receive(fixture('er605_no_proposal_chosen_rsp'))).map((f) => f.reason);
    expect(reasons).toMatchObject([
      { code: 'PEER_REFUSED', text: expect.stringContaining('no connection for 10.0.0.1') },
    ]);
  });

  test('asked for another group we begin anew with it, under the same SPI and nonce', async () => {
    const bench = new Bench({ ...ikev2({ groups: ['ecp256', 'modp2048'] }), initiate: 'start' }, GALAXY_SPI);
    const [first] = sent(await bench.begin()).map(message);
    expect(v2.find(first.payloads, 'ke')).toMatchObject({ group: 19 });
    const again = await bench.work(bench.receive(fixture('good_invalid_ke_payload_rsp_group14')));
    const [second] = sent(again).map(message);
    expect(second.header).toMatchObject({ spiI: GALAXY_SPI, messageId: 0 });
    expect(v2.find(second.payloads, 'ke')).toMatchObject({ group: 14, data: { length: 256 } });
    expect(v2.find(second.payloads, 'nonce')).toEqual(v2.find(first.payloads, 'nonce'));
    expect(v2.find(second.payloads, 'sa')).toEqual(v2.find(first.payloads, 'sa'));
  });
});

test('our main mode message 1 with the defaults of a SEIL is the SEIL packet but for the cookie', async () => {
  const packet = fixture('seil8_default_ikev1_main_mode_1');
  const [ours] = sent(await new Bench({ initiate: 'start' }).begin());
  expect(ours).toHaveLength(360);
  expect(hex(ours.subarray(0, 8))).not.toBe(hex(packet.subarray(0, 8)));
  expect(hex(concat(packet.subarray(0, 8), ours.subarray(8)))).toBe(hex(packet));
});
