// What Prometheus may fetch: every tunnel that is configured, whether it is up, and why packets were dropped.
import { createServer, type Server } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Statistics } from '../dataplane/port.ts';
import type { Endpoint } from '../net/endpoint.ts';
import type { IkeView, TunnelView } from '../show/view.ts';

/** What the numbers come from, at the moment when somebody asks. */
export type Readings = {
  readonly tunnels: readonly TunnelView[];
  readonly ike: readonly IkeView[];
  readonly drops: Statistics['drops'];
};

export type Metrics = {
  readonly contentType: string;
  /** In Prometheus's text format, as it is now. */
  readonly text: () => Promise<string>;
};

/** `version`: of Sekisho. */
export function metrics(read: () => Readings, version: string): Metrics {
  const all = new Registry();
  let now: Readings = { tunnels: [], ike: [], drops: {} };
  const registers = [all];
  collectDefaultMetrics({ register: all, prefix: 'sekisho_' });
  new Gauge({
    name: 'sekisho_build_info',
    help: 'Always 1; the version is a label.',
    labelNames: ['version'],
    registers,
  })
    .labels(version)
    .set(1);

  /** Filled anew with every fetch, so that a tunnel that is gone leaves no number behind. */
  const filled = <M extends Gauge | Counter>(fill: (metric: M) => void) =>
    function collect(this: M) {
      this.reset();
      fill(this);
    };
  const gauge = (name: string, help: string, labelNames: string[], fill: (g: Gauge) => void) =>
    new Gauge({ name, help, labelNames, registers, collect: filled(fill) });
  const counter = (name: string, help: string, labelNames: string[], fill: (c: Counter) => void) =>
    new Counter({ name, help, labelNames, registers, collect: filled(fill) });

  gauge(
    'sekisho_tunnel_up',
    '1 while a tunnel that is configured carries packets, else 0.',
    ['tunnel', 'peer'],
    (g) => {
      for (const t of now.tunnels) g.labels(t.connection, t.remote).set(t.state === 'up' ? 1 : 0);
    },
  );
  gauge('sekisho_tunnel_mtu_octets', 'The largest packet that the tunnel carries whole.', ['tunnel'], (g) => {
    for (const t of now.tunnels) g.labels(t.connection).set(t.mtu);
  });
  gauge('sekisho_ipsec_sas', 'IPsec SAs of a tunnel, of either direction one.', ['tunnel'], (g) => {
    for (const t of now.tunnels) g.labels(t.connection).set(t.children.length);
  });
  gauge(
    'sekisho_ipsec_sa_left_seconds',
    'What is left of the lifetime of the SA that lives longest.',
    ['tunnel'],
    (g) => {
      for (const { connection, children } of now.tunnels)
        if (children.length > 0)
          g.labels(connection).set(Math.max(0, ...children.map((c) => c.lifetime - c.age)));
    },
  );
  gauge('sekisho_ike_sas', 'IKE SAs by connection and state.', ['connection', 'version', 'state'], (g) => {
    for (const sa of now.ike) g.labels(sa.connection, String(sa.version), sa.status).inc();
  });
  for (const [unit, of] of [
    ['packets', { in: 'rxPackets', out: 'txPackets' }],
    ['octets', { in: 'rxOctets', out: 'txOctets' }],
  ] as const)
    counter(`sekisho_tunnel_${unit}_total`, `Inner ${unit} of a tunnel.`, ['tunnel', 'direction'], (c) => {
      for (const { connection, counters } of now.tunnels)
        for (const direction of ['in', 'out'] as const)
          c.labels(connection, direction).inc(counters?.[of[direction]] ?? 0);
    });
  counter(
    'sekisho_tunnel_drops_total',
    'Packets of a tunnel that were dropped, by reason.',
    ['tunnel', 'reason'],
    (c) => {
      for (const { connection, counters } of now.tunnels)
        for (const [reason, count] of Object.entries(counters?.drops ?? {}))
          c.labels(connection, reason).inc(count);
    },
  );
  counter(
    'sekisho_drops_total',
    'Packets that were dropped before a tunnel was known, by reason.',
    ['reason'],
    (c) => {
      for (const [reason, count] of Object.entries(now.drops)) c.labels(reason).inc(count);
    },
  );
  return {
    contentType: all.contentType,
    text: () => {
      now = read();
      return all.metrics();
    },
  };
}

/** Answers GET /metrics and nothing else; where nobody is to ask, nobody listens. */
export class MetricsServer {
  readonly #make: () => Metrics;
  /** Made with the first server: the process's own measurements cost something all the time. */
  #metrics: Metrics | undefined;
  #server: Server | undefined;

  constructor(make: () => Metrics) {
    this.#make = make;
  }

  /** Undefined closes it. Rejects when the address cannot be had. */
  async listen(at: Endpoint | undefined): Promise<void> {
    await this.close();
    if (!at) return;
    this.#metrics ??= this.#make();
    const { text, contentType } = this.#metrics;
    const server = createServer(
      { requestTimeout: 5000, headersTimeout: 5000, maxHeaderSize: 8192 },
      (request, response) => {
        if (request.method !== 'GET' || request.url !== '/metrics') {
          response.writeHead(404).end();
          return;
        }
        text().then(
          (body) => response.writeHead(200, { 'content-type': contentType }).end(body),
          () => response.writeHead(500).end(),
        );
      },
    );
    server.maxConnections = 16;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: at.address, port: at.port }, resolve);
    });
    server.on('error', () => {}); // A client's trouble is its own.
    this.#server = server;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
