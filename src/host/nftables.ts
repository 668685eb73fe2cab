// The TCP MSS clamp of Ethernet interfaces: one nftables table of ours, replaced in one transaction.
import type { Link } from '../plan/desired.ts';
import { run } from './run.ts';

const TABLE = 'inet sekisho';

export async function setMssClamp(links: readonly Link[]): Promise<void> {
  const rules = links.flatMap(({ device, mss }) => {
    if (mss === 'none') return [];
    const set = mss === 'auto' ? 'rt mtu' : String(mss);
    // A number holds in both directions, the route's MTU only on the way out.
    const ends = mss === 'auto' ? ['oifname'] : ['iifname', 'oifname'];
    return ends.map((end) => `    ${end} "${device}" tcp flags syn tcp option maxseg size set ${set}`);
  });
  const table = `add table ${TABLE}\ndelete table ${TABLE}\n`;
  if (rules.length === 0) return void (await run('nft', ['-f', '-'], table));
  const chain = `table ${TABLE} {\n  chain forward {\n    type filter hook forward priority mangle\n${rules.join('\n')}\n  }\n}\n`;
  await run('nft', ['-f', '-'], table + chain);
}
