// A stage for collisions (RFC 7296 2.8.1, 2.8.2, 2.25): two engines with a tunnel between them, packets all the time in
// both directions, commands to renew and to delete, faults of single messages, and what must hold when all is over.
import type { ChildSa } from '../../../src/ike/child.ts';
import type { IkeSa } from '../../../src/ike/v2/sa.ts';
import { EXCHANGE, FLAG } from '../../../src/ike/wire/numbers.ts';
import { hex } from '../../../src/net/bytes.ts';
import { A, type Changes, type Network, type Node, pair, SETTINGS } from '../simulation.ts';

/** Nonces of a length that nothing else random has, so that a test can tell and choose them. */
const NONCE_OCTETS = 24;

/** Few liveness checks: hours of them cost the test more than what it looks at. */
const CALM = { ...SETTINGS, dpdInterval: 120 };

/** 5 ms there and back, what public-key work takes, and what the packets' rhythm blurs. */
export const ROUND_TRIP_MS = 2 * 5 + 4 + 2;

/** Where the IKE SA is deleted, a new one takes two exchanges (RFC 7296 1.2). */
export const TWO_ROUND_TRIPS_MS = 2 * 2 * 5 + 4 + 2;

/** Where a new child was refused for now, the second try (RFC 7296 2.25) and what it takes. */
export const PATIENCE_MS = 500 + 5 * ROUND_TRIP_MS;

/** What two lost copies of one request cost (4 s and 7.2 s), and a refusal that asks for patience (2.25). */
export const RETRANSMISSION_MS = 11_200 + 10_000;

/** How long after a message of theirs the engines may do something about SAs. */
const BUSY_MS = 150;

export type Side = 'a' | 'b';

/** What a fault befalls: "a create request" is A's CREATE_CHILD_SA, "b inform response" B's answer to A's Delete. */
export type Target = `${Side} ${'create' | 'inform'} ${'request' | 'response'}`;

/** Its next `times` copies are lost, or come late by as many ms. */
export type Fault = { readonly target: Target; readonly fate: 'drop' | number; times: number };

const TARGETS = (['a', 'b'] as const).flatMap((side) =>
  (['create', 'inform'] as const).flatMap((exchange) =>
    (['request', 'response'] as const).map((kind): Target => `${side} ${exchange} ${kind}`),
  ),
);

/** Every message lost once and twice, and late by less than a round trip, by more, and by a retransmission. */
export const FAULTS: readonly Fault[] = TARGETS.flatMap((target) =>
  (
    [
      ['drop', 1],
      ['drop', 2],
      [3, 1],
      [30, 1],
      [6000, 1],
    ] as const
  ).map(([fate, times]) => ({ target, fate, times })),
);

export type Stage = {
  readonly network: Network;
  readonly a: Node;
  readonly b: Node;
  readonly faults: Fault[];
  /** Packets from either side: when each was sent, and whether it arrived. */
  readonly traffic: Record<Side, { sent: number[]; arrived: Set<number> }>;
  busy: boolean;
  /** Between packets while the engines have much to say, and while they have not. */
  rhythm: readonly [busy: number, calm: number];
};

/** A tunnel that stands, with packets in both directions, before anything happens. */
export function stage(seed = 1, changes: Changes = {}): Stage {
  const { network, a, b } = pair(seed, { version: 2, nonceOctets: NONCE_OCTETS, ...changes }, CALM);
  network.espFaults = {};
  // Long enough for twins to be thinned out.
  network.run(19);
  const flow = () => ({ sent: [] as number[], arrived: new Set<number>() });
  const s: Stage = {
    network,
    a,
    b,
    faults: [],
    traffic: { a: flow(), b: flow() },
    busy: true,
    rhythm: [2, 50],
  };
  network.filter = (from, _to, data) => {
    const exchange = { [EXCHANGE.CREATE_CHILD_SA]: 'create', [EXCHANGE.INFORMATIONAL]: 'inform' }[data[18]];
    const target = `${from.address === A ? 'a' : 'b'} ${exchange} ${data[19] & FLAG.RESPONSE ? 'response' : 'request'}`;
    const fault = s.faults.find((f) => f.target === target && f.times > 0);
    if (!fault) return true;
    fault.times--;
    return fault.fate === 'drop' ? false : fault.fate;
  };
  talk(s);
  network.run(0.05);
  return s;
}

