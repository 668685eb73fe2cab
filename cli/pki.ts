// `sekisho pki`: an authority in a folder, certificates of it, revocation. The openssl command does the work; what is
// ours are the extensions that IKE wants (RFC 4945 5.1.3) and files that ike.my-certificate and its kin take.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Command } from 'commander';

const KEYS: Readonly<Record<string, readonly string[]>> = {
  'rsa-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'rsa-3072': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
  'rsa-4096': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:4096'],
  'ecdsa-p256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'ecdsa-p384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'ecdsa-p521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  ed25519: ['-algorithm', 'ED25519'],
  ed448: ['-algorithm', 'ED448'],
};

class Mistake extends Error {}

function openssl(args: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (error) throw new Mistake('the openssl command is missing: install the package openssl.');
  if (status !== 0) throw new Mistake(`openssl ${args[0]}: ${stderr.trim().split('\n').at(-1)}`);
  return stdout;
}

/** "C=JP, O=Example, CN=a" as -subj takes it. */
function subject(name: string): string {
  const parts = (/=/.test(name) ? name.split(/\s*(?<!\\),\s*/) : [`CN=${name}`]).filter(Boolean);
  return parts.map((part) => `/${part.replace(/\s*=\s*/, '=').replace(/[/+]/g, '\\$&')}`).join('');
}

function days(text: string): string {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1)
    throw new Mistake(`--days ${text}: it must be 1 to 99999.`);
  return text;
}

/** Readable by us alone from its first moment; an existing one is never overwritten. */
function makeKey(kind: string, file: string): void {
  const options = KEYS[kind];
  if (!options) throw new Mistake(`--key ${kind}: it must be one of ${Object.keys(KEYS).join(', ')}.`);
  if (existsSync(file)) throw new Mistake(`${file} exists already: choose another name, or remove it.`);
  const mask = process.umask(0o077);
  try {
    openssl(['genpkey', ...options, '-out', file]);
  } finally {
    process.umask(mask);
  }
}

function authority(folder: string, options: { name: string; key: string; days: string }): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  makeKey(options.key, join(folder, 'ca.key'));
  openssl([
    ...['req', '-x509', '-new', '-key', join(folder, 'ca.key'), '-out', join(folder, 'ca.pem')],
    ...['-sha256', '-days', days(options.days), '-subj', subject(options.name)],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  ]);
  process.stdout.write(`${join(folder, 'ca.pem')}: give it to every router (ike.peers-authority).\n`);
}

type CertificateOptions = {
  authority: string;
  name?: string;
  key: string;
  days: string;
  out?: string;
  crl?: string;
  ocsp?: string;
};

/** Names that a peer may call itself by: addresses, domain names, user@domain. */
function alternative(name: string): string {
  if (isIP(name)) return `IP:${name}`;
  if (/^[^@\s,]+@[^@\s,]+$/.test(name)) return `email:${name}`;
  if (/^[\w.-]+$/.test(name)) return `DNS:${name}`;
  throw new Mistake(`${name} is no address, domain name or user@domain.`);
}

