// A capture as pcapng (draft-ietf-opsawg-pcapng): one section, an interface for each link type, a comment that says what it is.
import { type Frame, readCaptureFile } from '../explain/capture-file.ts';
import { utf8 } from '../net/bytes.ts';

const BLOCK = { SECTION: 0x0a0d0d0a, INTERFACE: 1, PACKET: 6 } as const;
const BYTE_ORDER = 0x1a2b3c4d;
const COMMENT = 1;

function block(type: number, body: Uint8Array): Buffer {
  const padded = (body.length + 3) & ~3;
  const out = Buffer.alloc(padded + 12);
  out.writeUInt32LE(type, 0);
  out.writeUInt32LE(out.length, 4);
  out.set(body, 8);
  out.writeUInt32LE(out.length, out.length - 4);
  return out;
}

function section(comment: string): Buffer {
  const text = utf8(comment);
  const body = Buffer.alloc(16 + 4 + ((text.length + 3) & ~3) + 4);
  body.writeUInt32LE(BYTE_ORDER, 0);
  body.writeUInt16LE(1, 4);
  body.fill(0xff, 8, 16); // Its length is not said.
  body.writeUInt16LE(COMMENT, 16);
  body.writeUInt16LE(text.length, 18);
  body.set(text, 20);
  return block(BLOCK.SECTION, body);
}

function device(link: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(link, 0);
  return block(BLOCK.INTERFACE, body);
}

/** Times are in microseconds, as without an option that says otherwise. */
function packet({ time, octets, length }: Frame, number: number): Buffer {
  const body = Buffer.alloc(20 + octets.length);
  const microseconds = BigInt(Math.round(time * 1e6));
  body.writeUInt32LE(number, 0);
  body.writeUInt32LE(Number(microseconds >> 32n), 4);
  body.writeUInt32LE(Number(microseconds & 0xffffffffn), 8);
  body.writeUInt32LE(octets.length, 12);
  body.writeUInt32LE(length, 16);
  body.set(octets, 20);
  return block(BLOCK.PACKET, body);
}

export type Pcapng = { readonly octets: Uint8Array; readonly packets: number };

/** A classic capture as pcapng. */
export function pcapng(pcap: Uint8Array, comment: string): Pcapng {
  const read = readCaptureFile(pcap);
  const frames = read.ok ? read.frames : [];
  const links = [...new Set(frames.map((f) => f.link))];
  return {
    octets: Buffer.concat([
      section(comment),
      ...links.map(device),
      ...frames.map((f) => packet(f, links.indexOf(f.link))),
    ]),
    packets: frames.length,
  };
}
