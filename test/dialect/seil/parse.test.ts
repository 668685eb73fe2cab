import { describe, expect, test } from 'vitest';
import { parseSeil } from '../../../src/dialect/seil/parse.ts';
import { MINIMAL } from '../../interop/seed001.ts';

function leaves(source: string): Record<string, string | number> {
  const { tree, errors } = parseSeil(source);
  expect(errors).toEqual([]);
  return Object.fromEntries(tree.entries());
}

const PROXY = 'interface.ipsec0.ike.proposal.phase2.proxy-id.ipv4';
const PHASE1 = 'interface.ipsec0.ike.proposal.phase1';

const MINIMAL_LEAVES = {
  'interface.ge0.ipv4.address': '10.0.0.1/24',
  'interface.ge1.ipv4.address': '192.168.1.1/24',
  'interface.ipsec0.preshared-key': 'xeeB5gohvaYi',
  'interface.ipsec0.ipv4.source': '10.0.0.1',
  'interface.ipsec0.ipv4.destination': '10.0.0.2',
  [`${PROXY}.local`]: '192.168.1.0/24',
  [`${PROXY}.remote`]: '192.168.2.0/24',
  'route.ipv4.1.destination': '192.168.2.0/24',
  'route.ipv4.1.gateway': 'ipsec0',
};

describe('whole files', () => {
  test("seed 001's minimal configuration, its stray colons included", () => {
    expect(MINIMAL).toMatch(/^route\.ipv4\.1\.destination:\s+: 192\.168\.2\.0\/24$/m);
    expect(leaves(MINIMAL)).toEqual(MINIMAL_LEAVES);
  });

  test('seed 001 with phase1.** and the SEIL spelling of responder-only (#3005)', () => {
    const more = `
interface.ipsec0.ike.proposal.phase1.lifetime               : 777
interface.ipsec0.ike.proposal.phase1.encryption.0.algorithm : aes256
interface.ipsec0.ike.proposal.phase1.hash.0.algorithm       : sha256
interface.ipsec0.ike.proposal.phase1.dh-group               : modp1024
interface.ipsec0.responder-only                             : enable
`;
    expect(leaves(MINIMAL + more)).toEqual({
      ...MINIMAL_LEAVES,
      [`${PHASE1}.lifetime`]: 777,
      [`${PHASE1}.encryption.0.algorithm`]: 'aes256',
      [`${PHASE1}.hash.0.algorithm`]: 'sha256',
      [`${PHASE1}.dh-group`]: 'modp1024',
      'interface.ipsec0.ike.responder-only': 'enable',
    });
  });

  test('comments, spacers, blank lines and indentation', () => {
    const source = MINIMAL.replaceAll('\n', '\n\n!\n  # hostname : x\n   ');
    expect(leaves(source)).toEqual(MINIMAL_LEAVES);
  });

  test('the separator as other tools write it, without blanks (dialects.md 0.3)', () => {
    expect(leaves(MINIMAL.replaceAll(/\s*: /g, ': '))).toEqual(MINIMAL_LEAVES);
    expect(leaves(MINIMAL.replaceAll(/[ :]*: /g, ':'))).toEqual(MINIMAL_LEAVES);
  });

  test('CRLF, a byte order mark, and no line end at the end', () => {
    expect(leaves(MINIMAL.replaceAll('\n', '\r\n'))).toEqual(MINIMAL_LEAVES);
    expect(leaves(`\uFEFF${MINIMAL}`)).toEqual(MINIMAL_LEAVES);
    expect(leaves(MINIMAL.trimEnd())).toEqual(MINIMAL_LEAVES);
  });

  test('nothing at all', () => expect(leaves('')).toEqual({}));
});

describe('values', () => {
  test.each([
    ['8h', 28800],
    ['24h', 86400],
    ['41s', 41],
    ['86400', 86400],
    ['1h30m', 5400],
  ])('a lifetime of %s (dialects.md A.1)', (text, seconds) => {
    const key = 'interface.ipsec0.ike.proposal.phase2.lifetime-of-time';
    expect(leaves(`${MINIMAL}${key} : ${text}`)[key]).toBe(seconds);
  });

  test('ike.interval takes plain seconds only, at most 300 (dialects.md A.1)', () => {
    expect(leaves('ike.interval : 300')).toEqual({ 'ike.interval': 300 });
    for (const value of ['10s', '5m', '301']) {
      expect(parseSeil(`ike.interval : ${value}`).errors).toMatchObject([{ code: 'bad-value', value }]);
    }
  });

  test.each([
    ['::/0', '::/0'],
    ['::1:0:0:0/80', '::1:0:0:0/80'],
    ['2001:DB8::/32', '2001:db8::/32'],
  ])('an IPv6 value: %s', (text, value) => {
    const source = `route.ipv6.1.destination : ${text}\nroute.ipv6.1.gateway : ::2`;
    expect(leaves(source)).toEqual({ 'route.ipv6.1.destination': value, 'route.ipv6.1.gateway': '::2' });
  });

  test('quoted and unquoted text', () => {
    const source =
      'interface.ge0.description : "say \\"hi\\" \\\\ : # !"\ninterface.ge1.description : two words';
    expect(leaves(source)).toEqual({
      'interface.ge0.description': 'say "hi" \\ : # !',
      'interface.ge1.description': 'two words',
    });
  });

  test('indexes are kept as typed, their order is that of the numbers', () => {
    const list = 'interface.ipsec0.ike.proposal.phase1.hash.';
    const { tree, errors } = parseSeil(
      `${MINIMAL}${list}200.algorithm : sha1\n${list}100.algorithm : sha512\n${list}1000.algorithm : sha384`,
    );
    expect(errors).toEqual([]);
    expect(tree.indexes(list)).toEqual([100, 200, 1000]);
    expect(tree.list(list, '.algorithm')).toEqual(['sha512', 'sha1', 'sha384']);
  });

  test('both spellings of responder-only, and that they are the same key', () => {
    const key = 'interface.ipsec0.ike.responder-only';
    expect(leaves(`${MINIMAL}interface.ipsec0.responder-only : enable`)[key]).toBe('enable');
    expect(leaves(`${MINIMAL}${key} : enable`)[key]).toBe('enable');
    const both = `${MINIMAL}interface.ipsec0.responder-only : enable\n${key} : enable`;
    expect(parseSeil(both).errors).toMatchObject([{ code: 'duplicate-key', key, line: 11, column: 1 }]);
  });
});
