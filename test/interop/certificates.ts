// An authority and certificates made by our own `sekisho pki`, for both sides of an interop test.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PeerVm } from './peervm.ts';
import type { Strongswan } from './strongswan.ts';

const CLI = fileURLToPath(new URL('../../cli/sekisho', import.meta.url));

export function pki(...args: string[]): string {
  return execFileSync(CLI, ['pki', ...args], { encoding: 'utf8' });
}

export class Authority {
  readonly folder: string;

  /** Makes `folder` an authority. */
  constructor(folder: string, name = 'C=JP, O=Example, CN=Example CA', key = 'rsa-2048') {
    this.folder = folder;
    pki('authority', folder, '--name', name, '--key', key);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  text(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  /** A certificate for these names; its files are named after the first. */
  issue(names: string[], key: string, ...more: string[]): void {
    pki('certificate', ...names, '--authority', this.folder, '--key', key, ...more);
  }

  /** Gives charon its certificate, its key and the authority. */
  equip(swan: Strongswan | PeerVm, name: string): void {
    swan.write('x509', `${name}.pem`, this.text(`${name}.pem`));
    swan.write('private', `${name}.key`, this.text(`${name}.key`));
    swan.write('x509ca', 'ca.pem', this.text('ca.pem'));
  }

  /** The lines of our own configuration. */
  lines(own: string, ...more: string[]): string {
    const at = 'interface.ipsec0.ike';
    return [
      `${at}.authentication : certificate`,
      `${at}.my-certificate : ${this.path(`${own}.pem`)}`,
      `${at}.my-private-key : ${this.path(`${own}.key`)}`,
      `${at}.peers-authority : ${this.path('ca.pem')}`,
      ...more.map((line) => `${at}.${line}`),
      '',
    ].join('\n');
  }
}
