import { describe, expect, test } from 'vitest';
import { Tree } from '../../../src/config/tree.ts';
import { MASK } from '../../../src/dialect/mask.ts';
import { parseSeil } from '../../../src/dialect/seil/parse.ts';
import { printSeil } from '../../../src/dialect/seil/print.ts';
import { MINIMAL } from '../../interop/seed001.ts';

const printed = (source: string, maskSecrets = false) => printSeil(parseSeil(source).tree, { maskSecrets });

describe('printing', () => {
  test("seed 001's minimal configuration: one ` : ` column, schema order, no stray colon", () => {
    expect(printed(MINIMAL)).toBe(`\
interface.ge0.ipv4.address                                : 10.0.0.1/24
interface.ge1.ipv4.address                                : 192.168.1.1/24
interface.ipsec0.preshared-key                            : xeeB5gohvaYi
interface.ipsec0.ipv4.source                              : 10.0.0.1
interface.ipsec0.ipv4.destination                         : 10.0.0.2
interface.ipsec0.ike.proposal.phase2.proxy-id.ipv4.local  : 192.168.1.0/24
interface.ipsec0.ike.proposal.phase2.proxy-id.ipv4.remote : 192.168.2.0/24
route.ipv4.1.destination                                  : 192.168.2.0/24
route.ipv4.1.gateway                                      : ipsec0
`);
  });

  test('ike.responder-only is printed, whichever spelling was read', () => {
    expect(printed('interface.ipsec0.responder-only : enable')).toBe(
      'interface.ipsec0.ike.responder-only : enable\n',
    );
  });

  test('what is the default is left out', () => {
    const defaults = ['ike.retry : 5', 'ike.phase1-timeout : 30s', 'interface.ipsec0.ike.version : 1'];
    expect(printed([...defaults, 'ike.interval : 11'].join('\n'))).toBe('ike.interval : 11\n');
  });

  test('a list is kept, also when it is the default one', () => {
    const list = 'interface.ipsec0.ike.proposal.phase1.hash.100.algorithm : sha256\n';
    expect(printed(list)).toBe(list);
  });

  test('indexes stay, in numeric order', () => {
    const source = ['100', '20', '3'].map((n) => `route.ipv4.${n}.gateway : discard`).join('\n');
    expect(printed(source)).toBe(`\
route.ipv4.3.gateway   : discard
route.ipv4.20.gateway  : discard
route.ipv4.100.gateway : discard
`);
  });

  test('times are short, text is quoted where it must be', () => {
    const source = `interface.ipsec0.description : a "b" \\c
interface.ipsec0.ike.proposal.phase1.lifetime : 3600
route.ipv6.1.destination : ::/0`;
    expect(printed(source)).toBe(`\
interface.ipsec0.description                  : "a \\"b\\" \\\\c"
interface.ipsec0.ike.proposal.phase1.lifetime : 1h
route.ipv6.1.destination                      : "::/0"
`);
  });

  test.each(['\u2028', '\u2029'])('%j is text like any other, and ends no line', (separator) => {
    const line = `interface.ge0.description : "a${separator}b"\n`;
    expect(parseSeil(line).errors).toEqual([]);
    expect(parseSeil(line).tree.configured('interface.ge0.description')).toBe(`a${separator}b`);
    expect(printed(line)).toBe(line);
  });

  test('an empty tree is an empty text', () => {
    expect(printSeil(new Tree(), { maskSecrets: false })).toBe('');
  });
});

describe('secrets', () => {
  const secrets =
    'interface.ipsec0.preshared-key : xeeB5gohvaYi\ninterface.ipsec1.floatlink.key : xeeB5gohvaYi\n';

  test('are masked when asked for, and only then', () => {
    expect(printed(secrets, true)).toBe(
      `interface.ipsec0.preshared-key : ${MASK}\ninterface.ipsec1.floatlink.key : ${MASK}\n`,
    );
    expect(printed(secrets, false)).toBe(secrets);
    expect(printed(MINIMAL, true)).not.toContain('xeeB5gohvaYi');
  });

  test('the mask has one length, whatever the secret', () => {
    expect(printed('interface.ipsec0.preshared-key : k', true)).toContain(` : ${MASK}\n`);
  });

  test('the mask is refused as a value, so that a shown configuration cannot be loaded by mistake', () => {
    const { errors, tree } = parseSeil(printed(MINIMAL, true));
    expect(errors).toMatchObject([{ code: 'bad-value', key: 'interface.ipsec0.preshared-key', line: 3 }]);
    expect(tree.configured('interface.ipsec0.preshared-key')).toBeUndefined();
    expect(parseSeil(`interface.ge0.description : ${MASK}`).errors).toEqual([]);
  });
});
