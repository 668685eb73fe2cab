// Which Linux device each geN is: told by system.interface.geN.device, else its namesake, else the N-th Ethernet one by where it
// is plugged in, which does not change with the order in which drivers find theirs.
import type { Mistake } from '../config/mistake.ts';
import type { Tree } from '../config/tree.ts';

/** A network device of this machine, as the host adapter lists them. */
export type Device = {
  readonly name: string;
  readonly index: number;
  /** Ethernet-like and neither loopback, TUN nor bridge: something a cable or a VLAN could be plugged into. */
  readonly ethernet: boolean;
  readonly mtu: number;
  /** Where it is plugged in, as sysfs has it: "/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.0"; absent of a virtual one. */
  readonly place?: string;
};

export type DeviceMap = {
  readonly devices: ReadonlyMap<string, Device>;
  /** Interfaces that have no device now, each with what could be done about it. */
  readonly absent: ReadonlyMap<string, Mistake>;
  readonly mistakes: readonly Mistake[];
};

/** Settings whose value may be an interface. */
const NAMES_INTERFACE =
  /^(?:interface\.ipsec\d+\.ipv[46]\.(?:address|source)|route\.ipv[46]\.\d+\.gateway|(?:nat|filter|dhcp|dns-forwarder)\..*\.interface)$/;

const NOBODY: ReadonlyMap<string, string> = new Map();

/**
 * Resolves every geN that the configuration mentions. Pure: the devices are an argument.
 * `before`: devices' names by interface, as they were; another device does not slip into the place of one that is gone.
 */
export function resolveDevices(tree: Tree, present: readonly Device[], before = NOBODY): DeviceMap {
  const names = new Set([...tree.indexes('interface.ge'), ...tree.indexes('system.interface.ge')]);
  for (const [path, value] of tree.entries()) {
    if (!NAMES_INTERFACE.test(path)) continue;
    const lender = /^ge(\d+)$/.exec(String(value));
    if (lender) names.add(Number(lender[1]));
  }
  const exist = present.map((d) => d.name).join(', ') || 'none';
  const ordered = present.filter((d) => d.ethernet).sort(byPlace);
  const devices = new Map<string, Device>();
  const absent = new Map<string, Mistake>();
  const mistakes: Mistake[] = [];
  for (const n of [...names].sort((a, b) => a - b)) {
    const name = `ge${n}`;
    const key = `system.interface.${name}.device`;
    const told = tree.text(key);
    const called = (what: string | undefined) => present.find((d) => d.name === what);
    const was = before.get(name);
    const device = told ? called(told) : (called(name) ?? (was ? called(was) : ordered[n]));
    if (!device) {
      const what = told ? `there is no device ${told}` : `there is no device for ${name}`;
      const message = `${what}: set ${key} to one that exists (${exist}).`;
      absent.set(name, { code: 'conflict', key, message });
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
  return { devices, absent, mistakes };
}

/** What a cable could go into, in order, with the name that it has or would have; "-" where another one has that. */
export function portsOf(
  present: readonly Device[],
  before: ReadonlyMap<string, string>,
): readonly { readonly name: string; readonly device: string }[] {
  const ports = present.filter((d) => d.ethernet).sort(byPlace);
  return ports.map(({ name: device }, n) => {
    const named = [...before].find(([, d]) => d === device)?.[0];
    return { name: named ?? (before.has(`ge${n}`) ? '-' : `ge${n}`), device };
  });
}

/** What is built in comes before what hangs at USB; virtual devices last, as they were made. */
function byPlace(a: Device, b: Device): number {
  const kind = ({ place }: Device) => (place === undefined ? 2 : /\/usb\d/.test(place) ? 1 : 0);
  const [one, other] = [a.place ?? '', b.place ?? ''];
  return kind(a) - kind(b) || (one < other ? -1 : one > other ? 1 : a.index - b.index);
}
