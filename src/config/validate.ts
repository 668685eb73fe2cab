// Rules across keys. What a single value may be is the schema's business.
import { networkOf, overlap } from '../net/address.ts';
import { filterRules } from './filter-rules.ts';
import type { Mistake } from './mistake.ts';
import { authentication, identifiers, proposals, type Weak } from './negotiation-rules.ts';
import { policies } from './policy-rules.ts';
import type { Fail, Warn } from './rule.ts';
import { findLeaf } from './schema/index.ts';
import { IPSEC_INTERFACES } from './schema/interface-ipsec.ts';
import { serviceRules } from './service-rules.ts';
import type { Tree } from './tree.ts';

export type Verdict = { readonly errors: readonly Mistake[]; readonly warnings: readonly Mistake[] };

/** Judged once: a tree does not change. */
const verdicts = new WeakMap<Tree, Verdict>();

export function validate(tree: Tree): Verdict {
  const verdict = verdicts.get(tree) ?? judge(tree);
  verdicts.set(tree, verdict);
  return verdict;
}

function judge(tree: Tree): Verdict {
  const errors: Mistake[] = [];
  const warnings: Mistake[] = [];
  const fail: Fail = (key, message, code = 'conflict', about = []) => {
    errors.push({ code, key, message, ...(about.length > 0 ? { about } : {}) });
  };
  const warn = (key: string, message: string) => warnings.push({ code: 'weak', key, message });

  for (const [path, value] of tree.entries()) {
    const reason = findLeaf(path)?.leaf.refuse?.(value);
    if (!reason) continue;
    // A command that is kept names itself.
    const message = path.startsWith('yamaha.kept.') ? `${reason}.` : `${path} ${reason}.`;
    errors.push({ code: 'not-built', key: path, message });
  }
  const weak = tree.indexes('interface.ipsec').flatMap((n) => tunnel(tree, n, fail, warn) ?? []);
  weakTunnels([...weak, ...policies(tree, fail, warn)], warn);
  filterRules(tree, fail, warn);
  serviceRules(tree, fail, warn);
  yamahaNumbers(tree, fail);
  devices(tree, fail);
  networks(tree, warn);
  for (const family of [4, 6] as const) routes(tree, family, fail);
  return { errors, warnings };
}

/** Commands name a policy and a gateway by their numbers: no two tunnels have the same. */
function yamahaNumbers(tree: Tree, fail: Fail): void {
  const tunnels = tree.indexes('interface.ipsec');
  for (const [what, beyond] of [
    ['gateway', 1],
    ['policy', 101],
  ] as const) {
    const taken = new Map<number, number>();
    const key = (n: number) => `interface.ipsec${n}.yamaha.${what}`;
    const number = (n: number) => Number(tree.configured(key(n)) ?? n + beyond);
    // Those that follow from the name of the interface come first.
    const [own, given] = [false, true].map((set) =>
      tunnels.filter((n) => (tree.configured(key(n)) !== undefined) === set),
    );
    for (const n of [...own, ...given]) {
      const other = taken.get(number(n));
      if (other === undefined) taken.set(number(n), n);
      else
        fail(
          key(n),
          `${key(n)} is ${number(n)}, the number that ipsec${other} has already: give another, or delete it.`,
          'conflict',
          [key(other)],
        );
    }
  }
}

/** What each way of authentication cannot do without. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  'preshared-key': ['preshared-key'],
  certificate: ['ike.my-certificate', 'ike.my-private-key', 'ike.peers-authority'],
  'public-key': ['ike.my-private-key', 'ike.peers-public-key'],
};

/** The family of the packets that carry the tunnel, as its keys have it. */
function outerOf(tree: Tree, at: string): 'ipv4' | 'ipv6' {
  return tree.value(`${at}.ipv6.source`) === undefined ? 'ipv4' : 'ipv6';
}

/** A peer that may come from anywhere is known by its name alone. */
function dynamicPeer(tree: Tree, at: string, fail: Fail): void {
  const outer = outerOf(tree, at);
  const destination = tree.text(`${at}.${outer}.destination`);
  const flag = `${at}.dynamic-remote-address`;
  if (tree.enabled(flag) && destination !== undefined && destination !== 'any') {
    fail(
      flag,
      `${flag} says that the peer has no fixed address, ${at}.${outer}.destination gives one: remove one of the two.`,
      'conflict',
      [`${at}.${outer}.destination`],
    );
  }
  if (!tree.enabled(flag) && destination !== 'any') return;
  const type = `${at}.ike.peers-identifier.type`;
  const address = `${at}.ike.peers-identifier.address`;
  if (tree.text(type) === 'address' && tree.value(address) === undefined) {
    fail(
      type,
      `${at} has a peer without a fixed address: set ${type} to fqdn, user-fqdn or distinguished-name, and the identifier.`,
      'conflict',
      [flag, `${at}.${outer}.destination`],
    );
  }
}

