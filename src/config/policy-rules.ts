// Rules of policy-based IPsec: a policy stands on an association, which stands on a peer (dialects.md A.3).
import { familyOf, networkOf } from '../net/address.ts';
import { identifiers, proposals, type Weak } from './negotiation-rules.ts';
import type { Fail, Warn } from './rule.ts';
import { SECURITY_POLICIES } from './schema/ipsec.ts';
import type { Tree } from './tree.ts';

/** Returns what is weak in each peer with its policies. */
export function policies(tree: Tree, fail: Fail, warn: Warn): Weak[] {
  const peers = tree.indexes('ike.peer.');
  for (const n of peers) peer(tree, n, fail);
  for (const n of tree.indexes('ipsec.security-association.sa')) association(tree, n, fail);
  const owners = tree.indexes('ipsec.security-policy.').map((n) => ({ n, peer: policy(tree, n, fail) }));
  return peers.map((n) => {
    const at = `ike.peer.${n}`;
    const phase2 = owners.filter((o) => o.peer === n).map((o) => `ipsec.security-policy.${o.n}.ike.proposal`);
    return proposals(tree, { ike: at, phase1: `${at}.proposal`, phase2 }, fail, warn);
  });
}

function need(tree: Tree, at: string, keys: readonly string[], fail: Fail): boolean {
  const missing = keys.filter((key) => tree.value(`${at}.${key}`) === undefined);
  for (const key of missing) fail(`${at}.${key}`, `${at} is not complete: add ${at}.${key}.`, 'missing');
  return missing.length === 0;
}

function peer(tree: Tree, n: number, fail: Fail): void {
  const at = `ike.peer.${n}`;
  need(tree, at, ['address', 'preshared-key'], fail);
  identifiers(tree, at, fail);
  const address = tree.text(`${at}.address`);
  const twin = tree.indexes('ike.peer.').find((m) => m < n && tree.text(`ike.peer.${m}.address`) === address);
  if (address !== undefined && twin !== undefined) {
    const only = address === 'dynamic' ? 'there can be one dynamic peer' : 'a peer is known by its address';
    const message = `${at}.address ${address} is already that of ike.peer.${twin}: ${only}; give another address, or use interface.ipsecN for further ones.`;
    fail(`${at}.address`, message, 'conflict', [`ike.peer.${twin}.address`]);
  }
  const type = `${at}.peers-identifier.type`;
  if (address === 'dynamic' && tree.text(type) === 'address') {
    const message = `${at} has no fixed address: set ${type} to fqdn or user-fqdn, and the identifier.`;
    fail(type, message, 'conflict', [`${at}.address`]);
  }
}

/** The ike.peer that an association is with, or undefined when there is none. */
export function peerOf(tree: Tree, association: string): number | undefined {
  const dynamic = tree.text(`${association}.address-type`) === 'dynamic';
  const address = dynamic ? 'dynamic' : tree.text(`${association}.remote-address`);
  return tree.indexes('ike.peer.').find((n) => tree.text(`ike.peer.${n}.address`) === address);
}

function association(tree: Tree, n: number, fail: Fail): void {
  const at = `ipsec.security-association.sa${n}`;
  const fixed = tree.text(`${at}.address-type`) === 'static';
  if (!need(tree, at, ['address-type', ...(fixed ? ['local-address', 'remote-address'] : [])], fail)) return;
  const remote = tree.text(`${at}.remote-address`);
  if (!fixed && remote !== undefined) {
    const message = `${at}.remote-address has no meaning for a dynamic peer: remove it, or set ${at}.address-type : static.`;
    fail(`${at}.remote-address`, message, 'conflict', [`${at}.address-type`]);
  }
  const own = tree.text(`${at}.local-address`) ?? 'ge0';
  const family = remote && familyOf(remote);
  if (own.startsWith('ge') && !endsOf(tree, own).some((a) => !family || familyOf(a) === family)) {
    const kind = family === 6 ? 'ipv6' : 'ipv4';
    const message = `${at} begins at ${own}, which has no ${family ? `IPv${family} ` : ''}address: add interface.${own}.${kind}.address, or give ${at}.local-address an address.`;
    fail(`${at}.local-address`, message, 'missing', [`interface.${own}.${kind}.address`]);
  }
  if (peerOf(tree, at) === undefined) {
    const wanted = fixed ? remote : 'dynamic';
    const key = `${at}.${fixed ? 'remote-address' : 'address-type'}`;
    fail(key, `${at} has no peer: add ike.peer.N.address : ${wanted} and its preshared-key.`, 'missing');
  }
}

