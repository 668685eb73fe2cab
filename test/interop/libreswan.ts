// libreswan's pluto in an emulated guest (it cannot stand beside strongSwan, and knows no ESP but the kernel's).

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PeerVm } from './peervm.ts';
import { tail, until } from './proc.ts';

const LOG = '/run/pluto.log';
const NSS = 'sql:/var/lib/ipsec/nss';

export type LibreswanConnection = {
  name: string;
  version: 1 | 2;
  /** Outer addresses, also the identities unless `leftId` and `rightId` say otherwise. Left is the guest. */
  left: string;
  right: string;
  leftSubnet: string;
  rightSubnet: string;
  leftId?: string;
  rightId?: string;
  psk?: string;
  /** What `importCertificate` called it; both sides then prove themselves with certificates. */
  certificate?: string;
  /** Which key the certificate has: libreswan does not look, and signs an empty RSA-PSS signature with an ECDSA key. */
  authBy?: 'rsasig' | 'ecdsa';
  ike: string;
  esp: string;
  /** libreswan's own default is yes, in the group of `esp` or of the IKE SA. */
  pfs: boolean;
  /** Further lines of the section. */
  extra?: string[];
};

/** `ipsec.conf`. */
export function ipsecConf(connections: LibreswanConnection[]): string {
  // No helper threads: there is one emulated processor.
  const setup = [
    'config setup',
    `logfile=${LOG}`,
    'logtime=yes',
    'uniqueids=yes',
    'nhelpers=0',
    'ikev1-policy=accept',
  ];
  const sections = [setup, ...connections.map(section)];
  return sections.map(([head, ...lines]) => `${[head, ...lines].join('\n\t')}\n`).join('\n');
}

function section(c: LibreswanConnection): string[] {
  const { leftId = c.left, rightId = c.right } = c;
  return [
    `conn ${c.name}`,
    'auto=ignore',
    'type=tunnel',
    `ikev2=${c.version === 2 ? 'insist' : 'no'}`,
    `authby=${c.authBy ?? 'secret'}`,
    ...(c.certificate ? [`leftcert=${c.certificate}`, 'leftsendcert=always', 'rightca=%same'] : []),
    ...[`left=${c.left}`, `leftid=${leftId}`, `leftsubnet=${c.leftSubnet}`],
    ...[`right=${c.right}`, `rightid=${rightId}`, `rightsubnet=${c.rightSubnet}`],
    ...[`ike=${c.ike}`, `esp=${c.esp}`, `pfs=${c.pfs ? 'yes' : 'no'}`],
    // The default route leads to us; the script that would add another takes an emulated processor seconds.
    'leftupdown=%disabled',
    ...(c.extra ?? []),
  ];
}

/** `ipsec.secrets`. */
export function ipsecSecrets(connections: LibreswanConnection[]): string {
  const lines = connections.flatMap(({ psk, left, right, leftId = left, rightId = right }) =>
    psk === undefined
      ? []
      : `${leftId} ${right === '%any' ? '%any' : rightId} : PSK ${JSON.stringify(psk)}\n`,
  );
  return lines.join('');
}

export class Libreswan {
  readonly vm: PeerVm;
  readonly #dir: string;
  #loaded: string[] = [];

  private constructor(vm: PeerVm) {
    this.vm = vm;
    this.#dir = join(vm.lab.tmp, `vm-${vm.name}`);
  }

  /** Starts pluto, without connections. The guest's addresses must exist: pluto binds to each. */
  static async start(vm: PeerVm): Promise<Libreswan> {
    const self = new Libreswan(vm);
    await self.#configure([]);
    // Debian's package leaves the first making of the store to its unit file. The kernel loads what ESP needs when the
    // first SA is installed, for seconds: longer than a peer waits for an answer.
    await vm.run(
      'mkdir -p /run/pluto; ipsec checknss; modprobe -a esp4 xfrm_user authenc cbc sha256_generic gcm; true',
    );
    await vm.run(
      'setsid /usr/libexec/ipsec/pluto --nofork --config /etc/ipsec.conf >/run/pluto.out 2>&1 </dev/null &',
    );
    const answers = async () => (await vm.run('ipsec whack --listen', { allowFail: true })).code === 0;
    await until(answers, 60_000, () => 'pluto does not answer', 200);
    return self;
  }

