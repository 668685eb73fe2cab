// Our native dataplane alone, with static keys: run in a namespace by rig.ts. Commands come as lines on standard input.
import { createInterface } from 'node:readline';
import { NativeDataplane } from '../../src/dataplane/native.ts';
import type { NativeEsp, TunnelSettings } from '../../src/dataplane/port.ts';
import type { EspSa } from '../../src/ike/io.ts';
import { Secret } from '../../src/net/secret.ts';

export type RigSa = Omit<EspSa, 'key' | 'integrityKey'> & {
  readonly key: string;
  readonly integrityKey?: string;
};
export type RigConfig = {
  readonly tunnel: TunnelSettings;
  readonly in: RigSa;
  readonly out: RigSa;
  readonly nativeEsp?: NativeEsp;
};

const config = JSON.parse(process.argv[2], (_, v) =>
  Array.isArray(v?.octets) ? Uint8Array.from(v.octets) : v,
) as RigConfig;
const dataplane = new NativeDataplane((event) => process.stderr.write(`${JSON.stringify(event)}\n`));

function secret(sa: RigSa): EspSa {
  const bytes = (hex: string) => new Secret(Uint8Array.from(Buffer.from(hex, 'hex')));
  return {
    ...sa,
    key: bytes(sa.key),
    ...(sa.integrityKey ? { integrityKey: bytes(sa.integrityKey) } : {}),
  } as EspSa;
}

if (config.nativeEsp) dataplane.setNativeEsp(config.nativeEsp);
dataplane.openTunnel(config.tunnel);
dataplane.installInbound(secret(config.in));
dataplane.installOutbound(secret(config.out));
process.stdout.write('ready\n');

createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, argument] = line.split(' ');
  if (command === 'statistics') process.stdout.write(`${JSON.stringify(dataplane.statistics())}\n`);
  else if (command === 'block') {
    process.stdout.write('blocked\n');
    // Nothing of JavaScript runs now.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(argument));
    process.stdout.write('unblocked\n');
  } else process.exit(0);
});