/** Both sides send a numbered packet every few ms, until the stage is quiet. */
function talk(s: Stage): void {
  for (const node of [s.a, s.b]) node.received.length = 0;
  const began = s.network.now;
  const tick = () => {
    if (!s.busy) return;
    for (const side of ['a', 'b'] as const) {
      const { sent } = s.traffic[side];
      s[side].dataplane.transmit('ipsec0', Uint8Array.of(0x45, ...number(sent.length)));
      sent.push(s.network.now);
    }
    const calm = s.network.now - Math.max(began, s.network.log.at(-1)!.at) > BUSY_MS;
    s.network.after(s.rhythm[calm ? 1 : 0], tick);
  };
  tick();
}

const number = (n: number) => [n >> 16, (n >> 8) & 255, n & 255];

/** The longest time during which every packet of a direction was lost, in ms. */
export function blackhole(s: Stage): number {
  return Math.max(silence(s, 'a'), silence(s, 'b'));
}

function silence(s: Stage, from: Side): number {
  const { sent, arrived } = s.traffic[from];
  for (const { inner } of s[from === 'a' ? 'b' : 'a'].received)
    arrived.add((inner[1] << 16) | (inner[2] << 8) | inner[3]);
  let longest = 0;
  let since = -1;
  sent.forEach((at, n) => {
    if (since >= 0) longest = Math.max(longest, at - since);
    if (arrived.has(n)) since = -1;
    else if (since < 0) since = at;
  });
  return longest;
}

export function connection(node: Node) {
  return node.engine.connections.get('ipsec0')!;
}

export function ikeSa(node: Node): IkeSa {
  return [...connection(node).sas].find((s): s is IkeSa => s.version === 2 && s.state === 'established')!;
}

export function child(node: Node): ChildSa {
  return [...connection(node).children].filter((c) => c.state === 'live').at(-1)!;
}

export type Deed = 'rekey child' | 'rekey ike' | 'delete child' | 'delete ike';

/** Has one side do something now. The dataplane's hard limit deletes a child, the end of its lifetime an IKE SA. */
export function act(node: Node, deed: Deed): void {
  switch (deed) {
    case 'rekey child':
      return node.input({ kind: 'rekey', connection: 'ipsec0', what: 'child' });
    case 'rekey ike':
      return node.input({ kind: 'rekey', connection: 'ipsec0', what: 'ike' });
    case 'delete child': {
      const spi = child(node)?.spiIn;
      return spi === undefined
        ? undefined
        : node.input({ kind: 'expire', spi, limit: 'hard', cause: 'time' });
    }
    case 'delete ike': {
      const id = `sa:${ikeSa(node)?.id}:expire`;
      if (node.timers.delete(id)) node.input({ kind: 'timer', id });
    }
  }
}

/**
 * Which of the four nonces of two exchanges that cross is the lowest: the initiator's or the responder's of the
 * exchange that A or B began. A first nonce is drawn for one's own request, the second for the answer.
 */
export type Lowest = 'Ni of a' | 'Nr of a' | 'Ni of b' | 'Nr of b';

export const LOWEST: readonly Lowest[] = ['Ni of a', 'Nr of a', 'Ni of b', 'Nr of b'];

export function chooseNonces(s: Stage, lowest: Lowest): void {
  const [which, , of] = lowest.split(' ') as ['Ni' | 'Nr', 'of', Side];
  for (const side of ['a', 'b'] as const) {
    const ours = which === 'Ni' ? of === side : of !== side;
    let drawn = 0;
    s[side].random = (n) => {
      const octets = s.network.bytes(n);
      if (n === NONCE_OCTETS) {
        const low = ours && drawn++ === (which === 'Ni' ? 0 : 1);
        octets[0] = low ? 0 : 1 + (octets[0] % 255);
      }
      return octets;
    };
  }
}

