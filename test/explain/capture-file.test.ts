// Capture files in every form: formats, byte orders, link types, fragments, other ports; and hostile ones.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCaptureFile } from '../../src/explain/capture-file.ts';
import { type Explanation, explain } from '../../src/explain/explain.ts';
import { explanationText } from '../../src/explain/text.ts';
import { concat } from '../../src/net/bytes.ts';
import { messages } from '../fuzz/corpus.ts';
import { Mutator } from '../fuzz/mutate.ts';
import { fixture } from '../ike/samples.ts';
import { datagram, ethernet, type Format, file, ip, LINKS, type Sent, udp } from './capture.ts';

const galaxy = fixture('galaxy_note20_android13_ike_sa_init_req');
const refusal = fixture('er605_no_proposal_chosen_rsp');

const V4 = [
  { address: '192.0.2.1', port: 500 },
  { address: '198.51.100.1', port: 500 },
] as const;
const V6 = [
  { address: '2001:db8::1', port: 500 },
  { address: '2001:db8::2', port: 500 },
] as const;

function value(octets: Uint8Array): Explanation {
  const result = explain(octets);
  if (!result.ok) throw new Error(result.why);
  return result.value;
}

const shape = (e: Explanation) =>
  e.negotiations.map((n) => [n.spiI, n.ladder.map((r) => [r.at, r.from, r.to, r.octets]), n.outcome]);

describe('every format, byte order and link type tells the same', () => {
  const formats: Format[] = ['pcap', 'pcap-ns', 'pcapng'];
  const cases = formats.flatMap((format) => [true, false].map((little) => [format, little] as const));
  test.each(cases)('%s, little endian: %s', (format, little) => {
    for (const [name, link, wrap] of LINKS) {
      for (const [a, b] of [V4, V6]) {
        const octets = file(format, little, link, [
          { time: 1700000000.25, octets: wrap(datagram({ from: a, to: b, data: galaxy })) },
          { time: 1700000000.5, octets: wrap(datagram({ from: b, to: a, data: refusal })) },
        ]);
        expect(shape(value(octets)), name).toEqual([
          [
            '0e09e05aa4fa0cb5',
            [
              [0, a, b, 652],
              [0.25, b, a, 36],
            ],
            'refused',
          ],
        ]);
        expect(value(octets).negotiations[0].begins).toBe('2023-11-14T22:13:20.250Z');
      }
    }
  });
});

describe('what goes over the wire around IKE', () => {
  const [a, b] = V4;
  const at = (port: number) => [
    { ...a, port },
    { ...b, port },
  ];
  const sent = (port: number, ...list: Uint8Array[]): Sent[] =>
    list.map((data, time) => ({ time, from: at(port)[0], to: at(port)[1], data }));
  const marker = new Uint8Array(4);

  test('UDP 4500: the marker tells IKE from ESP, keepalives are counted', () => {
    const esp = concat(Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 1), new Uint8Array(64));
    const e = value(ethernet(sent(4500, concat(marker, galaxy), esp, esp, Uint8Array.of(255))));
    expect([e.negotiations.length, e.esp, e.keepalives]).toEqual([1, { native: 0, inUdp: 2 }, 1]);
    expect(e.negotiations[0].ladder[0].octets).toBe(652);
  });

  test('native ESP is counted', () => {
    const [, link, wrap] = LINKS[0];
    const frame = { time: 0, octets: wrap(ip(a.address, b.address, 50, new Uint8Array(80))) };
    expect(value(file('pcap', true, link, [frame, frame])).esp).toEqual({ native: 2, inUdp: 0 });
  });

  test('any port where a datagram is IKE by all rules, and none where it is not', () => {
    const e = value(
      ethernet([...sent(40500, galaxy), ...sent(41500, concat(marker, refusal)), ...sent(53, marker)]),
    );
    expect(e.negotiations[0].ladder).toHaveLength(2);
    const longer = concat(galaxy, marker);
    expect(value(ethernet(sent(40500, longer))).negotiations).toEqual([]);
    expect(value(ethernet(sent(500, longer))).negotiations).toHaveLength(1);
  });

  test('what is no IKE on its ports is a note', () => {
    const e = value(ethernet(sent(500, new Uint8Array(5), galaxy)));
    expect(e.notes).toEqual([
      "1 datagram on IKE's ports that are no IKE (the first: shorter than an IKE header)",
    ]);
  });

  test.each([['IPv4', V4] as const, ['IPv6', V6] as const])('fragments of %s, in any order', (_, [a, b]) => {
    const whole = udp(a, b, galaxy);
    const cuts = [0, 256, 512, whole.length];
    const parts = [2, 0, 1].map((i) => ({
      time: i,
      octets: ip(a.address, b.address, 17, whole.slice(cuts[i], cuts[i + 1]), {
        ...{ id: 77, offset: cuts[i], more: i < 2 },
      }),
    }));
    expect(value(file('pcap', true, 101, parts)).negotiations[0].ladder[0].octets).toBe(652);
    const e = value(file('pcap', true, 101, parts.slice(1)));
    expect([e.negotiations, e.notes]).toEqual([[], ['1 IP datagram of which fragments are missing']]);
  });

  test('a closed port', () => {
    const original = datagram({ from: a, to: b, data: galaxy });
    const icmp = concat(Uint8Array.of(3, 3, 0, 0, 0, 0, 0, 0), original.slice(0, 28));
    const frames = [original, ip(b.address, a.address, 1, icmp)].map((octets, time) => ({ time, octets }));
    const [n] = value(file('pcap', true, 101, frames)).negotiations;
    expect(n.findings[0].text).toMatch(/no program listens on UDP 500 .*: no IKE daemon runs there/);
  });

  test('a snap length that cuts messages is told', () => {
    const octets = datagram({ from: a, to: b, data: galaxy });
    const cut = file('pcap', true, 101, [{ time: 0, octets }]).slice(0, 24 + 16 + 96);
    new DataView(cut.buffer).setUint32(32, 96, true);
    expect(value(cut).notes).toEqual([
      "1 IKE message cut off by the capture's snap length: capture with tcpdump -s 0",
    ]);
  });
});

