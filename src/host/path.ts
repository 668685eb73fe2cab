// What the kernel says of the way to a peer, and whether packets go it.
import { familyOf } from '../net/address.ts';
import { HostError, run } from './run.ts';

export type Way = { readonly device: string; readonly gateway?: string; readonly source?: string };

/** How a packet from `local` to `remote` would leave. Throws HostError with the kernel's words where it would not. */
export async function wayTo(remote: string, local: string): Promise<Way> {
  const family = familyOf(remote) === 6 ? '-6' : '-4';
  const out = await run('ip', [family, '-json', 'route', 'get', remote, 'from', local]);
  const [way] = JSON.parse(out) as { dev?: string; gateway?: string; prefsrc?: string }[];
  if (!way?.dev) throw new HostError('there is no route');
  return {
    device: way.dev,
    ...(way.gateway ? { gateway: way.gateway } : {}),
    ...(way.prefsrc ? { source: way.prefsrc } : {}),
  };
}

/** Whether this machine has the address. */
export async function hasAddress(address: string): Promise<boolean> {
  const out = await run('ip', ['-json', 'address', 'show']);
  const links = JSON.parse(out) as { addr_info?: { local?: string }[] }[];
  return links.some((l) => l.addr_info?.some((a) => a.local === address));
}

/** Whether something answers one echo request. */
export async function reaches(address: string): Promise<boolean> {
  return run('ping', ['-n', '-c', '1', '-W', '1', address]).then(
    () => true,
    () => false,
  );
}

/** How many of three echo requests through a device were answered; `octets` of IP packet, not to be fragmented. */
export async function echoes(device: string, address: string, octets?: number): Promise<number> {
  const header = familyOf(address) === 6 ? 48 : 28;
  const whole = octets === undefined ? [] : ['-M', 'do', '-s', String(octets - header)];
  try {
    const out = await run('ping', ['-n', '-c', '3', '-i', '0.3', '-W', '1', '-I', device, ...whole, address]);
    return Number(/(\d+) received/.exec(out)?.[1] ?? 0);
  } catch {
    return 0; // ping fails when nothing comes back.
  }
}
