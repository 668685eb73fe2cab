// What a tunnel carries: echo requests for latency and loss, iperf3 for the rest where the other end answers it.
import { HostError, run } from '../host/run.ts';
import { Service } from '../host/service.ts';
import { CIPHERS, type CipherName } from '../ike/crypto/algorithm.ts';
import { parseAddress } from '../net/address.ts';
import type { Tunnel } from '../plan/desired.ts';
import { showBench, showLoopback, type TunnelBench } from '../show/bench.ts';
import { type TunnelView, tunnelView } from '../show/view.ts';
import type { Answer } from './protocol.ts';
import type { Router } from './router.ts';

const ECHOES = 200;

/** Between two of them: root alone may ask faster than every 2 ms. */
const INTERVAL_S = '0.005';

/** Of each measurement. */
const SECONDS = '5';

/** A small packet, as of voice: what costs is their number. */
const SMALL_OCTETS = '64';

/** How long we answer others. */
const SERVE_MS = 600_000;

/** `address`: behind the tunnel; without it the tunnel's own other end, where that is configured. */
export async function benchTunnel(router: Router, connection: string, address?: string): Promise<Answer> {
  const tunnel = find(router, connection);
  if (!tunnel) return unknown(router, connection);
  const to = address ?? tunnel.peer;
  if (to === undefined || parseAddress(to) === undefined)
    return {
      ok: false,
      error: `Give an address behind ${connection} that answers: bench tunnel ${connection} ADDRESS; or bench tunnel ${connection} loopback.`,
    };
  const data: TunnelBench = {
    tunnel: connection,
    address: to,
    ...(await echoes(connection, to)),
    ...(await flood(to)),
  };
  return { ok: true, text: showBench(data), data };
}

/** What the tunnel's suite carries from this machine to itself: nobody at the other end is needed. */
export async function benchLoopback(router: Router, connection: string): Promise<Answer> {
  const tunnel = find(router, connection);
  if (!tunnel) return unknown(router, connection);
  const suite = suiteOf(tunnel, tunnelView(router.source));
  try {
    const data = { tunnel: connection, suite, ...(await router.dataplane.measureLoopback(suite)) };
    return { ok: true, text: showLoopback(data), data };
  } catch (e) {
    return { ok: false, error: `${suite}: ${(e as Error).message}.` };
  }
}

/** The one that was agreed on; as long as none was, the one that is proposed first. */
function suiteOf({ name, child }: Tunnel, views: readonly TunnelView[]): string {
  const agreed = views.find((v) => v.connection === name)?.children.find((c) => c.state === 'live')?.suite;
  const [cipher, integrity] = agreed?.split('/') ?? [child.ciphers[0], child.hashes[0]];
  return CIPHERS[cipher as CipherName].aead ? cipher : `${cipher}/${integrity}`;
}

function find(router: Router, connection: string): Tunnel | undefined {
  return router.desired?.tunnels.find((t) => t.name === connection);
}

function unknown(router: Router, connection: string): Answer {
  const known = (router.desired?.tunnels ?? []).map((t) => t.name).join(', ') || 'none is configured';
  return { ok: false, error: `There is no tunnel ${connection}: ${known}.` };
}

async function echoes(device: string, to: string): Promise<Pick<TunnelBench, 'echo' | 'noEcho'>> {
  const args = ['-n', '-q', '-c', String(ECHOES), '-i', INTERVAL_S, '-W', '1', '-I', device, to];
  try {
    const out = await run('ping', args);
    const [, lost] = /([\d.]+)% packet loss/.exec(out) ?? [];
    const [, least, average, most] = /= ([\d.]+)\/([\d.]+)\/([\d.]+)/.exec(out) ?? [];
    const ms = { least: Number(least), average: Number(average), most: Number(most) };
    return { echo: { sent: ECHOES, lossPercent: Number(lost), ...(average === undefined ? {} : { ms }) } };
  } catch (e) {
    const { message } = e as Error;
    // That is how ping says that nothing came back.
    if (message.endsWith('exit code 1')) return { echo: { sent: ECHOES, lossPercent: 100 } };
    return { noEcho: message };
  }
}

type Report = {
  readonly error?: string;
  readonly end?: {
    readonly sum_received?: { readonly bits_per_second: number };
    readonly sum?: { readonly packets: number; readonly seconds: number; readonly lost_percent: number };
  };
};

async function iperf(to: string, more: readonly string[]): Promise<Report> {
  const out = await run('iperf3', ['-c', to, '-J', '-t', SECONDS, '--connect-timeout', '2000', ...more]);
  const report = JSON.parse(out) as Report;
  if (report.error) throw new HostError(report.error);
  return report;
}

async function flood(to: string): Promise<Pick<TunnelBench, 'flood' | 'noFlood'>> {
  try {
    const sent = (await iperf(to, [])).end?.sum_received?.bits_per_second ?? 0;
    const received = (await iperf(to, ['-R'])).end?.sum_received?.bits_per_second ?? 0;
    const small = (await iperf(to, ['-u', '-b', '0', '-l', SMALL_OCTETS])).end?.sum;
    return {
      flood: {
        sendBits: sent,
        receiveBits: received,
        ...(small
          ? {
              packets: (small.packets * (1 - small.lost_percent / 100)) / small.seconds,
              lossPercent: small.lost_percent,
            }
          : {}),
      },
    };
  } catch {
    return { noFlood: `nobody answers iperf3 at ${to}: let \`bench serve\` run at the other end` };
  }
}

/** Answers others' measurements for a while. One at a time. */
let serving: Service | undefined;

export function benchServe(): Answer {
  void serving?.stop();
  const service = new Service('iperf3', ['-s', '--forceflush'], { ended: () => {} });
  serving = service;
  setTimeout(() => void service.stop(), SERVE_MS).unref();
  return {
    ok: true,
    text: `Measurements are answered for ${SERVE_MS / 60_000} minutes, TCP and UDP port 5201.\n`,
  };
}
