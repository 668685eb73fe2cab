// The systems under test. Each knows how to set its two routers up; a name is for people, JSON and `--only`.
import type { Pair } from '../../test/interop/pair.ts';
import { startSekisho } from './sekisho.ts';
import { startLibipsec } from './strongswan.ts';
import { addressRouters, lan, outer, sides } from './topology.ts';
import { startTunnels, TUNNELS } from './tunnels.ts';
import { startWireguardGo } from './wireguard.ts';

export type System = {
  readonly name: string;
  /** Among those of `--quick`. */
  readonly quick?: true;
} & (Tunnelled | Part);

type Tunnelled = {
  /** Measured by traffic to many destinations instead of the usual. */
  readonly spread?: true;
  /** Returns when the tunnel is up. */
  readonly start: (net: Pair) => Promise<unknown>;
};

/** A part of the fast path without input and output. */
type Part = { readonly start?: undefined; readonly micro: string };

const SUITES = [
  ['aes128-gcm16', 'hmac-sha256'],
  ['aes256-gcm16', 'hmac-sha256'],
  ['chacha20-poly1305', 'hmac-sha256'],
  ['aes256', 'hmac-sha256'],
  ['aes128', 'hmac-sha1'],
] as const;

const QUICK = new Set(['aes128-gcm16 udp', 'aes256+hmac-sha256 udp', 'aes128-gcm16 native']);

const sekisho = (['udp', 'native'] as const).flatMap((form) =>
  SUITES.map(([cipher, mac]): System => {
    const suite = cipher.includes('-') ? cipher : `${cipher}+${mac}`;
    const label = `${suite} ${form}`;
    return {
      name: `sekisho ${label}`,
      ...(QUICK.has(label) && { quick: true }),
      start: (net) => startSekisho(net, { cipher, mac, form }),
    };
  }),
);

export const SYSTEMS: readonly System[] = [
  { name: 'no tunnel', quick: true, start: plain },
  ...sekisho,
  { name: 'libipsec aes128gcm16', quick: true, start: (net) => startLibipsec(net, 'aes128gcm16') },
  { name: 'libipsec aes256-sha256', quick: true, start: (net) => startLibipsec(net, 'aes256-sha256') },
  { name: 'wireguard-go Debian 12', start: (net) => startWireguardGo(net, 'bookworm') },
  { name: 'wireguard-go Debian 13', quick: true, start: (net) => startWireguardGo(net, 'trixie') },
  { name: 'sekisho 1 tunnel', spread: true, start: (net) => startTunnels(net, 1) },
  { name: `sekisho ${TUNNELS} tunnels`, spread: true, start: (net) => startTunnels(net, TUNNELS) },
  { name: 'cipher alone', quick: true, micro: 'cipher seal aes128-gcm16 1400' },
  { name: 'encapsulate without I/O', quick: true, micro: 'encapsulate aes128-gcm16 1400' },
];

async function plain(net: Pair): Promise<void> {
  await addressRouters(net);
  for (const [router, n] of sides(net)) {
    const peer = n === 1 ? 2 : 1;
    await router.route(lan(peer), outer(peer));
  }
}
