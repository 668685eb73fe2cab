// An error names line, column, key, value, what is allowed and the nearest known key; all of them at once (issue 2).
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explainMistake } from '../../../src/dialect/seil/explain.ts';
import { parseSeil } from '../../../src/dialect/seil/parse.ts';
import { printSeil } from '../../../src/dialect/seil/print.ts';
import { fullTree } from '../../config/trees.ts';
import { MINIMAL } from '../../interop/seed001.ts';

const TEN = `\
# Ten mistakes, no two of a kind.
interface.ge0.ipv4.adress : 10.0.0.1/24
interface.ge1.mtu : 9217
interface.ge1.mtu : 1500
interface.ge1.ipv4.address : "192.168.1.1/24
interface.ipsec0.preshared-key : xeeB5gohvaYi
interface.ipsec0.ipv4.source : 10.0.0.1
interface.ipsec0.floatlink.my-address : 10.0.0.1
interface.ipsec0.ike.check-level : stricd
interface.ipsec0.ike.proposal.phase1.encryption.0.algorithm : aes256-gcm16
ike.retry 5
route.ipv4.1.destination : 192.168.2.1/24
route.ipv4.1.gateway : 10.0.0.2
`;

const IPSEC = 'interface.ipsec0';

describe('a file with ten mistakes', () => {
  const { errors } = parseSeil(TEN);

  test('reports ten, in the order of the file', () => {
    expect(errors.map((m) => [m.line, m.column, m.code, m.key])).toEqual([
      [2, 1, 'unknown-key', 'interface.ge0.ipv4.adress'],
      [3, 21, 'bad-value', 'interface.ge1.mtu'],
      [4, 1, 'duplicate-key', 'interface.ge1.mtu'],
      [5, 45, 'syntax', undefined],
      [7, 1, 'missing', `${IPSEC}.ipv4.destination`],
      [8, 41, 'not-built', `${IPSEC}.floatlink.my-address`],
      [9, 36, 'bad-value', `${IPSEC}.ike.check-level`],
      [10, 63, 'conflict', `${IPSEC}.ike.proposal.phase1.encryption.0.algorithm`],
      [11, 1, 'syntax', undefined],
      [12, 28, 'bad-value', 'route.ipv4.1.destination'],
    ]);
  });

  test('each says what is allowed or what to do', () => {
    expect(errors.map((m) => m.message)).toEqual([
      'There is no key interface.ge0.ipv4.adress: did you mean interface.ge0.ipv4.address?',
      'interface.ge1.mtu cannot be "9217": it must be a whole number from 576 to 9216 octets.',
      'interface.ge1.mtu is set on line 3 already: remove one of the two.',
      'The closing quote is missing.',
      'interface.ipsec0 is not complete: add interface.ipsec0.ipv4.destination.',
      'interface.ipsec0.floatlink.my-address is known but not built yet: give both addresses with ipv4.source and ipv4.destination.',
      'interface.ipsec0.ike.check-level cannot be "stricd" (did you mean strict?): it must be obey, claim, strict or exact.',
      expect.stringMatching(/aes256-gcm16 cannot protect an IKEv1 exchange/),
      'A line is "key : value": the colon is missing.',
      'route.ipv4.1.destination 192.168.2.1/24 has host bits set: write 192.168.2.0/24.',
    ]);
  });

  test('and the nearest known key or value, and the value as typed', () => {
    expect(errors.map((m) => m.nearest)).toMatchObject({ 0: 'interface.ge0.ipv4.address', 6: 'strict' });
    expect(errors.map((m) => m.value)).toMatchObject({ 1: '9217', 6: 'stricd' });
    expect(errors[0].width).toBe('interface.ge0.ipv4.adress'.length);
    expect(errors[6].width).toBe('stricd'.length);
  });

  test('what was understood is in the tree all the same', () => {
    const { tree } = parseSeil(TEN);
    expect(tree.configured(`${IPSEC}.ipv4.source`)).toBe('10.0.0.1');
    expect(tree.configured('interface.ge1.mtu')).toBeUndefined();
  });
});