/** Looks at one policy; returns the number of its peer. */
function policy(tree: Tree, n: number, fail: Fail): number | undefined {
  const at = `ipsec.security-policy.${n}`;
  if (n >= SECURITY_POLICIES)
    fail(`${at}.security-association`, `${at} does not exist: 0 to ${SECURITY_POLICIES - 1}.`);
  const transport = tree.text(`${at}.mode`) === 'transport';
  const sides = transport ? [] : ['source.address', 'destination.address'];
  need(tree, at, ['security-association', ...sides], fail);
  const name = tree.text(`${at}.security-association`);
  if (name === undefined) return undefined;
  const association = `ipsec.security-association.${name}`;
  const known = tree.indexes('ipsec.security-association.sa').map((i) => `sa${i}`);
  if (!known.includes(name)) {
    const key = `${at}.security-association`;
    fail(
      key,
      `${key} ${name} is not configured: add ${association}, or use ${known.join(', ') || 'one'}.`,
      'missing',
    );
    return undefined;
  }
  traffic(tree, at, fail);
  if (transport) transportEnds(tree, at, association, fail);
  return peerOf(tree, association);
}

function traffic(tree: Tree, at: string, fail: Fail): void {
  const [source, destination] = ['source', 'destination'].map((side) => tree.text(`${at}.${side}.address`));
  for (const side of ['source', 'destination']) {
    const key = `${at}.${side}.address`;
    const value = tree.text(key);
    if (value?.includes('/') && networkOf(value) !== value)
      fail(key, `${key} ${value} has host bits set: write ${networkOf(value)}.`, 'bad-value');
    const port = `${at}.${side}.port`;
    const protocol = tree.text(`${at}.protocol`);
    if (tree.text(port) !== 'any' && protocol !== '6' && protocol !== '17' && protocol !== '132')
      fail(
        port,
        `${port} goes with a protocol that has ports: set ${at}.protocol : 6 (TCP) or 17 (UDP).`,
        'conflict',
        [`${at}.protocol`],
      );
  }
  if (source && source === destination) {
    const message = `${at}.source.address and .destination.address are the same: one of them must be narrower, or nothing but the tunnel is left.`;
    fail(`${at}.destination.address`, message, 'conflict', [`${at}.source.address`]);
  }
  if (source && destination && familyOf(source.split('/')[0]) !== familyOf(destination.split('/')[0])) {
    const key = `${at}.destination.address`;
    fail(
      key,
      `${key} is of another address family than ${at}.source.address: both sides must be IPv4 or IPv6.`,
      'conflict',
      [`${at}.source.address`],
    );
  }
}

/** Transport mode protects what the two ends say to each other, and nothing behind them (RFC 4301 4.1). */
function transportEnds(tree: Tree, at: string, association: string, fail: Fail): void {
  if (tree.text(`${association}.address-type`) === 'dynamic') {
    const key = `${at}.mode`;
    fail(
      key,
      `${key} transport needs to know both ends: ${association} is dynamic; use tunnel.`,
      'conflict',
      [`${association}.address-type`],
    );
  }
  for (const [side, end] of [
    ['source', 'local-address'],
    ['destination', 'remote-address'],
  ]) {
    const key = `${at}.${side}.address`;
    const [value, address] = [tree.text(key), tree.text(`${association}.${end}`)];
    if (value === undefined || address === undefined) continue;
    if (!endsOf(tree, address).includes(value.replace(/\/(32|128)$/, '')))
      fail(
        key,
        `${key} must be ${association}.${end} (${address}) in transport mode: remove it, or use tunnel.`,
        'conflict',
        [`${at}.mode`],
      );
  }
}

/** The addresses that an end may mean: itself, or those of an interface. */
function endsOf(tree: Tree, end: string): string[] {
  if (!end.startsWith('ge')) return [end];
  return ['ipv4', 'ipv6'].flatMap((family) => {
    const own = tree.text(`interface.${end}.${family}.address`)?.split('/')[0];
    return own ? [own] : [];
  });
}
