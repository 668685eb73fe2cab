// A box that starts from an image: an emulated machine with its serial console, as a person sits before it.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Lab, Ns } from '../interop/netns.ts';
import { exec, Proc, until } from '../interop/proc.ts';

export type Machine = 'bios' | 'uefi' | 'arm64';

/** A cable from the box, by the name of a TAP in the namespace where it ends; on a bridge where one is named. */
export type Cable = { readonly ns: Ns; readonly tap: string; readonly bridge?: string };

export type BoxOptions = {
  readonly name: string;
  readonly machine?: Machine;
  /** The disk's file, which it keeps. */
  readonly disk: string;
  /** A boot slot, for a machine that has no boot loader of ours: what its firmware would do is done for it. */
  readonly boot?: string;
  /** ge0, ge1 … */
  readonly cables?: readonly Cable[];
};

export type Answers = {
  readonly outside?: string;
  readonly inside?: string;
  readonly peer: string;
  readonly network: string;
  readonly key: string;
};

/** Of a machine that is emulated on a busy one. */
export const BOOT_MS = 300_000;

const PROMPT = /\S[#>] $/;

export class Box {
  readonly name: string;
  readonly #lab: Lab;
  readonly #options: BoxOptions;
  #proc: Proc | undefined;
  #serial: Socket | undefined;
  #stick: readonly string[] = [];
  /** All that the console said, and up to where somebody has read it. */
  said = '';
  #read = 0;

  constructor(lab: Lab, options: BoxOptions) {
    this.#lab = lab;
    this.#options = options;
    this.name = options.name;
  }

  /** A disk of its own from an image that stays as it is. */
  static async disk(lab: Lab, image: string, name: string, size = '3G'): Promise<string> {
    const disk = join(lab.tmp, `${name}.qcow2`);
    await exec(lab.scope, ['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', image, disk, size]);
    return disk;
  }

  get #path(): string {
    return join(this.#lab.tmp, this.name);
  }

  async powerOn(): Promise<void> {
    const { disk, machine = 'bios', cables = [] } = this.#options;
    const [serial, monitor] = [`${this.#path}.serial`, `${this.#path}.monitor`];
    for (const { ns, tap } of cables) await this.#tap(ns, tap);
    const net = cables.flatMap(({ tap }, i) => [
      ...['-netdev', `tap,id=n${i},ifname=${tap},script=no,downscript=no`],
      ...['-device', `virtio-net-pci,netdev=n${i},mac=52:54:00:${mac(this.name)}:0${i},romfile=`],
    ]);
    // One processor: a second one costs more than it brings, and programs that write programs do not bear it here.
    const common = [
      ...[
        '-accel',
        'tcg,thread=multi,tb-size=512',
        '-smp',
        '1',
        '-m',
        '768',
        '-nodefaults',
        '-display',
        'none',
      ],
      // Another one comes first, for whoever counts; its own is what the machine starts from.
      ...this.#stick.flatMap((file) => [
        ...['-drive', `file=${file},format=raw,if=none,id=stick,snapshot=on`],
        ...['-device', 'virtio-blk-pci,drive=stick'],
      ]),
      ...['-drive', `file=${disk},if=none,id=own,cache=writethrough`],
      ...['-device', 'virtio-blk-pci,drive=own,bootindex=0'],
      ...[
        '-serial',
        `unix:${serial},server=on,wait=off`,
        '-monitor',
        `unix:${monitor},server=on,wait=off`,
        ...net,
      ],
    ];
    const at = cables[0]?.ns;
    const command = [...(await this.#program(machine)), ...common];
    // TAPs are opened by their names where the machine runs, and then go where their cables end.
    this.#proc = at
      ? at.spawn(command, { log: `${this.#path}.qemu` })
      : Proc.start(this.#lab.scope, command, { log: `${this.#path}.qemu` });
    await until(
      () => existsSync(serial) && this.#running(),
      10_000,
      () => `${this.name}: no console`,
    );
    this.#serial = await attach(serial);
    let rest = '';
    this.#serial.setEncoding('utf8').on('data', (text: string) => {
      // What controls the terminal goes, as soon as it is there as a whole.
      const all = rest + text;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what this is about
      const whole = all.length - (/\u001b(?:\[[0-9;?!]*)?$/.exec(all)?.[0].length ?? 0);
      rest = all.slice(whole);
      this.said += stripVTControlCharacters(all.slice(0, whole)).replaceAll('\r', '');
    });
    this.#serial.on('error', () => {});
    for (const { ns, tap, bridge } of cables) {
      if (at && ns !== at) await at.ip('link', 'set', tap, 'netns', ns.name);
      if (bridge) await ns.ip('link', 'set', tap, 'master', bridge);
      await ns.ip('link', 'set', tap, 'up');
    }
  }

  /** Another disk, from the next start on. */
  insert(stick: string): void {
    this.#stick = [stick];
  }

  #running(): boolean {
    return this.#proc?.running ?? false;
  }

  async #tap(ns: Ns, tap: string): Promise<void> {
    const at = this.#options.cables?.[0]?.ns ?? ns;
    spawnSync('ip', ['-n', ns.name, 'link', 'delete', tap]);
    await at.ip('tuntap', 'add', 'dev', tap, 'mode', 'tap', 'vnet_hdr');
  }

  async #program(machine: Machine): Promise<string[]> {
    const cpu = ['-cpu', 'max,pku=off', '-device', 'i6300esb', '-action', 'watchdog=reset', '-vga', 'std'];
    if (machine === 'bios') return ['qemu-system-x86_64', '-machine', 'q35', ...cpu];
    const flash = (code: string, variables: string) => {
      const own = `${this.#path}.variables`;
      if (!existsSync(own)) cpSync(variables, own);
      return [
        ...['-drive', `if=pflash,format=raw,readonly=on,file=${code}`],
        ...['-drive', `if=pflash,format=raw,file=${own}`],
      ];
    };
    if (machine === 'uefi')
      return [
        ...['qemu-system-x86_64', '-machine', 'q35', ...cpu],
        ...flash('/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'),
      ];
    const [kernel, initrd] = ['vmlinuz', 'initrd'].map((name) => `${this.#path}.${name}`);
    for (const [name, to] of [
      ['vmlinuz', kernel],
      ['initrd', initrd],
    ])
      await exec(this.#lab.scope, ['mcopy', '-n', '-i', this.#options.boot ?? '', `::${name}`, to]);
    return [
      ...['qemu-system-aarch64', '-machine', 'virt', '-cpu', 'max,pauth-impdef=on'],
      ...['-kernel', kernel, '-initrd', initrd],
      ...[
        '-append',
        'console=ttyAMA0 rauc.slot=A sekisho.root=5e6b1540-05 net.ifnames=0 panic=5 quiet systemd.show_status=no',
      ],
    ];
  }

  /** The power goes, at whatever moment. */
  async powerOff(): Promise<void> {
    this.#serial?.destroy();
    await this.#proc?.stop('SIGKILL');
    this.#proc = undefined;
    for (const end of ['serial', 'monitor']) rmSync(`${this.#path}.${end}`, { force: true });
  }

  type(text: string): void {
    this.#serial?.write(text);
  }

  enter(line = ''): void {
    this.type(`${line}\r`);
  }

  /** Waits for words of the console that nobody has waited for yet; returns all up to their end. */
  async sees(pattern: RegExp, timeoutMs = 60_000): Promise<string> {
    let match: RegExpExecArray | null = null;
    await until(
      () => {
        match = pattern.exec(this.said.slice(this.#read));
        return match !== null || !this.#running();
      },
      timeoutMs,
      () => `${this.name}: no ${pattern} within ${timeoutMs} ms; last:\n${this.said.slice(-1500)}`,
    );
    const found = match as RegExpExecArray | null;
    if (!found) throw new Error(`${this.name} has ended; last:\n${this.said.slice(-1500)}`);
    const end = found.index + found[0].length;
    const text = this.said.slice(this.#read, this.#read + end);
    this.#read += end;
    return text;
  }

  /** The first start's five questions; what is left out is what stands in brackets. */
  async setUp(password: string, answers: Answers): Promise<void> {
    await this.sees(/New password: $/, BOOT_MS);
    this.enter(password);
    await this.sees(/Once more: $/);
    this.enter(password);
    await this.sees(/\[dhcp\]: $/);
    this.enter(answers.outside);
    await this.sees(/\[192\.168\.100\.1\/24\]: $/);
    this.enter(answers.inside);
    await this.sees(/\[Asia\/Tokyo\]: $/);
    this.enter();
    await this.sees(/\[none\]: $/);
    this.enter(answers.peer);
    await this.sees(/like 192\.168\.2\.0\/24: $/);
    this.enter(answers.network);
    await this.sees(/Preshared key: $/);
    this.enter(answers.key);
    await this.sees(/Once more: $/);
    this.enter(answers.key);
    await this.sees(/Enter sets this up, no begins again: $/);
    this.enter();
    await this.sees(/Configured and saved/);
    await this.sees(PROMPT);
  }

  /** A command of the shell, with what it said up to the next prompt. */
  async command(line: string, timeoutMs = 120_000): Promise<string> {
    this.#read = this.said.length;
    this.enter(line);
    await this.sees(/\n/, timeoutMs);
    return this.sees(PROMPT, timeoutMs);
  }

  /** Types a command again and again until it says something. */
  async until(line: string, pattern: RegExp, timeoutMs = 120_000): Promise<string> {
    let text = '';
    await until(
      async () => {
        text = await this.command(line);
        return pattern.test(text);
      },
      timeoutMs,
      () => `${this.name}: ${line} does not say ${pattern}, but:\n${text}`,
    );
    return text;
  }

  /** Logs in as admin. */
  async login(password: string, timeoutMs = BOOT_MS): Promise<void> {
    await this.sees(/login: $/, timeoutMs);
    this.enter('admin');
    await this.sees(/Password: $/);
    this.enter(password);
    await this.sees(PROMPT, 120_000);
  }

  /** What a screen shows, as a PNG file. */
  async screenshot(file: string): Promise<void> {
    rmSync(file, { force: true });
    await this.#monitor([`screendump ${file} -f png`]);
    await until(
      () => existsSync(file) && statSync(file).size > 0,
      10_000,
      () => `${this.name}: no picture`,
    );
  }

  /** At the keyboard of the screen, a US one, which is not the serial port. */
  async press(text: string): Promise<void> {
    await this.#monitor(
      [...text].map((c) => `sendkey ${KEYS[c] ?? (/[A-Z]/.test(c) ? `shift-${c.toLowerCase()}` : c)}`),
    );
  }

  async #monitor(commands: readonly string[]): Promise<void> {
    const monitor = await attach(`${this.#path}.monitor`);
    for (const command of commands) {
      await new Promise((resolve) => monitor.write(`${command}\n`, resolve));
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    monitor.destroy();
  }
}

/** Keys that are not called as what they write. */
const KEYS: Readonly<Record<string, string>> = {
  ...{ '\n': 'ret', ' ': 'spc', '.': 'dot', '/': 'slash', '-': 'minus', ',': 'comma' },
};

/** For whoever wonders what happened: all that was said goes to the file that SEKISHO_CONSOLE names. */
export function keepConsoles(...boxes: readonly (Box | undefined)[]): void {
  const { SEKISHO_CONSOLE: file } = process.env;
  const said = boxes.map((box) => (box ? `== ${box.name}\n${box.said}\n` : ''));
  if (file) writeFileSync(file, said.join(''));
}

function mac(name: string): string {
  const sum = [...name].reduce((s, c) => (s * 31 + c.charCodeAt(0)) & 0xffff, 7);
  return [sum >> 8, sum & 255].map((n) => n.toString(16).padStart(2, '0')).join(':');
}

function attach(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}