  /** Replaces the configuration; the SAs of connections there were end, with a Delete. */
  async load(connections: LibreswanConnection[]): Promise<void> {
    await this.#configure(connections);
    const names = connections.map((c) => c.name);
    // What is loaded once more ends by that.
    const gone = this.#loaded.filter((name) => !names.includes(name));
    this.#loaded = names;
    const commands = [
      ...gone.map((name) => `ipsec whack --delete --name ${name}`),
      'ipsec whack --rereadsecrets',
      ...(names.length > 0 ? [`ipsec addconn ${names.join(' ')}`] : []),
      ...names.map((name) => `grep '"${name}": ' ${LOG} | tail -1`),
    ];
    const { stdout, stderr } = await this.vm.run(commands.join('; '), { allowFail: true });
    // A refusal is told in the log and in no exit code.
    const added = stdout.match(/: added IKEv[12] connection$/gm) ?? [];
    if (added.length !== names.length)
      throw new Error(`libreswan does not take ${names.join(' and ')}:\n${stdout}${stderr}`);
  }

  /** Brings the SAs up; the output tells of every step. */
  async up(name: string, timeoutSeconds = 30): Promise<string> {
    const { code, stdout } = await this.vm.run(`ipsec auto --up ${name}`, {
      timeoutSeconds,
      allowFail: true,
    });
    if (code !== 0) throw new Error(`libreswan: ${name} does not come up\n${tail(stdout)}`);
    return stdout;
  }

  /** Ends the SAs, with a Delete. */
  async down(name: string): Promise<void> {
    await this.vm.run(`ipsec auto --down ${name}`, { allowFail: true });
  }

  async rekeyChild(name: string): Promise<void> {
    await this.vm.run(`ipsec whack --rekey-ipsec --name ${name}`, { allowFail: true });
  }

  async rekeyIke(name: string): Promise<void> {
    await this.vm.run(`ipsec whack --rekey-ike --name ${name}`, { allowFail: true });
  }

  /** Puts a certificate with its key and its authority into pluto's store, as `name`. PEM files. */
  async importCertificate(
    name: string,
    files: { certificate: string; key: string; ca: string },
  ): Promise<void> {
    const folder = join(this.#dir, 'import');
    mkdirSync(folder, { recursive: true });
    execFileSync('openssl', [
      ...['pkcs12', '-export', '-in', files.certificate, '-inkey', files.key, '-certfile', files.ca],
      ...['-name', name, '-passout', 'pass:', '-out', join(folder, 'p12')],
    ]);
    copyFileSync(files.ca, join(folder, 'ca'));
    await this.vm.put(folder, '/tmp');
    await this.vm.run(
      `cd /tmp/import && certutil -A -d ${NSS} -n ca -t CT,, -a -i ca && pk12util -i p12 -d ${NSS} -W '' -K ''`,
    );
  }

  async log(): Promise<string> {
    return (await this.vm.run(`cat ${LOG}`)).stdout;
  }

  /** Waits for a line in the log, from the character `from` on. */
  async waitLog(pattern: RegExp, timeoutMs = 15_000, from = 0): Promise<void> {
    let last = '';
    const seen = async () => {
      last = (await this.log()).slice(from);
      return pattern.test(last);
    };
    await until(seen, timeoutMs, () => `no ${pattern} in pluto's log:\n${tail(last)}`, 300);
  }

  /** The kernel's SAs, of both directions. */
  async kernelSas(): Promise<string> {
    return (await this.vm.run('ip xfrm state')).stdout;
  }

  async #configure(connections: LibreswanConnection[]): Promise<void> {
    const etc = join(this.#dir, 'etc');
    mkdirSync(etc, { recursive: true });
    writeFileSync(join(etc, 'ipsec.conf'), ipsecConf(connections));
    writeFileSync(join(etc, 'ipsec.secrets'), ipsecSecrets(connections));
    await this.vm.put(etc, '/');
  }
}
