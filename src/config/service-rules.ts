// What the services for the networks inside cannot do without.
import { ipv4Number, ipv4Of, networkOf, overlap, splitCidr } from '../net/address.ts';
import { type Fail, need, type Warn } from './rule.ts';
import type { Tree } from './tree.ts';

export function serviceRules(tree: Tree, fail: Fail, warn: Warn): void {
  if (tree.enabled('dhcp.server.service')) {
    for (const n of tree.indexes('dhcp.server.')) dhcpServer(tree, `dhcp.server.${n}`, fail);
    reservations(tree, fail);
  }
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
  const network = networkOf(own);
  if (network !== networkOf(pool))
    return fail(key, `${key} ${pool} is not in the network of ${name}, ${network}.`, 'conflict', about);
  if (pool === network)
    fail(key, `${key} ${pool} is the network itself: begin with a host's address.`, 'conflict', about);
  const gateway = tree.text(`${at}.gateway`);
  if (gateway !== undefined && !overlap(`${gateway}/32`, network))
    fail(
      `${at}.gateway`,
      `${at}.gateway ${gateway} is not in the network of ${name}, ${network}.`,
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

/** Hosts that always get the same: an address has one host, a host one address of a network, and neither is ours. */
function reservations(tree: Tree, fail: Fail): void {
  const taken = new Map<string, string>();
  for (const n of tree.indexes('dhcp.server.')) {
    const at = `dhcp.server.${n}`;
    const about = [`${at}.interface`, `interface.${tree.text(`${at}.interface`)}.ipv4.address`];
    const own = tree.text(about[1]) ?? '';
    for (const i of tree.indexes(`${at}.static.entry.`)) {
      const [address, mac] = ['ip-address', 'mac-address'].map((leaf) => `${at}.static.entry.${i}.${leaf}`);
      for (const key of [address, mac]) {
        const value = tree.text(key);
        const id = key === mac ? `${at} ${value}` : value;
        if (value === undefined || id === undefined) continue;
        const other = taken.get(id);
        if (other === undefined) taken.set(id, key);
        else
          fail(key, `${key} ${value} is already ${other}: give another, or delete one.`, 'conflict', [other]);
      }
      const wanted = tree.text(address);
      if (wanted === undefined || !own.includes('/')) continue;
      if (!overlap(`${wanted}/32`, own) || isEdge(wanted, splitCidr(own).length))
        fail(address, `${address} ${wanted} is no host's address in ${networkOf(own)}.`, 'conflict', about);
      else if (wanted === splitCidr(own).address)
        fail(address, `${address} ${wanted} is our own address: give another.`, 'conflict', about);
    }
  }
}

/** The network's own address, or its broadcast address. */
function isEdge(address: string, length: number): boolean {
  const size = 2 ** (32 - length);
  const host = ipv4Number(address) % size;
  return length < 31 && (host === 0 || host === size - 1);
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
