// Secrets never reach an error text (house.md, habit 8).
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainMistake } from '../../../src/dialect/seil/explain.ts';
import { parseSeil } from '../../../src/dialect/seil/parse.ts';

/** All that people and logs get to see of a file's mistakes. */
function seen(source: string): string {
  const { errors, warnings } = parseSeil(source);
  expect(errors.length).toBeGreaterThan(0);
  const mistakes = [...errors, ...warnings];
  return [JSON.stringify(mistakes), ...mistakes.map((m) => explainMistake('f', source, m))].join('\n');
}

/** Letters that occur in no key, value or sentence of ours, so that a fragment is found too. */
const word = fc.string({ unit: fc.constantFrom('Ж', 'Щ', 'Ю'), minLength: 8, maxLength: 40 });

const PSK = 'interface.ipsec0.preshared-key';

/** Lines with a mistake and the secret W. */
const LINES: [string, string][] = [
  ['twice', `${PSK} : W\n${PSK} : W`],
  ['twice, by two spellings', `${PSK} : W\ninterface.ipsec00.preshared-key : W`],
  ['of an incomplete tunnel', `${PSK} : W`],
  ['of a tunnel that cannot be', 'interface.ipsec1024.preshared-key : W'],
  ['too long', `${PSK} : ${'W'.repeat(20)}`],
  ['with a control character', `${PSK} : "W\tW"`],
  ['without the closing quote', `${PSK} : "W`],
  ['without the closing quote, and no blanks', `${PSK}:"W`],
  ['with text after the quote', `${PSK} : "W" W`],
  ['with a bad escape', `${PSK} : "W\\W"`],
  ['behind a stray colon', `${PSK}: : "W`],
  ['with a colon in it', `${PSK} : "W : W`],
  ['of a misspelt key', 'interface.ipsec0.preshard-key : W'],
  ['of a key in capitals', 'INTERFACE.IPSEC0.PRESHARED-KEY : W'],
  ['of a misspelt interface', 'interface.ipsek0.preshared-key : W'],
  ['of a key elsewhere', 'interface.l2tp0.ipsec-preshared-key : W'],
  ['of a key of another feature', 'interface.pppoe0.password : W'],
  ['of a misspelt key, quoted', 'interface.ipsec0.preshared-keys : "W W"'],
  ['of the rendezvous service, quoted wrongly', 'interface.ipsec0.floatlink.key : "W'],
  ['of the rendezvous service, misspelt', 'interface.ipsec0.floatlink.kay : W'],
  ['of the rendezvous service, which is not built', 'interface.ipsec0.floatlink.key : W'],
  ['without a colon', `${PSK} W`],
  ['without a colon, quoted', `${PSK} "W"`],
  ['behind an equals sign', `${PSK} = W`],
  ['of a misspelt key, without the closing quote', 'interface.ipsec0.preshard-key : "W'],
  ['of a misspelt key, with a bad escape', 'interface.ipsec0.psk : "a\\W"'],
  ['of a key in capitals, without the closing quote', 'INTERFACE.IPSEC0.PRESHARED-KEY : "W'],
  ['behind a lone CR', `${PSK} : a\rW`],
  [
    'in a file with the line ends of an old Mac',
    `hostname : a\r${PSK} : k\rinterface.ipsec1.preshared-key : W`,
  ],
  ['behind a U+2028', `${PSK} : a\u2028W`],
  ['stuck to the key', `${PSK}"W" : x`],
  ['stuck to the key, with a colon in it', `${PSK}=W:W`],
  ['in a line without end', `${PSK} : ${'W'.repeat(500)}`],
];

describe('a secret is not seen', () => {
  test.each(LINES)('%s', (_what, line) => {
    fc.assert(
      fc.property(word, (secret) => {
        expect(seen(`hostname : r1\n${line.replaceAll('W', secret)}\nike.retry : x\n`)).not.toMatch(/[ЖЩЮ]/);
      }),
      { numRuns: 20 },
    );
  });

  test('the mistake still shows the line, the key and a caret', () => {
    const source = `${PSK} : "geheim`;
    const [mistake] = parseSeil(source).errors;
    const text = explainMistake('router.conf', source, mistake);
    expect(text).toBe(`\
router.conf:1:41: The closing quote is missing.
  1 | interface.ipsec0.preshared-key : ********
    |                                         ^`);
  });

  test('what is no secret is shown', () => {
    expect(seen('interface.ge0.description : "Ж')).toContain('"Ж');
  });
});
