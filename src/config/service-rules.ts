// What the services for the networks inside cannot do without.
import { ipv4Number, ipv4Of, networkOf, splitCidr } from '../net/address.ts';
import { type Fail, need, type Warn } from './rule.ts';
import type { Tree } from './tree.ts';

export function serviceRules(tree: Tree, fail: Fail, warn: Warn): void {
  if (tree.enabled('dhcp.server.service'))
    for (const n of tree.indexes('dhcp.server.')) dhcpServer(tree, `dhcp.server.${n}`, fail);
  if (tree.enabled('dns-forwarder.service') && tree.list('dns-forwarder.listen.', '.interface').length === 0)
    warn('dns-forwarder.service', 'The DNS forwarder listens nowhere: add dns-forwarder.listen.0.interface.');
  for (const n of tree.indexes('resolver.host-database.'))
    need(tree, `resolver.host-database.${n}`, ['hostname', 'address'], fail);
}

function dhcpServer(tree: Tree, at: string, fail: Fail): void {
  for (const n of tree.indexes(`${at}.static.entry.`))
    need(tree, `${at}.static.entry.${n}`, ['mac-address', 'ip-address'], fail);
  if (!need(tree, at, ['interface', 'pool.address', 'pool.count'], fail)) return;
  const [pool, name] = [tree.text(`${at}.pool.address`) ?? '', tree.text(`${at}.interface`)];
  const own = tree.text(`interface.${name}.ipv4.address`) ?? '';
  const key = `${at}.pool.address`;
  const about = [`interface.${name}.ipv4.address`];
  if (!own.includes('/'))
    return fail(
      key,
      `${name} has no address of its own: add interface.${name}.ipv4.address, in the network of ${key}.`,
      'conflict',
      about,
    );
  if (networkOf(own) !== networkOf(pool))
    return fail(
      key,
      `${key} ${pool} is not in the network of ${name}, ${networkOf(own)}.`,
      'conflict',
      about,
    );
  if (lastOf(pool, tree.number(`${at}.pool.count`)) === undefined)
    fail(
      `${at}.pool.count`,
      `${at}.pool.count goes beyond the network ${networkOf(pool)}: give a smaller one.`,
      'conflict',
      [key],
    );
}

/** The last address of a pool; undefined where it is outside of its network, or its broadcast address. */
export function lastOf(pool: string, count: number): string | undefined {
  const { address, length } = splitCidr(pool);
  const first = ipv4Number(address);
  const last = first + count - 1;
  const size = 2 ** (32 - length);
  const broadcast = Math.floor(first / size) * size + size - 1;
  return last < broadcast ? ipv4Of(last) : undefined;
}
