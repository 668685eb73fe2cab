// Byte cursors: every decoder of the product reads through Reader, so a length check cannot be forgotten.

/** Thrown by Reader when bytes run out; decoders catch it at their boundary and return it as a value. */
export class OutOfBytes extends Error {
  readonly offset: number;
  readonly wanted: number;
  readonly left: number;
  constructor(offset: number, wanted: number, left: number) {
    super(`wanted ${wanted} octets at offset ${offset}, ${left} left`);
    this.offset = offset;
    this.wanted = wanted;
    this.left = left;
  }
}

/** A bounded big-endian cursor over bytes that are not copied. */
export class Reader {
  readonly bytes: Uint8Array;
  offset: number;
  readonly end: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = Math.min(end, bytes.length);
  }

  get left(): number {
    return this.end - this.offset;
  }

  #need(n: number): number {
    if (n < 0 || n > this.left) throw new OutOfBytes(this.offset, n, this.left);
    const at = this.offset;
    this.offset += n;
    return at;
  }

  u8(): number {
    return this.bytes[this.#need(1)];
  }

  u16(): number {
    const at = this.#need(2);
    return (this.bytes[at] << 8) | this.bytes[at + 1];
  }

  u32(): number {
    const at = this.#need(4);
    const b = this.bytes;
    return ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0;
  }

  /** A copy, so that what is kept does not pin (or change with) the datagram's buffer. */
  take(n: number): Uint8Array {
    const at = this.#need(n);
    return this.bytes.slice(at, at + n);
  }

  rest(): Uint8Array {
    return this.take(this.left);
  }

  /** A cursor bounded to the next n octets; this one moves past them. */
  sub(n: number): Reader {
    const at = this.#need(n);
    return new Reader(this.bytes, at, at + n);
  }
}

/** A growing big-endian writer with back-patching of lengths. */
export class Writer {
  #buffer: Uint8Array;
  #length = 0;

  constructor(capacity = 512) {
    this.#buffer = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  #room(n: number): number {
    const at = this.#length;
    if (at + n > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#buffer.length * 2, at + n));
      grown.set(this.#buffer);
      this.#buffer = grown;
    }
    this.#length = at + n;
    return at;
  }

  u8(v: number): this {
    const at = this.#room(1);
    this.#buffer[at] = v;
    return this;
  }

  u16(v: number): this {
    const at = this.#room(2);
    this.#buffer[at] = v >>> 8;
    this.#buffer[at + 1] = v;
    return this;
  }

  u32(v: number): this {
    const at = this.#room(4);
    this.#buffer[at] = v >>> 24;
    this.#buffer[at + 1] = v >>> 16;
    this.#buffer[at + 2] = v >>> 8;
    this.#buffer[at + 3] = v;
    return this;
  }

  put(bytes: Uint8Array): this {
    const at = this.#room(bytes.length); // may replace the buffer
    this.#buffer.set(bytes, at);
    return this;
  }

  zeros(n: number): this {
    this.#room(n);
    return this;
  }

  /** Overwrites a 16-bit field written earlier: a length known only afterwards. */
  patchU16(at: number, v: number): void {
    this.#buffer[at] = v >>> 8;
    this.#buffer[at + 1] = v;
  }

  patchU32(at: number, v: number): void {
    this.patchU16(at, v >>> 16);
    this.patchU16(at + 2, v & 0xffff);
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replace(/\s+/g, ''), 'hex'));
}

export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'utf8'));
}

export function u32Bytes(v: number): Uint8Array {
  return new Uint8Array([v >>> 24, v >>> 16, v >>> 8, v]);
}

/** Compares in time that depends on the lengths only, for MACs, hashes and cookies. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

/** Octet-wise order, a shorter prefix being lower (RFC 7296 2.8.1 compares nonces so). */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((b) => b === 0);
}
