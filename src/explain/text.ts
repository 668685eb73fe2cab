// An explanation for people: a ladder, the offer, and what happened in words.
import { endpointText } from '../net/endpoint.ts';
import type { Explanation, Negotiation } from './explain.ts';
import type { Finding } from './finding.ts';
import type { Rung } from './negotiation.ts';
import { offerText, weakIn } from './offer.ts';

const OUTCOME: Readonly<Record<Negotiation['outcome'], string>> = {
  established: 'established',
  refused: 'refused',
  unanswered: 'no answer',
  unfinished: 'not finished',
  unseen: 'its beginning is not in the capture',
};

const MARK: Readonly<Record<Finding['level'], string>> = {
  good: 'ok     ',
  note: 'note   ',
  warning: 'WARNING',
  error: 'ERROR  ',
};

/** Rungs of one ladder, and offers of one message, that are worth a page. */
const MAX_RUNGS = 200;
const MAX_OFFERS = 40;

export function explanationText(e: Explanation): string {
  const lines = e.negotiations.flatMap((n, i) => [...(i > 0 ? [''] : []), ...negotiationLines(n)]);
  if (e.negotiations.length === 0)
    lines.push(`No IKE in ${e.frames} frames: nothing on UDP 500 or 4500, and no IKE on other ports.`);
  const esp = [
    ...(e.esp.native > 0 ? [`${e.esp.native} native`] : []),
    ...(e.esp.inUdp > 0 ? [`${e.esp.inUdp} in UDP`] : []),
  ];
  lines.push('');
  if (esp.length > 0) lines.push(`ESP packets: ${esp.join(', ')}.`);
  if (e.keepalives > 0) lines.push(`NAT keepalives: ${e.keepalives}.`);
  for (const note of e.notes) lines.push(`Note: ${note}.`);
  return `${lines.join('\n').trimEnd()}\n`;
}

function negotiationLines(n: Negotiation): string[] {
  const version = n.mode ? `IKEv1 ${n.mode} mode` : `IKEv${n.version}`;
  const lines = [
    `${version}  ${endpointText(n.initiator)} → ${endpointText(n.responder)}  ${n.begins}`,
    `  outcome    ${OUTCOME[n.outcome]}`,
    `  ${n.version === 1 ? 'cookies' : 'SPIs   '}    ${n.spiI} ${n.spiR || '(none of the responder)'}`,
  ];
  for (const who of ['initiator', 'responder'] as const) {
    if (n.looksLike[who]) lines.push(`  ${who.padEnd(9)}  looks like ${n.looksLike[who]}`);
  }
  lines.push('', ...ladderLines(n));
  if (n.offer.length > 0) {
    lines.push('', `  offered${n.keGroup ? `, with a public value of ${n.keGroup}` : ''}:`);
    for (const o of n.offer.slice(0, MAX_OFFERS)) {
      const weak = weakIn([o]).map((w) => w.name);
      const life = o.lifetime === undefined ? '' : ` / ${o.lifetime} s`;
      const mark = weak.length > 0 ? `   (weak: ${weak.join(', ')})` : '';
      lines.push(`    ${String(o.number).padStart(2)}  ${offerText(o)}${life}${mark}`);
    }
    if (n.offer.length > MAX_OFFERS) lines.push(`        … ${n.offer.length - MAX_OFFERS} more`);
  }
  if (n.chosen) lines.push(`  chosen:`, `    ${String(n.chosen.number).padStart(2)}  ${offerText(n.chosen)}`);
  lines.push('');
  for (const f of n.findings) {
    lines.push(`  ${MARK[f.level]}  ${f.text}`);
    if (f.hint) lines.push(`             → ${f.hint}`);
  }
  return lines;
}

function ladderLines(n: Negotiation): string[] {
  const shown = n.ladder.slice(0, MAX_RUNGS);
  const cells = shown.map((r) => rungCells(r, n));
  const widths = [0, 1, 2, 3].map((i) => Math.max(...cells.map((c) => c[i].length)));
  const lines = cells.map(([at, where, what, octets, rest]) =>
    `  ${at.padStart(widths[0])}  ${where.padEnd(widths[1])}  ${what.padEnd(widths[2])}  ${octets.padStart(widths[3])}  ${rest}`.trimEnd(),
  );
  const more = n.ladder.length - shown.length + n.omitted;
  return more > 0 ? [...lines, `  … ${more} more messages`] : lines;
}

function rungCells(r: Rung, n: Negotiation): [string, string, string, string, string] {
  const arrow = r.sender === 'initiator' ? '-->' : '<--';
  const [left, right] = r.sender === 'initiator' ? [r.from, r.to] : [r.to, r.from];
  // The heading has the addresses: only what moved is named again.
  const same = left.address === n.initiator.address && right.address === n.responder.address;
  const name = (e: typeof left) => (same ? String(e.port) : endpointText(e));
  const kind = r.kind ? ` ${r.kind}` : '';
  const id = r.messageId === 0 ? '' : ` ${n.version === 1 ? hex32(r.messageId) : r.messageId}`;
  const fragments = r.fragments ? ` (${r.fragments.seen} of ${r.fragments.total} fragments)` : '';
  const payloads = r.error ? `malformed: ${r.error}` : r.payloads.join(' ');
  return [
    r.at.toFixed(6),
    `${name(left)} ${arrow} ${name(right)}`,
    `${r.exchange}${kind}${id}`,
    String(r.octets),
    r.repeats === undefined ? `${payloads}${fragments}` : '(sent again)',
  ];
}

const hex32 = (id: number) => id.toString(16).padStart(8, '0');
