// The fake is held to the native engine's contract where no kernel is needed: names, windows, limits, succession.
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeDataplane, type FakeEsp } from '../../src/dataplane/fake.ts';
import type { DataplaneEvent } from '../../src/dataplane/port.ts';
import type { EspSa } from '../../src/ike/io.ts';
import { Secret } from '../../src/net/secret.ts';

const native = readFileSync(new URL('../../native/path/drops.h', import.meta.url), 'utf8');
const nativeDrops = [...native.matchAll(/X\(k\w+, "([a-z0-9-]+)"\)/g)].map((m) => m[1]);

let now = 0;
let events: DataplaneEvent[];
let wire: FakeEsp[];
let out: Uint8Array[];
let fake: FakeDataplane;

beforeEach(() => {
  now = 0;
  [events, wire, out] = [[], [], []];
  fake = new FakeDataplane({
    now: () => now,
    random: (n) => Uint8Array.from({ length: n }, (_, i) => i + 1),
    onEvent: (e) => events.push(e),
    sendEsp: (p) => wire.push(p),
    sendIke: () => {},
    deliver: (_, inner) => out.push(inner),
  });
  fake.openTunnel({ name: 'ipsec0', mtu: 1400, mss4: 0, mss6: 0, tos: 0, df: 'set', ipv6: false });
});

function sa(spi: number, changes: Partial<EspSa> = {}): EspSa {
  return {
    tunnel: 'ipsec0',
    transport: false,
    loose: false,
    spi,
    cipher: 'aes128-gcm16',
    key: new Secret(new Uint8Array(20).fill(spi)),
    esn: false,
    replayWindow: 64,
    encapsulated: true,
    ecn: false,
    local: { address: '10.0.0.1', port: 4500 },
    remote: { address: '10.0.0.2', port: 4500 },
    soft: { seconds: 100 },
    hard: { seconds: 120 },
    ...changes,
  };
}

const v4 = Uint8Array.of(0x45, 0);
const packet = (spi: number, sequence: number, changes: Partial<FakeEsp> = {}): FakeEsp => ({
  from: { address: '10.0.0.2', port: 4500 },
  to: { address: '10.0.0.1', port: 4500 },
  spi,
  sequence,
  key: new Uint8Array(20).fill(spi),
  inner: v4,
  ...changes,
});

const drops = () => fake.statistics().tunnels[0].drops;

test('its drop reasons are among the native ones', () => {
  fake.transmit('ipsec0', v4);
  fake.transmit('ipsec0', Uint8Array.of(0x60));
  fake.installInbound(sa(300));
  for (const p of [packet(300, 1), packet(300, 1), packet(300, 2, { key: new Uint8Array(20) })])
    fake.receive(p);
  fake.receive(packet(999, 1));
  const names = [...Object.keys(drops()), ...Object.keys(fake.statistics().drops)];
  expect(names.sort()).toEqual([
    'authentication-failed',
    'ipv6-blocked',
    'no-outbound-sa',
    'replayed',
    'unknown-spi',
  ]);
  expect(nativeDrops).toEqual(expect.arrayContaining(names));
});

describe('outbound', () => {
  test('traffic without an SA asks once, and again after the next loss', () => {
    for (let i = 0; i < 3; i++) fake.transmit('ipsec0', v4);
    expect(events).toEqual([{ kind: 'acquire', tunnel: 'ipsec0' }]);
    fake.installOutbound(sa(300));
    fake.removeOutbound('ipsec0', 300);
    fake.transmit('ipsec0', v4);
    expect(events).toHaveLength(2);
  });

  test('the newest SA is used; when it goes, the one before takes over with its own sequence numbers', () => {
    fake.installOutbound(sa(300));
    fake.transmit('ipsec0', v4);
    fake.installOutbound(sa(301));
    fake.transmit('ipsec0', v4);
    fake.removeOutbound('ipsec0', 301);
    fake.transmit('ipsec0', v4);
    expect(wire.map((p) => [p.spi, p.sequence])).toEqual([
      [300, 1],
      [301, 1],
      [300, 2],
    ]);
  });
});

describe('inbound', () => {
  test('each limit speaks once, and a hard one stops the SA', () => {
    fake.installInbound(sa(300, { soft: { seconds: 9, packets: 2 }, hard: { seconds: 9, packets: 3 } }));
    for (let n = 1; n <= 5; n++) fake.receive(packet(300, n));
    expect(events.filter((e) => e.kind === 'expire')).toEqual([
      { kind: 'expire', spi: 300, limit: 'soft', cause: 'packets' },
      { kind: 'expire', spi: 300, limit: 'hard', cause: 'packets' },
    ]);
    expect(out).toHaveLength(3);
    expect(drops()['sa-expired']).toBe(2);
  });

  test('time limits come with the tick', () => {
    fake.installInbound(sa(300));
    now = 100_000;
    fake.tick();
    fake.tick();
    expect(events).toEqual([{ kind: 'expire', spi: 300, limit: 'soft', cause: 'time' }]);
  });

  test('the first packet is told once; a new source only by an authentic, newest packet (RFC 7296 2.23)', () => {
    const elsewhere = { from: { address: '10.0.0.3', port: 9 } };
    fake.installInbound(sa(300));
    fake.receive(packet(300, 5));
    fake.receive(packet(300, 6, { ...elsewhere, key: new Uint8Array(20) }));
    fake.receive(packet(300, 4, elsewhere));
    expect(events).toEqual([{ kind: 'first-packet', spi: 300 }]);
    fake.receive(packet(300, 7, elsewhere));
    expect(events[1]).toEqual({ kind: 'peer-moved', spi: 300, remote: elsewhere.from });
  });
});
