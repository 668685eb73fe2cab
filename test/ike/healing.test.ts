// What forged datagrams must not leave behind: a tunnel that nobody brings up again.
import { expect, test } from 'vitest';
import { A, B, live, type Network, type Node, pair, policy } from './simulation.ts';

/** Our own first request under another SPI, as if the peer had sent it. */
function forge(network: Network, a: Node, n: number): void {
  const data = network.log[0].data.slice();
  data.set([0xff, n], 0);
  a.input({ kind: 'datagram', local: { address: A, port: 500 }, remote: { address: B, port: 500 }, data });
}

test('one forged IKE_SA_INIT while our own fails does not end the retries (IKEv2)', () => {
  const { network, a } = pair(1, { version: 2 });
  network.filter = () => false;
  network.run(1);
  network.after(155_000, () => forge(network, a, 0));
  network.run(300);
  network.filter = () => true;
  network.run(600);
  expect(live(a)).toHaveLength(1);
});

test.each([1, 2] as const)('half-open SAs of a forger do not keep us from initiating (IKEv%i)', (version) => {
  const { network, a } = pair(1, { version });
  network.filter = () => false;
  network.run(1);
  let n = 0;
  const again = () => {
    forge(network, a, n++);
    network.after(20_000, again);
  };
  network.after(30_000, again);
  network.run(300);
  network.filter = () => true;
  network.run(600);
  expect(live(a)).toHaveLength(1);
});

test('a peer that lost its IPsec SAs and deletes only the ISAKMP SA gets new ones (RFC 2408 3.15)', () => {
  const { network, a, b } = pair(1, {});
  network.run(5);
  const [before] = live(a);
  // Of all that B says in parting only the last arrives: the ISAKMP SA's Delete.
  const said = network.log.length;
  network.filter = (from) => from.address === A;
  b.configure([]);
  network.filter = () => true;
  b.configure([policy(B, A, { initiate: 'never' })]);
  const parting = network.log.slice(said).at(-1)!;
  a.input({ kind: 'datagram', local: parting.to, remote: parting.from, data: parting.data });
  network.run(5);
  expect(live(a)).toHaveLength(1);
  expect(live(a)[0].spiIn).not.toBe(before.spiIn);
  expect(live(b).map((c) => c.spiOut)).toEqual(live(a).map((c) => c.spiIn));
});
