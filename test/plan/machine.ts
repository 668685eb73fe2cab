// A machine to plan for: two Ethernet devices named as the article names them.
import { parseSeil } from '../../src/dialect/seil/parse.ts';
import type { Known } from '../../src/plan/connection.ts';
import type { Desired } from '../../src/plan/desired.ts';
import { type Device, resolveDevices } from '../../src/plan/devices.ts';
import { plan } from '../../src/plan/plan.ts';

export function ethernet(name: string, index: number, mtu = 1500): Device {
  return { name, index, ethernet: true, mtu };
}

export const MACHINE: readonly Device[] = [
  { name: 'lo', index: 1, ethernet: false, mtu: 65536 },
  ethernet('ge0', 2),
  ethernet('ge1', 3),
];

/** The desired state of a configuration without mistakes. */
export function planned(source: string, machine: readonly Device[] = MACHINE, known: Known = {}): Desired {
  const { tree, errors } = parseSeil(source);
  const { devices, absent, mistakes } = resolveDevices(tree, machine);
  const wrong = [...errors, ...absent.values(), ...mistakes];
  if (wrong.length > 0) throw new Error(wrong.map((m) => m.message).join('\n'));
  return plan(tree, devices, known);
}
