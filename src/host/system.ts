// What only the system around the router may do, asked of it: a file with a wish a line, which a service of root's reads and
// holds against the few forms that it knows.
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Address } from '../net/address.ts';
import type { Access } from '../plan/access.ts';

export class System {
  readonly #folder: string;

  /** Where wishes are laid down. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  ask(access: Access, hostname: string): void {
    this.#put('system', wishes(access, hostname), 0o600);
  }

  /** For every program of the machine (resolv.conf(5)). */
  resolvers(addresses: readonly Address[]): void {
    this.#put('resolv.conf', addresses.map((a) => `nameserver ${a}\n`).join(''), 0o644);
  }

  reboot(): void {
    this.#put('reboot', '', 0o600);
  }

  /** Whole, or as it was. */
  #put(name: string, text: string, mode: number): void {
    const half = join(this.#folder, `.${name}`);
    writeFileSync(half, text, { mode });
    chmodSync(half, mode); // whatever our own mask is
    renameSync(half, join(this.#folder, name));
  }
}

export function wishes({ timezone, sshd, sshPasswords, accounts, keys }: Access, hostname: string): string {
  return [
    `hostname ${hostname}`,
    `timezone ${timezone}`,
    `sshd ${sshd ? 'on' : 'off'}`,
    `ssh-password ${sshPasswords ? 'yes' : 'no'}`,
    ...accounts.map(({ name, hash }) => `account ${name} ${hash}`),
    ...keys.map((key) => `key admin ${key}`),
    '',
  ].join('\n');
}
