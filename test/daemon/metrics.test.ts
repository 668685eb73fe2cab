// What Prometheus fetches: the text format, and the server that hands it out.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { MetricsServer, metrics, type Readings } from '../../src/daemon/metrics.ts';
import type { TunnelView } from '../../src/show/view.ts';

const tunnel = (name: string, changes: Partial<TunnelView> = {}): TunnelView => ({
  connection: name,
  policy: { mode: 'tunnel', by: 'route', local: [], remote: [] },
  local: '10.0.0.1',
  remote: '10.0.0.2',
  state: 'down',
  mtu: 1422,
  addresses: [],
  children: [],
  ...changes,
});

const counters = {
  name: 'ipsec0',
  rxPackets: 7,
  rxOctets: 700,
  txPackets: 9,
  txOctets: 900,
  drops: { replayed: 3 },
};
const readings: Readings = {
  tunnels: [tunnel('ipsec0', { state: 'up', counters }), tunnel('ipsec1')],
  ike: [],
  drops: { 'unknown-spi': 4 },
};

test('every tunnel that is configured, up or down, its packets, and drops by reason', async () => {
  const lines = (await metrics(() => readings, '1.2.3').text()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'sekisho_build_info{version="1.2.3"} 1',
      'sekisho_tunnel_up{tunnel="ipsec0",peer="10.0.0.2"} 1',
      'sekisho_tunnel_up{tunnel="ipsec1",peer="10.0.0.2"} 0',
      'sekisho_tunnel_packets_total{tunnel="ipsec0",direction="in"} 7',
      'sekisho_tunnel_octets_total{tunnel="ipsec0",direction="out"} 900',
      'sekisho_tunnel_drops_total{tunnel="ipsec0",reason="replayed"} 3',
      'sekisho_drops_total{reason="unknown-spi"} 4',
    ]),
  );
});

test('fetched twice, it counts once; a tunnel that is gone leaves nothing', async () => {
  let now = readings;
  const all = metrics(() => now, '1');
  await all.text();
  expect(await all.text()).toContain('sekisho_tunnel_packets_total{tunnel="ipsec0",direction="in"} 7\n');
  now = { ...readings, tunnels: [tunnel('ipsec1')] };
  expect(await all.text()).not.toContain('ipsec0');
});

test('the dashboard asks for metrics that exist', async () => {
  const dashboard = readFileSync(new URL('../../docs/grafana.json', import.meta.url), 'utf8');
  const text = await metrics(() => ({ ...readings, ike: [] }), '1').text();
  const names = new Set(dashboard.match(/sekisho_[a-z_]+/g));
  expect(names.size).toBeGreaterThan(6);
  for (const name of names) expect(text).toContain(`# TYPE ${name} `);
});

describe('the server', () => {
  let server: MetricsServer | undefined;
  afterEach(() => server?.close());

  /** A port that nobody has. */
  async function freePort(): Promise<number> {
    const probe = createServer();
    await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
    const { port } = probe.address() as { port: number };
    await new Promise<void>((done) => probe.close(() => done()));
    return port;
  }

  test('answers GET /metrics and nothing else, and is gone when it is not wanted', async () => {
    server = new MetricsServer(() => metrics(() => readings, '1'));
    const port = await freePort();
    await server.listen({ address: '127.0.0.1', port });
    const at = `http://127.0.0.1:${port}`;
    const good = await fetch(`${at}/metrics`);
    expect([good.status, good.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/plain'),
    ]);
    expect(await good.text()).toContain('sekisho_tunnel_up');
    expect((await fetch(`${at}/`)).status).toBe(404);
    expect((await fetch(`${at}/metrics`, { method: 'POST', body: 'x' })).status).toBe(404);
    await server.listen(undefined);
    await expect(fetch(`${at}/metrics`)).rejects.toThrow();
  });

  test('an address that cannot be had is told', async () => {
    server = new MetricsServer(() => metrics(() => readings, '1'));
    await expect(server.listen({ address: '192.0.2.1', port: 9477 })).rejects.toThrow(/EADDRNOTAVAIL/);
  });
});
