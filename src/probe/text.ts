// A probe's report for people.
import { offerText } from '../explain/offer.ts';
import { endpointText } from '../net/endpoint.ts';
import type { Accepted, ProbeReport, VersionReport } from './report.ts';

const STATE: Readonly<Record<VersionReport['state'], string>> = {
  accepted: 'spoken',
  refused: 'refused',
  silent: 'no answer',
  unreachable: 'not reachable',
};

export function probeText(r: ProbeReport): string {
  const named = r.host === r.remote.address ? '' : ` (${r.host})`;
  const lines = [
    `${endpointText(r.remote)}${named} from ${endpointText(r.local)}: ${r.reachable ? 'an IKE daemon answers' : 'no IKE daemon answers'}`,
    ...r.versions.flatMap((v) => ['', ...versionLines(v)]),
    '',
    `${r.packets} packet${r.packets === 1 ? '' : 's'} sent.`,
  ];
  return `${lines.join('\n')}\n`;
}

function versionLines(v: VersionReport): string[] {
  const time = v.roundTrip === undefined ? '' : `, answers within ${v.roundTrip} ms`;
  const lines = [`IKEv${v.version}: ${STATE[v.state]}${time}`];
  const line = (label: string, text: string) => lines.push(`  ${label.padEnd(15)}${text}`);
  if (v.looksLike) line('looks like', v.looksLike);
  if (v.preferred) line('prefers', offerText(v.preferred));
  for (const other of v.others ?? []) line('also takes', offerText(other));
  for (const list of v.accepted) line(list.dimension, acceptedText(list));
  if (v.features.length > 0) line('features', v.features.join(', '));
  if (v.vendors.length > 0) line('vendor IDs', v.vendors.join(', '));
  if (v.nat) {
    const { here, there } = v.nat;
    line(
      'NAT',
      here && there ? 'on both sides' : here ? 'on our side' : there ? "on the peer's side" : 'none',
    );
  }
  for (const f of v.findings) {
    lines.push(`  ${f.level === 'note' ? 'Note' : f.level === 'warning' ? 'WARNING' : 'ERROR'}: ${f.text}`);
    if (f.hint) lines.push(`    → ${f.hint}`);
  }
  return lines;
}

/** "aes256 > aes128 > 3des (weak: 64-bit blocks, and slow), des": a comma where the order is not known. */
function acceptedText({ names, ordered, weak, incomplete }: Accepted): string {
  const text = names.map((name, i) => {
    const mark = Object.hasOwn(weak, name) ? ` (weak: ${weak[name]})` : '';
    return `${i === 0 ? '' : i < ordered ? ' > ' : ', '}${name}${mark}`;
  });
  return `${text.join('') || 'none'}${incomplete ? ' … (not all asked)' : ''}`;
}
