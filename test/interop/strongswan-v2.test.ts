import { describe, expect, test } from 'vitest';
import { MINIMAL, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { strongswanMatrix } from './strongswan-matrix.ts';
import { continuousPing, pingUntil } from './traffic.ts';

describe('strongSwan, IKEv2', () => strongswanMatrix(2));

test.each(['yes', 'no'])(
  'long messages in fragments of 512 octets (RFC 7383), where strongSwan knows them: %s',
  async (fragmentation) => {
    const net = await openNetwork('frag');
    try {
      const charonOptions = { fragment_size: '512' };
      const swan = await Strongswan.start(net.lab, net.peer, { name: 'swan', charonOptions });
      const group = 'modp4096';
      await swan.load([
        strongswanConnection({
          version: 2,
          proposals: `aes256-sha256-${group}`,
          espProposals: `aes128gcm16-${group}`,
          extra: [`fragmentation = ${fragmentation}`],
        }),
      ]);
      const p = 'interface.ipsec0.ike.proposal';
      const config = [
        MINIMAL.trimEnd(),
        'ike.fragment-size : 512',
        'interface.ipsec0.ike.version : 2',
        `${p}.phase1.encryption.0.algorithm : aes256`,
        `${p}.phase1.hash.0.algorithm : sha256`,
        `${p}.phase1.dh-group : ${group}`,
        `${p}.phase2.encryption.0.algorithm : aes128-gcm16`,
        `${p}.phase2.pfs-group : ${group}`,
        '',
      ].join('\n');
      const router = await Sekisho.start(net.lab, net.router, 'router', config);
      await router.waitUp();
      expect(await pingUntil(net.host1, '192.168.2.2', 5000)).toBe(true);
      const trace = continuousPing(net.host1, '192.168.2.2', 20);
      const begun = swan.log().length;
      await swan.rekey({ child: 'c' });
      await swan.rekey({ ike: 'seil' });
      await router.waitLog((e) => e.code === 'ike-rekeyed', 'ike-rekeyed', 20_000);
      expect((await trace.stop()).lost).toEqual([]);
      const said = swan.log().slice(begun);
      const cut = /splitting IKE message \(\d+ bytes\) into [23] fragments/.test(said);
      const joined = /reassembled fragmented IKE message/.test(said);
      expect({ cut, joined }).toEqual({ cut: fragmentation === 'yes', joined: fragmentation === 'yes' });
    } finally {
      await net.lab.close();
    }
  },
);