/** Tunnels that are configured and cannot be there: taken down by hand, or not complete. By name, each with the reason. */
export function dormant(tree: Tree): ReadonlyMap<string, Mistake> {
  const out = new Map<string, Mistake>();
  for (const n of tree.indexes('interface.ipsec')) {
    const key = `interface.ipsec${n}.administration`;
    if (tree.text(key) === 'down')
      out.set(`ipsec${n}`, { code: 'missing', key, message: `taken down by ${key}` });
  }
  for (const mistake of validate(tree).errors) {
    const name = /^interface\.(ipsec\d+)\./.exec(mistake.key ?? '')?.[1];
    if (mistake.code === 'missing' && name && !out.has(name)) out.set(name, mistake);
  }
  return out;
}

function tunnel(tree: Tree, n: number, fail: Fail, warn: Warn): Weak | undefined {
  const at = `interface.ipsec${n}`;
  if (n >= IPSEC_INTERFACES) {
    fail(`${at}.preshared-key`, `${at} does not exist: ipsec0 to ipsec${IPSEC_INTERFACES - 1}.`);
  }
  // Who is down may be half-made.
  if (tree.text(`${at}.administration`) === 'down') return undefined;
  const anywhere = tree.enabled(`${at}.dynamic-remote-address`);
  const outer = outerOf(tree, at);
  const ends = [`${outer}.source`, ...(anywhere ? [] : [`${outer}.destination`])];
  const octets = tree.value(`${at}.preshared-key-octets`) !== undefined;
  const proof = NEEDED[authentication(tree, `${at}.ike`)].filter((k) => !(octets && k === 'preshared-key'));
  const needed = [...ends, ...proof];
  if (octets && tree.value(`${at}.preshared-key`) !== undefined) {
    const key = `${at}.preshared-key-octets`;
    fail(key, `${key} stands in place of ${at}.preshared-key: remove one of the two.`);
  }
  for (const key of needed) {
    if (tree.value(`${at}.${key}`) === undefined) {
      fail(`${at}.${key}`, `${at} is not complete: add ${at}.${key}.`, 'missing', [
        `${at}.ike.authentication`,
      ]);
    }
  }
  dynamicPeer(tree, at, fail);
  const source = tree.text(`${at}.${outer}.source`);
  const destination = `${at}.${outer}.destination`;
  if (source && source === tree.text(destination)) {
    fail(destination, `${destination} is our own address ${source}: give the peer's.`);
  }
  const unused = outer === 'ipv4' ? ['ipv6.destination'] : ['ipv4.source', 'ipv4.destination'];
  for (const key of unused) {
    if (tree.value(`${at}.${key}`) === undefined) continue;
    const message = `${at} is carried by one address family: remove ${at}.${key}, or ${at}.ipv6.source.`;
    fail(`${at}.${key}`, message, 'conflict', [`${at}.ipv6.source`]);
  }
  identifiers(tree, `${at}.ike`, fail);
  proxyIds(tree, at, fail);
  const proposal = `${at}.ike.proposal`;
  return proposals(
    tree,
    { ike: `${at}.ike`, phase1: `${proposal}.phase1`, phase2: [`${proposal}.phase2`] },
    fail,
    warn,
  );
}

function proxyIds(tree: Tree, at: string, fail: Fail): void {
  const id = `${at}.ike.proposal.phase2.proxy-id`;
  const set = (family: 4 | 6) =>
    ['local', 'remote'].map((side) => tree.text(`${id}.ipv${family}.${side}`)).filter((v) => v !== undefined);
  for (const family of [4, 6] as const) {
    for (const side of ['local', 'remote']) {
      const key = `${id}.ipv${family}.${side}`;
      const value = tree.text(key);
      if (value && networkOf(value) !== value) {
        fail(key, `${key} ${value} has host bits set: write ${networkOf(value)}.`, 'bad-value');
      }
    }
    // What is not sent need not be whole.
    if (set(family).length === 1 && tree.value(`${id}.send`) !== 'disable') {
      const missing = tree.text(`${id}.ipv${family}.local`) ? 'remote' : 'local';
      fail(
        `${id}.ipv${family}.${missing}`,
        `A proxy-id is a pair: add ${id}.ipv${family}.${missing}.`,
        'missing',
      );
    }
  }
  if (tree.value(`${at}.ike.version`) === 1 && set(4).length > 0 && set(6).length > 0) {
    fail(
      `${id}.ipv6.local`,
      `IKEv1 carries one pair of proxy-ids: remove ${id}.ipv4 or .ipv6, or set ${at}.ike.version : 2.`,
      'conflict',
      [`${at}.ike.version`],
    );
  }
}

