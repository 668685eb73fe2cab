// What a filter, a NAPT and a port forward cannot do without, and what does not go together.
import { type Fail, need, type Warn } from './rule.ts';
import type { Tree } from './tree.ts';

const WITH_PORTS = ['tcp', 'udp', 'tcpudp'];

export function filterRules(tree: Tree, fail: Fail, warn: Warn): void {
  for (const family of [4, 6] as const) {
    for (const n of tree.indexes(`filter.ipv${family}.`)) filter(tree, `filter.ipv${family}.${n}`, fail);
  }
  for (const kind of ['ge', 'ipsec'])
    for (const n of tree.indexes(`interface.${kind}`)) named(tree, `interface.${kind}${n}.ipv4.filter`, warn);
  for (const n of tree.indexes('filter.dynamic.')) need(tree, `filter.dynamic.${n}`, ['application'], fail);
  // A descriptor without an interface waits for one.
  for (const n of tree.indexes('nat.ipv4.napt.'))
    need(
      tree,
      `nat.ipv4.napt.${n}`,
      tree.text(`nat.ipv4.napt.${n}.private`) === 'auto' ? [] : ['private', 'interface'],
      fail,
    );
  for (const n of tree.indexes('nat.ipv4.snapt.')) forward(tree, `nat.ipv4.snapt.${n}`, fail);
}

/** A filter that a list names and that is not there lets nothing pass: in the other dialect it may come later. */
function named(tree: Tree, at: string, warn: Warn): void {
  for (const way of ['in', 'out'])
    for (const [key, where, leaf] of [
      [`${at}.${way}`, 'filter.ipv4', 'action'],
      [`${at}.${way}-dynamic`, 'filter.dynamic', 'application'],
    ])
      for (const n of tree.text(key)?.split(' ') ?? [])
        if (tree.value(`${where}.${n}.${leaf}`) === undefined)
          warn(
            key,
            `${key} names filter ${n}, which is not there: add ${where}.${n}, or leave the number out.`,
          );
}

function filter(tree: Tree, at: string, fail: Fail): void {
  need(tree, at, ['interface', 'action'], fail);
  const protocol = tree.text(`${at}.protocol`) ?? 'any';
  for (const side of ['source', 'destination']) {
    const key = `${at}.${side}.port`;
    if (tree.value(key) !== undefined && protocol !== 'any' && !WITH_PORTS.includes(protocol))
      fail(key, `${protocol} has no ports: remove ${key}, or set ${at}.protocol : tcp, udp or tcpudp.`);
  }
  const type = `${at}.icmp-type`;
  if (tree.value(type) !== undefined && !/^icmp/.test(protocol))
    fail(
      type,
      `Only ICMP messages have a type: set ${at}.protocol : ${at.includes('ipv6') ? 'icmpv6' : 'icmp'}, or remove ${type}.`,
    );
}

function forward(tree: Tree, at: string, fail: Fail): void {
  const where = tree.value(`${at}.descriptor`) === undefined ? ['interface'] : [];
  need(tree, at, [...where, 'protocol', 'forward.address'], fail);
  const protocol = tree.text(`${at}.protocol`) ?? '';
  const [listen, to] = [`${at}.listen.port`, `${at}.forward.port`];
  if (WITH_PORTS.includes(protocol)) {
    need(tree, at, ['listen.port'], fail);
    const [from, target] = [tree.text(listen) ?? '', tree.text(to)];
    if (target?.includes('-') && target !== from)
      fail(to, `${to} is a range: several ports lead to the same ports or to one. Give ${from} or one port.`);
  } else {
    for (const key of [listen, to])
      if (tree.value(key) !== undefined)
        fail(
          key,
          `Protocol ${protocol} has no ports: remove ${key}, or set ${at}.protocol : tcp, udp or tcpudp.`,
        );
  }
}