describe('files that are none', () => {
  test.each([
    ['nothing', new Uint8Array(0), /is empty/],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0), /compressed/],
    ['text', new TextEncoder().encode('hello, world'), /is no capture/],
    ['three octets', Uint8Array.of(0xd4, 0xc3, 0xb2), /is no capture/],
    ['a pcap header cut off', Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1, 2, 0), /ends within its header/],
  ])('%s', (_, octets, why) => {
    expect(readCaptureFile(octets)).toEqual({ ok: false, why: expect.stringMatching(why) });
  });

  test('what stands before the place where a file breaks off is read', () => {
    const [a, b] = V4;
    const whole = ethernet([
      { time: 0, from: a, to: b, data: galaxy },
      { time: 1, from: b, to: a, data: refusal },
    ]);
    const e = value(whole.slice(0, -1));
    expect([e.negotiations[0].ladder.length, e.notes]).toEqual([
      1,
      ['the file is cut off: what begins at octet 738 is incomplete'],
    ]);
  });

  test('an unknown link type is named', () => {
    expect(value(file('pcap', true, 147, [{ time: 0, octets: galaxy }])).notes).toEqual([
      'frames of link type 147 are not read',
    ]);
  });
});

/** Explained and drawn: neither may throw. */
function survives(octets: Uint8Array): void {
  const result = explain(octets);
  if (result.ok) {
    const text = explanationText(result.value);
    // Nothing of a hostile file reaches the terminal but printable text.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    JSON.stringify(result.value);
  } else expect(result.why).toMatch(/^the file /);
}

describe('hostile files', () => {
  test('octets at random', () => {
    const magic = fc.constantFrom([0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [10, 13, 13, 10]);
    fc.assert(
      fc.property(magic, fc.uint8Array({ maxLength: 600 }), (head, rest) =>
        survives(concat(Uint8Array.from(head), rest)),
      ),
      { numRuns: 2000 },
    );
  });

  test('20,000 mutants of good captures', { timeout: 120_000 }, () => {
    const mutator = new Mutator(7);
    const corpus = captures(7);
    let read = 0;
    for (let n = 0; n < 20_000; n++) {
      const mutant = mutator.mutate(mutator.pick(corpus), mutator.pick(corpus));
      survives(mutant);
      if (explain(mutant).ok) read++;
    }
    expect(read).toBeGreaterThan(10_000);
  });

  test('mutated messages in good captures', { timeout: 120_000 }, () => {
    const mutator = new Mutator(8);
    const whole = messages(8);
    for (let n = 0; n < 2000; n++) {
      const [a, b] = mutator.pick([V4, V6]);
      const port = mutator.pick([500, 4500, 40500]);
      const marker = new Uint8Array(port === 4500 ? 4 : 0);
      const sent = Array.from({ length: 1 + mutator.below(6) }, (_, time): Sent => {
        const [from, to] = mutator.below(2) ? [a, b] : [b, a];
        const data = concat(marker, mutator.mutate(mutator.pick(whole), mutator.pick(whole)));
        return { time, from: { ...from, port }, to, data };
      });
      survives(ethernet(sent));
    }
  });

  test('a hundred thousand first messages cost no more than their reading', { timeout: 60_000 }, () => {
    const [a, b] = V4;
    const sent = Array.from({ length: 100_000 }, (_, n): Sent => {
      const data = refusal.slice();
      new DataView(data.buffer).setUint32(0, n);
      return { time: n / 1000, from: a, to: b, data };
    });
    const e = value(ethernet(sent));
    expect(e.negotiations).toHaveLength(2000);
    expect(e.notes).toEqual(['98000 messages of further negotiations left out']);
  });
});

/** Conversations of both versions in all kinds of files. */
function captures(seed: number): Uint8Array[] {
  const mutator = new Mutator(seed);
  const whole = messages(seed);
  return Array.from({ length: 60 }, () => {
    const [, link, wrap] = mutator.pick(LINKS);
    const frames = Array.from({ length: 1 + mutator.below(5) }, (_, time) => {
      const [a, b] = mutator.pick([V4, V6]);
      const from = { ...a, port: mutator.pick([500, 4500, 40500]) };
      return { time, octets: wrap(datagram({ from, to: b, data: mutator.pick(whole) })) };
    });
    return file(mutator.pick(['pcap', 'pcap-ns', 'pcapng']), mutator.below(2) === 0, link, frames);
  });
}
