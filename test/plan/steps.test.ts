import { describe, expect, test } from 'vitest';
import { type Step, steps, stepText } from '../../src/plan/steps.ts';
import { MINIMAL } from '../interop/seed001.ts';
import { ethernet, MACHINE, planned } from './machine.ts';

/** The minimal configuration and a second tunnel beside it. */
const TWO = `${MINIMAL}hostname : r1
interface.ipsec1.preshared-key : geheim
interface.ipsec1.ipv4.source : 10.0.0.1
interface.ipsec1.ipv4.destination : 10.0.0.3
route.ipv4.2.destination : 192.168.3.0/24
route.ipv4.2.gateway : ipsec1
`;

/** Steps in words, from one configuration to another. */
function between(from: string, to: string): string[] {
  return steps(planned(from), planned(to)).map(stepText);
}

const changed = (...lines: string[]) => TWO + lines.map((l) => `${l}\n`).join('');
const without = (pattern: RegExp) => TWO.replaceAll(pattern, '');

describe('what is to be done', () => {
  test('from nothing: links, clamp, tunnels, then routes over them, and IKE last', () => {
    expect(steps(undefined, planned(TWO)).map(stepText)).toEqual([
      'security policies none: nothing in clear',
      'hostname r1',
      'ge0 gets 10.0.0.1/24',
      'ge1 gets 192.168.1.1/24',
      'TCP MSS clamp',
      'ipsec0 is made, MTU 1422',
      'ipsec1 is made, MTU 1422',
      'route 192.168.2.0/24 via ipsec0',
      'route 192.168.3.0/24 via ipsec1',
      'security policies none',
      'IKE policies',
    ]);
  });

  test('nothing, when nothing differs', () => {
    expect(between(TWO, TWO)).toEqual([]);
    expect(between(TWO, changed('interface.ipsec1.description : a label', 'ike.retry : 5'))).toEqual([]);
    expect(between(MINIMAL, `# moved about\n${MINIMAL.split('\n').reverse().join('\n')}`)).toEqual([]);
  });

  test('another key is the IKE engine’s business alone', () => {
    expect(between(TWO, TWO.replace('geheim', 'geheimer'))).toEqual(['IKE policies']);
    expect(between(TWO, changed('ike.dpd-interval : 5'))).toEqual(['IKE policies']);
    expect(between(TWO, changed('interface.ipsec1.esn : enable'))).toEqual(['IKE policies']);
  });

  test.each([
    ['mtu : 1300', ['ipsec1 is changed, MTU 1300']],
    ['tx-tos-set : copy', ['ipsec1 is changed, MTU 1422']],
    ['ipv4.tcp-mss : 1000', ['ipsec1 is changed, MTU 1422']],
  ])('a change of ipsec1 changes ipsec1 alone: %s', (line, expected) => {
    expect(between(TWO, changed(`interface.ipsec1.${line}`))).toEqual(expected);
  });

  test('a path that narrows changes the tunnel, and puts its routes in their own place', () => {
    const [wide, narrow] = [planned(TWO), planned(TWO, MACHINE, { pathMtu: new Map([['ipsec1', 1300]]) })];
    const route = 'route 192.168.3.0/24 via ipsec1';
    expect(steps(wide, narrow).map(stepText)).toEqual(['ipsec1 is changed, MTU 1230', route]);
    expect(steps(narrow, wide).map(stepText)).toEqual(['ipsec1 is changed, MTU 1422', route]);
  });

  test('a tunnel with another inner address is made anew, and its routes with it', () => {
    expect(between(TWO, changed('interface.ipsec1.ipv4.address : 10.1.0.1/30'))).toEqual([
      'route 192.168.3.0/24 via discard',
      'IKE policies',
      'ipsec1 is removed',
      'ipsec1 is made, MTU 1422',
      'route 192.168.3.0/24 via ipsec1',
      'IKE policies',
    ]);
  });

  test('a tunnel that is taken down, and comes again: at no moment is there no route for what it carries', () => {
    const down = changed('interface.ipsec1.administration : down');
    expect(between(TWO, down)).toEqual([
      'route 192.168.3.0/24 via discard',
      'IKE policies',
      'ipsec1 is removed',
      'IKE policies',
    ]);
    const up = between(down, TWO);
    expect(up.filter((s) => /route/.test(s))).toEqual(['route 192.168.3.0/24 via ipsec1']);
    expect(up.indexOf('route 192.168.3.0/24 via ipsec1')).toBeGreaterThan(
      up.indexOf('ipsec1 is made, MTU 1422'),
    );
  });

  test('a tunnel that is made anew is not changed as well', () => {
    const both = changed('interface.ipsec1.ipv4.address : 10.1.0.1/30', 'interface.ipsec1.mtu : 1300');
    const words = between(TWO, both);
    expect(words).toContain('ipsec1 is made, MTU 1300');
    expect(words).not.toContain('ipsec1 is changed, MTU 1300');
  });

  test('a tunnel goes: its route first, IKE says goodbye before the interface is gone', () => {
    const gone = without(/^(interface\.ipsec1|route\.ipv4\.2).*\n/gm);
    expect(between(TWO, gone)).toEqual([
      'no route 192.168.3.0/24 via ipsec1',
      'IKE policies',
      'ipsec1 is removed',
      'IKE policies',
    ]);
  });

  test('IKE is told without the tunnels that are being replaced, then with them', () => {
    const all = steps(planned(TWO), planned(changed('interface.ipsec1.ipv4.address : 10.1.0.1/30')));
    const told = all.flatMap((s: Step) => (s.kind === 'ike' ? [s.desired.tunnels.map((t) => t.name)] : []));
    expect(told).toEqual([['ipsec0'], ['ipsec0', 'ipsec1']]);
  });

  test('routes, links and the clamp', () => {
    expect(between(TWO, TWO.replace('192.168.3.0/24', '192.168.4.0/24'))).toEqual([
      'no route 192.168.3.0/24 via ipsec1',
      'route 192.168.4.0/24 via ipsec1',
    ]);
    expect(between(TWO, changed('route.ipv4.2.distance : 7'))).toEqual([
      'no route 192.168.3.0/24 via ipsec1',
      'route 192.168.3.0/24 via ipsec1',
    ]);
    expect(between(TWO, changed('interface.ge1.ipv4.tcp-mss : none'))).toEqual(['TCP MSS clamp']);
    expect(
      between(TWO, changed('interface.ge1.mtu : 1400', 'interface.ge1.ipv4.alias.1.address : 10.9.0.1/16')),
    ).toEqual(['ge1 MTU 1400', 'ge1 gets 10.9.0.1/16']);
    const back = changed('interface.ge1.ipv4.alias.1.address : 10.9.0.1/16');
    expect(between(back, TWO)).toEqual(['ge1 loses 10.9.0.1/16']);
  });

  test('routes over a link whose last address is replaced are made again: the kernel drops them with it', () => {
    const routes = `route.ipv4.1.destination : default
route.ipv4.1.gateway : 10.0.0.254
route.ipv4.2.destination : 10.9.0.0/16
route.ipv4.2.gateway : discard
`;
    const at = (n: number) => `interface.ge0.ipv4.address : 10.0.0.${n}/24\n${routes}`;
    expect(between(at(1), at(3))).toEqual([
      'ge0 gets 10.0.0.3/24',
      'ge0 loses 10.0.0.1/24',
      'route default via 10.0.0.254',
    ]);
  });

  test('an MTU that is no longer configured goes back to that of Ethernet', () => {
    const address = 'interface.ge0.ipv4.address : 10.0.0.1/24\n';
    const small = `${address}interface.ge0.mtu : 1400\n`;
    expect(between(small, address)).toEqual(['ge0 MTU 1500']);
    expect(between(address, small)).toEqual(['ge0 MTU 1400']);
    expect(between(small, small)).toEqual([]);
  });

  test('a larger path is a change of the tunnels over it', () => {
    const path = planned(TWO, MACHINE, { pathMtu: new Map([['ipsec1', 1400]]) });
    expect(steps(planned(TWO), path).map(stepText)).toEqual(['ipsec1 is changed, MTU 1326']);
  });

  test('an interface that moves to another device takes its addresses along', () => {
    const machine = [...MACHINE, ethernet('eth7', 7)];
    const from = planned('interface.ge1.ipv4.address : 10.0.1.1/24', machine);
    const to = planned(
      'interface.ge1.ipv4.address : 10.0.1.1/24\nsystem.interface.ge1.device : eth7',
      machine,
    );
    expect(steps(from, to).map((s) => ('link' in s ? [s.kind, s.link.device] : s.kind))).toEqual([
      ['add-address', 'eth7'],
      ['remove-address', 'ge1'],
      'firewall',
    ]);
  });

  test('everything goes', () => {
    expect(between(MINIMAL, '')).toEqual([
      'no route 192.168.2.0/24 via ipsec0',
      'IKE policies',
      'ipsec0 is removed',
      'ge0 loses 10.0.0.1/24',
      'ge1 loses 192.168.1.1/24',
      'TCP MSS clamp',
      'IKE policies',
    ]);
  });
});
