// Capture files: classic pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng). Reading is total: frames
// up to where the file breaks off, and a sentence for what is no capture at all.

export type Frame = {
  /** Seconds since the epoch; 0 where the file has no time. */
  readonly time: number;
  /** Link type (LINKTYPE_…). */
  readonly link: number;
  /** What was captured: not copied from the file. */
  readonly octets: Uint8Array;
  /** Octets that the frame had on the wire. */
  readonly length: number;
};

export type CaptureFile =
  | {
      readonly ok: true;
      readonly frames: readonly Frame[];
      /** Why frames may be missing at the end: the file is cut off, broken, or longer than we read. */
      readonly note?: string;
    }
  | { readonly ok: false; readonly why: string };

/** More frames than a capture of negotiations has; what a hostile file may cost. */
const MAX_FRAMES = 1_000_000;
/** tcpdump's own limit for one frame. */
const MAX_FRAME_OCTETS = 262_144;
/** Interfaces of a pcapng section that we remember. */
const MAX_INTERFACES = 1024;

const PCAP = 0xa1b2c3d4;
const PCAP_NANOSECONDS = 0xa1b23c4d;
const BLOCK = { IDB: 1, SPB: 3, EPB: 6, SHB: 0x0a0d0d0a } as const;
const BYTE_ORDER = 0x1a2b3c4d;
const OPTION = { END: 0, TSRESOL: 9, TSOFFSET: 14 } as const;

export function readCaptureFile(file: Uint8Array): CaptureFile {
  if (file.length === 0) return { ok: false, why: 'the file is empty' };
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file[0] === 0x1f && file[1] === 0x8b) {
    return { ok: false, why: 'the file is compressed: unpack it with gunzip first' };
  }
  if (file.length >= 4) {
    if (view.getUint32(0) === BLOCK.SHB) return readPcapng(file, view);
    for (const little of [false, true]) {
      const magic = view.getUint32(0, little);
      if (magic === PCAP || magic === PCAP_NANOSECONDS) {
        return readPcap(file, view, little, magic === PCAP ? 1e6 : 1e9);
      }
    }
  }
  return { ok: false, why: 'the file is no capture: it starts as neither pcap nor pcapng does' };
}

/** Header of 24 octets, then records of 16 octets and their frame. */
function readPcap(file: Uint8Array, view: DataView, little: boolean, perSecond: number): CaptureFile {
  if (file.length < 24) return { ok: false, why: 'the file ends within its header' };
  // The upper bits of the link type tell about frame check sequences.
  const link = view.getUint32(20, little) & 0xffff;
  const frames: Frame[] = [];
  let at = 24;
  for (; at + 16 <= file.length; ) {
    if (frames.length >= MAX_FRAMES) return { ok: true, frames, note: tooMany() };
    const captured = view.getUint32(at + 8, little);
    if (captured > MAX_FRAME_OCTETS) return { ok: true, frames, note: broken(at) };
    if (at + 16 + captured > file.length) return { ok: true, frames, note: cutOff(at) };
    frames.push({
      time: view.getUint32(at, little) + view.getUint32(at + 4, little) / perSecond,
      link,
      octets: file.subarray(at + 16, at + 16 + captured),
      length: view.getUint32(at + 12, little),
    });
    at += 16 + captured;
  }
  return at === file.length ? { ok: true, frames } : { ok: true, frames, note: cutOff(at) };
}

type Interface = {
  readonly link: number;
  readonly snapLength: number;
  readonly unitsPerSecond: number;
  readonly offset: number;
};

/** Blocks with their type, total length, body, and total length again. */
function readPcapng(file: Uint8Array, view: DataView): CaptureFile {
  const frames: Frame[] = [];
  let interfaces: Interface[] = [];
  let little = false;
  let at = 0;
  for (; at + 12 <= file.length; ) {
    const isSection = view.getUint32(at) === BLOCK.SHB;
    if (isSection) {
      // Each section has a byte order of its own.
      if (view.getUint32(at + 8, true) === BYTE_ORDER) little = true;
      else if (view.getUint32(at + 8) === BYTE_ORDER) little = false;
      else return { ok: true, frames, note: broken(at) };
      interfaces = [];
    }
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    if (length < 12 || length % 4 !== 0 || (isSection && length < 28))
      return { ok: true, frames, note: broken(at) };
    if (at + length > file.length) return { ok: true, frames, note: cutOff(at) };
    if (frames.length >= MAX_FRAMES) return { ok: true, frames, note: tooMany() };
    const body = new DataView(file.buffer, file.byteOffset + at + 8, length - 12);
    if (type === BLOCK.IDB) {
      if (body.byteLength < 8 || interfaces.length >= MAX_INTERFACES)
        return { ok: true, frames, note: broken(at) };
      interfaces.push(interfaceOf(body, little));
    }
    if (type === BLOCK.EPB || type === BLOCK.SPB) {
      const frame =
        type === BLOCK.EPB ? enhanced(body, little, interfaces) : simple(body, little, interfaces);
      if (!frame) return { ok: true, frames, note: broken(at) };
      frames.push(frame);
    }
    at += length;
  }
  return at === file.length ? { ok: true, frames } : { ok: true, frames, note: cutOff(at) };
}

function interfaceOf(body: DataView, little: boolean): Interface {
  let [unitsPerSecond, offset] = [1e6, 0];
  for (let at = 8; at + 4 <= body.byteLength; ) {
    const [code, length] = [body.getUint16(at, little), body.getUint16(at + 2, little)];
    if (code === OPTION.END || at + 4 + length > body.byteLength) break;
    if (code === OPTION.TSRESOL && length === 1) {
      const resolution = body.getUint8(at + 4);
      unitsPerSecond = (resolution & 0x80 ? 2 : 10) ** (resolution & 0x7f);
    }
    if (code === OPTION.TSOFFSET && length === 8) offset = Number(body.getBigInt64(at + 4, little));
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return { link: body.getUint16(0, little), snapLength: body.getUint32(4, little), unitsPerSecond, offset };
}

function enhanced(body: DataView, little: boolean, interfaces: readonly Interface[]): Frame | undefined {
  if (body.byteLength < 20) return undefined;
  const from = interfaces[body.getUint32(0, little)];
  const captured = body.getUint32(12, little);
  if (!from || captured > Math.min(body.byteLength - 20, MAX_FRAME_OCTETS)) return undefined;
  // Nanoseconds since the epoch are more than a double holds.
  const units = (BigInt(body.getUint32(4, little)) << 32n) | BigInt(body.getUint32(8, little));
  const second = BigInt(from.unitsPerSecond);
  const octets = new Uint8Array(body.buffer, body.byteOffset + 20, captured);
  const time = from.offset + Number(units / second) + Number(units % second) / from.unitsPerSecond;
  return { time, link: from.link, octets, length: body.getUint32(16, little) };
}

/** No time and no interface: it is that of the first. */
function simple(body: DataView, little: boolean, interfaces: readonly Interface[]): Frame | undefined {
  const from = interfaces[0];
  if (body.byteLength < 4 || !from) return undefined;
  const length = body.getUint32(0, little);
  const captured = Math.min(length, from.snapLength || length, body.byteLength - 4, MAX_FRAME_OCTETS);
  const octets = new Uint8Array(body.buffer, body.byteOffset + 4, captured);
  return { time: 0, link: from.link, octets, length };
}

const cutOff = (at: number) => `the file is cut off: what begins at octet ${at} is incomplete`;
const broken = (at: number) => `the file is broken at octet ${at}: what follows is not read`;
const tooMany = () => `the file has more than ${MAX_FRAMES} frames: the rest is not read`;
