// What forged datagrams must not leave behind: a tunnel that nobody brings up again.
import { expect, test } from 'vitest';
import { A, B, live, type Network, type Node, pair } from './simulation.ts';

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
