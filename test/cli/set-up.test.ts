// The first start's questions: whatever is answered is a configuration without a mistake; passwords as crypt(5) has them.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashed } from '../../cli/shell/password.ts';
import { Session } from '../../cli/shell/session.ts';
import { type Answers, configurationOf, setUp } from '../../cli/shell/set-up.ts';
import type { Answer, Request } from '../../src/daemon/protocol.ts';
import { read } from '../../src/dialect/index.ts';

const USUAL: Answers = {
  ...{ passwordHash: hashed('over the mountain'), outside: 'dhcp', inside: '192.168.1.1/24' },
  ...{ timezone: 'Asia/Tokyo', aes: true },
};

describe('what the answers make', () => {
  test('has no mistakes and no warnings, with a tunnel and without', () => {
    const tunnel = { peer: 'vpn.example.org', key: 'any "key" \\ at all', network: '192.168.2.0/24' };
    const outside = { address: '203.0.113.2/24', gateway: '203.0.113.1', dns: '203.0.113.1' };
    const { inside: _, ...alone } = USUAL;
    for (const answers of [USUAL, alone, { ...USUAL, tunnel }, { ...USUAL, outside, tunnel, aes: false }]) {
      const { errors, warnings } = read(configurationOf(answers));
      expect([...errors, ...warnings].map((m) => m.message)).toEqual([]);
    }
  });

  test('lends addresses of its own network, and never its own one', () => {
    const address = fc
      .tuple(fc.integer({ min: 8, max: 29 }), fc.nat(), fc.ipV4())
      .map(([length, host, ip]) => {
        const size = 2 ** (32 - length);
        const number = ip.split('.').reduce((n, part) => n * 256 + Number(part), 0);
        const own = Math.floor(number / size) * size + 1 + (host % (size - 2));
        return `${[24, 16, 8, 0].map((s) => Math.floor(own / 2 ** s) % 256).join('.')}/${length}`;
      });
    fc.assert(
      fc.property(address, (inside) => {
        const { tree, errors } = read(configurationOf({ ...USUAL, inside }));
        expect(errors.map((m) => m.message)).toEqual([]);
        const number = (ip: string) => ip.split('.').reduce((n, part) => n * 256 + Number(part), 0);
        const first = number(String(tree.value('dhcp.server.0.pool.address')).split('/')[0]);
        const own = number(inside.split('/')[0]);
        const count = tree.number('dhcp.server.0.pool.count');
        expect(own < first || own > first + count - 1).toBe(true);
      }),
    );
  });

  test('without instructions for AES ChaCha20-Poly1305 is proposed first', () => {
    const tunnel = { peer: '192.0.2.9', key: 'x', network: '192.168.2.0/24' };
    const first = 'interface.ipsec0.ike.proposal.phase2.encryption.0.algorithm';
    expect(read(configurationOf({ ...USUAL, tunnel, aes: false })).tree.value(first)).toBe(
      'chacha20-poly1305',
    );
    expect(read(configurationOf({ ...USUAL, tunnel })).tree.value(first)).toBe('aes256');
  });
});

describe('a password', () => {
  test('is hashed as crypt(3) does it', () => {
    for (const password of ['over the mountain', '関所を越える', 'x'.repeat(200)]) {
      const hash = hashed(password);
      const crypt = 'print crypt($ARGV[0], $ARGV[1])';
      expect(execFileSync('perl', ['-e', crypt, password, hash], { encoding: 'utf8' })).toBe(hash);
      expect(hashed(password)).not.toBe(hash);
    }
  });
});

