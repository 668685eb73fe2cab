// Octets that tests share: the packets of test/fixtures and the known answers of test/vectors.
import { readFileSync } from 'node:fs';
import { fromHex } from '../../src/net/bytes.ts';

/** Datagrams of real devices, by file name without .hex. */
export const FIXTURES = [
  'er605_no_proposal_chosen_rsp',
  'er605_v2_initiator_ike_sa_init_req',
  'galaxy_note20_android13_ike_sa_init_req',
  'galaxy_note20_retry_group14_req',
  'good_invalid_ke_payload_rsp_group14',
  'seil8_default_ikev1_main_mode_1',
] as const;

export function fixture(name: (typeof FIXTURES)[number]): Uint8Array {
  return fromHex(readFileSync(new URL(`../fixtures/${name}.hex`, import.meta.url), 'utf8'));
}

/** One known answer: where it is from, and its fields, most of them hex. */
export type Vector = {
  readonly source?: string;
  readonly section: string;
  readonly name?: string;
} & Readonly<Record<string, string>>;

/** All vectors of a file; a vector without a source of its own takes the file's. */
export function vectors(file: string): Vector[] {
  const { source, vectors } = JSON.parse(
    readFileSync(new URL(`../vectors/${file}.json`, import.meta.url), 'utf8'),
  );
  return vectors.map((v: Vector) => ({ source, ...v }));
}

/** A name for a test: "RFC 4231 4.2 test case 1 sha256". */
export function title(v: Vector): string {
  return [v.source, v.section, v.name, v.hash].filter(Boolean).join(' ');
}
