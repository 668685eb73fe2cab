// DHCP client: udhcpc asks, and tells us by a line what it was told; what is done with it is the plan's business.
import { fileURLToPath } from 'node:url';
import { type Address, addressBytes, maskLength, parseAddress } from '../net/address.ts';
import type { DhcpClient, Lease } from '../plan/services.ts';
import { Service } from './service.ts';

const SCRIPT = fileURLToPath(new URL('dhcp-lease.sh', import.meta.url));

export type LeaseEvents = {
  /** Undefined: what was lent is ours no longer. */
  readonly lease: (client: DhcpClient, lease: Lease | undefined) => void;
  readonly trouble: (text: string) => void;
};

/** Asks until there is an answer, renews, and gives the address back when it is stopped. */
export function askForAddress(client: DhcpClient, events: LeaseEvents): Service {
  const args = ['-f', '-R', '-i', client.device, '-s', SCRIPT, '-t', '4', '-T', '2', '-A', '5'];
  return new Service('udhcpc', args, {
    out: (line) => {
      const told = parseLease(line);
      if (told !== 'nothing') events.lease(client, told);
    },
    ended: (why) => events.trouble(`${client.name}: ${why}`),
  });
}

/** A line of the script: a lease, that there is none any more, or nothing of either. The values come from the network. */
export function parseLease(line: string): Lease | undefined | 'nothing' {
  const [word, event, ...rest] = line.split(' ');
  if (word !== 'lease') return 'nothing';
  if (event === 'deconfig') return undefined;
  if (event !== 'bound' && event !== 'renew') return 'nothing';
  const fields = new Map<string, string[]>();
  let name = '';
  // "dns=192.0.2.1 192.0.2.2": a word without a name belongs to the one before.
  for (const part of rest) {
    const at = part.indexOf('=');
    if (at > 0) name = part.slice(0, at);
    const value = part.slice(at + 1);
    if (value !== '') fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  const addresses = (field: string): Address[] =>
    (fields.get(field) ?? []).flatMap((text) => parseAddress(text, 4) ?? []).slice(0, 8);
  const [ip] = addresses('ip');
  const [mask = '255.255.255.255'] = addresses('mask');
  const length = maskLength(addressBytes(mask));
  if (ip === undefined || length === undefined || /^(?:0|127|22[4-9]|2[3-5]\d)\./.test(ip)) return 'nothing';
  const [router] = addresses('router');
  return { address: `${ip}/${length}`, ...(router === undefined ? {} : { router }), dns: addresses('dns') };
}
