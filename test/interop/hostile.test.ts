// Octets from nowhere at the sockets of a router whose tunnel carries traffic.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HOST2, openPair, type Pair, pairConfig } from './pair.ts';
import { Sekisho } from './sekisho.ts';
import { continuousPing, pingUntil } from './traffic.ts';

let pair: Pair;
let a: Sekisho;

beforeAll(async () => {
  pair = await openPair('hostile');
  const lines = ['interface.ipsec0.nat-traversal : force', 'interface.ipsec0.ike.version : 2'];
  await Sekisho.start(
    pair.lab,
    pair.b,
    'b',
    pairConfig(2, ...lines, 'interface.ipsec0.responder-only : enable'),
  );
  a = await Sekisho.start(pair.lab, pair.a, 'a', pairConfig(1, ...lines));
  await a.waitUp();
});
afterAll(() => pair?.lab.close());

/** Sends from the peer's own address and from a stranger's: every length from nothing to a full datagram. */
const FLOOD = `
  use IO::Socket::INET; srand 1;
  my $s = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $ARGV[0]) or die $!;
  my $spi = pack 'N', $ARGV[1];
  for my $port (500, 4500) {
    my $to = sockaddr_in($port, inet_aton('10.0.0.1'));
    for my $n (0 .. 2000, 8191, 16384, 65507) {
      my $random = join '', map { chr rand 256 } 1 .. ($n > 64 ? 64 : $n);
      my $body = substr($random x (1 + $n / 64), 0, $n);
      send $s, $_, 0, $to for $body, "\\0\\0\\0\\0" . substr($body, 4), $spi . substr($body, 4), "\\xff";
    }
  }`;

test('truncated, oversized and forged datagrams change nothing and are counted', async () => {
  expect(await pingUntil(pair.host1, HOST2, 5000)).toBe(true);
  const { children } = (await a.tunnel())!;
  const trace = continuousPing(pair.host1, HOST2, 20);
  await pair.b.ip('address', 'add', '10.0.0.66/24', 'dev', 'ge0');
  for (const source of ['10.0.0.66', '10.0.0.2']) {
    await pair.b.exec(['perl', '-MSocket', '-e', FLOOD, source, String(children[0].spiIn)], {
      timeoutMs: 60_000,
    });
  }
  expect((await trace.stop()).lost).toEqual([]);
  const after = (await a.tunnel())!;
  expect(after.children.map((c) => c.spiIn)).toEqual(children.map((c) => c.spiIn));
  const drops = after.counters!.drops;
  expect(drops['malformed-esp']).toBeGreaterThan(0);
  // Of the forged ESP, every sixteenth length is whole blocks and gets as far as the window or the ICV.
  expect((drops['authentication-failed'] ?? 0) + (drops.replayed ?? 0)).toBeGreaterThan(100);
  expect(a.running).toBe(true);
  expect((await a.log()).filter((e) => e.level === 'error')).toEqual([]);
});
