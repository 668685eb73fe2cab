// What is rendered for nftables and dnsmasq, for any configuration, as those judge it themselves.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Leaf, schema } from '../../src/config/schema/index.ts';
import { Tree } from '../../src/config/tree.ts';
import { validate } from '../../src/config/validate.ts';
import { dnsmasqConf } from '../../src/host/dnsmasq.ts';
import { ruleset } from '../../src/host/nftables.ts';
import { resolveDevices } from '../../src/plan/devices.ts';
import { plan } from '../../src/plan/plan.ts';
import { anyValue } from '../config/trees.ts';
import { ethernet } from '../plan/machine.ts';
import { Lab, type Ns } from './netns.ts';

let lab: Lab;
let ns: Ns;
beforeAll(async () => {
  lab = await Lab.open('rendered');
  ns = await lab.netns('a');
});
afterAll(() => lab?.close());

const MACHINE = Array.from({ length: 64 }, (_, n) => ethernet(`ge${n}`, n + 2));

/** Objects of one kind with any of their leaves, at small numbers; what a rule refuses is left out as a whole. */
function anyOf(prefixes: readonly string[], always: readonly (readonly [string, string | number])[] = []) {
  const built = (leaf: Leaf) =>
    fc.sample(anyValue(leaf), { numRuns: 9, seed: 1 }).some((v) => !leaf.refuse?.(v));
  const leaves = schema.filter(
    (l) => prefixes.some((p) => l.path.startsWith(p)) && !l.path.endsWith('.label') && built(l),
  );
  const entry = leaves.map((leaf) =>
    fc
      .tuple(fc.nat(9), fc.nat(3), anyValue(leaf))
      .filter(([, , value]) => !leaf.refuse?.(value))
      .map(([n, m, value]): [string, string | number] => {
        const numbers = [n, m];
        return [leaf.path.replaceAll('[]', () => String(numbers.shift() ?? 0)), value];
      }),
  );
  return fc.array(fc.oneof(...entry), { maxLength: 60 }).map((list) => new Tree([...always, ...list]));
}

/** Without the objects that are not complete, or refused. */
function valid(tree: Tree): Tree {
  const bad = validate(tree).errors.map((m) =>
    (m.key ?? '')
      .split('.')
      .slice(0, m.key?.startsWith('nat.') ? 4 : 3)
      .join('.'),
  );
  return new Tree(
    [...tree.entries()].filter(([path]) => !bad.some((b) => path === b || path.startsWith(`${b}.`))),
  );
}

const desired = (tree: Tree) => plan(tree, resolveDevices(tree, MACHINE).devices);

/** Complete in their main parts, so that most of them stay. */
const rules = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((n): [string, string | number][] => [
  [`filter.ipv4.${n}.interface`, n % 3 === 0 ? 'any' : 'ge1'],
  [`filter.ipv4.${n}.action`, n % 2 === 0 ? 'pass' : 'block'],
  [`filter.ipv6.${n}.interface`, 'ipsec0'],
  [`filter.ipv6.${n}.action`, 'block'],
  [`nat.ipv4.napt.${n}.interface`, 'ge0'],
  [`nat.ipv4.napt.${n}.private`, '192.168.1.0/24'],
  [`nat.ipv4.snapt.${n}.interface`, 'ge0'],
  [`nat.ipv4.snapt.${n}.protocol`, 'tcpudp'],
  [`nat.ipv4.snapt.${n}.forward.address`, '192.168.1.2'],
  [`nat.ipv4.snapt.${n}.listen.port`, 80 + n],
]);

test('nftables takes every rule', async () => {
  const base: [string, string | number][] = [['interface.ge0.ipv4.address', '10.0.0.1/24'], ...rules];
  const trees = fc.sample(anyOf(['filter.', 'nat.'], base), { numRuns: 60, seed: 7 }).map(valid);
  expect(trees.reduce((n, tree) => n + tree.indexes('filter.ipv4.').length, 0)).toBeGreaterThan(200);
  const texts = trees.map((tree) => {
    const { links, firewall } = desired(tree);
    return ruleset(links, firewall);
  });
  await ns.nft(texts.join('\n'));
}, 60_000);

test('dnsmasq takes every line', async () => {
  const base: [string, string | number][] = [
    ['interface.ge1.ipv4.address', '192.168.1.1/24'],
    ['dhcp.server.service', 'enable'],
    ['dns-forwarder.service', 'enable'],
    ...[0, 1].flatMap((n): [string, string | number][] => [
      [`dhcp.server.${n}.interface`, 'ge1'],
      [`dhcp.server.${n}.pool.address`, `192.168.1.${100 + n * 50}/24`],
      [`dhcp.server.${n}.pool.count`, 20],
    ]),
  ];
  const prefixes = [
    'dhcp.server.[].expire',
    'dhcp.server.[].gateway',
    'dhcp.server.[].dns',
    'dhcp.server.[].domain',
  ];
  const more = ['dhcp.server.[].ntp', 'dhcp.server.[].static', 'dns-forwarder.', 'resolver.'];
  const trees = fc.sample(anyOf([...prefixes, ...more], base), { numRuns: 25, seed: 7 }).map(valid);
  let pools = 0;
  for (const [i, tree] of trees.entries()) {
    const { services } = desired(tree);
    pools += services.pools.length;
    const file = join(lab.tmp, `dnsmasq.${i}`);
    writeFileSync(file, dnsmasqConf(services, { leases: join(lab.tmp, 'leases') }));
    const { code, stderr } = await ns.exec(['dnsmasq', '--test', `--conf-file=${file}`], { allowFail: true });
    expect([code, stderr], dnsmasqConf(services, { leases: '' })).toEqual([0, expect.stringMatching(/OK/)]);
  }
  expect(pools).toBeGreaterThan(10);
}, 60_000);