describe('single mistakes', () => {
  test.each([
    ['interface.ipsec0.mtu.1 : 1400', 'unknown-key'],
    ['interface.ge0 : up', 'unknown-key'],
    ['pppoe : enable', 'unknown-key'],
    ['__proto__ : x', 'unknown-key'],
    ['hostname : two words', 'bad-value'],
    ['hostname : r1 # no comment here', 'bad-value'],
    ['hostname :', 'syntax'],
  ])('%s is a %s', (line, code) => {
    expect(parseSeil(line).errors).toMatchObject([{ code, line: 1 }]);
  });

  test('a key that looks like none says so', () => {
    const [mistake] = parseSeil('zzz.yyy.xxx.www : 1').errors;
    expect(mistake.nearest).toBeUndefined();
    expect(mistake.message).toMatch(/no key looks like it/);
  });

  test('a duplicate names the line of the first, also when only the spelling of a number differs', () => {
    const { errors, tree } = parseSeil(
      '\nroute.ipv4.1.gateway : discard\nroute.ipv4.01.gateway : 10.0.0.1\n',
    );
    const duplicate = errors.find((m) => m.code === 'duplicate-key');
    expect(duplicate).toMatchObject({ key: 'route.ipv4.1.gateway', line: 3, column: 1 });
    expect(duplicate?.message).toContain('line 2');
    expect(tree.configured('route.ipv4.1.gateway')).toBe('discard');
  });

  test('what does not parse is not missed as well', () => {
    const source = MINIMAL.replace(/10\.0\.0\.2$/m, '10.0.0.256');
    expect(parseSeil(source).errors).toMatchObject([{ code: 'bad-value', value: '10.0.0.256', line: 7 }]);
  });

  test('a rule says nothing about a key that did not parse, but the key does', () => {
    const type = `${IPSEC}.ike.my-identifier.type`;
    const identifier = `${MINIMAL}${type} : fdqn\n${IPSEC}.ike.my-identifier.fqdn : a.b\n`;
    expect(parseSeil(identifier).errors.map((m) => [m.code, m.key])).toEqual([['bad-value', type]]);
    const version = `${IPSEC}.ike.version`;
    const cipher = `${IPSEC}.ike.proposal.phase1.encryption.0.algorithm : aes256-gcm16\n`;
    const { errors } = parseSeil(`${MINIMAL}${version} : 3\n${cipher}`);
    expect(errors.map((m) => [m.code, m.key])).toEqual([['bad-value', version]]);
  });

  test('a misspelt key is not missed as well', () => {
    const { errors } = parseSeil(MINIMAL.replace('preshared-key', 'preshard-key'));
    expect(errors.map((m) => [m.code, m.key, m.nearest])).toEqual([
      ['unknown-key', `${IPSEC}.preshard-key`, `${IPSEC}.preshared-key`],
    ]);
  });

  test('a route to a missing tunnel is told, with both its lines there', () => {
    const { errors } = parseSeil('route.ipv4.1.destination : 10.0.0.0/8\nroute.ipv4.1.gateway : ipsec5\n');
    expect(errors).toMatchObject([{ code: 'missing', key: 'route.ipv4.1.gateway', line: 2 }]);
    expect(errors[0].message).toMatch(/add interface\.ipsec5/);
  });

  test('a type of identifier without the identifier is told', () => {
    const key = `${IPSEC}.ike.my-identifier.type`;
    const { errors } = parseSeil(`${MINIMAL}${key} : fqdn\n`);
    expect(errors).toMatchObject([{ code: 'missing', key, line: 10 }]);
  });

  test('a line or a file without end is no configuration', () => {
    const long = parseSeil(`hostname : ${'x'.repeat(3000)}\nike.retry : 7`);
    expect(long.errors).toMatchObject([{ code: 'syntax', line: 1 }]);
    expect(long.errors[0].message).toMatch(/longer than 2046/);
    expect(long.tree.value('ike.retry')).toBe(7);
    const { errors } = parseSeil('\n'.repeat(100_001));
    expect(errors).toHaveLength(1);
    expect(errors[0].message).toMatch(/more than 100000 lines/);
  });
});

describe('whatever the text', () => {
  /** Parses, explains, and checks that every place is inside the text. */
  function survives(source: string): void {
    const { errors, warnings, tree } = parseSeil(source);
    const lines = source.split('\n');
    const astray = [...errors, ...warnings].filter((m) => {
      const line = lines[m.line - 1];
      const inside = line !== undefined && m.column > 0 && m.column <= line.length + 1 && m.width > 0;
      return !inside || !/[.?]$/.test(m.message) || !explainMistake('f', source, m).includes(m.message);
    });
    expect(astray).toEqual([]);
    printSeil(tree, { maskSecrets: false });
  }

  test('arbitrary text is never a throw', () => {
    const lines = fc.array(fc.string({ unit: 'binary', maxLength: 80 }), { maxLength: 20 });
    fc.assert(
      fc.property(lines, (text) => survives(text.join('\n'))),
      { numRuns: 300 },
    );
  });

  test('arbitrary keys and values are never a throw', () => {
    const word = fc.constantFrom(
      'interface',
      'ipsec0',
      'ike',
      'ge1',
      'route',
      'ipv4',
      '7',
      '',
      '[]',
      '*',
      '-1',
    );
    const line = fc
      .tuple(fc.array(word, { maxLength: 6 }), fc.constantFrom(':', ' : ', ': :', ' '), fc.string())
      .map(([key, separator, value]) => `${key.join('.')}${separator}${value}`);
    fc.assert(
      fc.property(fc.array(line), (text) => survives(text.join('\n'))),
      { numRuns: 300 },
    );
  });

  test('a valid file with cuts, insertions and doubled parts is never a throw', () => {
    const valid = fullTree.map((tree) => MINIMAL + printSeil(tree, { maskSecrets: false }));
    const edit = fc.record({
      at: fc.nat(9999),
      cut: fc.nat(60),
      insert: fc.oneof(
        fc.string({ maxLength: 8 }),
        fc.constantFrom('\n', '"', '\\', ':', ' : ', '0', '\r\n'),
      ),
      twice: fc.boolean(),
    });
    fc.assert(
      fc.property(valid, fc.array(edit, { minLength: 1, maxLength: 8 }), (text, edits) => {
        let source = text;
        for (const { at, cut, insert, twice } of edits) {
          const i = at % source.length;
          const gone = source.slice(i, i + cut);
          source = source.slice(0, i) + insert + (twice ? gone + gone : '') + source.slice(i + cut);
        }
        survives(source);
      }),
      { numRuns: 60 },
    );
  });
});
