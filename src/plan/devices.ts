// Which Linux device each geN is: told by system.interface.geN.device, else its namesake, else the N-th Ethernet one.
import type { Mistake } from '../config/mistake.ts';
import type { Tree } from '../config/tree.ts';

/** A network device of this machine, as the host adapter lists them. */
export type Device = {
  readonly name: string;
  readonly index: number;
  /** Ethernet-like and neither loopback, TUN nor bridge: something a cable or a VLAN could be plugged into. */
  readonly ethernet: boolean;
  readonly mtu: number;
};

export type DeviceMap = {
  readonly devices: ReadonlyMap<string, Device>;
  readonly mistakes: readonly Mistake[];
};

/** Settings whose value may be an interface. */
const NAMES_INTERFACE =
  /^(?:interface\.ipsec\d+\.ipv[46]\.(?:address|source)|route\.ipv[46]\.\d+\.gateway|(?:nat|filter|dhcp|dns-forwarder)\..*\.interface)$/;

/** Resolves every geN that the configuration mentions. Pure: the devices are an argument. */
export function resolveDevices(tree: Tree, present: readonly Device[]): DeviceMap {
  const names = new Set([...tree.indexes('interface.ge'), ...tree.indexes('system.interface.ge')]);
  for (const [path, value] of tree.entries()) {
    if (!NAMES_INTERFACE.test(path)) continue;
    const lender = /^ge(\d+)$/.exec(String(value));
    if (lender) names.add(Number(lender[1]));
  }
  const exist = present.map((d) => d.name).join(', ') || 'none';
  const ordered = present.filter((d) => d.ethernet).sort((a, b) => a.index - b.index);
  const devices = new Map<string, Device>();
  const mistakes: Mistake[] = [];
  for (const n of [...names].sort((a, b) => a - b)) {
    const name = `ge${n}`;
    const key = `system.interface.${name}.device`;
    const told = tree.text(key);
    const device = told
      ? present.find((d) => d.name === told)
      : (present.find((d) => d.name === name) ?? ordered[n]);
    if (!device) {
      const what = told ? `there is no device ${told}` : `there is no device for ${name}`;
      mistakes.push({ code: 'conflict', key, message: `${what}: set ${key} to one that exists (${exist}).` });
      continue;
    }
    const twin = [...devices].find(([, d]) => d.name === device.name);
    if (twin) {
      const message = `${name} and ${twin[0]} would both be ${device.name}: set ${key} to another device (${exist}).`;
      mistakes.push({ code: 'conflict', key, message });
      continue;
    }
    devices.set(name, device);
  }
  return { devices, mistakes };
}
