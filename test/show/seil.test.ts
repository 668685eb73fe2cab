// SEIL's layouts (dialects.md A.7): golden text for made-up views.
import { describe, expect, test } from 'vitest';
import { showIke, showInterface, showIpsec, showSecurityPolicy } from '../../src/show/seil.ts';
import type { ChildView, IkeView, TunnelView } from '../../src/show/view.ts';

const ike: IkeView = {
  number: 1,
  connection: 'ipsec0',
  version: 1,
  local: '10.0.0.1[500]',
  remote: '10.0.0.2[500]',
  spiI: '544cc5837f7aba35',
  spiR: '8cfaf864c7f83e09',
  status: 'established',
  side: 'initiator',
  suite: 'aes256/sha256/modp1536',
  children: 1,
  created: new Date(2026, 10, 2, 1, 2, 3).toISOString(),
  lifetime: 86400,
  left: 86251,
  identityLocal: '10.0.0.1 (address)',
  identityRemote: '10.0.0.2 (address)',
  nat: 'none',
};

const child: ChildView = {
  mode: 'tunnel',
  numbers: { send: 2, recv: 3 },
  connection: 'ipsec0',
  spiIn: 0xc0ffee,
  spiOut: 0xdeadbeef,
  state: 'active',
  suite: 'aes256/sha256',
  weak: '',
  encapsulation: 'udp',
  selectors: { local: ['192.168.1.0/24', '::/0'], remote: ['192.168.2.0/24'] },
  age: 100,
  lifetime: 28800,
  in: { packets: 1, octets: 84, lost: 0 },
  out: { packets: 2, octets: 168 },
};

const tunnel: TunnelView = {
  connection: 'ipsec0',
  policy: { mode: 'tunnel', by: 'route', local: ['192.168.1.0/24', '::/0'], remote: ['192.168.0.0/16'] },
  local: '10.0.0.1',
  remote: '10.0.0.2',
  state: 'up',
  mtu: 1422,
  addresses: ['192.168.1.1/32'],
  counters: { name: 'ipsec0', rxPackets: 1, rxOctets: 84, txPackets: 2, txOctets: 168, drops: {} },
  children: [child],
};

const down: TunnelView = {
  connection: 'ipsec1',
  policy: { mode: 'transport', by: 'policy', local: ['10.0.0.1/32'], remote: ['10.0.0.3/32'] },
  local: '10.0.0.1',
  remote: '10.0.0.3',
  state: 'down',
  reasonText: 'the peer does not answer',
  mtu: 1422,
  addresses: ['10.1.0.1/30'],
  children: [],
};

describe('show status ike', () => {
  test('an established IKE SA', () => {
    expect(showIke([ike])).toBe(`\
PHASE1  10.0.0.1[500] <------> 10.0.0.2[500]  (ipsec0, IKEv1)
        Cookies: 0x544cc5837f7aba35:0x8cfaf864c7f83e09
        Status: established
        Side: initiator
        Algorithms: aes256/sha256/modp1536
        NAT: none
        Phase2 SAs: 1
        Create Time: 2026-11-02 01:02:03
        Lifetime[sec]: 86400 (86251 left)
        Identity (local): 10.0.0.1 (address)
        Identity (remote): 10.0.0.2 (address)
`);
  });

  test('one that is being negotiated has neither algorithms nor a creation time', () => {
    const { suite: _suite, created: _created, left: _left, ...rest } = ike;
    const text = showIke([{ ...rest, version: 2, status: 'init', side: 'responder' }]);
    expect(text).toContain('(ipsec0, IKEv2)\n');
    expect(text).toContain(
      '        Status: 1st message sent or received\n        Side: responder\n        NAT:',
    );
    expect(text).toContain('        Create Time: -\n        Lifetime[sec]: 86400\n');
  });

  test('several stand apart, none is (None)', () => {
    expect(showIke([ike, ike]).split('\n\n')).toHaveLength(2);
    expect(showIke([])).toBe('(None)\n');
  });
});

describe('show status ipsec', () => {
  test('a tunnel that is up, and one that is down with its reason', () => {
    expect(showIpsec([tunnel, down])).toBe(`\
IPSEC   10.0.0.1 <------> 10.0.0.2  (ipsec0)
        Status: up
        SPI: 0x00c0ffee (in), 0xdeadbeef (out), active
        Algorithms: aes256/sha256, ESP in UDP, tunnel mode
        Lifetime[sec]: 28800 (28700 left)
        In: 1 packets, 84 octets
        Out: 2 packets, 168 octets

IPSEC   10.0.0.1 <------> 10.0.0.3  (ipsec1)
        Status: down, because the peer does not answer
`);
  });

  test('an old reason is not told of a tunnel that is up', () => {
    expect(showIpsec([{ ...tunnel, reasonText: 'long ago' }])).not.toContain('long ago');
  });

  test('native ESP, and a lifetime that is over', () => {
    const text = showIpsec([{ ...tunnel, children: [{ ...child, encapsulation: 'native', age: 28801 }] }]);
    expect(text).toContain('aes256/sha256, ESP, tunnel mode');
    expect(text).toContain('28800 (0 left)');
  });

  test('none is (None)', () => expect(showIpsec([])).toBe('(None)\n'));
});

describe('show status ipsec.security-policy', () => {
  test('every policy, up or down, and what the SAs under it were negotiated for', () => {
    expect(showSecurityPolicy([tunnel, down])).toBe(`\
POLICY  ipsec0
        Local: 192.168.1.0/24, ::/0
        Remote: 192.168.0.0/16
        Mode: tunnel, 10.0.0.1 - 10.0.0.2
        Packets: what is routed to ipsec0
        Status: up
        SPI: 0x00c0ffee (in), 0xdeadbeef (out), active
             192.168.1.0/24, ::/0 === 192.168.2.0/24

POLICY  ipsec1
        Local: 10.0.0.1/32
        Remote: 10.0.0.3/32
        Mode: transport, 10.0.0.1 - 10.0.0.3
        Packets: what the policy names; in clear they are dropped
        Status: down, because the peer does not answer
`);
  });

  test('none is (None)', () => expect(showSecurityPolicy([])).toBe('(None)\n'));
});

describe('show status interface.ipsec0', () => {
  test('up, with drops by their names', () => {
    const drops = { replayed: 3, 'bad-icv': 1 };
    expect(showInterface({ ...tunnel, counters: { ...tunnel.counters!, drops } })).toBe(`\
interface ipsec0:
Status: link up
Ipkts: 1, Opkts: 2, Drops: 4
InOctets: 84, OutOctets: 168
  replayed: 3
  bad-icv: 1
MTU: 1422
Address: 192.168.1.1/32
Tunnel address: 10.0.0.1 --> 10.0.0.2
SPI: 0x00c0ffee (in), 0xdeadbeef (out), active
Algorithms: aes256/sha256, ESP in UDP, tunnel mode
Lifetime[sec]: 28800 (28700 left)
In: 1 packets, 84 octets
Out: 2 packets, 168 octets
`);
  });

  test('down, and not counted yet', () => {
    expect(showInterface(down)).toBe(`\
interface ipsec1:
Status: link down (down, because the peer does not answer)
Ipkts: 0, Opkts: 0, Drops: 0
InOctets: 0, OutOctets: 0
MTU: 1422
Address: 10.1.0.1/30
Tunnel address: 10.0.0.1 --> 10.0.0.3
`);
  });
});
