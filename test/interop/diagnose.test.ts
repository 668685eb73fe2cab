// `sekisho diagnose` names the culprit: each thing that keeps a tunnel from working, broken alone.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Check } from '../../src/show/diagnosis.ts';
import { HOST2, openPair, type Pair, pairConfig } from './pair.ts';
import { Sekisho } from './sekisho.ts';

const V2 = 'interface.ipsec0.ike.version : 2';
// What the other side begins by itself would hide what ours cannot.
const THEIRS = [V2, 'interface.ipsec0.ike.responder-only : enable'];
const p = 'interface.ipsec0.ike.proposal';

let pair: Pair;
let a: Sekisho;
let b: Sekisho;
beforeAll(async () => {
  pair = await openPair('diagnose');
  [a, b] = await Promise.all([
    Sekisho.start(pair.lab, pair.a, 'a', pairConfig(1, V2)),
    Sekisho.start(pair.lab, pair.b, 'b', pairConfig(2, ...THEIRS)),
  ]);
});
afterAll(() => pair?.lab.close());

async function diagnose(...more: string[]): Promise<{ checks: Check[]; code: number; text: string }> {
  const { code, stdout } = await a.cli('diagnose', 'ipsec0', '--json', ...more);
  const checks = JSON.parse(stdout) as Check[];
  return { checks, code, text: checks.map((c) => `${c.name}: ${c.text} ${c.hint ?? ''}`).join('\n') };
}

/** What `b` drops as a firewall in front of it would. */
async function blocked<T>(rule: string, act: () => Promise<T>): Promise<T> {
  await pair.b.nft(`table inet block {
  chain input {
    type filter hook input priority -300
    ${rule} drop
  }
}
`);
  try {
    return await act();
  } finally {
    await pair.b.nft('delete table inet block\n');
  }
}

const culprit = (checks: Check[]) => checks.find((c) => c.verdict === 'bad')?.name;

test('a tunnel that works: every check, and the renewal of its IPsec SA', async () => {
  await a.waitUp();
  const before = (await a.tunnel())!.children[0].spiIn;
  const { checks, code } = await diagnose('--ping', HOST2);
  expect(checks.map((c) => [c.name, c.verdict])).toEqual(
    ['address', 'route', 'negotiation', 'NAT', 'renewal', 'ESP', 'MTU'].map((name) => [name, 'good']),
  );
  expect(code).toBe(0);
  expect((await a.tunnel())!.children.at(-1)!.spiIn).not.toBe(before);
  const { stdout } = await a.cli('diagnose', 'ipsec0', '--ping', HOST2);
  expect(stdout).toMatch(/ipsec0: nothing wrong was found\n$/);
});

describe('names the culprit', () => {
  const keep = pairConfig(1, V2);
  const cases: [what: string, ours: string, name: string, words: RegExp][] = [
    ['another key', keep.replace('a key of two', 'another key of two'), 'authentication', /preshared.key/],
    ['another group', `${keep}${p}.phase1.dh-group : modp2048\n`, 'proposal', /proposals/],
    [
      'no address',
      keep.replace('source       : 10.0.0.1', 'source       : 10.0.0.9'),
      'address',
      /no interface has/,
    ],
    [
      'no route',
      keep.replace('destination  : 10.0.0.2', 'destination  : 192.0.2.9'),
      'route',
      /unreachable|no route/i,
    ],
    [
      'another identity',
      `${keep}interface.ipsec0.ike.my-identifier.type : fqdn\ninterface.ipsec0.ike.my-identifier.fqdn : x.example\n`,
      'authentication',
      /identity/,
    ],
    [
      'a PFS group that the peer does not take, seen at once',
      `${keep}${p}.phase2.pfs-group : modp2048\n`,
      'renewal',
      /INVALID_KE_PAYLOAD|NO_PROPOSAL_CHOSEN|PFS|ESP/,
    ],
  ];

  test.each(cases)('%s', async (_what, ours, name, words) => {
    const theirs = name === 'renewal' ? `${p}.phase2.pfs-group : ecp256` : '';
    await b.reload(pairConfig(2, ...THEIRS, theirs));
    expect((await a.reload(ours)).stderr).toBe('');
    const { checks, code, text } = await diagnose();
    expect(culprit(checks), text).toBe(name);
    expect(text).toMatch(words);
    expect(code).toBe(1);
    await a.reload(keep);
    await b.reload(pairConfig(2, ...THEIRS));
  });

  test('UDP 500 blocked', async () => {
    const { text, checks } = await blocked('udp dport 500', async () => {
      await a.reload(pairConfig(1, V2, `${p}.phase1.lifetime : 1h`));
      return diagnose();
    });
    expect(culprit(checks)).toBe('path');
    expect(text).toMatch(/10\.0\.0\.2 does not answer on UDP 500/);
  });

  test('UDP 4500 blocked', async () => {
    const { text, checks } = await blocked('udp dport 4500', async () => {
      await a.reload(pairConfig(1, V2, 'interface.ipsec0.nat-traversal : force'));
      return diagnose();
    });
    expect(culprit(checks)).toBe('path');
    expect(text).toMatch(/answered on UDP 500 and is silent on UDP 4500/);
  });

  test('a host behind the peer that has no way back', async () => {
    await a.reload(pairConfig(1, V2));
    await a.waitUp();
    await pair.host2.ip('route', 'del', 'default');
    const { text, checks } = await diagnose('--ping', HOST2);
    expect(culprit(checks), text).toBe('ESP');
    expect(text).toMatch(/no route to us|nothing has come in/);
  });
});

test('what is not there, and what is no address', async () => {
  const other = await a.cli('diagnose', 'ipsec7');
  expect([other.code, other.stderr]).toEqual([1, 'There is no tunnel ipsec7: ipsec0.\n']);
  const bad = await a.cli('diagnose', 'ipsec0', '--ping', 'host');
  expect([bad.code, bad.stderr]).toEqual([
    1,
    '"host": here stands <address> (an IPv4 address like 192.0.2.1 or an IPv6 address like 2001:db8::1).\n',
  ]);
});
