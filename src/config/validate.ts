// Rules across keys. What a single value may be is the schema's business.
import { networkOf } from '../net/address.ts';
import type { Mistake } from './mistake.ts';
import { findLeaf } from './schema/index.ts';
import { IPSEC_INTERFACES } from './schema/interface-ipsec.ts';
import type { Tree } from './tree.ts';

export type Verdict = { readonly errors: readonly Mistake[]; readonly warnings: readonly Mistake[] };

const AEAD = ['aes256-gcm16', 'aes128-gcm16', 'chacha20-poly1305'];

export function validate(tree: Tree): Verdict {
  const errors: Mistake[] = [];
  const warnings: Mistake[] = [];
  const fail: Fail = (key, message, code = 'conflict', about = []) => {
    errors.push({ code, key, message, ...(about.length > 0 ? { about } : {}) });
  };
  const warn = (key: string, message: string) => warnings.push({ code: 'weak', key, message });

  for (const [path, value] of tree.entries()) {
    const reason = findLeaf(path)?.leaf.refuse?.(value);
    if (reason) errors.push({ code: 'not-built', key: path, message: `${path} ${reason}.` });
  }
  const tunnels = tree.indexes('interface.ipsec');
  weakTunnels(new Map(tunnels.map((n) => [`ipsec${n}`, tunnel(tree, n, fail, warn)])), warn);
  devices(tree, fail);
  for (const family of [4, 6] as const) routes(tree, family, fail);
  return { errors, warnings };
}

/** `about`: further keys that the rule looked at, which may be broken themselves. */
type Fail = (key: string, message: string, code?: Mistake['code'], about?: readonly string[]) => void;
type Warn = (key: string, message: string) => void;

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

function authentication(tree: Tree, at: string): string {
  return tree.text(`${at}.ike.authentication`) ?? 'preshared-key';
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
  if (tree.text(type) === 'address') {
    fail(
      type,
      `${at} has a peer without a fixed address: set ${type} to fqdn, user-fqdn or distinguished-name, and the identifier.`,
      'conflict',
      [flag, `${at}.${outer}.destination`],
    );
  }
}

function tunnel(tree: Tree, n: number, fail: Fail, warn: Warn): string[] {
  const at = `interface.ipsec${n}`;
  if (n >= IPSEC_INTERFACES) {
    fail(`${at}.preshared-key`, `${at} does not exist: ipsec0 to ipsec${IPSEC_INTERFACES - 1}.`);
  }
  const anywhere = tree.enabled(`${at}.dynamic-remote-address`);
  const outer = outerOf(tree, at);
  const ends = [`${outer}.source`, ...(anywhere ? [] : [`${outer}.destination`])];
  const needed = [...ends, ...NEEDED[authentication(tree, at)]];
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
  identifiers(tree, at, fail);
  proxyIds(tree, at, fail);
  return proposals(tree, at, fail, warn);
}

