// `sekisho explain` on captures of real negotiations: our router and strongSwan, with the faults that people have.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Explanation, Negotiation } from '../../src/explain/explain.ts';
import { MINIMAL, type Network, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import type { Connection } from './swanctl-conf.ts';
import { pingUntil } from './traffic.ts';

const CLI = fileURLToPath(new URL('../../cli/sekisho', import.meta.url));

let net: Network;
let swan: Strongswan;
let captures = 0;

beforeAll(async () => {
  net = await openNetwork('explain');
  await net.router.address('ge0', '10.0.0.1/24');
  // Three retransmissions within two seconds.
  const charonOptions = { retransmit_timeout: '0.3', retransmit_tries: '3' };
  swan = await Strongswan.start(net.lab, net.peer, { name: 'swan', charonOptions });
});
afterAll(() => net?.lab.close());

/** What runs is recorded on the router's WAN, and explained by the command. */
async function recorded(
  run: () => Promise<unknown>,
): Promise<{ first: Negotiation; all: Explanation; text: string }> {
  const file = join(net.lab.tmp, `${captures++}.pcap`);
  const dump = net.router.spawn(['tcpdump', '-U', '-i', 'ge0', '-w', file, '--immediate-mode']);
  await dump.waitOutput(/listening on/);
  try {
    await run();
  } finally {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await dump.stop('SIGINT');
  }
  const { stdout: text } = await net.host1.exec([CLI, 'explain', file]);
  const all = JSON.parse((await net.host1.exec([CLI, 'explain', '--json', file])).stdout) as Explanation;
  expect(all.negotiations.length).toBeGreaterThan(0);
  return { first: all.negotiations[0], all, text };
}

/** Our router initiates to strongSwan until `done`. */
async function initiating(
  connection: Partial<Connection>,
  lines: readonly string[],
  done: (router: Sekisho) => Promise<unknown>,
): Promise<Awaited<ReturnType<typeof recorded>>> {
  await swan.load([strongswanConnection(connection)]);
  return recorded(async () => {
    const router = await Sekisho.start(
      net.lab,
      net.router,
      `r${captures}`,
      [MINIMAL, ...lines, ''].join('\n'),
    );
    try {
      await done(router);
    } finally {
      await router.stop();
    }
  });
}

/** A line of seed 001's configuration in place of the article's. */
const V2 = 'interface.ipsec0.ike.version : 2';
const codes = (n: Negotiation) => n.findings.map((f) => f.code);

const carries = async (router: Sekisho) => {
  await router.waitUp();
  expect(await pingUntil(net.host1, '192.168.2.2', 10_000)).toBe(true);
};
const refused = (router: Sekisho) =>
  router.waitLog((e) => e.level !== 'info' && e.reason !== undefined, 'refusal', 60_000);

describe('IKEv1', () => {
  test('main mode and quick mode that succeed', async () => {
    const { first, all, text } = await initiating({}, [], carries);
    expect([first.version, first.mode, first.outcome]).toEqual([1, 'main', 'established']);
    expect(first.ladder.slice(0, 6).map((r) => [r.sender, r.exchange, r.to.port, r.encrypted])).toEqual([
      ['initiator', 'Main Mode', 500, false],
      ['responder', 'Main Mode', 500, false],
      ['initiator', 'Main Mode', 500, false],
      ['responder', 'Main Mode', 500, false],
      ['initiator', 'Main Mode', 4500, true],
      ['responder', 'Main Mode', 4500, true],
    ]);
    expect(first.looksLike).toEqual({ initiator: 'SEIL or Sekisho', responder: 'strongSwan' });
    expect(first.chosen?.names).toMatchObject({
      encryption: ['aes256'],
      hash: ['sha256'],
      group: ['modp1536'],
    });
    expect(codes(first)).toEqual(expect.arrayContaining(['ESTABLISHED', 'FLOATED', 'NAT', 'WEAK']));
    expect(text).toMatch(/one quick mode came to the end: IPsec SAs stand/);
    expect(text).toMatch(/ESP flows both ways/);
    expect(all.esp.inUdp).toBeGreaterThan(0);
    expect(first.findings.filter((f) => f.level === 'error')).toEqual([]);
  });

  test('another preshared key', async () => {
    const { first } = await initiating({ psk: 'another' }, [], refused);
    expect(first.outcome).toBe('unfinished');
    expect(first.findings.find((f) => f.level === 'error')).toMatchObject({
      code: 'AUTHENTICATION',
      text: expect.stringMatching(/main mode message 5, .*most likely the preshared key differs/),
    });
  });

  test('another group', async () => {
    const { first } = await initiating({ proposals: 'aes256-sha256-modp4096' }, [], refused);
    expect(first.outcome).toBe('refused');
    expect(first.findings[0]).toMatchObject({ code: 'NO_PROPOSAL', offered: expect.any(Array) });
  });

  test('other networks in quick mode', async () => {
    const children = [
      { name: 'c', localTs: '192.168.9.0/24', remoteTs: '192.168.1.0/24', espProposals: 'aes256-sha256' },
    ];
    const { first } = await initiating({ children }, [], refused);
    expect(first.outcome).toBe('established');
    expect(first.findings.find((f) => f.level === 'error')).toMatchObject({
      code: 'SELECTORS',
      text: expect.stringMatching(/quick mode was answered by an encrypted Informational/),
    });
  });

  test('aggressive mode is warned of', async () => {
    await swan.load([strongswanConnection({ aggressive: true })]);
    const { first } = await recorded(() => swan.initiate('c', 3).catch(() => {}));
    expect([first.mode, codes(first).includes('AGGRESSIVE')]).toEqual(['aggressive', true]);
    expect(first.findings.find((f) => f.code === 'TIMEOUT')?.text).toMatch(/no program listens on UDP 500/);
  });
});

describe('IKEv2', () => {
  const connection = { version: 2 as const, proposals: 'aes256-sha256-modp1536' };

  test('an exchange that succeeds', async () => {
    const { first, text } = await initiating(connection, [V2], carries);
    expect(first.outcome).toBe('established');
    expect(first.ladder.slice(0, 4).map((r) => [r.exchange, r.kind, r.to.port])).toEqual([
      ['IKE_SA_INIT', 'request', 500],
      ['IKE_SA_INIT', 'response', 500],
      ['IKE_AUTH', 'request', 4500],
      ['IKE_AUTH', 'response', 4500],
    ]);
    expect(first.ladder[2].payloads).toEqual(['SK{IDi…}']);
    expect(first.looksLike.responder).toMatch(/strongSwan/);
    expect(text).toMatch(/ESP flows both ways/);
  });

  test('another preshared key', async () => {
    const { first } = await initiating({ ...connection, psk: 'another' }, [V2], refused);
    expect(first.outcome).toBe('refused');
    expect(first.findings.find((f) => f.level === 'error')).toMatchObject({
      code: 'AUTHENTICATION',
      text: expect.stringMatching(/most likely AUTHENTICATION_FAILED/),
    });
  });

  test('no connection for this address', async () => {
    const { first } = await initiating({ ...connection, remote: '10.0.0.77' }, [V2], refused);
    expect(first.findings[0]).toMatchObject({ code: 'NO_CONNECTION_FOR_PEER' });
    expect(first.findings[0].text).toMatch(/most likely it has no connection for 10\.0\.0\.1 or/);
  });

  test('none of the proposals', async () => {
    const { first } = await initiating({ ...connection, proposals: 'aes256-sha256-modp4096' }, [V2], refused);
    expect(first.outcome).toBe('refused');
    expect(first.findings[0].text).toMatch(/NO_PROPOSAL_CHOSEN/);
  });

  test('a group that is asked for, and fragments', async () => {
    const lines = [
      V2,
      'interface.ipsec0.ike.proposal.phase1.dh-group-alternative.100.group : modp2048',
      'ike.fragment-size : 512',
      'interface.ipsec0.ike.my-identifier.type : fqdn',
      `interface.ipsec0.ike.my-identifier.fqdn : ${'a-very-long-name-of-a-router.'.repeat(8)}example.org`,
    ];
    const change = { ...connection, proposals: 'aes256-sha256-modp2048' };
    const { first } = await initiating(change, lines, refused);
    expect(first.findings[0].text).toMatch(
      /asked for modp2048 \(INVALID_KE_PAYLOAD\); the initiator followed with modp2048, and it worked/,
    );
    expect(first.ladder[4]).toMatchObject({ exchange: 'IKE_AUTH', fragments: { seen: 2, total: 2 } });
  });

  test('blocked ports', async () => {
    await swan.load([strongswanConnection(connection)]);
    await net.router.nft(
      'table ip block {\nchain in {\ntype filter hook input priority 0\nudp dport 500 drop\n}\n}\n',
    );
    const { first } = await recorded(() => swan.initiate('c', 3).catch(() => {}));
    await net.router.nft('delete table ip block\n');
    expect(first.outcome).toBe('unanswered');
    expect(first.ladder.filter((r) => r.repeats !== undefined).length).toBeGreaterThan(1);
    expect(first.findings[0].text).toMatch(/got no answer: UDP 500 is blocked on the way/);
  });

  test('a file that is none: one sentence', async () => {
    const { code, stderr } = await net.host1.exec([CLI, 'explain', CLI], { allowFail: true });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/is no capture: it starts as neither pcap nor/),
    ]);
    const gone = await net.host1.exec([CLI, 'explain', '/nowhere.pcap'], { allowFail: true });
    expect(gone.stderr).toBe('sekisho: cannot read /nowhere.pcap: there is no such file.\n');
  });
});
