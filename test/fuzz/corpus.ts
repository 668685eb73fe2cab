// Messages to mutate: real devices, two engines of ours talking (sealed messages among them), generated payloads.
import fc from 'fast-check';
import { encodeAttributes } from '../../src/ike/wire/attribute.ts';
import * as v1 from '../../src/ike/wire/v1.ts';
import * as v2 from '../../src/ike/wire/v2.ts';
import { Writer } from '../../src/net/bytes.ts';
import { attributeList, chainV1, header, payloadsV2 } from '../ike/arbitrary.ts';
import { FIXTURES, fixture } from '../ike/samples.ts';
import { pair } from '../ike/simulation.ts';

/** Every datagram of a negotiation, renewals of both SAs, liveness checks and Deletes. */
export function conversation(seed: number, version: 1 | 2): Uint8Array[] {
  const { network, a } = pair(seed, { version });
  network.run(60);
  a.input({ kind: 'rekey', connection: 'ipsec0', what: 'child' });
  network.run(30);
  a.input({ kind: 'rekey', connection: 'ipsec0', what: 'ike' });
  network.run(60);
  a.input({ kind: 'shutdown' });
  network.run(1);
  return network.log.map((entry) => entry.data);
}

/** Whole messages. */
export function messages(seed: number): Uint8Array[] {
  const sample = <T>(arbitrary: fc.Arbitrary<T>) => fc.sample(arbitrary, { seed, numRuns: 150 });
  return [
    ...FIXTURES.map(fixture),
    ...conversation(seed, 1),
    ...conversation(seed, 2),
    ...sample(fc.tuple(header(1), chainV1)).map(([h, list]) => v1.encode(h, list)),
    ...sample(fc.tuple(header(2), payloadsV2)).map(([h, list]) => v2.encode(h, list)),
  ];
}

/** Payload chains as they stand inside an encrypted message, with the type of the first payload. */
export type Inside = { readonly first: number; readonly bytes: Uint8Array };

export function insides(seed: number): Inside[] {
  const one = fc.sample(chainV1, { seed, numRuns: 150 });
  const two = fc.sample(payloadsV2, { seed, numRuns: 150 });
  const clear = FIXTURES.map(fixture).map((b) => ({ first: b[16], bytes: b.slice(28) }));
  const written = (list: v2.Payload[]) => {
    const w = new Writer();
    v2.encodePayloads(w, list);
    return w.finish();
  };
  return [
    ...clear,
    ...one.map((list) => ({ first: v1.firstNumber(list), bytes: v1.encodeChain(list) })),
    ...two.map((list) => ({ first: v2.firstNumber(list), bytes: written(list) })),
  ];
}

/** Lists of data attributes. */
export function attributeLists(seed: number): Uint8Array[] {
  return fc.sample(attributeList, { seed, numRuns: 150 }).map((list) => {
    const w = new Writer();
    encodeAttributes(w, list);
    return w.finish();
  });
}