/** One warning for all that have the same weak algorithms: SEIL's defaults are in most of them. */
function weakTunnels(all: readonly Weak[], warn: Warn): void {
  const alike = new Map<string, Weak[]>();
  for (const weak of all) {
    const list = weak.algorithms.join(', ');
    if (list) alike.set(list, [...(alike.get(list) ?? []), weak]);
  }
  for (const [list, [first, ...more]] of alike) {
    const who = more.length === 0 ? first.name : `${first.name} and ${more.length} more`;
    if (first.because) {
      const message = `${who}: all that we can is accepted, weak algorithms too (${list}): set ${first.because} and .offer to listed where the peer needs none of them.`;
      warn(first.because, message);
      continue;
    }
    warn(
      first.key,
      `${who}: weak algorithms are proposed and accepted, where nothing is configured by SEIL's defaults (${list}): set ${first.key} to aes256, sha256 and modp2048 or better where the peer can.`,
    );
  }
}

function devices(tree: Tree, fail: Fail): void {
  const seen = new Map<string, number>();
  for (const n of tree.indexes('system.interface.ge')) {
    const key = `system.interface.ge${n}.device`;
    const device = tree.text(key);
    if (device === undefined) continue;
    const other = seen.get(device);
    if (other !== undefined) {
      fail(
        key,
        `${key} ${device} is already the device of ge${other}: every interface needs a device of its own.`,
      );
    }
    seen.set(device, n);
  }
}

/** Of two interfaces in one network only one is ever answered. */
function networks(tree: Tree, warn: Warn): void {
  const seen: { readonly name: string; readonly network: string }[] = [];
  for (const n of tree.indexes('interface.ge')) {
    const key = `interface.ge${n}.ipv4.address`;
    const address = tree.text(key);
    if (address === undefined || !address.includes('/')) continue;
    const other = seen.find((s) => overlap(s.network, address));
    if (other) warn(key, sameNetwork(`ge${n}`, address, other.name));
    seen.push({ name: `ge${n}`, network: networkOf(address) });
  }
}

/** What to do about it, in one sentence. */
export function sameNetwork(name: string, address: string, other: string): string {
  return `${name} and ${other} are both in ${networkOf(address)}, and hosts of one will not be reached: set interface.${name}.ipv4.address to another network.`;
}

function routes(tree: Tree, family: 4 | 6, fail: Fail): void {
  const tunnels = new Set(tree.indexes('interface.ipsec'));
  const leased = tree
    .indexes('interface.ge')
    .filter((n) => tree.text(`interface.ge${n}.ipv4.address`) === 'dhcp');
  for (const n of tree.indexes(`route.ipv${family}.`)) {
    const at = `route.ipv${family}.${n}`;
    for (const key of ['destination', 'gateway']) {
      if (tree.value(`${at}.${key}`) === undefined) {
        fail(`${at}.${key}`, `${at} is not complete: add ${at}.${key}.`, 'missing');
      }
    }
    const destination = tree.text(`${at}.destination`);
    if (destination && destination !== 'default' && networkOf(destination) !== destination) {
      fail(
        `${at}.destination`,
        `${at}.destination ${destination} has host bits set: write ${networkOf(destination)}.`,
        'bad-value',
      );
    }
    const gateway = tree.text(`${at}.gateway`) ?? '';
    if (gateway === 'dhcp' && leased.length > 1)
      fail(
        `${at}.gateway`,
        `${at}.gateway dhcp may be that of ${leased.map((i) => `ge${i}`).join(' or ')}: give its address.`,
      );
    if (/^fe[89ab]/i.test(gateway))
      fail(
        `${at}.gateway`,
        `${at}.gateway ${gateway} is a link-local address, which is known but not built yet: give a global or unique local one.`,
        'not-built',
      );
    const tunnelName = /^ipsec(\d+)$/.exec(gateway);
    if (tunnelName && !tunnels.has(Number(tunnelName[1]))) {
      fail(
        `${at}.gateway`,
        `${at}.gateway ${gateway} is not configured: add interface.${gateway} or use another gateway.`,
        'missing',
      );
    }
  }
}
