// Capture files made by hand: frames of every link type that the reader knows, in both file formats.
import { addressBytes } from '../../src/net/address.ts';
import { concat, Writer } from '../../src/net/bytes.ts';
import type { Endpoint } from '../../src/net/endpoint.ts';

export type Sent = {
  readonly time: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly data: Uint8Array;
};

export function udp(from: Endpoint, to: Endpoint, data: Uint8Array): Uint8Array {
  return new Writer()
    .u16(from.port)
    .u16(to.port)
    .u16(8 + data.length)
    .u16(0)
    .put(data)
    .finish();
}

/** IPv4 without checksum, or IPv6, by the addresses. */
export function ip(
  from: string,
  to: string,
  protocol: number,
  body: Uint8Array,
  fragment: { id: number; offset: number; more: boolean } = { id: 0, offset: 0, more: false },
): Uint8Array {
  const w = new Writer();
  if (!from.includes(':')) {
    w.u8(0x45)
      .u8(0)
      .u16(20 + body.length)
      .u16(fragment.id);
    w.u16((fragment.more ? 0x2000 : 0) | (fragment.offset / 8))
      .u8(64)
      .u8(protocol)
      .u16(0);
    return w.put(addressBytes(from)).put(addressBytes(to)).put(body).finish();
  }
  const cut = fragment.more || fragment.offset > 0;
  w.u32(0x60000000)
    .u16(body.length + (cut ? 8 : 0))
    .u8(cut ? 44 : protocol)
    .u8(64);
  w.put(addressBytes(from)).put(addressBytes(to));
  if (cut)
    w.u8(protocol)
      .u8(0)
      .u16(fragment.offset | (fragment.more ? 1 : 0))
      .u32(fragment.id);
  return w.put(body).finish();
}

export function datagram({ from, to, data }: Omit<Sent, 'time'>): Uint8Array {
  return ip(from.address, to.address, 17, udp(from, to, data));
}

const ethertype = (packet: Uint8Array) => (packet[0] >> 4 === 6 ? 0x86dd : 0x0800);
const w16 = (...values: number[]) => values.reduce((w, v) => w.u16(v), new Writer()).finish();

/** Name, LINKTYPE number, and the frame around an IP packet. */
export const LINKS: readonly (readonly [string, number, (packet: Uint8Array) => Uint8Array])[] = [
  ['Ethernet', 1, (p) => concat(new Uint8Array(12), w16(ethertype(p)), p, new Uint8Array(4))],
  ['Ethernet with 802.1Q', 1, (p) => concat(new Uint8Array(12), w16(0x8100, 7, ethertype(p)), p)],
  ['Ethernet with QinQ', 1, (p) => concat(new Uint8Array(12), w16(0x88a8, 7, 0x8100, 8, ethertype(p)), p)],
  [
    'Ethernet with PPPoE',
    1,
    (p) => concat(new Uint8Array(12), w16(0x8864, 0x1100, 1, p.length + 2, p[0] >> 4 === 6 ? 0x57 : 0x21), p),
  ],
  ['Linux cooked', 113, (p) => concat(new Uint8Array(14), w16(ethertype(p)), p)],
  ['Linux cooked 2', 276, (p) => concat(w16(ethertype(p)), new Uint8Array(18), p)],
  ['raw IP', 101, (p) => p],
  ['loopback of BSD', 0, (p) => concat(Uint8Array.of(2, 0, 0, 0), p)],
  ['loopback of OpenBSD', 108, (p) => concat(Uint8Array.of(0, 0, 0, 2), p)],
];

export type Frame = { readonly time: number; readonly octets: Uint8Array };

export type Format = 'pcap' | 'pcap-ns' | 'pcapng';

/** `little` is the byte order of the machine that captured. */
export function file(format: Format, little: boolean, link: number, frames: readonly Frame[]): Uint8Array {
  const u16 = (v: number) => (little ? Uint8Array.of(v, v >> 8) : Uint8Array.of(v >> 8, v));
  const u32 = (v: number) => {
    const b = new Uint8Array(4);
    new DataView(b.buffer).setUint32(0, v, little);
    return b;
  };
  if (format !== 'pcapng') {
    const unit = format === 'pcap' ? 1e6 : 1e9;
    const head = concat(u32(format === 'pcap' ? 0xa1b2c3d4 : 0xa1b23c4d), u16(2), u16(4), u32(0), u32(0));
    const records = frames.map(({ time, octets }) => {
      const seconds = Math.floor(time);
      const rest = Math.round((time - seconds) * unit);
      return concat(u32(seconds), u32(rest), u32(octets.length), u32(octets.length), octets);
    });
    return concat(head, u32(262144), u32(link), ...records);
  }
  const block = (type: number, ...parts: Uint8Array[]) => {
    const body = concat(...parts);
    const padded = concat(body, new Uint8Array((4 - (body.length % 4)) % 4));
    const length = u32(12 + padded.length);
    return concat(u32(type), length, padded, length);
  };
  const all = new Uint8Array(8).fill(255);
  const options = concat(u16(9), u16(1), Uint8Array.of(9, 0, 0, 0), u16(0), u16(0));
  const blocks = frames.map(({ time, octets }) => {
    // In nanoseconds, as the option if_tsresol says.
    const units = BigInt(Math.round(time * 1e6)) * 1000n;
    const n = u32(octets.length);
    return block(6, u32(0), u32(Number(units >> 32n)), u32(Number(units & 0xffffffffn)), n, n, octets);
  });
  return concat(
    block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(1), u16(0), all),
    block(1, u16(link), u16(0), u32(0), options),
    block(0xbad, new Uint8Array(8)),
    ...blocks,
  );
}

/** Datagrams as tcpdump would have written them on an Ethernet. */
export function ethernet(sent: readonly Sent[]): Uint8Array {
  const [, link, wrap] = LINKS[0];
  const frames = sent.map((s) => ({ time: s.time, octets: wrap(datagram(s)) }));
  return file('pcap', true, link, frames);
}
