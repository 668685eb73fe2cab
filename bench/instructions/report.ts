// What was counted, as it is written to instructions.json and as text.
import { table } from '../system/report.ts';
import { EXTENSIONS, type Path, type Sending } from './guest.ts';

export type SuiteResult = {
  name: string;
  /** Ours, without input and output. */
  path: { x64: Path; arm64?: Path };
  /** With all that the system does for a packet on its way, also for sending it. */
  ours?: { udp: Sending; native: Sending & { way: string } };
  kernel?: { driver?: string; single: number };
};

export type Results = {
  started: string;
  commit: string;
  emulator: string;
  /** Linux in the emulated machine. */
  linux: string;
  /** Of its processor. */
  extensions: string[];
  /** Sending without ESP. */
  plain: Sending;
  suites: SuiteResult[];
  failures: { what: string; why: string }[];
};

export function report(results: Results): string {
  const { emulator, linux, commit, plain, suites } = results;
  return [
    `Instructions a packet of 1,400 octets. ${emulator}, Linux ${linux}; ${commit}`,
    '',
    `What ESP costs over plain sending (${round(plain.single)}; in superpackets ${round(plain.superpackets)}): the application's call, TUN, our path and`,
    "sendmmsg(), or Linux's own ESP (native; it takes no superpackets). x86-64, bursts of 64 packets or 4 superpackets.",
    ...sendingTable(results),
    ...verdict(results),
    '',
    'Our path alone, a packet of a batch encapsulated (out) and decapsulated (in), without input and output.',
    ...pathTable(suites),
    '',
    ...ways(results),
    ...results.failures.map(({ what, why }) => `FAILED ${what}: ${why.replace(/\s+/g, ' ').slice(0, 300)}`),
    '',
  ].join('\n');
}

function sendingTable({ suites, plain }: Results): string[] {
  const head = [
    'suite',
    'Linux',
    'ours native',
    '÷ Linux',
    'ours in UDP',
    '÷ Linux',
    'super, native',
    'super, UDP',
  ];
  return table([
    head,
    ...suites.map(({ name, ours, kernel }) => {
      const extra = (of?: Sending) => of && of.single - plain.single;
      const extraSuper = (of?: Sending) => of && of.superpackets - plain.superpackets;
      const theirs = kernel && kernel.single - plain.single;
      const [native, udp] = [extra(ours?.native), extra(ours?.udp)];
      return [
        name,
        cell(theirs),
        cell(native),
        ratio(native, theirs),
        cell(udp),
        ratio(udp, theirs),
        cell(extraSuper(ours?.native)),
        cell(extraSuper(ours?.udp)),
      ];
    }),
  ]);
}

function verdict({ suites }: Results): string[] {
  const both = suites.filter((s) => s.ours && s.kernel);
  const above = both.filter((s) => Math.max(s.ours!.udp.single, s.ours!.native.single) >= s.kernel!.single);
  const but = above.length === 0 ? '' : `; not ${above.map((s) => s.name).join(', ')}`;
  return [`Ours is below Linux's with ${both.length - above.length} of ${both.length} suites${but}.`];
}

function pathTable(suites: SuiteResult[]): string[] {
  const head = ['suite', 'x86-64 out', 'in', 'by', 'arm64 out', 'in', 'by'];
  const cells = (path?: Path) => [cell(path?.encapsulate), cell(path?.decapsulate), path?.kernel ?? '–'];
  return table([head, ...suites.map(({ name, path }) => [name, ...cells(path.x64), ...cells(path.arm64)])]);
}

/** Which code it was that was counted. */
function ways({ suites, extensions }: Results): string[] {
  const native = new Set(suites.flatMap((s) => s.ours?.native.way ?? []));
  const drivers = new Map<string, string[]>();
  for (const { name, kernel } of suites) {
    if (kernel?.driver) drivers.set(kernel.driver, [...(drivers.get(kernel.driver) ?? []), name]);
  }
  const without = EXTENSIONS.filter((name) => !extensions.includes(name));
  return [
    `The emulated x86-64 has ${extensions.join(', ')}${without.length > 0 ? `, but not ${without.join(', ')}` : ''}. Ours sent native ESP by ${[...native].join(', ')}.`,
    "Linux's drivers:",
    ...[...drivers].map(([driver, names]) => `  ${driver}: ${names.join(', ')}`),
  ];
}

function cell(value: number | undefined): string {
  return value === undefined ? '–' : round(value);
}

function ratio(ours: number | undefined, theirs: number | undefined): string {
  return ours === undefined || theirs === undefined ? '–' : (ours / theirs).toFixed(2);
}

/** To tens: the last digit is the kernel's clock. */
function round(value: number): string {
  return (Math.round(value / 10) * 10).toLocaleString('en');
}
