// The emulated machine that counts: a Linux kernel with ESP of its own, and a program of ours in it that reads from
// shared memory how many instructions it has executed.
import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../test/interop/netns.ts';
import { PeerVm } from '../../test/interop/peervm.ts';
import { xfrm } from '../../test/interop/xfrm.ts';
import { driverOf } from './driver.ts';

const [HOST, LOCAL, PEER] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];
/** Where the program sends to: without ESP, through a policy of the kernel, into our TUN. */
const [PLAIN, POLICY, TUNNEL] = ['10.9.0.1', '10.9.1.1', '10.9.2.1'];
const COUNTER = '/run/counter';
const SUITE_TIMEOUT_SECONDS = 600;

/**
 * No `rep movsb`: the emulator would count every octet of a copy, a processor none. Without it Linux copies in words
 * of eight octets, each an instruction.
 */
const CPU = 'max,-erms,-fsrm';

export const EXTENSIONS = ['aes', 'pclmulqdq', 'avx2', 'sha_ni', 'vaes', 'avx512f'];

/** Its time passes with the instructions, so that a slow machine has no more ticks of the clock in them. */
const ICOUNT = ['-icount', 'shift=0'];
const ACCEL = 'tcg,thread=single,tb-size=256';

/** Instructions a packet: one call for each, and in superpackets. */
export type Sending = { single: number; superpackets: number };
export type Path = { kernel: string; encapsulate: number; decapsulate: number };

export class Guest {
  readonly #vm: PeerVm;

  private constructor(vm: PeerVm) {
    this.#vm = vm;
  }

  /** `program` and `plugin` as .ci/bench builds them. */
  static async boot(lab: Lab, program: string, plugin: string): Promise<Guest> {
    const memory = join(lab.tmp, 'count');
    writeFileSync(memory, '');
    truncateSync(memory, 1 << 20); // PCI wants that much
    const qemu = [
      ...ICOUNT,
      ...['-plugin', `${plugin},out=${memory}`],
      ...['-object', `memory-backend-file,id=count,mem-path=${memory},size=1M,share=on`],
      ...['-device', 'ivshmem-plain,memdev=count'],
    ];
    const vm = await PeerVm.up(lab, await lab.netns('r'), {
      name: 'insn',
      hostAddr: `${HOST}/24`,
      addr: `${LOCAL}/24`,
      env: { QEMU: qemu.join(' '), CPU, ACCEL, BOOT_TIMEOUT: '300' },
    });
    await vm.put(program, '/root');
    const setUp = [
      // What fits the processor is there, as udev has it on a whole system.
      'modprobe -a tun sha1_ssse3 sha256_ssse3 sha512_ssse3',
      'device=$(dirname $(grep -l 0x1110 /sys/bus/pci/devices/*/device))',
      `echo 1 >$device/enable && ln -s $device/resource2 ${COUNTER}`,
      // Nobody has this address on the link: packets are sent and then gone.
      `ip neigh replace ${PEER} lladdr 02:00:00:00:00:03 dev eth0 nud permanent`,
      `ip route replace 10.9.0.0/16 via ${PEER}`,
      `ip xfrm policy add src ${LOCAL} dst ${POLICY} dir out tmpl src ${LOCAL} dst ${PEER} proto esp reqid 1 mode tunnel`,
    ];
    await vm.run(setUp.join('; '));
    return new Guest(vm);
  }

  async linux(): Promise<string> {
    return (await this.#vm.run('uname -r')).stdout.trim();
  }

  /** Of the instructions that crypto likes, those that the emulated processor has. */
  async extensions(): Promise<string[]> {
    const { stdout } = await this.#vm.run('grep -m1 ^flags /proc/cpuinfo');
    const flags = new Set(stdout.trim().split(/\s+/));
    return EXTENSIONS.filter((name) => flags.has(name));
  }

  /** The path alone, by suite. */
  async path(): Promise<Map<string, Path>> {
    return new Map((await this.#count('path')).trim().split('\n').map(parsePath));
  }

  async plain(): Promise<Sending> {
    const [single, superpackets] = numbers(await this.#count('send', PLAIN));
    return { single, superpackets };
  }

  /** Through the kernel's ESP. It takes no superpackets there. */
  async kernel(suite: string): Promise<{ driver?: string; single: number }> {
    const { options, algorithm, keyOctets, macOctets } = xfrm(suite);
    const keys = options(counting(keyOctets), counting(macOctets));
    const state = `ip xfrm state add src ${LOCAL} dst ${PEER} proto esp spi 0x12345 reqid 1 mode tunnel ${keys}`;
    await this.#vm.run(`ip xfrm state flush && ${state}`);
    const [single] = numbers(await this.#count('send', POLICY));
    const { stdout } = await this.#vm.run('cat /proc/crypto');
    return { driver: driverOf(algorithm, stdout), single };
  }

  /** Through our TUN and path, in UDP and native; `way` is how native ESP is sent. */
  async ours(suite: string): Promise<{ udp: Sending; native: Sending & { way: string } }> {
    const fields = (await this.#count('tunnel', TUNNEL, LOCAL, PEER, suite)).trim().split('\t');
    const [udpSingle, udpSuper, single, superpackets] = fields.slice(1, 5).map(Number);
    return {
      udp: { single: udpSingle, superpackets: udpSuper },
      native: { single, superpackets, way: fields[5] },
    };
  }

  async #count(what: string, ...more: string[]): Promise<string> {
    const command = ['./instructions', what, COUNTER, ...more].join(' ');
    return (await this.#vm.run(command, { timeoutSeconds: SUITE_TIMEOUT_SECONDS })).stdout;
  }
}

/** A key in hexadecimal: 3DES takes none of three equal parts. */
function counting(octets: number): string {
  return Array.from({ length: octets }, (_, n) => (n + 1).toString(16).padStart(2, '0')).join('');
}

/** A line of `instructions path`: suite, kernel, encapsulate, decapsulate. */
export function parsePath(line: string): [string, Path] {
  const [suite, kernel, encapsulate, decapsulate] = line.split('\t');
  return [suite, { kernel, encapsulate: Number(encapsulate), decapsulate: Number(decapsulate) }];
}

export function emulatorVersion(): string {
  return execFileSync('qemu-system-x86_64', ['--version'], { encoding: 'utf8' }).split('\n')[0];
}

function numbers(line: string): number[] {
  return line.trim().split('\t').map(Number);
}