function identifiers(tree: Tree, at: string, fail: Fail): void {
  for (const who of ['my-identifier', 'peers-identifier']) {
    const type = tree.text(`${at}.ike.${who}.type`);
    if (type === 'distinguished-name' && authentication(tree, at) !== 'certificate') {
      const key = `${at}.ike.${who}.type`;
      const message = `${key} distinguished-name is the subject of a certificate: set ${at}.ike.authentication : certificate.`;
      fail(key, message, 'conflict', [`${at}.ike.authentication`]);
    }
    const ofCertificate = type === 'distinguished-name' && who === 'my-identifier';
    if (type !== 'address' && !ofCertificate && tree.value(`${at}.ike.${who}.${type}`) === undefined) {
      fail(
        `${at}.ike.${who}.type`,
        `${at}.ike.${who}.type is ${type}: add ${at}.ike.${who}.${type}.`,
        'missing',
        [`${at}.ike.${who}.${type}`],
      );
    }
    for (const other of ['fqdn', 'user-fqdn', 'distinguished-name']) {
      if (other !== type && tree.configured(`${at}.ike.${who}.${other}`) !== undefined) {
        fail(
          `${at}.ike.${who}.${other}`,
          `${at}.ike.${who}.${other} has no effect while ${at}.ike.${who}.type is ${type}: set the type to ${other} or remove it.`,
          'conflict',
          [`${at}.ike.${who}.type`],
        );
      }
    }
  }
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
    if (set(family).length === 1) {
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

function proposals(tree: Tree, at: string, fail: Fail, warn: Warn): string[] {
  const p = `${at}.ike.proposal`;
  const version = tree.value(`${at}.ike.version`);
  const phase1 = `${p}.phase1.encryption.`;
  for (const i of tree.indexes(phase1)) {
    const key = `${phase1}${i}.algorithm`;
    const cipher = tree.text(key) ?? '';
    if (version === 1 && AEAD.includes(cipher)) {
      fail(
        key,
        `${key} ${cipher} cannot protect an IKEv1 exchange (RFC 5282 is for IKEv2): set ${at}.ike.version : 2 or use aes256, aes192, aes128 or 3des here.`,
        'conflict',
        [`${at}.ike.version`],
      );
    }
  }
  const phase2 = `${p}.phase2.encryption.`;
  for (const i of tree.indexes(phase2)) {
    const key = `${phase2}${i}.algorithm`;
    if (version === 1 && tree.value(key) === 'chacha20-poly1305') {
      fail(
        key,
        `${key} chacha20-poly1305 has no number in IKEv1 (RFC 7634 is for IKEv2): set ${at}.ike.version : 2 or use another cipher.`,
        'conflict',
        [`${at}.ike.version`],
      );
    }
  }
  const mode = `${at}.ike.exchange-mode`;
  if (version === 1 && tree.text(mode) === 'aggressive') {
    const text = 'aggressive mode shows a hash that lets the preshared key be guessed offline (VU#857035)';
    warn(mode, `${mode}: ${text}; use main where the peer has a fixed address, or IKEv2.`);
  }
  return weakness(tree, at, fail);
}

/** Broken: within reach of attackers with means. */
const BROKEN = ['md5', 'modp1024'];

/** Weak: still standing, but no choice for something new (RFC 8247, RFC 8221). */
export const WEAK: readonly string[] = [...BROKEN, '3des', 'sha1', 'modp1536'];

/** The weak algorithms of a tunnel. SEIL's own defaults are such: taken as they are under IKEv1, and told. */
function weakness(tree: Tree, at: string, fail: Fail): string[] {
  const p = `${at}.ike.proposal`;
  const lists = [
    { key: `${p}.phase1.encryption.`, values: tree.list(`${p}.phase1.encryption.`, '.algorithm') },
    { key: `${p}.phase1.hash.`, values: tree.list(`${p}.phase1.hash.`, '.algorithm') },
    { key: `${p}.phase1.dh-group`, values: [tree.value(`${p}.phase1.dh-group`) ?? ''] },
    {
      key: `${p}.phase1.dh-group-alternative.`,
      values: tree.list(`${p}.phase1.dh-group-alternative.`, '.group'),
    },
    { key: `${p}.phase2.encryption.`, values: tree.list(`${p}.phase2.encryption.`, '.algorithm') },
    { key: `${p}.phase2.authentication.`, values: tree.list(`${p}.phase2.authentication.`, '.algorithm') },
    { key: `${p}.phase2.pfs-group`, values: [tree.value(`${p}.phase2.pfs-group`) ?? ''] },
  ].map(({ key, values }) => ({ key, values: values.map((v) => String(v).replace(/^hmac-/, '')) }));
  const legacy = `${at}.ike.legacy`;
  if (tree.value(`${at}.ike.version`) === 2 && !tree.enabled(legacy)) {
    for (const { key, values } of lists) {
      const broken = values.find((v) => BROKEN.includes(v));
      if (!broken) continue;
      const place = [...tree.entries()].find(([k]) => k.startsWith(key))?.[0] ?? key;
      fail(
        place,
        `${place} ${broken} is broken: use something better, or set ${legacy} : enable where the peer can do nothing else.`,
        'conflict',
        [legacy, `${at}.ike.version`],
      );
    }
  }
  return [...new Set(lists.flatMap(({ values }) => values.filter((v) => WEAK.includes(v))))];
}

/** One warning for all tunnels that have the same weak algorithms: SEIL's defaults are in most of them. */
function weakTunnels(weak: ReadonlyMap<string, readonly string[]>, warn: Warn): void {
  const alike = new Map<string, string[]>();
  for (const [name, found] of weak) {
    const list = found.join(', ');
    if (list) alike.set(list, [...(alike.get(list) ?? []), name]);
  }
  for (const [list, [first, ...more]] of alike) {
    const who = more.length === 0 ? first : `${first} and ${more.length} more`;
    const key = `interface.${first}.ike.proposal`;
    warn(
      key,
      `${who}: weak algorithms are proposed and accepted, where nothing is configured by SEIL's defaults (${list}): set ${key} to aes256, sha256 and modp2048 or better where the peer can.`,
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

function routes(tree: Tree, family: 4 | 6, fail: Fail): void {
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
    const tunnelName = /^ipsec(\d+)$/.exec(gateway);
    if (tunnelName && !tree.indexes('interface.ipsec').includes(Number(tunnelName[1]))) {
      fail(
        `${at}.gateway`,
        `${at}.gateway ${gateway} is not configured: add interface.${gateway} or use another gateway.`,
        'missing',
      );
    }
  }
}
