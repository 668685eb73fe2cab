// Two strongSwans with ESP in userland (kernel-libipsec), which is UDP-encapsulated always.
import type { Pair } from '../../test/interop/pair.ts';
import { Strongswan } from '../../test/interop/strongswan.ts';
import { addressRouters, lan, outer, sides } from './topology.ts';

export async function startLibipsec(net: Pair, espProposals: string): Promise<void> {
  await addressRouters(net);
  const [initiator] = await Promise.all(
    sides(net).map(async ([router, n]) => {
      const peer = n === 1 ? 2 : 1;
      const swan = await Strongswan.start(net.lab, router, { name: `swan${n}` });
      await swan.load([
        {
          name: 't',
          version: 2,
          local: outer(n),
          remote: outer(peer),
          psk: 'a key of two routers',
          proposals: 'aes256-sha256-modp2048',
          children: [{ name: 'c', localTs: lan(n), remoteTs: lan(peer), espProposals }],
        },
      ]);
      return swan;
    }),
  );
  await initiator.initiate('c');
}
