// Two routers of ours.
import { type Pair, pairConfig } from '../../test/interop/pair.ts';
import { Sekisho } from '../../test/interop/sekisho.ts';

export type Suite = { cipher: string; mac: string; form: 'udp' | 'native' };

/** The lines of a configuration that choose how `ipsec<index>` protects packets. */
export function suiteLines({ cipher, mac, form }: Suite, index = 0): string[] {
  const tunnel = `interface.ipsec${index}`;
  return [
    `${tunnel}.ike.version : 2`,
    `${tunnel}.ike.proposal.phase1.dh-group : x25519`,
    `${tunnel}.ike.proposal.phase2.encryption.0.algorithm : ${cipher}`,
    `${tunnel}.ike.proposal.phase2.authentication.0.algorithm : ${mac}`,
    `${tunnel}.nat-traversal : ${form === 'udp' ? 'force' : 'enable'}`,
  ];
}

export async function startSekisho(net: Pair, suite: Suite): Promise<void> {
  const [a] = await startRouters(net, suiteLines(suite));
  const sa = (await a.waitUp()).children[0];
  if (!sa.suite.startsWith(suite.cipher) || sa.encapsulation !== suite.form)
    throw new Error(`negotiated ${sa.suite}, ${sa.encapsulation} instead of ${suite.cipher}, ${suite.form}`);
}

/** Both routers, `lines` beside what pair.ts gives them; router B waits for A to begin. */
export async function startRouters(net: Pair, lines: string[]): Promise<[Sekisho, Sekisho]> {
  const b = await Sekisho.start(net.lab, net.b, 'b', pairConfig(2, ...lines, PASSIVE));
  const a = await Sekisho.start(net.lab, net.a, 'a', pairConfig(1, ...lines));
  await a.waitUp();
  await b.waitUp();
  return [a, b];
}

export const PASSIVE = 'interface.ipsec0.ike.responder-only : enable';
