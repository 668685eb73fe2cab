// Two wireguard-go routers, from the binaries that .ci/wireguard-go fetched.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ns } from '../../test/interop/netns.ts';
import type { Pair } from '../../test/interop/pair.ts';
import { type Proc, tail, until } from '../../test/interop/proc.ts';
import { addressRouters, lan, outer, sides } from './topology.ts';

const PORT = 51820;

export async function startWireguardGo(net: Pair, codename: string): Promise<void> {
  const binary = join(import.meta.dirname, '../.cache/wireguard-go', codename);
  if (!existsSync(binary)) throw new Error('not fetched: see .ci/wireguard-go');
  await addressRouters(net);
  const routers = await Promise.all(
    sides(net).map(async ([router, n]) => {
      const proc = await daemon(router, binary);
      const secret = (await router.exec(['wg', 'genkey'])).stdout;
      const key = (await router.exec(['wg', 'pubkey'], { input: secret })).stdout.trim();
      return { router, n, proc, secret, key };
    }),
  );
  for (const { router, n, proc, secret } of routers) {
    const peer = routers[2 - n];
    const file = join(net.lab.tmp, `wg${n}.conf`);
    writeFileSync(
      file,
      `[Interface]
ListenPort = ${PORT}
PrivateKey = ${secret.trim()}
[Peer]
PublicKey = ${peer.key}
Endpoint = ${outer(peer.n)}:${PORT}
AllowedIPs = ${lan(peer.n)}
`,
    );
    await router.exec([...inside(proc), 'wg', 'setconf', 'wg0', file]);
    await router.ip('link', 'set', 'wg0', 'up');
    await router.route(lan(peer.n), 'wg0');
  }
}

/** A private /run keeps the control sockets of several wg0 apart; each step execs, so the pid stays the same. */
async function daemon(router: Ns, binary: string): Promise<Proc> {
  const script = 'mount --make-rprivate / && mount -t tmpfs tmpfs /run && exec "$0" --foreground wg0';
  const proc = router.spawn(['unshare', '-m', 'bash', '-c', script, binary]);
  const ready = async () => {
    if (!proc.running) throw new Error(`wireguard-go ended: ${tail(proc.stdout + proc.stderr, 500)}`);
    const show = ['wg', 'show', 'wg0'];
    return (await router.exec([...inside(proc), ...show], { allowFail: true })).code === 0;
  };
  await until(ready, 10_000, () => `wireguard-go does not answer: ${tail(proc.stderr, 500)}`);
  return proc;
}

/** Where its /run is. */
function inside(proc: Proc): string[] {
  return ['nsenter', '--target', String(proc.pid), '--mount'];
}
