// The network outside of a box: a bridge that its cable ends at, with the addresses of whoever is there.
import type { Lab, Ns } from '../interop/netns.ts';

/** The bridge is called `wan`. */
export async function openWan(lab: Lab, addresses: readonly string[]): Promise<Ns> {
  const isp = await lab.netns('isp');
  await isp.ip('link', 'add', 'wan', 'type', 'bridge');
  await isp.ip('link', 'set', 'wan', 'up');
  for (const address of addresses) await isp.address('wan', address);
  return isp;
}