function certificate(names: readonly string[], options: CertificateOptions): void {
  const ca = caOf(options.authority);
  const base = join(options.out ?? options.authority, names[0].replace(/[^\w.@-]/g, '-'));
  const extensions = [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    // id-kp-ipsecIKE (RFC 4945 5.1.3.12), and what phones and Windows look for.
    'extendedKeyUsage=serverAuth,clientAuth,1.3.6.1.5.5.7.3.17',
    'subjectKeyIdentifier=hash',
    'authorityKeyIdentifier=keyid',
    `subjectAltName=${names.map(alternative).join(',')}`,
    ...(options.crl ? [`crlDistributionPoints=URI:${options.crl}`] : []),
    ...(options.ocsp ? [`authorityInfoAccess=OCSP;URI:${options.ocsp}`] : []),
  ];
  makeKey(options.key, `${base}.key`);
  const work = mkdtempSync(join(tmpdir(), 'sekisho-pki-'));
  try {
    const [request, file] = [join(work, 'request'), join(work, 'extensions')];
    writeFileSync(file, extensions.join('\n'));
    openssl([
      'req',
      '-new',
      '-key',
      `${base}.key`,
      '-out',
      request,
      '-subj',
      subject(options.name ?? names[0]),
    ]);
    openssl([
      ...['x509', '-req', '-in', request, '-out', `${base}.pem`, '-CA', ca.pem, '-CAkey', ca.key],
      ...['-CAcreateserial', '-sha256', '-days', days(options.days), '-extfile', file],
    ]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  process.stdout.write(
    `${base}.pem and ${base}.key: ike.my-certificate and ike.my-private-key of its router.\n`,
  );
}

function caOf(folder: string): { pem: string; key: string } {
  const [pem, key] = [join(folder, 'ca.pem'), join(folder, 'ca.key')];
  if (!existsSync(pem) || !existsSync(key))
    throw new Mistake(`${folder} holds no authority: make one with sekisho pki authority ${folder}.`);
  return { pem, key };
}

/** Writes the list anew, with what was revoked before and the files given now. */
function revoke(files: readonly string[], options: { authority: string; days: string }): void {
  const ca = caOf(options.authority);
  const at = (name: string) => join(options.authority, name);
  if (!existsSync(at('revoked'))) writeFileSync(at('revoked'), '');
  if (!existsSync(at('crlnumber'))) writeFileSync(at('crlnumber'), '01\n');
  const work = mkdtempSync(join(tmpdir(), 'sekisho-pki-'));
  try {
    const config = join(work, 'config');
    const own = `database=${at('revoked')}\ncrlnumber=${at('crlnumber')}\ndefault_md=sha256\ncrl_extensions=list\n`;
    writeFileSync(config, `[ca]\ndefault_ca=own\n[own]\n${own}[list]\nauthorityKeyIdentifier=keyid\n`);
    const common = ['-config', config, '-cert', ca.pem, '-keyfile', ca.key];
    for (const file of files) {
      if (!existsSync(file)) throw new Mistake(`there is no file ${file}.`);
      openssl(['ca', ...common, '-revoke', file]);
    }
    openssl(['ca', ...common, '-gencrl', '-crldays', days(options.days), '-out', at('ca.crl')]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const what = files.map((f) => basename(f)).join(', ') || 'nothing new';
  process.stdout.write(
    `${at('ca.crl')}: ${what} revoked. Append it to ike.peers-authority, or serve it by HTTP.\n`,
  );
}

function show(file: string): void {
  if (!existsSync(file)) throw new Mistake(`there is no file ${file}.`);
  const kind = /BEGIN X509 CRL/.test(readFileSync(file, 'utf8')) ? 'crl' : 'x509';
  process.stdout.write(openssl([kind, '-in', file, '-noout', '-text']));
}

/** A mistake ends in one sentence. */
function sentence<A extends unknown[]>(act: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      act(...args);
    } catch (e) {
      if (!(e instanceof Mistake)) throw e;
      process.stderr.write(`sekisho: ${e.message}\n`);
      process.exit(1);
    }
  };
}

export function pkiCommand(): Command {
  const kinds = `one of ${Object.keys(KEYS).join(', ')}`;
  const pki = new Command('pki').description('make an authority and certificates, revoke them');
  pki
    .command('authority <folder>')
    .description('a new authority: ca.key and ca.pem in the folder')
    .option('--name <name>', 'its distinguished name', 'CN=Sekisho CA')
    .option('--key <kind>', kinds, 'rsa-3072')
    .option('--days <days>', 'how long it holds', '3650')
    .action(sentence(authority));
  pki
    .command('certificate <names...>')
    .description(
      'a key and a certificate for a router: addresses, domain names, user@domain that it is known by',
    )
    .requiredOption('--authority <folder>', 'the authority that signs')
    .option('--name <name>', 'its distinguished name (default: CN= and the first name)')
    .option('--key <kind>', kinds, 'rsa-3072')
    .option('--days <days>', 'how long it holds', '825')
    .option('--out <folder>', 'where to put both files (default: beside the authority)')
    .option('--crl <url>', 'where the revocation list will be found')
    .option('--ocsp <url>', 'where OCSP answers')
    .action(sentence(certificate));
  pki
    .command('revoke [files...]')
    .description('revoke certificates, and write the revocation list ca.crl')
    .requiredOption('--authority <folder>', 'the authority that signed them')
    .option('--days <days>', 'until the next list', '30')
    .action(sentence(revoke));
  pki.command('show <file>').description('a certificate or a revocation list as text').action(sentence(show));
  return pki;
}
