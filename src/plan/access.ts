// Tree → what the system around the router is asked for: its clock's zone, who may log in. Plain values.
import type { Tree } from '../config/tree.ts';
import { type Address, familyOf, networkOf, parseAddress, splitCidr } from '../net/address.ts';
import type { Link } from './desired.ts';
import type { Device } from './devices.ts';
import type { FilterRule } from './firewall.ts';

export type Access = {
  /** IANA's name. */
  readonly timezone: string;
  readonly sshd: boolean;
  readonly sshPasswords: boolean;
  /** Hashes as crypt(5) has them; who has none cannot log in by password. */
  readonly accounts: readonly { readonly name: 'admin' | 'user'; readonly hash: string }[];
  /** Public keys of admin: type and key. */
  readonly keys: readonly string[];
};

const ZONES: Readonly<Record<string, string>> = { JST: 'Asia/Tokyo' };

export const NO_ACCESS: Access = {
  timezone: 'UTC',
  sshd: false,
  sshPasswords: false,
  accounts: [],
  keys: [],
};

export function access(tree: Tree): Access {
  const zone = tree.text('option.timezone') ?? 'UTC';
  return {
    timezone: ZONES[zone] ?? zone,
    sshd: tree.enabled('sshd.service'),
    sshPasswords: tree.enabled('sshd.password-authentication'),
    accounts: (['admin', 'user'] as const).flatMap((name) => {
      const hash = tree.text(`login.${name}.encrypted-password`);
      return hash === undefined ? [] : [{ name, hash }];
    }),
    keys: tree
      .list('sshd.authorized-keys.', '.pubkey')
      .map((key) => String(key).split(' ').slice(0, 2).join(' ')),
  };
}

/** What there is to say of it, a line each. */
export function accessText({ timezone, sshd, sshPasswords, accounts, keys }: Access): string[] {
  const many = `${keys.length} key${keys.length === 1 ? '' : 's'}`;
  return [
    `time zone ${timezone}`,
    accounts.length > 0 ? `passwords of ${accounts.map((a) => a.name).join(', ')}` : 'no passwords',
    sshd ? `SSH with ${many}${sshPasswords ? ' or a password' : ''}` : 'no SSH',
  ];
}

/**
 * Names of interfaces that lead outside: where addresses are translated or learned, or the default gateway is; where that is
 * a tunnel, those that carry tunnels. `ends`: our own addresses outside.
 */
export function outside(tree: Tree, links: readonly Link[], ends: readonly Address[]): ReadonlySet<string> {
  const napt = tree.indexes('nat.ipv4.napt.').map((n) => tree.text(`nat.ipv4.napt.${n}.interface`) ?? '');
  const learned = links.filter(({ name }) => tree.text(`interface.${name}.ipv4.address`) === 'dhcp');
  const gateways = ([4, 6] as const).flatMap((family) =>
    tree.indexes(`route.ipv${family}.`).flatMap((n) => {
      const at = `route.ipv${family}.${n}`;
      return tree.text(`${at}.destination`) === 'default' ? [tree.text(`${at}.gateway`) ?? ''] : [];
    }),
  );
  const leading = links.filter(({ name, addresses }) =>
    gateways.some((g) => g === name || addresses.some((a) => reaches(a, g))),
  );
  const names = [...napt.filter((n) => n.startsWith('ge')), ...[...learned, ...leading].map((l) => l.name)];
  if (names.length > 0 || !gateways.some((g) => g.startsWith('ipsec'))) return new Set(names);
  const carrying = links.filter((l) => l.addresses.some((a) => ends.includes(splitCidr(a).address)));
  return new Set(carrying.map((l) => l.name));
}

/** Whether a gateway is in the network of an address. */
function reaches(address: string, gateway: string): boolean {
  if (parseAddress(gateway) === undefined || familyOf(gateway) !== familyOf(splitCidr(address).address))
    return false;
  return networkOf(address) === networkOf(`${gateway}/${splitCidr(address).length}`);
}

/** What keeps SSH inside. */
export function accessFilters(
  tree: Tree,
  devices: ReadonlyMap<string, Device>,
  links: readonly Link[],
  ends: readonly Address[],
): FilterRule[] {
  if (!tree.enabled('sshd.service') || tree.text('sshd.access') !== 'lan') return [];
  const names = outside(tree, links, ends);
  return [...devices]
    .filter(([name]) => names.has(name))
    .flatMap(([, { name: device }]) =>
      ([4, 6] as const).map(
        (family): FilterRule => ({
          ...{ key: 'sshd.access', family, device, direction: 'in', action: 'block', local: true },
          ...{ protocols: ['tcp'], destinationPort: '22', state: false },
        }),
      ),
    );
}