describe('the questions', () => {
  const PORTS = ['ge0 eth0 igc\n', 'ge1 eth1 igc\n'];

  /** A person who types these lines one after another; undefined is Ctrl-C. `ports`: how many there are, at each look. */
  async function answered(lines: (string | undefined)[], blank = true, ports = [2]) {
    const [told, asked]: [string[], Request[]] = [[], []];
    const asking = async (_socket: string, request: Request): Promise<Answer> => {
      if (request.command === 'state') return { ok: true, text: '', data: { blank } };
      if (request.command === 'show') {
        const there = ports.length > 1 ? ports.shift() : ports[0];
        return { ok: true, text: PORTS.slice(0, there).join(''), data: PORTS.slice(0, there) };
      }
      asked.push(request);
      return { ok: true, text: '' };
    };
    const session = new Session('/nowhere', {}, asking);
    session.person = {
      ask: async (question) => {
        told.push(question);
        return lines.length > 0 ? lines.shift() : '';
      },
      tell: (text) => void told.push(text),
    };
    const outcome = await setUp(session);
    const { source = '' } = (asked[0] ?? {}) as { source?: string };
    return { outcome, told: told.join(''), asked: asked.map((r) => r.command), ...read(source) };
  }

  const PASSWORD = ['over the mountain', 'over the mountain'];

  test('are asked again until the answer is one, and end with a configuration that is saved', async () => {
    const { outcome, told, asked, tree, errors } = await answered([
      ...['short', 'over the mountain', 'over the river', ...PASSWORD],
      ...['nonsense', '192.0.2.2/24 198.51.100.1', '192.0.2.1/24 192.0.2.1', '192.0.2.2/24 192.0.2.1'],
      ...['192.168.1.0/24', '192.168.1.255/24', '192.0.2.9/30', ''],
      ...['tokyo', 'Asia/Tokio', '', 'no peer', '192.0.2.9', '192.168.100.7/25', '192.168.2.7/24'],
      ...['k'.repeat(129), 'a key between two', 'a key between', ' a key between two', ' a key between two'],
    ]);
    expect(outcome.ok).toBe(true);
    expect(told.match(/Eight characters at least/g)).toHaveLength(1);
    expect(told.match(/The two are not the same/g)).toHaveLength(2);
    expect(told.match(/Not understood. Type dhcp, or an address/g)).toHaveLength(3);
    expect(told.match(/Not understood. Type our address.*outside of 192\.0\.2\.0\/24/g)).toHaveLength(3);
    expect(told.match(/Not understood. Type a time zone/g)).toHaveLength(2);
    expect(told.match(/other than 192\.168\.100\.0\/24 and 192\.0\.2\.0\/24/g)).toHaveLength(1);
    expect(told.match(/Type 1 to 128 octets/g)).toHaveLength(1);
    expect(told).not.toMatch(/over the|a key between/);
    expect(asked).toEqual(['reload', 'save']);
    expect(errors).toEqual([]);
    expect(tree.value('route.ipv4.0.gateway')).toBe('192.0.2.1');
    expect(tree.value('dns-forwarder.0.address')).toBe('192.0.2.1');
    expect(tree.value('route.ipv4.1.destination')).toBe('192.168.2.0/24');
    expect(tree.value('interface.ipsec0.preshared-key')).toBe(' a key between two');
  });

  test('begin with what the ports are, and a DNS server may be told', async () => {
    const { told, tree } = await answered([...PASSWORD, '192.0.2.2/24 192.0.2.1 198.51.100.53']);
    expect(told).toMatch(/^.*\n.*\n\nge0 eth0 igc\nge1 eth1 igc\n\n1\/5/);
    for (const key of ['dns-forwarder.0.address', 'resolver.0.address'])
      expect(tree.value(key)).toBe('198.51.100.53');
    expect(tree.value('interface.ge1.ipv4.address')).toBe('192.168.100.1/24');
  });

  test('with one port wait for another, or go on with a way outside and the console alone', async () => {
    const waited = await answered([...PASSWORD, '', ''], true, [1, 1, 2]);
    expect(waited.told.match(/There is no second Ethernet port/g)).toHaveLength(1);
    expect(waited.tree.value('interface.ge1.ipv4.address')).toBe('192.168.100.1/24');
    const alone = await answered([...PASSWORD, '', 'one'], true, [1]);
    expect(alone.asked).toEqual(['reload', 'save']);
    expect(alone.tree.value('interface.ge0.ipv4.address')).toBe('dhcp');
    expect(alone.tree.indexes('interface.ge')).toEqual([0]);
    expect(alone.told).not.toMatch(/Peer of an IPsec tunnel/);
  });

  test.each([
    ['in the middle', [...PASSWORD, '', undefined]],
    ['at the password', [undefined]],
    ['at the password’s second time', ['over the mountain', undefined]],
    ['at the end', [...PASSWORD, '', '', '', '', undefined]],
    ['by no at the end', [...PASSWORD, '', '', '', '', 'no']],
  ])('are called off %s: nothing is set', async (_, lines) => {
    const { outcome, asked } = await answered(lines);
    expect(outcome).toEqual({ ok: false, text: 'Nothing is set. Again from the first question.\n' });
    expect(asked).toEqual([]);
  });

  test('what was configured at another console meanwhile stays', async () => {
    const { outcome, asked } = await answered([...PASSWORD], false);
    expect(outcome.text).toMatch(/configured elsewhere/);
    expect(asked).toEqual([]);
  });

  test('nobody is asked where there is no terminal', async () => {
    const session = new Session('/nowhere', {}, async () => ({ ok: true, text: '' }));
    expect((await setUp(session)).ok).toBe(false);
  });
});
