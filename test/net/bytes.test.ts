import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareBytes,
  concat,
  equalConstantTime,
  fromHex,
  hex,
  isZero,
  OutOfBytes,
  Reader,
  u32Bytes,
  utf8,
  Writer,
} from '../../src/net/bytes.ts';

const read = {
  u8: { octets: () => 1, run: (r: Reader) => r.u8() },
  u16: { octets: () => 2, run: (r: Reader) => r.u16() },
  u32: { octets: () => 4, run: (r: Reader) => r.u32() },
  take: { octets: (n: number) => n, run: (r: Reader, n: number) => r.take(n) },
  sub: { octets: (n: number) => n, run: (r: Reader, n: number) => r.sub(n).rest() },
} as const;

describe('Reader', () => {
  test('numbers are big-endian and never negative', () => {
    const r = new Reader(fromHex('ff fffe fffffffd 00'));
    expect([r.u8(), r.u16(), r.u32(), r.left]).toEqual([0xff, 0xfffe, 0xfffffffd, 1]);
  });

  test('nothing outside the bounds is read, and what fails does not move', () => {
    const action = fc.tuple(fc.constantFrom(...(Object.keys(read) as (keyof typeof read)[])), fc.nat(9));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(45),
        fc.nat(45),
        fc.array(action, { maxLength: 12 }),
        (bytes, offset, end, actions) => {
          const r = new Reader(bytes, offset, end);
          let at = offset;
          for (const [name, n] of actions) {
            const wanted = read[name].octets(n);
            const left = Math.min(end, bytes.length) - at;
            if (wanted > left) {
              const shortage = new OutOfBytes(at, wanted, left);
              expect(() => read[name].run(r, n)).toThrow(shortage);
            } else {
              const got = read[name].run(r, n);
              const octets = bytes.slice(at, at + wanted);
              expect(got).toEqual(typeof got === 'number' ? Number.parseInt(hex(octets), 16) : octets);
              at += wanted;
            }
            expect([r.offset, r.left]).toEqual([at, Math.min(end, bytes.length) - at]);
          }
        },
      ),
    );
  });

  test('a shortage tells offset, need and rest', () => {
    const r = new Reader(fromHex('0102030405'), 3);
    let caught: unknown;
    try {
      r.u32();
    } catch (e) {
      caught = e;
    }
    expect(caught).toBeInstanceOf(OutOfBytes);
    expect(caught).toMatchObject({ offset: 3, wanted: 4, left: 2 });
  });

  test('a negative length is a shortage too', () => {
    expect(() => new Reader(fromHex('01020304'), 2).take(-1)).toThrow(OutOfBytes);
  });

  test('a part ends where it was told to, though the datagram goes on', () => {
    const r = new Reader(fromHex('aabbccdd'));
    const part = r.sub(2);
    expect(part.u16()).toBe(0xaabb);
    expect(() => part.u8()).toThrow(OutOfBytes);
    expect(r.u16()).toBe(0xccdd);
  });

  test('what is taken is a copy', () => {
    const bytes = fromHex('0102');
    const taken = new Reader(bytes).take(2);
    bytes.fill(0xff);
    expect(taken).toEqual(fromHex('0102'));
  });
});

describe('Writer', () => {
  test('what is written is read again', () => {
    const field = fc.oneof(
      fc.record({ kind: fc.constant('u8' as const), value: fc.nat(0xff) }),
      fc.record({ kind: fc.constant('u16' as const), value: fc.nat(0xffff) }),
      fc.record({ kind: fc.constant('u32' as const), value: fc.nat(0xffffffff) }),
      fc.record({ kind: fc.constant('put' as const), value: fc.uint8Array({ maxLength: 20 }) }),
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
        const w = new Writer();
        for (const f of fields) f.kind === 'put' ? w.put(f.value) : w[f.kind](f.value);
        const r = new Reader(w.finish());
        expect(r.left).toBe(w.length);
        for (const f of fields) {
          expect(f.kind === 'put' ? r.take(f.value.length) : r[f.kind]()).toEqual(f.value);
        }
        expect(r.left).toBe(0);
      }),
    );
  });

  test('it grows', () => {
    const w = new Writer(1);
    for (let i = 0; i < 1000; i++) w.u8(i).put(u32Bytes(i)).u16(i).u32(i).zeros(3);
    const r = new Reader(w.finish());
    for (let i = 0; i < 1000; i++) {
      expect([r.u8(), r.u32(), r.u16(), r.u32(), isZero(r.take(3))]).toEqual([i & 255, i, i, i, true]);
    }
  });

  test('it grows for what is much longer than itself', () => {
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i);
    expect(new Writer(4).put(bytes).finish()).toEqual(bytes);
  });

  test('lengths are patched in afterwards', () => {
    const w = new Writer().u16(0).u32(0).u8(7);
    w.patchU16(0, 0xfedc);
    w.patchU32(2, 0xfedcba98);
    expect(hex(w.finish())).toBe('fedcfedcba9807');
  });
});

describe('octets', () => {
  test('hexadecimal and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(hex(bytes))).toEqual(bytes);
      }),
    );
    expect(fromHex('01 02\n0a')).toEqual(Uint8Array.of(1, 2, 10));
    expect(hex(Uint8Array.of(9, 1, 2, 9).subarray(1, 3))).toBe('0102');
  });

  test('concat, utf8, u32Bytes, isZero', () => {
    expect(hex(concat(utf8('é'), new Uint8Array(0), u32Bytes(0xfffefdfc)))).toBe('c3a9fffefdfc');
    expect([isZero(new Uint8Array(3)), isZero(Uint8Array.of(0, 0, 1)), isZero(new Uint8Array(0))]).toEqual([
      true,
      false,
      true,
    ]);
  });

  test('equal is equal in every octet and in length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (a, at, by) => {
          const b = a.slice();
          expect(equalConstantTime(a, b)).toBe(true);
          b[at % b.length] ^= by;
          expect(equalConstantTime(a, b)).toBe(false);
          expect(equalConstantTime(a, a.subarray(1))).toBe(false);
        },
      ),
    );
  });

  test('nonces compare octet by octet, a shorter prefix is lower (RFC 7296 2.8.1)', () => {
    const sorted = ['', '00', '0000', '0001', '01', '7f', '80', 'ff', 'ff00'].map(fromHex);
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(i - j));
    }
  });
});
