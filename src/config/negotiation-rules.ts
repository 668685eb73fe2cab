// Rules of what is negotiated, wherever it is set: at an interface, or at a peer and its security policies.
import type { Fail, Warn } from './rule.ts';
import type { Tree } from './tree.ts';

const AEAD = ['aes256-gcm16', 'aes128-gcm16', 'chacha20-poly1305'];

/** Where the settings of a negotiation stand. */
export type Place = {
  /** "interface.ipsec0.ike", "ike.peer.0". */
  readonly ike: string;
  /** "….proposal.phase1", or a peer's "….proposal". */
  readonly phase1: string;
  readonly phase2: readonly string[];
};

/** The weak algorithms that something proposes and accepts. */
export type Weak = {
  readonly name: string;
  readonly key: string;
  readonly algorithms: readonly string[];
  /** The key by which more than the lists is taken. */
  readonly because?: string;
};

export function authentication(tree: Tree, at: string): string {
  return tree.text(`${at}.authentication`) ?? 'preshared-key';
}

/** Who both sides say they are. `at`: "interface.ipsec0.ike" or "ike.peer.0". */
export function identifiers(tree: Tree, at: string, fail: Fail): void {
  moves(tree, at, fail);
  for (const who of ['my-identifier', 'peers-identifier']) {
    const type = tree.text(`${at}.${who}.type`);
    if (type === 'distinguished-name' && authentication(tree, at) !== 'certificate') {
      const key = `${at}.${who}.type`;
      const message = `${key} distinguished-name is the subject of a certificate: set ${at}.authentication : certificate.`;
      fail(key, message, 'conflict', [`${at}.authentication`]);
    }
    const ofCertificate = type === 'distinguished-name' && who === 'my-identifier';
    if (type !== 'address' && !ofCertificate && tree.value(`${at}.${who}.${type}`) === undefined) {
      fail(`${at}.${who}.type`, `${at}.${who}.type is ${type}: add ${at}.${who}.${type}.`, 'missing', [
        `${at}.${who}.${type}`,
      ]);
    }
    for (const other of ['address', 'fqdn', 'user-fqdn', 'key-id', 'distinguished-name']) {
      if (other !== type && tree.configured(`${at}.${who}.${other}`) !== undefined) {
        fail(
          `${at}.${who}.${other}`,
          `${at}.${who}.${other} has no effect while ${at}.${who}.type is ${type}: set the type to ${other} or remove it.`,
          'conflict',
          [`${at}.${who}.type`],
        );
      }
    }
  }
}

/** Who moves is the same router at another address, which its identity must not be. */
function moves(tree: Tree, at: string, fail: Fail): void {
  const type = `${at}.my-identifier.type`;
  const fixed = tree.value(`${at}.my-identifier.address`) !== undefined;
  if (!tree.enabled(`${at}.mobike`) || tree.text(type) !== 'address' || fixed) return;
  const message = `${at}.mobike enable needs an identity that outlives our address: set ${type} to fqdn or user-fqdn, and the identifier.`;
  fail(`${at}.mobike`, message, 'conflict', [type]);
}

/** What is proposed, under the version that it is proposed in. */
export function proposals(tree: Tree, place: Place, fail: Fail, warn: Warn): Weak {
  const versionKey = `${place.ike}.version`;
  const version = tree.value(versionKey);
  for (const { key, cipher } of ciphers(tree, place.phase1)) {
    if (version === 1 && AEAD.includes(cipher)) {
      fail(
        key,
        `${key} ${cipher} cannot protect an IKEv1 exchange (RFC 5282 is for IKEv2): set ${versionKey} : 2 or use aes256, aes192, aes128 or 3des here.`,
        'conflict',
        [versionKey],
      );
    }
  }
  for (const { key, cipher } of place.phase2.flatMap((at) => ciphers(tree, at))) {
    if (version === 1 && cipher === 'chacha20-poly1305') {
      fail(
        key,
        `${key} chacha20-poly1305 has no number in IKEv1 (RFC 7634 is for IKEv2): set ${versionKey} : 2 or use another cipher.`,
        'conflict',
        [versionKey],
      );
    }
  }
  const mode = `${place.ike}.exchange-mode`;
  if (version === 1 && tree.text(mode) === 'aggressive') {
    const text = 'aggressive mode shows a hash that lets the preshared key be guessed offline (VU#857035)';
    warn(mode, `${mode}: ${text}; use main where the peer has a fixed address, or IKEv2.`);
  }
  return weakness(tree, place, fail);
}

function ciphers(tree: Tree, at: string): { key: string; cipher: string }[] {
  return tree.indexes(`${at}.encryption.`).map((i) => {
    const key = `${at}.encryption.${i}.algorithm`;
    return { key, cipher: tree.text(key) ?? '' };
  });
}

/** Broken: within reach of attackers with means. */
export const BROKEN: readonly string[] = ['md5', 'modp1024'];

/** Weak: still standing, but no choice for something new (RFC 8247, RFC 8221). */
export const WEAK: readonly string[] = [...BROKEN, '3des', 'sha1', 'modp1536'];

/** What is weak of all that we can, where all of it is proposed or accepted. */
function limits(tree: Tree, ike: string, legacy: string): readonly string[] {
  const newer = tree.value(`${ike}.version`) === 2;
  const offered = newer && tree.text(`${ike}.proposal.offer`) === 'all';
  if (!offered && tree.text(`${ike}.proposal.accept`) !== 'all') return [];
  return newer && !tree.enabled(legacy) ? WEAK.filter((w) => !BROKEN.includes(w)) : WEAK;
}

/** The weak algorithms. SEIL's own defaults are such: taken as they are under IKEv1, and told. */
function weakness(tree: Tree, { ike, phase1, phase2 }: Place, fail: Fail): Weak {
  const list = (key: string, suffix: string) => ({ key, values: tree.list(key, suffix) });
  const one = (key: string) => ({ key, values: [tree.value(key) ?? ''] });
  const lists = [
    list(`${phase1}.encryption.`, '.algorithm'),
    list(`${phase1}.hash.`, '.algorithm'),
    one(`${phase1}.dh-group`),
    list(`${phase1}.dh-group-alternative.`, '.group'),
    ...phase2.flatMap((at) => [
      list(`${at}.encryption.`, '.algorithm'),
      list(`${at}.authentication.`, '.algorithm'),
      one(`${at}.pfs-group`),
    ]),
  ].map(({ key, values }) => ({ key, values: values.map((v) => String(v).replace(/^hmac-/, '')) }));
  const legacy = `${ike}.legacy`;
  if (tree.value(`${ike}.version`) === 2 && !tree.enabled(legacy)) {
    for (const { key, values } of lists) {
      const broken = values.find((v) => BROKEN.includes(v));
      if (!broken) continue;
      const place = [...tree.entries()].find(([k]) => k.startsWith(key))?.[0] ?? key;
      fail(
        place,
        `${place} ${broken} is broken: use something better, or set ${legacy} : enable where the peer can do nothing else.`,
        'conflict',
        [legacy, `${ike}.version`],
      );
    }
  }
  const beyond = limits(tree, ike, legacy);
  const listed = lists.flatMap(({ values }) => values.filter((v) => WEAK.includes(v)));
  const algorithms = [...new Set([...listed, ...beyond])];
  const name = ike.replace(/^interface\.|\.ike$/g, '');
  return {
    name,
    key: phase1.replace(/\.phase1$/, ''),
    algorithms,
    ...(beyond.length > 0 ? { because: `${ike}.proposal.accept` } : {}),
  };
}
