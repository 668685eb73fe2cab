// `sekisho probe ike`: one version after the other at one peer, and what that comes to.
import { finding } from '../explain/finding.ts';
import type { Exchange } from './exchange.ts';
import type { ProbeReport, VersionReport } from './report.ts';
import { probeV1 } from './v1.ts';
import { probeV2 } from './v2.ts';

/** Half-open SAs that strongSwan takes from one address without wanting cookies. */
const HALF_OPEN = 2;

export type Wishes = { readonly host: string; readonly versions: readonly (1 | 2)[] };

/** `open` makes an exchange with packets of its own for each version; `sent` counts over all. */
export async function probe(
  wishes: Wishes,
  open: () => Promise<Exchange>,
  sent: () => number,
): Promise<ProbeReport> {
  const reports: VersionReport[] = [];
  let exchange: Exchange | undefined;
  for (const version of wishes.versions) {
    exchange = await open();
    // IKEv1 cannot be asked without leaving something half-open: it gets what there is.
    const halfOpen = wishes.versions.length > 1 ? 1 : HALF_OPEN;
    const report = version === 2 ? await probeV2(exchange, halfOpen) : await probeV1(exchange);
    reports.push(report);
    if (report.state === 'unreachable') break;
  }
  const { local, remote } = exchange!;
  const reachable = reports.some((r) => r.state === 'accepted' || r.state === 'refused');
  const versions = reports.map((r) => {
    if (r.state !== 'silent') return r;
    const text = reachable
      ? `no answer to IKEv${r.version}: the peer does not speak it, or not with ${local.address}`
      : `no answer: UDP ${remote.port} is blocked on the way, no IKE daemon runs at ${remote.address}, or it has none for our address (${local.address})`;
    const hint = reachable
      ? undefined
      : 'some peers answer port 500 only: try --source-port 500; look at the peer with tcpdump -n udp port 500';
    return { ...r, findings: [finding('error', 'TIMEOUT', text, hint ? { hint } : {})] };
  });
  return { host: wishes.host, local, remote, reachable, versions, packets: sent() };
}