/** Lets everything end: the packets first, then every grace and every timer of what is over. */
export function finish(s: Stage, seconds = 30): void {
  s.network.run(seconds);
  s.busy = false;
  s.network.run(300);
}

/**
 * What is not as it must be when all is over: one IKE SA and one child with both sides of the same mind, and nothing
 * besides, neither in the engines nor below them. Empty when all is well.
 */
export function leftovers(s: Pick<Stage, 'a' | 'b'>): string[] {
  const wrong: string[] = [];
  const must = (holds: boolean | undefined, what: string) => holds || wrong.push(what);
  const [a, b] = [s.a, s.b].map((node) => {
    const all = [...connection(node).sas] as IkeSa[];
    const children = [...connection(node).children];
    const [[sa], [c]] = [all, children];
    const at = node.address;
    must(all.length === 1 && sa.state === 'established', `${at} has IKE SAs ${all.map((x) => x.state)}`);
    must(children.length === 1 && c.state === 'live', `${at} has children ${children.map((x) => x.state)}`);
    must(sa && !sa.outstanding && !sa.busy && !sa.rekeying && sa.queue.length === 0, `${at} is not done`);
    must(
      c?.ikeSa === sa && sa?.children.size === 1 && sa.children.has(c),
      `${at}: the child is not the SA's`,
    );
    must(!c?.waiting, `${at}: the child carries nothing out`);
    const installed = node.dataplane.statistics().sas.map(({ spi, direction }) => `${direction} ${spi}`);
    must(installed.sort().join() === `in ${c?.spiIn},out ${c?.spiOut}`, `${at} has installed ${installed}`);
    const timers = [...node.timers.keys()].filter((id) => !id.startsWith(`sa:${sa?.id}:`));
    must(timers.length === 0, `${at} has timers ${timers}`);
    return { ike: sa && hex(sa.spiI) + hex(sa.spiR), spis: [c?.spiIn, c?.spiOut] };
  });
  must(a.ike === b.ike, 'the sides have different IKE SAs');
  must(a.spis[0] === b.spis[1] && a.spis[1] === b.spis[0], 'the sides have different children');
  return wrong;
}

/** Who does what, when (ms), under which faults: played to its end. */
export type Plan = {
  readonly deeds: readonly (readonly [Side, Deed, number?])[];
  readonly faults?: readonly Fault[];
  readonly lowest?: Lowest;
  readonly changes?: Changes;
  readonly seed?: number;
};

/** Tells plans apart where one fails. */
export function planText({ deeds, faults = [], lowest }: Plan): string {
  return [deeds.join('; '), faults.map((f) => `${f.target} ${f.fate} ${f.times}`), lowest].join(' | ');
}

export function play({ deeds, faults = [], lowest, changes, seed }: Plan): Stage {
  const s = stage(seed, changes);
  if (lowest) chooseNonces(s, lowest);
  s.faults.push(...faults.map((f) => ({ ...f })));
  for (const [side, deed, at = 0] of deeds) s.network.after(at, () => act(s[side], deed));
  finish(s);
  return s;
}

/** Plays a plan and says what is wrong with how it ends: leftovers, defects, packets lost for too long. */
export function verdict(plan: Plan, mostMs: number): string[] {
  const s = play(plan);
  return [
    ...leftovers(s),
    ...defects(s),
    ...(blackhole(s) > mostMs ? [`silence of ${blackhole(s)} ms`] : []),
  ].map((wrong) => `${planText(plan)}: ${wrong}`);
}

/** Defects of the engine that it survived. */
export function defects(s: Stage): string[] {
  return [s.a, s.b].flatMap((node) =>
    node.facts.filter((f) => f.code === 'internal-fault').map((f) => f.text),
  );
}
