// From a frame to what concerns IKE: UDP datagrams, native ESP, and ICMP that says a port is closed. Link types by their
// LINKTYPE numbers (tcpdump.org/linktypes.html). Total: what does not fit is passed over.
import { type Address, formatAddress } from '../net/address.ts';
import { OutOfBytes, Reader } from '../net/bytes.ts';
import type { Endpoint } from '../net/endpoint.ts';
import type { Frame } from './capture-file.ts';
import { Reassembly } from './reassembly.ts';

export type Packet =
  | {
      readonly kind: 'udp';
      readonly from: Endpoint;
      readonly to: Endpoint;
      readonly data: Uint8Array;
      /** Octets that the capture left out (snap length). */
      readonly missing: number;
    }
  | { readonly kind: 'esp'; readonly from: Address; readonly to: Address }
  /** ICMP from `by`: a datagram of ours to `to` did not get there. */
  | {
      readonly kind: 'unreachable';
      readonly by: Address;
      readonly from: Endpoint;
      readonly to: Endpoint;
      readonly what: 'port' | 'host' | 'prohibited';
    };

export const LINK = {
  NULL: 0,
  ETHERNET: 1,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

const ETHERTYPE = { IPV4: 0x0800, IPV6: 0x86dd, PPPOE: 0x8864, VLAN: [0x8100, 0x88a8, 0x9100] } as const;
const PPP = { IPV4: 0x0021, IPV6: 0x0057 } as const;
const PROTOCOL = { ICMP: 1, UDP: 17, FRAGMENT: 44, ESP: 50, ICMPV6: 58 } as const;
/** IPv6 extension headers that are passed over: hop-by-hop, routing, destination options (RFC 8200 4). */
const EXTENSIONS = [0, 43, 60];
const MAX_NESTING = 8;

export type PacketReader = {
  /** Undefined for what does not concern IKE, and for fragments but the last one to arrive. */
  readonly read: (frame: Frame) => Packet | undefined;
  /** Link types that we do not know, and fragments whose datagram never became whole. */
  readonly unknownLinks: ReadonlySet<number>;
  readonly incomplete: () => number;
};

export function packetReader(): PacketReader {
  const reassembly = new Reassembly();
  const unknownLinks = new Set<number>();
  const read = (frame: Frame): Packet | undefined => {
    try {
      const ip = network(frame);
      if (ip === 'unknown') unknownLinks.add(frame.link);
      if (ip === 'unknown' || ip === undefined || ip.left === 0) return undefined;
      return internet(ip, frame.length - frame.octets.length, reassembly);
    } catch (e) {
      if (e instanceof OutOfBytes) return undefined;
      throw e;
    }
  };
  return { read, unknownLinks, incomplete: () => reassembly.open };
}

/** A cursor at the IP header, undefined for other protocols. */
function network({ link, octets }: Frame): Reader | undefined | 'unknown' {
  const r = new Reader(octets);
  switch (link) {
    case LINK.ETHERNET:
      r.sub(12);
      return ethertype(r, r.u16());
    case LINK.LINUX_SLL:
      r.sub(14);
      return ethertype(r, r.u16());
    case LINK.LINUX_SLL2: {
      const type = r.u16();
      r.sub(18);
      return ethertype(r, type);
    }
    // An address family in the byte order of whoever captured; the IP version tells it as well.
    case LINK.NULL:
    case LINK.LOOP:
      r.sub(4);
      return r;
    case LINK.RAW:
    case LINK.RAW_BSD:
    case LINK.RAW_OPENBSD:
    case LINK.IPV4:
    case LINK.IPV6:
      return r;
    default:
      return 'unknown';
  }
}

function ethertype(r: Reader, first: number): Reader | undefined {
  let type = first;
  for (let n = 0; n < MAX_NESTING && (ETHERTYPE.VLAN as readonly number[]).includes(type); n++) {
    r.u16();
    type = r.u16();
  }
  if (type === ETHERTYPE.PPPOE) {
    r.sub(6);
    const ppp = r.u16();
    return ppp === PPP.IPV4 || ppp === PPP.IPV6 ? r : undefined;
  }
  return type === ETHERTYPE.IPV4 || type === ETHERTYPE.IPV6 ? r : undefined;
}

type Ip = {
  readonly from: Address;
  readonly to: Address;
  readonly protocol: number;
  readonly body: Uint8Array;
  readonly missing: number;
};

function internet(r: Reader, missing: number, reassembly: Reassembly): Packet | undefined {
  const ip = r.bytes[r.offset] >> 4 === 6 ? ipv6(r, missing, reassembly) : ipv4(r, missing, reassembly);
  return ip && transport(ip);
}

function ipv4(r: Reader, missing: number, reassembly?: Reassembly): Ip | undefined {
  const start = r.offset;
  const first = r.u8();
  const header = (first & 15) * 4;
  if (first >> 4 !== 4 || header < 20) return undefined;
  r.u8();
  const total = r.u16();
  const id = r.u16();
  const fragment = r.u16();
  r.u8();
  const protocol = r.u8();
  r.u16();
  const [from, to] = [formatAddress(r.take(4)), formatAddress(r.take(4))];
  r.sub(header - 20);
  // 0: a superpacket that the host had not cut up yet when it was captured.
  const length = (total === 0 ? r.bytes.length - start : total) - header;
  if (length < 0) return undefined;
  // What follows the packet is padding of the link.
  const body = r.take(Math.min(length, r.left));
  const lost = missing > 0 ? length - body.length : 0;
  if (!reassembly || (fragment & 0x3fff) === 0) return { from, to, protocol, body, missing: lost };
  const more = (fragment & 0x2000) !== 0;
  const key = `${from} ${to} ${protocol} ${id}`;
  const whole = reassembly.add(key, (fragment & 0x1fff) * 8, more, body);
  return whole && { from, to, protocol, body: whole, missing: 0 };
}

function ipv6(r: Reader, missing: number, reassembly?: Reassembly): Ip | undefined {
  r.u32();
  const length = r.u16();
  let next = r.u8();
  r.u8();
  const [from, to] = [formatAddress(r.take(16)), formatAddress(r.take(16))];
  const lost = missing > 0 ? Math.max(length - r.left, 0) : 0;
  let body = new Reader(r.bytes, r.offset, r.offset + Math.min(length || r.left, r.left));
  for (let n = 0; n < MAX_NESTING; n++) {
    if (EXTENSIONS.includes(next)) {
      next = body.u8();
      body.sub(body.u8() * 8 + 6);
    } else if (next === PROTOCOL.FRAGMENT && reassembly) {
      next = body.u8();
      body.u8();
      const at = body.u16();
      const key = `${from} ${to} ${body.u32()}`;
      const whole = reassembly.add(key, at & 0xfff8, (at & 1) !== 0, body.rest());
      if (!whole) return undefined;
      body = new Reader(whole);
    } else break;
  }
  return { from, to, protocol: next, body: body.rest(), missing: lost };
}

function transport(ip: Ip): Packet | undefined {
  const { from, to, protocol, body, missing } = ip;
  if (protocol === PROTOCOL.ESP) return { kind: 'esp', from, to };
  const r = new Reader(body);
  if (protocol === PROTOCOL.UDP) {
    const ports = [r.u16(), r.u16()];
    const length = r.u16() - 8;
    r.u16();
    if (length < 0) return undefined;
    return {
      kind: 'udp',
      from: { address: from, port: ports[0] },
      to: { address: to, port: ports[1] },
      data: r.take(Math.min(length, r.left)),
      missing,
    };
  }
  if (protocol === PROTOCOL.ICMP || protocol === PROTOCOL.ICMPV6) return unreachable(ip, r);
  return undefined;
}

/** Destination Unreachable (RFC 792, RFC 4443 3.1) with the datagram that it is about. */
function unreachable(ip: Ip, r: Reader): Packet | undefined {
  const [type, code] = [r.u8(), r.u8()];
  const v6 = ip.protocol === PROTOCOL.ICMPV6;
  if (type !== (v6 ? 1 : 3)) return undefined;
  r.sub(6);
  const inner = r.bytes[r.offset] >> 4 === 6 ? ipv6(r, 1) : ipv4(r, 1);
  if (!inner || inner.protocol !== PROTOCOL.UDP) return undefined;
  const udp = new Reader(inner.body);
  const prohibited = v6 ? [1, 5, 6] : [9, 10, 13];
  const isPort = code === (v6 ? 4 : 3);
  return {
    kind: 'unreachable',
    by: ip.from,
    from: { address: inner.from, port: udp.u16() },
    to: { address: inner.to, port: udp.u16() },
    what: isPort ? 'port' : prohibited.includes(code) ? 'prohibited' : 'host',
  };
}
