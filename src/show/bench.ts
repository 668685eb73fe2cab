// What a tunnel carried, in words.
import type { LoopbackSpeed } from '../dataplane/port.ts';

export type TunnelBench = {
  readonly tunnel: string;
  readonly address: string;
  readonly echo?: {
    readonly sent: number;
    readonly lossPercent: number;
    /** Milliseconds there and back; absent when nothing came back. */
    readonly ms?: { readonly least: number; readonly average: number; readonly most: number };
  };
  /** Why there is none. */
  readonly noEcho?: string;
  readonly flood?: {
    /** Bits a second. */
    readonly sendBits: number;
    readonly receiveBits: number;
    /** Small packets a second that arrived, and how many of them did not. */
    readonly packets?: number;
    readonly lossPercent?: number;
  };
  /** Why there is none. */
  readonly noFlood?: string;
};

const rate = (bits: number) =>
  bits >= 1e9 ? `${(bits / 1e9).toFixed(2)} Gbit/s` : `${(bits / 1e6).toFixed(1)} Mbit/s`;

export function showBench({ tunnel, address, echo, noEcho, flood, noFlood }: TunnelBench): string {
  const lines = [
    `${tunnel} to ${address}`,
    ...(echo
      ? [
          echo.ms
            ? `  latency     ${echo.ms.average} ms there and back (${echo.ms.least} to ${echo.ms.most})`
            : '  latency     nothing came back',
          `  loss        ${echo.lossPercent}% of ${echo.sent} echo requests`,
        ]
      : [`  latency     not measured: ${noEcho}`]),
    ...(flood
      ? [
          `  send        ${rate(flood.sendBits)} of TCP`,
          `  receive     ${rate(flood.receiveBits)} of TCP`,
          ...(flood.packets === undefined
            ? []
            : [
                `  packets     ${Math.round(flood.packets).toLocaleString('en')} a second of 64 octets arrived, ${(flood.lossPercent ?? 0).toFixed(1)}% of what was sent did not`,
              ]),
        ]
      : [`  throughput  not measured: ${noFlood}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

export type LoopbackBench = LoopbackSpeed & { readonly tunnel: string; readonly suite: string };

export function showLoopback(b: LoopbackBench): string {
  const lines = [
    `${b.tunnel} to this machine itself, ${b.suite}, one core, no network`,
    `  latency     ${b.microseconds.toFixed(1)} us for a packet of 1,400 octets, both ends`,
    `  loss        ${(100 * (1 - b.arrived / b.sent)).toFixed(0)}% of ${b.sent.toLocaleString('en')} packets`,
    `  throughput  ${rate(b.gbit * 1e9)} of packets of 1,400 octets`,
    `  packets     ${Math.round(b.packets).toLocaleString('en')} a second of 64 octets`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
