// Hostile datagrams at engines in every state: half-open as initiator and as responder, and established. Nothing throws,
// half-open SAs stay few, an established SA and its child live on, and what was half-open comes up in the end.
import { equalConstantTime, hex } from '../../src/net/bytes.ts';
import { A, B, live, type Node, pair } from '../ike/simulation.ts';
import { conversation } from './corpus.ts';
import { Mutator } from './mutate.ts';

export type Scene = {
  readonly name: string;
  readonly version: 1 | 2;
  /** Datagrams of the negotiation that arrive before the storm; undefined: all of them. */
  readonly passed?: number;
  /** Whether the tunnel must come up when the storm is over. */
  readonly heals: boolean;
};

/** Main mode, INITIAL-CONTACT and quick mode are ten datagrams, IKE_SA_INIT and IKE_AUTH four. */
export const SCENES: readonly Scene[] = [
  ...Array.from({ length: 10 }, (_, n) => scene(1, n)),
  ...Array.from({ length: 4 }, (_, n) => scene(2, n)),
  ...[scene(1), scene(2)],
];

function scene(version: 1 | 2, passed?: number, heals = true): Scene {
  const name = passed === undefined ? 'established' : `${passed} datagrams passed`;
  return { name: `IKEv${version}, ${name}`, version, heals, ...(passed === undefined ? {} : { passed }) };
}

/** An engine asks for cookies from 32 half-open SAs on, and drops first messages of IKEv1 from 256 on. */
const MOST_HALF_OPEN = { 1: 256 + 4, 2: 32 + 4 };

/** The storm has to be over before the half-open SAs under it end by themselves. */
const STORM_SECONDS = 10;

export type EngineReport = { mostHalfOpen: number; sent: number; children: number };

export function fuzzEngine(scene: Scene, datagrams: number, seed: number): EngineReport {
  const { version, passed } = scene;
  const mutator = new Mutator(seed);
  const { network, a, b } = pair(seed, { version });
  let count = 0;
  network.filter = () => passed === undefined || count++ < passed;
  network.run(5);
  const ours = network.log.map((entry) => entry.data);
  const corpus = [...conversation(seed + 1, 1), ...conversation(seed + 1, 2)];
  const before = [a, b].map(standing);
  const report: EngineReport = { mostHalfOpen: 0, sent: 0, children: 0 };

  network.filter = () => false;
  for (let n = 0; n < datagrams; n++) {
    // Mostly messages of this very conversation: their SPIs find an SA.
    const message = mutator.pick(mutator.below(4) === 0 ? corpus : ours);
    const other = mutator.pick(mutator.below(2) === 0 ? corpus : ours);
    storm(mutator, mutator.pick([a, b]), mutator.below(30) === 0 ? other : mutator.mutate(message, other));
    if (n % 8 === 7) network.run((STORM_SECONDS * 8) / datagrams);
    report.mostHalfOpen = Math.max(report.mostHalfOpen, ...[a, b].map(halfOpen));
    if (report.mostHalfOpen > MOST_HALF_OPEN[version])
      throw new Error(`${report.mostHalfOpen} half-open SAs`);
  }
  report.sent = network.log.length - ours.length;

  network.filter = () => true;
  if (passed === undefined && [a, b].map(standing).join() !== before.join())
    throw new Error(`the tunnel changed under the storm: ${before.join()} to ${[a, b].map(standing).join()}`);
  if (!scene.heals) return report;
  const up = () => [a, b].every((node) => standing(node) !== '');
  if (!network.runUntil(up, 600)) throw new Error('no tunnel ten minutes after the storm');
  network.run(120);
  exchange(a, b);
  exchange(b, a);
  report.children = live(a).length;
  return report;
}

/** Any datagram from the peer's address, now and then from a stranger's or to another port. */
function storm(mutator: Mutator, node: Node, data: Uint8Array): void {
  const peer = node.address === A ? B : A;
  const remote = mutator.below(10) === 0 ? '192.0.2.66' : peer;
  const [from, to] = mutator.pick([
    ...[[500, 500] as const, [500, 500] as const, [4500, 4500] as const],
    [1024 + mutator.below(1000), 4500] as const,
  ]);
  try {
    node.input({
      ...{ kind: 'datagram', local: { address: node.address, port: to } },
      ...{ remote: { address: remote, port: from }, data },
    });
  } catch (e) {
    throw new Error(`thrown for ${hex(data)}`, { cause: e });
  }
}

function halfOpen(node: Node): number {
  const sas = [...node.engine.connections.values()].flatMap((c) => [...c.sas]);
  return sas.filter((sa) => sa.state === 'init' || sa.state === 'keyed' || sa.state === 'auth').length;
}

/** The established SAs and the live children of a node by their numbers; empty while one of either is missing. */
function standing(node: Node): string {
  const { sas } = node.engine.connections.get('ipsec0')!;
  const up = [...sas].filter((sa) => sa.state === 'established').map((sa) => sa.id);
  const children = live(node).map((c) => `${c.spiIn}-${c.spiOut}`);
  return up.length > 0 && children.length > 0 ? `${up.join('+')}/${children.join('+')}` : '';
}

/** Packets go through the tunnel: the keys of both ends are the same. */
function exchange(from: Node, to: Node): void {
  const packet = Uint8Array.of(0x45, 0, to.received.length);
  from.dataplane.transmit('ipsec0', packet);
  from.network.run(1);
  const last = to.received.at(-1);
  if (!last || !equalConstantTime(last.inner, packet)) throw new Error('the tunnel carries nothing');
}
