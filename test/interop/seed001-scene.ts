// What each experiment of seed 001 starts from: its network with a charon that is being listened to.
import { expect } from 'vitest';
import { Wire } from './ladder.ts';
import { MINIMAL, type Network, openNetwork, strongswanConnection } from './seed001.ts';
import { Sekisho } from './sekisho.ts';
import { Strongswan } from './strongswan.ts';
import { pingUntil, steadyPing } from './traffic.ts';

/** The minimal configuration with more lines, and without those that name one of `less`. */
export function config(more: readonly string[] = [], less: readonly string[] = []): string {
  const kept = MINIMAL.trimEnd()
    .split('\n')
    .filter((line) => !less.some((key) => line.includes(key)));
  return [...kept, ...more, ''].join('\n');
}

export type Scene = Network & {
  swan: Strongswan;
  /** The messages so far as they went through the peer's interface, without the first `from`. */
  ladder(from?: number): string[];
  start(config: string, name?: string): Promise<Sekisho>;
};

/** A network and a charon of its own for each experiment. */
export async function scene(
  label: string,
  connection: Parameters<typeof strongswanConnection>[0],
  run: (scene: Scene) => Promise<void>,
  behindNat?: 'router' | 'peer',
): Promise<void> {
  const net = await openNetwork(label);
  try {
    if (behindNat) await putBehindNat(net, behindNat);
    const swan = await Strongswan.start(net.lab, net.peer, {
      name: 'swan',
      charonOptions: {
        'filelog.lab.time_format': '%s',
        'filelog.lab.time_add_ms': 'yes',
        'filelog.lab.cfg': '2',
      },
    });
    await swan.load([strongswanConnection(connection)]);
    const wire = await Wire.watch(net.peer, 'wan', '10.0.0.1');
    const ladder = (from = 0) => wire.text(swan.log()).slice(from);
    const start = (text: string, name = 'router') => Sekisho.start(net.lab, net.router, name, text);
    await run({ ...net, swan, ladder, start });
  } finally {
    await net.lab.close();
  }
}

/** The router or the peer gets 10.9.9.1 or .2, and a NAT its outer address. */
async function putBehindNat({ lab, router, peer }: Network, who: 'router' | 'peer'): Promise<void> {
  const nat = await lab.netns('nat');
  const [inside, outside, n] = who === 'router' ? [router, peer, 1] : [peer, router, 2];
  const [inner, outer] = who === 'router' ? ['ge0', 'wan'] : ['wan', 'ge0'];
  await peer.ip('link', 'del', 'wan');
  await lab.veth(inside, inner, nat, 'in');
  await lab.veth(nat, 'out', outside, outer);
  await nat.address('in', '10.9.9.254/24');
  await nat.address('out', `10.0.0.${n}/24`);
  // The router addresses its interfaces itself.
  await peer.address('wan', who === 'peer' ? '10.9.9.2/24' : '10.0.0.2/24');
  if (who === 'peer') await peer.route('default', '10.9.9.254');
  await lab.masquerade(nat, 'out', { random: true });
}

/** #988 and #1020: the peer's LAN address pings ours; then the hosts behind both. */
export async function carries(net: Network): Promise<void> {
  expect(await pingUntil(net.peer, '192.168.1.1', 5000, { source: '192.168.2.1' })).toBe(true);
  expect((await steadyPing(net.peer, '192.168.1.1', { count: 5, source: '192.168.2.1' })).received).toBe(5);
  expect((await steadyPing(net.host1, '192.168.2.2', { count: 5 })).received).toBe(5);
}

/** Wall-clock seconds of charon's log lines that match. */
export function times(swan: Strongswan, pattern: RegExp): number[] {
  return swan
    .log()
    .split('\n')
    .filter((line) => pattern.test(line))
    .map((line) => Number(line.split(' ')[0]));
}
