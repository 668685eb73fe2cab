// The views in SEIL's layout (dialects.md A.7).
import { spiText } from '../ike/child.ts';
import type { ChildView, IkeView, TunnelView } from './view.ts';

const NONE = '(None)\n';
const INDENT = '        ';

function block(head: string, lines: readonly string[]): string {
  return [head, ...lines.map((l) => INDENT + l)].map((l) => `${l}\n`).join('');
}

/** `2026-11-22 01:02:03`, local time. */
function clock(iso: string | undefined): string {
  if (!iso) return '-';
  const t = new Date(iso);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = [t.getFullYear(), two(t.getMonth() + 1), two(t.getDate())].join('-');
  return `${day} ${[t.getHours(), t.getMinutes(), t.getSeconds()].map(two).join(':')}`;
}

const STATUS: Readonly<Record<string, string>> = {
  init: '1st message sent or received',
  keyed: '3rd message sent or received',
  auth: 'authenticating',
  established: 'established',
  replaced: 'replaced by a newer one',
};

export function showIke(views: readonly IkeView[]): string {
  if (views.length === 0) return NONE;
  const blocks = views.map((v) =>
    block(`PHASE1  ${v.local} <------> ${v.remote}  (${v.connection}, IKEv${v.version})`, [
      `Cookies: 0x${v.spiI}:0x${v.spiR}`,
      `Status: ${STATUS[v.status] ?? v.status}`,
      `Side: ${v.side}`,
      ...(v.suite ? [`Algorithms: ${v.suite}${v.weak ?? ''}`] : []),
      `NAT: ${v.nat}`,
      `Phase2 SAs: ${v.children}`,
      `Create Time: ${clock(v.created)}`,
      `Lifetime[sec]: ${v.lifetime}${v.left === undefined ? '' : ` (${v.left} left)`}`,
      `Identity (local): ${v.identityLocal}`,
      `Identity (remote): ${v.identityRemote}`,
    ]),
  );
  return blocks.join('\n');
}

export function showIpsec(views: readonly TunnelView[]): string {
  if (views.length === 0) return NONE;
  return views
    .map((v) => {
      const head = `IPSEC   ${v.local} <------> ${v.remote}  (${v.connection})`;
      return block(head, [`Status: ${stateText(v)}`, ...v.children.flatMap(childLines)]);
    })
    .join('\n');
}

function stateText(v: TunnelView): string {
  return v.state === 'up' || !v.reasonText ? v.state : `${v.state}, because ${v.reasonText}`;
}

function childLines(c: ChildView): string[] {
  const form = c.encapsulation === 'udp' ? 'ESP in UDP' : 'ESP';
  return [
    `SPI: ${spiText(c.spiIn)} (in), ${spiText(c.spiOut)} (out), ${c.state}`,
    `Algorithms: ${c.suite}${c.weak}, ${form}, ${c.mode} mode`,
    `Lifetime[sec]: ${c.lifetime} (${Math.max(0, c.lifetime - c.age)} left)`,
    `In: ${c.in.packets} packets, ${c.in.octets} octets`,
    `Out: ${c.out.packets} packets, ${c.out.octets} octets`,
  ];
}

export function showSecurityPolicy(views: readonly TunnelView[]): string {
  if (views.length === 0) return NONE;
  return views
    .map((v) => {
      const { mode, by, local, remote } = v.policy;
      return block(`POLICY  ${v.connection}`, [
        `Local: ${local.join(', ')}`,
        `Remote: ${remote.join(', ')}`,
        `Mode: ${mode}, ${v.local} - ${v.remote}`,
        `Packets: ${by === 'route' ? `what is routed to ${v.connection}` : 'what the policy names; in clear they are dropped'}`,
        `Status: ${stateText(v)}`,
        ...v.children.flatMap(associationLines),
      ]);
    })
    .join('\n');
}

/** An entry of the SAD: what was agreed may be narrower than what the policy wants. */
function associationLines({ spiIn, spiOut, state, selectors }: ChildView): string[] {
  return [
    `SPI: ${spiText(spiIn)} (in), ${spiText(spiOut)} (out), ${state}`,
    `     ${selectors.local.join(', ')} === ${selectors.remote.join(', ')}`,
  ];
}

function refused(why: string): string {
  return why ? ` (not ${why})` : '';
}

export function showInterface(v: TunnelView): string {
  const n = v.counters;
  const drops = Object.entries(n?.drops ?? {});
  const total = drops.reduce((sum, [, count]) => sum + count, 0);
  const lines = [
    `interface ${v.connection}:`,
    `Status: ${v.state === 'up' ? 'link up' : `link down (${stateText(v)})`}`,
    `Ipkts: ${n?.rxPackets ?? 0}, Opkts: ${n?.txPackets ?? 0}, Drops: ${total}`,
    `InOctets: ${n?.rxOctets ?? 0}, OutOctets: ${n?.txOctets ?? 0}`,
    ...drops.map(([reason, count]) => `  ${reason}: ${count}`),
    `MTU: ${v.mtu}`,
    `Address: ${v.addresses.join(', ')}`,
    `Tunnel address: ${v.local} --> ${v.remote}`,
    ...(v.nativeEsp
      ? [`Native ESP: ${v.nativeEsp.name}${refused(v.nativeEsp.refused)}, ${v.nativeEsp.lost} lost`]
      : []),
    ...v.children.flatMap(childLines),
  ];
  return lines.map((l) => `${l}\n`).join('');
}
