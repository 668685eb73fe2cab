// Keys and certificates that a configuration names, read from their files.
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Mistake } from '../config/mistake.ts';
import type { Tree } from '../config/tree.ts';
import { kindOf, type PrivateKey } from '../ike/crypto/signature.ts';
import { nameText } from '../ike/distinguished-name.ts';
import { identityToWire } from '../ike/identity.ts';
import type { Credential, Identity, Trust } from '../ike/policy.ts';
import { parseAddress } from '../net/address.ts';
import { compareBytes, concat } from '../net/bytes.ts';
import { Secret } from '../net/secret.ts';
import { expiry } from '../pki/expiry.ts';
import { certificateNames } from '../pki/names.ts';
import { type Block, pemBlocks } from '../pki/pem.ts';
import type { X509 } from '../pki/x509.ts';
import { outerFamily } from '../plan/connection.ts';

export type Keys = {
  readonly credential: Exclude<Credential, { method: 'preshared-key' }>;
  /** The subject of our certificate: our identity where the configuration says distinguished-name. */
  readonly subject?: Identity;
};

export type Loaded = {
  /** By interface: "ipsec0". */
  readonly keys: ReadonlyMap<string, Keys>;
  readonly mistakes: readonly Mistake[];
  readonly warnings: readonly Mistake[];
};

type Fail = (key: string, message: string) => undefined;

/** `read` gives the text of a file or throws. Pure but for it. */
export function loadCredentials(
  tree: Tree,
  x509: X509,
  read: (file: string) => string,
  now = Date.now(),
): Loaded {
  const keys = new Map<string, Keys>();
  const mistakes: Mistake[] = [];
  const warnings: Mistake[] = [];
  const fail: Fail = (key, message) => {
    mistakes.push({ code: 'conflict', key, message });
    return undefined;
  };
  for (const n of tree.indexes('interface.ipsec')) {
    const at = `interface.ipsec${n}.ike`;
    const method = tree.text(`${at}.authentication`);
    const blocksOf = (leaf: string): Block[] | undefined => {
      const key = `${at}.${leaf}`;
      const file = tree.text(key) ?? '';
      try {
        const blocks = pemBlocks(read(file));
        return blocks.length > 0 ? blocks : fail(key, `${key}: ${file} holds nothing in PEM form.`);
      } catch (e) {
        const why =
          (e as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (e as Error).message;
        return fail(key, `${key}: cannot read ${file}: ${why}.`);
      }
    };
    if (method !== 'certificate' && method !== 'public-key') continue;
    const privateKey = keyOf(tree, at, blocksOf('my-private-key'), fail);
    if (method === 'public-key') {
      const peer = blocksOf('peers-public-key')?.find((b) => b.label === 'PUBLIC KEY');
      if (privateKey && peer)
        keys.set(`ipsec${n}`, { credential: { method, privateKey: privateKey.key, peer: peer.der } });
      continue;
    }
    const chain = blocksOf('my-certificate')?.flatMap((b) => (b.label === 'CERTIFICATE' ? [b.der] : []));
    const trust = trustOf(tree, at, x509, blocksOf('peers-authority'), fail);
    if (!privateKey || !chain || !trust) continue;
    const own = chain[0] && x509.describe(chain[0]);
    const key = `${at}.my-certificate`;
    if (!own) {
      fail(key, `${key}: the file holds no certificate.`);
      continue;
    }
    if (compareBytes(own.publicKey, privateKey.spki) !== 0) {
      fail(key, `${key} and ${at}.my-private-key do not belong together: the public keys differ.`);
      continue;
    }
    const subject: Identity = {
      type: 'distinguished-name',
      value: nameText(own.subjectDer) ?? '',
      der: own.subjectDer,
    };
    keys.set(`ipsec${n}`, {
      credential: { method, privateKey: privateKey.key, chain, trust },
      subject,
    });
    const soon = expiry(own.notAfter, now);
    if (soon) {
      warnings.push({
        code: 'weak',
        key,
        message: `${key}: our certificate ${subject.value} ${soon}: renew it.`,
      });
    }
    const me = identityOf(tree, `interface.ipsec${n}`);
    if (me && !certificateNames(own, identityToWire(me))) {
      const message = `${key}: the certificate does not name ${me.value}, as which we introduce ourselves: peers will refuse it. Set ${at}.my-identifier to a name in it, or to distinguished-name.`;
      warnings.push({ code: 'weak', key, message });
    }
  }
  return { keys, mistakes, warnings };
}

/** Who we say we are, unless it is the certificate's subject. */
function identityOf(tree: Tree, at: string): Identity | undefined {
  const type = tree.text(`${at}.ike.my-identifier.type`);
  if (type === 'fqdn' || type === 'user-fqdn')
    return { type, value: tree.text(`${at}.ike.my-identifier.${type}`) ?? '' };
  const value = tree.text(`${at}.ipv${outerFamily(tree, at)}.source`) ?? '';
  return type === 'address' && parseAddress(value) ? { type, value } : undefined;
}

function keyOf(
  tree: Tree,
  at: string,
  blocks: readonly Block[] | undefined,
  fail: Fail,
): { key: PrivateKey; spki: Uint8Array } | undefined {
  if (!blocks) return undefined;
  const name = `${at}.my-private-key`;
  const block = blocks.find((b) => b.label.endsWith('PRIVATE KEY'));
  if (!block) return fail(name, `${name}: the file holds no private key.`);
  if (block.label.startsWith('ENCRYPTED'))
    return fail(
      name,
      `${name}: the key is sealed by a passphrase: store it without one, readable by root only.`,
    );
  let object: KeyObject;
  try {
    const body = Buffer.from(block.der).toString('base64');
    object = createPrivateKey(`-----BEGIN ${block.label}-----\n${body}\n-----END ${block.label}-----\n`);
  } catch {
    return fail(name, `${name}: the private key cannot be read.`);
  }
  const kind = kindOf(object);
  if (!kind)
    return fail(
      name,
      `${name}: IKE signs with RSA, ECDSA on P-256, P-384 and P-521, Ed25519 and Ed448, not with ${object.asymmetricKeyType}.`,
    );
  if (kind !== 'rsa' && tree.value(`${at}.version`) === 1)
    return fail(name, `${name}: IKEv1 signs with RSA keys only: set ${at}.version : 2 or use an RSA key.`);
  const der = (format: { type: 'spki' | 'pkcs8' }, key: KeyObject) =>
    new Uint8Array(key.export({ format: 'der', ...format } as { format: 'der'; type: 'spki' }));
  const pkcs8 = new Secret(der({ type: 'pkcs8' }, object));
  return { key: { kind, pkcs8 }, spki: der({ type: 'spki' }, createPublicKey(object)) };
}

function trustOf(
  tree: Tree,
  at: string,
  x509: X509,
  blocks: readonly Block[] | undefined,
  fail: Fail,
): Trust | undefined {
  if (!blocks) return undefined;
  const name = `${at}.peers-authority`;
  const authorities = blocks.flatMap((b) => (b.label === 'CERTIFICATE' ? [b.der] : []));
  const described = authorities.map((a) => x509.describe(a));
  if (authorities.length === 0 || described.includes(undefined))
    return fail(name, `${name}: the file must hold certificates of authorities.`);
  return {
    authorities,
    keyHashes: concat(...described.map((d) => createHash('sha1').update(d!.publicKey).digest())),
    revocationLists: blocks.flatMap((b) => (b.label === 'X509 CRL' ? [b.der] : [])),
    revocation: tree.value(`${at}.revocation`) as Trust['revocation'],
  };
}
