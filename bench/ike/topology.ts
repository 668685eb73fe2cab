// Two namespaces: an initiator that has an address for every peer it plays, and the responder under test.
//   peers 10.101.x.y – wan 10.0.0.2 ===== 10.0.0.1 ge0 responder
import { Lab, type Ns } from '../../test/interop/netns.ts';

export type Net = { readonly lab: Lab; readonly initiator: Ns; readonly responder: Ns };

export const RESPONDER = '10.0.0.1';
export const GATEWAY = '10.0.0.2';
export const PEERS = '10.101.0.0/16';
export const PSK = 'a key of many peers';

export const peerAddress = (n: number): string => `10.101.${n >> 8}.${n & 255}`;
/** Behind peer n: its Child SA's traffic selector. Behind the responder: LAN. */
export const peerNetwork = (n: number): string => `10.201.${n >> 8}.${n & 255}/32`;
export const LAN = '192.168.1.0/24';
export const LAN_ADDRESS = '192.168.1.1/24';

export async function visit<T>(label: string, body: (net: Net) => Promise<T>): Promise<T> {
  const lab = await Lab.open(label);
  try {
    const [initiator, responder] = await Promise.all(['i', 'r'].map((name) => lab.netns(name)));
    await lab.veth(initiator, 'wan', responder, 'ge0');
    await initiator.address('wan', `${GATEWAY}/24`);
    // All of them are this host's own: a socket may be bound to each.
    await initiator.ip('route', 'add', 'local', PEERS, 'dev', 'lo');
    return await body({ lab, initiator, responder });
  } finally {
    await lab.close();
  }
}
