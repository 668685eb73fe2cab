// `show system crypto`: what each cipher suite reaches on this CPU, and which of them the tunnels use.
import type { CryptoSpeed } from '../dataplane/port.ts';
import { keyOf } from '../ike/policy.ts';
import type { Tunnel } from '../plan/desired.ts';
import type { TunnelView } from './view.ts';

export type CryptoView = {
  readonly speeds: readonly (CryptoSpeed & {
    /** Tunnels whose SAs use the suite now. */
    readonly tunnels: readonly string[];
  })[];
  readonly warnings: readonly string[];
};

/** A suite is called slow where this one, which needs no help from the CPU, is more than twice as fast. */
const PORTABLE = 'chacha20-poly1305';

export function cryptoView(
  speeds: readonly CryptoSpeed[],
  tunnels: readonly Tunnel[],
  views: readonly TunnelView[],
): CryptoView {
  const best = (suite: string) => speeds.find((s) => s.suite === suite && s.chosen)?.gbit;
  const portable = best(PORTABLE) ?? 0;
  const warnings = tunnels.flatMap(({ name, child }) => {
    const { ciphers, hashes } = child;
    const first = ciphers[0];
    const suite = best(first) === undefined ? `${first}/${hashes[0]}` : first;
    const gbit = best(suite);
    if (gbit === undefined || gbit * 2 >= portable) return [];
    const key = keyOf(child.at, 'ike.proposal.phase2.encryption.0.algorithm');
    return [
      `${name} proposes ${suite} first, which reaches ${rate(gbit)} Gbit/s here; ${PORTABLE} reaches ${rate(portable)}: set ${key} : ${PORTABLE} on both sides`,
    ];
  });
  return {
    speeds: speeds.map((s) => ({
      ...s,
      tunnels: s.chosen ? views.filter((v) => uses(v, s.suite)).map((v) => v.connection) : [],
    })),
    warnings,
  };
}

/** The name of a child's suite goes on with its group and ESN. */
function uses(view: TunnelView, suite: string): boolean {
  return view.children.some((c) => c.suite === suite || c.suite.startsWith(`${suite}/`));
}

export function showCrypto({ speeds, warnings }: CryptoView): string {
  const lines = ['Cipher suite           Kernel      Gbit/s'];
  for (const s of speeds) {
    const use = s.tunnels.length > 0 ? `  in use: ${s.tunnels.join(', ')}` : '';
    lines.push(
      `${s.suite.padEnd(22)} ${s.kernel.padEnd(10)} ${rate(s.gbit).padStart(7)}${s.chosen ? ' *' : ''}${use}`,
    );
  }
  lines.push('* the kernel that SAs of the suite use; packets of 1,400 octets, one core');
  lines.push(...warnings.map((w) => `Warning: ${w}`));
  return lines.map((l) => `${l}\n`).join('');
}

function rate(gbit: number): string {
  return gbit.toFixed(gbit < 10 ? 2 : 1);
}
