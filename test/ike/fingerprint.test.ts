// Who is at the other end, guessed from real first packets.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { guessV1, guessV2 } from '../../src/ike/fingerprint.ts';
import * as v1 from '../../src/ike/wire/v1.ts';
import * as v2 from '../../src/ike/wire/v2.ts';
import { fromHex } from '../../src/net/bytes.ts';

function fixture(name: string): Uint8Array {
  const text = readFileSync(new URL(`../fixtures/${name}.hex`, import.meta.url), 'utf8');
  return fromHex(text.replace(/^#.*$/gm, ''));
}

test.each([
  ['galaxy_note20_android13_ike_sa_init_req', "Samsung's Android client"],
  ['galaxy_note20_retry_group14_req', "Samsung's Android client"],
  ['er605_v2_initiator_ike_sa_init_req', 'strongSwan 5.3, which is in the TP-Link ER605 and others'],
])('%s looks like %s', (name, guess) => {
  const decoded = v2.decode(fixture(name));
  expect(decoded.ok && guessV2(decoded.value.payloads)).toBe(guess);
});

test('a SEIL looks like one', () => {
  const decoded = v1.decode(fixture('seil8_default_ikev1_main_mode_1'));
  expect(decoded.ok && guessV1(decoded.value.payloads ?? [])).toBe('SEIL or Sekisho');
});

test('who shows nothing is nobody', () => {
  expect(guessV2([])).toBeUndefined();
  expect(guessV1([])).toBeUndefined();
});
