// What every IKE version must do with strongSwan, in one place: both test files run it with their version.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TunnelView } from '../../src/show/view.ts';
import { sleep, until } from './proc.ts';
import { MINIMAL, type Network, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { continuousPing, pingUntil, steadyPing, transfer } from './traffic.ts';

const HOST1 = '192.168.1.2';
const HOST2 = '192.168.2.2';

const SUITES = [
  { name: 'CBC+SHA1', cipher: 'aes128', mac: 'hmac-sha1', esp: 'aes128-sha1', ike: 'aes128-sha1-modp2048' },
  {
    name: 'CBC+SHA256',
    cipher: 'aes256',
    mac: 'hmac-sha256',
    esp: 'aes256-sha256',
    ike: 'aes256-sha256-modp2048',
  },
  {
    name: 'GCM',
    cipher: 'aes128-gcm16',
    mac: 'hmac-sha256',
    esp: 'aes128gcm16',
    ike: 'aes256-sha256-modp2048',
  },
] as const;

/** Our side with one suite for both phases; lines of `more` come last. */
function config(version: 1 | 2, suite: (typeof SUITES)[number], ...more: string[]): string {
  const p = 'interface.ipsec0.ike.proposal';
  const [, ikeCipher, ikeHash] = /^(aes\d+)-(sha\d+)-/.exec(suite.ike)!;
  return [
    MINIMAL.trimEnd(),
    `interface.ipsec0.ike.version : ${version}`,
    `${p}.phase1.encryption.0.algorithm : ${ikeCipher}`,
    `${p}.phase1.hash.0.algorithm : ${ikeHash}`,
    `${p}.phase1.dh-group : modp2048`,
    `${p}.phase2.encryption.0.algorithm : ${suite.cipher}`,
    `${p}.phase2.authentication.0.algorithm : ${suite.mac}`,
    ...more,
    '',
  ].join('\n');
}

export function strongswanMatrix(version: 1 | 2): void {
  let net: Network;
  let swan: Strongswan;
  let router: Sekisho;
  const load = (suite: (typeof SUITES)[number], more: Parameters<typeof strongswanConnection>[0] = {}) =>
    swan.load([strongswanConnection({ version, proposals: suite.ike, espProposals: suite.esp, ...more })]);

  beforeAll(async () => {
    net = await openNetwork(`swanv${version}`);
    swan = await Strongswan.start(net.lab, net.peer, { name: 'swan' });
    router = await Sekisho.start(net.lab, net.router, 'router', MINIMAL);
  });
  afterAll(async () => {
    await net?.lab.close();
  });

  async function carries(): Promise<void> {
    expect(await pingUntil(net.host1, HOST2, 5000)).toBe(true);
    expect((await steadyPing(net.host1, HOST2, { count: 20 })).received).toBe(20);
  }

  describe.each(SUITES)('$name', (suite) => {
    test('we initiate: ping, and 100 MB of TCP with a checksum', async () => {
      await load(suite);
      expect((await router.reload(config(version, suite))).stderr).toBe('');
      const view = await router.waitUp();
      expect(view.children[0].suite.startsWith(suite.cipher)).toBe(true);
      expect(view.children[0].encapsulation).toBe('udp');
      await carries();
      const sent = await transfer(net.host1, net.host2, HOST2, 5001, 100e6);
      expect(sent.sha256Received).toBe(sent.sha256Sent);
      const back = await transfer(net.host2, net.host1, HOST1, 5002, 20e6);
      expect(back.sha256Received).toBe(back.sha256Sent);
    });

    test('the peer initiates', async () => {
      expect(
        (await router.reload(config(version, suite, 'interface.ipsec0.responder-only : enable'))).code,
      ).toBe(0);
      await until(
        async () => !(await swan.established('c')),
        10_000,
        () => 'the old SA is still there',
      );
      await swan.initiate('c');
      await router.waitUp();
      expect((await router.ike())[0].side).toBe('responder');
      await carries();
    });
  });

  const suite = SUITES[2];

  test('renewal of both SAs by us under traffic loses no packet', async () => {
    await load(suite);
    const p = 'interface.ipsec0.ike.proposal';
    await router.reload(
      config(version, suite, `${p}.phase1.lifetime : 30`, `${p}.phase2.lifetime-of-time : 30`),
    );
    await router.waitUp();
    await carries();
    const from = (await router.log()).length;
    const first = await router.tunnel();
    const trace = continuousPing(net.host1, HOST2, 20);
    const renewals = version === 1 ? ['ike-established', 'child-rekeyed'] : ['ike-rekeyed', 'child-rekeyed'];
    for (const code of renewals) await router.waitLog((e) => e.code === code, code, 60_000, from);
    await sleep(7000); // the old SA's stragglers' grace ends
    const { sent, lost } = await trace.stop();
    expect(sent).toBeGreaterThan(500);
    expect(lost).toEqual([]);
    const view = await router.tunnel();
    expect(view!.children.filter((c) => c.state === 'live')).toHaveLength(1);
    expect(view!.children[0].spiIn).not.toBe(first!.children[0].spiIn);
  });

  test('renewal of both SAs by the peer under traffic loses no packet', async () => {
    await router.reload(config(version, suite));
    await router.waitUp();
    await carries();
    const before = (await router.tunnel())!.children[0].spiIn;
    const cookies = (await router.ike()).map((v) => v.spiI);
    const trace = continuousPing(net.host1, HOST2, 20);
    await swan.rekey({ child: 'c' });
    // Under IKEv1 strongSwan leaves the old SA to its lifetime, so it stays, replaced.
    const renewed = (t: TunnelView) => t.children.some((c) => c.state === 'live' && c.spiIn !== before);
    await until(
      async () => renewed((await router.tunnel())!),
      20_000,
      () => 'the child is not renewed',
    );
    await swan.rekey({ ike: 'seil' });
    await until(
      async () => (await router.ike()).some((v) => v.status === 'established' && !cookies.includes(v.spiI)),
      20_000,
      () => 'the IKE SA is not renewed',
    );
    await sleep(1500);
    expect((await trace.stop()).lost).toEqual([]);
    expect((await router.tunnel())!.children.filter((c) => c.state === 'live')).toHaveLength(1);
  });

  test('Delete by the peer ends the tunnel, and we bring it up again', async () => {
    const from = (await router.log()).length;
    await swan.terminate({ ike: 'seil' });
    await router.waitLog(
      (e) => e.code === 'ike-deleted' && /by the peer/.test(e.text),
      'Delete',
      10_000,
      from,
    );
    await router.waitUp();
    await carries();
  });

  test('removing the interface from the configuration deletes the SAs at the peer (seed 001 #1008-1009)', async () => {
    const without = MINIMAL.split('\n')
      .filter((l) => !/ipsec0/.test(l) && !/^route/.test(l))
      .join('\n');
    expect((await router.reload(without)).stderr).toBe('');
    await until(
      async () => !(await swan.listSas()).includes('ESTABLISHED'),
      10_000,
      () => 'the peer keeps its SAs',
    );
    expect(await router.tunnel()).toBeUndefined();
    await router.reload(config(version, suite));
    await router.waitUp();
    await carries();
  });

  test('our crash: INITIAL-CONTACT makes the peer forget the old SAs (RFC 2407 4.6.3.3, RFC 7296 2.4)', async () => {
    await router.kill();
    router = await Sekisho.start(net.lab, net.router, 'router2', config(version, suite));
    await router.waitUp();
    await carries();
    if (version === 1) {
      // SEIL sends it in an Informational of its own (#984), which strongSwan reads and leaves to its DPD.
      expect(
        await swan.waitLog(/parsed INFORMATIONAL_V1 request \d+ \[ HASH N\(INITIAL_CONTACT\) \]/),
      ).toBeTruthy();
    } else {
      expect((await swan.listSas()).match(/ESTABLISHED/g)).toHaveLength(1);
    }
  });

  test('the crash of the peer is noticed and overcome', async () => {
    const dpd = ['ike.dpd-interval : 2', 'ike.dpd-maxfail : 2'];
    await router.reload(config(version, suite, ...(version === 1 ? dpd : [])));
    await router.waitUp();
    const from = (await router.log()).length;
    await swan.kill();
    await swan.restart();
    if (version === 1) {
      await router.waitLog((e) => e.code === 'peer-dead', 'dead peer', 20_000, from);
      await router.waitUp();
      await carries();
      await swan.kill();
      await swan.restart();
    }
    await swan.initiate('c');
    await router.waitLog((e) => e.code === 'initial-contact', 'INITIAL-CONTACT', 20_000, from);
    await router.waitUp();
    await carries();
    expect((await router.tunnel())!.children.filter((c) => c.state === 'live')).toHaveLength(1);
  });

  test('a wrong preshared key is named, whoever initiates', async () => {
    const wrong = config(version, suite).replace('xeeB5gohvaYi', 'another-key');
    let from = (await router.log()).length;
    await router.reload(wrong);
    const refused = await router.waitLog((e) => e.reason?.code === 'AUTHENTICATION', 'refusal', 20_000, from);
    expect(refused.reason?.key).toBe('interface.ipsec0.preshared-key');
    from = (await router.log()).length;
    await router.reload(`${wrong}interface.ipsec0.responder-only : enable\n`);
    await swan.initiate('c', 3).catch(() => {});
    const said = await router.waitLog((e) => e.reason?.code === 'AUTHENTICATION', 'refusal', 20_000, from);
    expect(said.text).toMatch(/preshared key/);
    expect(router.stderr()).not.toContain('another-key');
  });

  test('a refused proposal names the difference and the key that would change it', async () => {
    await swan.terminate({ ike: 'seil' }, { force: true }).catch(() => {});
    const group = config(version, suite).replace('phase1.dh-group : modp2048', 'phase1.dh-group : modp3072');
    const from = (await router.log()).length;
    await router.reload(`${group}interface.ipsec0.responder-only : enable\n`);
    await swan.initiate('c', 3).catch(() => {});
    const { reason, text } = await router.waitLog(
      (e) => e.reason?.code === 'NO_PROPOSAL',
      'refusal',
      20_000,
      from,
    );
    expect(reason?.key).toBe('interface.ipsec0.ike.proposal.phase1.dh-group');
    expect(text).toMatch(/only in group: offered modp2048, accepted modp3072/);
  });
}
