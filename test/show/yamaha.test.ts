// Yamaha's layouts (dialects.md B.5): golden text for made-up views, in both languages.
import { describe, expect, test } from 'vitest';
import { showOverview, withRates } from '../../src/show/overview.ts';
import type { ChildView, IkeView, TunnelView } from '../../src/show/view.ts';
import { showGateway, showGatewayDetail, showRoutes, showSa, showTunnel } from '../../src/show/yamaha.ts';

const NOW = new Date(2026, 10, 22, 23, 27, 43);

const ike: IkeView = {
  number: 1,
  connection: 'ipsec0',
  version: 1,
  local: '192.0.2.1[500]',
  remote: '198.51.100.1[500]',
  spiI: '544cc5837f7aba35',
  spiR: '8cfaf864c7f83e09',
  status: 'established',
  side: 'initiator',
  suite: 'aes128/sha1/modp1024',
  children: 1,
  lifetime: 28800,
  left: 27384,
  identityLocal: '192.0.2.1 (address)',
  identityRemote: '198.51.100.1 (address)',
  nat: 'none',
};

const child: ChildView = {
  numbers: { send: 2, recv: 3 },
  mode: 'tunnel',
  connection: 'ipsec0',
  spiIn: 0xc0ffee,
  spiOut: 0xdeadbeef,
  state: 'live',
  suite: 'aes256/sha256/modp1024',
  weak: '',
  encapsulation: 'native',
  selectors: { local: ['0.0.0.0/0'], remote: ['0.0.0.0/0'] },
  age: 100,
  lifetime: 2285,
  in: { packets: 990, octets: 84, lost: 10 },
  out: { packets: 2, octets: 168 },
};

const tunnel: TunnelView = {
  connection: 'ipsec0',
  policy: { mode: 'tunnel', by: 'route', local: ['0.0.0.0/0'], remote: ['0.0.0.0/0'] },
  local: '192.0.2.1',
  remote: '198.51.100.1',
  state: 'up',
  since: new Date(2026, 10, 22, 18, 19, 45).toISOString(),
  mtu: 1280,
  addresses: ['192.168.1.1/32'],
  counters: { name: 'ipsec0', rxPackets: 3933, rxOctets: 244941, txPackets: 1, txOctets: 1, drops: {} },
  children: [child],
};

const down: TunnelView = {
  ...tunnel,
  connection: 'ipsec1',
  state: 'down',
  since: undefined as never,
  reason: { code: 'TIMEOUT', text: '203.0.113.9 did not answer' },
  children: [],
};

const numbers = (c: string) =>
  c === 'ipsec0' ? { tunnel: 1, gateway: 1, policy: 101 } : { tunnel: 2, gateway: 12, policy: 112 };
const source = { ike: [ike], tunnels: [tunnel, down], numbers };

describe('show ipsec sa', () => {
  test('every SA in a row; the IKE SA is called ike under version 2', () => {
    expect(showSa(source)).toBe(`\
Total: isakmp:1 send:1 recv:1

sa    sgw  isakmp connection    dir  life[s] remote-id
----------------------------------------------------------------------------
1     1    -      isakmp        -    27384   198.51.100.1
2     1    1      tun[0001]esp  send 2185    198.51.100.1
3     1    1      tun[0001]esp  recv 2185    198.51.100.1
`);
    expect(showSa({ ...source, ike: [{ ...ike, version: 2 }] })).toMatch(/^1 +1 +- +ike +- +27384/m);
  });

  test('gateways by their own numbers', () => {
    expect(showGateway(source)).toMatch(/^1 +U K +192\.0\.2\.1 +198\.51\.100\.1 +i:1 s:1 r:1$/m);
    expect(showGateway(source)).toMatch(/^12 .* i:0 s:0 r:0$/m);
    expect(showGateway(source, 12)).not.toMatch(/^1 /m);
  });

  test('detail names everything but the key', () => {
    expect(showGatewayDetail(source, 1)).toBe(`\
SA[1] Duration: 27384s
Local ID: 192.0.2.1
Remote ID: 198.51.100.1
Protocol: IKE
Algorithm: AES-CBC, SHA-1, MODP 1024bit
SPI: 54 4c c5 83 7f 7a ba 35 8c fa f8 64 c7 f8 3e 09
Key: ** ** ** ** **  (confidential)   ** ** ** ** **
----------------------------------------------------
SA[2] Duration: 2185s
Local ID: 192.0.2.1
Remote ID: 198.51.100.1
Direction: send
Protocol: ESP (Mode: tunnel)
Algorithm: AES256-CBC (for Auth.: HMAC-SHA-256)
SPI: de ad be ef
Key: ** ** ** ** **  (confidential)   ** ** ** ** **
----------------------------------------------------
SA[3] Duration: 2185s
Local ID: 192.0.2.1
Remote ID: 198.51.100.1
Direction: receive
Protocol: ESP (Mode: tunnel)
Algorithm: AES256-CBC (for Auth.: HMAC-SHA-256)
SPI: 00 c0 ff ee
Key: ** ** ** ** **  (confidential)   ** ** ** ** **
----------------------------------------------------
`);
  });
});

describe('show status tunnel', () => {
  test('in English and Japanese', () => {
    expect(showTunnel(tunnel, 1, 'en', NOW)).toBe(`\
TUNNEL[1]:
Description:
  Interface type: IPsec
  Current status is Online.
  from 2026/11/22 18:19:45.
  5 hours 7 minutes 58 seconds  connection.
  Maximum Transmission Unit(MTU): 1280 octets
  Received:    (IPv4/IPv6) 3933 packets [244941 octets]
  Transmitted: (IPv4/IPv6) 1 packet [1 octet]
`);
    const ja = showTunnel(tunnel, 1, 'ja', NOW);
    expect(ja).toContain('インタフェースの種類: IPsec');
    expect(ja).toContain('トンネルインタフェースは接続されています');
    expect(ja).toContain('開始: 2026/11/22 18:19:45');
  });

  test('one that is down says why', () => {
    expect(showTunnel(down, 2, 'en', NOW)).toMatch(
      /Current status is Offline\.\n {2}Reason: 203\.0\.113\.9 did not answer/,
    );
  });
});

test('show ip route', () => {
  const routes = [
    { destination: 'default', gateway: '192.0.2.254', interface: 'LAN2', kind: 'static' },
  ] as const;
  expect(showRoutes(routes, 'en')).toBe(`\
Destination         Gateway          Interface       Kind      Additional Info.
default             192.0.2.254      LAN2            static
`);
  expect(showRoutes(routes, 'ja')).toMatch(/^宛先ネットワーク/);
});

test('the overview: state in words, since when, rates, loss from the gaps of sequence numbers, when keys change', () => {
  const before = [{ ...tunnel, counters: { ...tunnel.counters!, rxOctets: 44_941 } }];
  const tunnels = withRates(before, [tunnel, down], 1);
  const links = [{ name: 'ge0', device: 'eth0', addresses: ['192.0.2.1/24'] }];
  const text = showOverview({ hostname: 'tokyo', links, tunnels, events: [] }, NOW);
  expect(text).toBe(`\
tokyo: 1 of 2 tunnels up

  ge0    (eth0) 192.0.2.1/24

  tunnel  state  peer          since  in          out  loss    rekey in
  ipsec0  up     198.51.100.1  5h 7m  1.6 Mbit/s  0    1.00 %  36m 25s
  ipsec1  down   198.51.100.1  -      0           0    -       -
  ipsec1: 203.0.113.9 did not answer
`);
});
