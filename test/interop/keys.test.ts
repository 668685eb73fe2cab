// Exported keys are whole and right: tshark reads with them what our own tunnels say (seed 003's author could not).
import { createDecipheriv } from 'node:crypto';
import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPair, type Pair, pairConfig } from './pair.ts';
import { until } from './proc.ts';
import { Sekisho } from './sekisho.ts';
import { pingUntil } from './traffic.ts';

let net: Pair;
let a: Sekisho;
let b: Sekisho;

const P = 'interface.ipsec0.ike.proposal';

type Case = {
  name: string;
  version: 1 | 2;
  /** Cipher, hash and group of phase 1; cipher and integrity of phase 2. */
  ike: readonly [string, string, string];
  esp: readonly [string, string?];
  more?: readonly string[];
};

function config(n: 1 | 2, c: Case): string {
  const [cipher, hash, group] = c.ike;
  return pairConfig(
    n,
    `interface.ipsec0.ike.version : ${c.version}`,
    `${P}.phase1.encryption.0.algorithm : ${cipher}`,
    `${P}.phase1.hash.0.algorithm : ${hash}`,
    `${P}.phase1.dh-group : ${group}`,
    `${P}.phase2.encryption.0.algorithm : ${c.esp[0]}`,
    ...(c.esp[1] ? [`${P}.phase2.authentication.0.algorithm : ${c.esp[1]}`] : []),
    ...(n === 2 ? ['interface.ipsec0.ike.responder-only : enable'] : []),
    ...(c.more ?? []),
  );
}

beforeAll(async () => {
  net = await openPair('keys');
  const idle = (n: 1 | 2) => pairConfig(n, 'interface.ipsec0.administration : down');
  [a, b] = await Promise.all([
    Sekisho.start(net.lab, net.a, 'a', idle(1)),
    Sekisho.start(net.lab, net.b, 'b', idle(2)),
  ]);
});
afterAll(() => net?.lab.close());

/** How many there were. */
let captures = 0;

/** Captures a tunnel from its first message to some pings; the folder with capture and keys. */
async function captured(c: Case): Promise<string> {
  await Promise.all([a.reload(config(1, c)), b.reload(config(2, c))]);
  await a.waitUp();
  // A machine that is busy may need longer for it all than the capture lasts: then once more, with more time.
  for (const seconds of [4, 10, 30]) {
    const folder = mkdtempSync(join(net.lab.tmp, 'keys-'));
    let over = false;
    const running = a.cli('capture', 'ipsec0', '--with-keys', `${seconds}s`, 'to', folder).finally(() => {
      over = true;
    });
    const count = async () =>
      (await a.log()).filter((e) => e.text.includes('is captured with its keys')).length;
    await until(
      async () => (await count()) > captures,
      15_000,
      () => 'no capture began',
      100,
    );
    captures++;
    // Anew, so that the capture has the whole negotiation.
    await a.reload(
      config(1, c).replace('interface.ipsec0.preshared-key', 'interface.ipsec0.administration : down\n#'),
    );
    await a.reload(config(1, c));
    await a.waitUp();
    expect(await pingUntil(net.host1, '192.168.2.2', 5000)).toBe(true);
    const late = over;
    const { code, stderr } = await running;
    expect([code, stderr]).toEqual([0, '']);
    if (!late) return folder;
  }
  throw new Error('the tunnel did not come up within any capture');
}

/** What tshark reads with the exported tables. */
async function dissected(folder: string, filter: string, ...fields: string[]): Promise<string> {
  const { stdout } = await net.a.exec(
    [
      'tshark',
      '-r',
      join(folder, 'ipsec0.pcapng'),
      ...['-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE'],
      '-Y',
      filter,
      ...(fields.length > 0 ? ['-T', 'fields', ...fields.flatMap((f) => ['-e', f])] : ['-V']),
    ],
    { env: { WIRESHARK_CONFIG_DIR: folder, HOME: folder }, allowFail: true },
  );
  return stdout;
}

/** Every cipher and every integrity algorithm at least once, in IKE and in ESP. */
const CASES: readonly Case[] = [
  {
    name: 'AES-256-CBC, SHA-1',
    version: 2,
    ike: ['aes256', 'sha1', 'modp2048'],
    esp: ['aes256', 'hmac-sha1'],
  },
  {
    name: 'AES-128-CBC, SHA-256',
    version: 2,
    ike: ['aes128', 'sha256', 'x25519'],
    esp: ['aes128', 'hmac-sha256'],
  },
  {
    name: 'AES-192-CBC, SHA-384',
    version: 2,
    ike: ['aes192', 'sha384', 'ecp384'],
    esp: ['aes192', 'hmac-sha384'],
  },
  { name: '3DES, SHA-512', version: 2, ike: ['3des', 'sha512', 'ecp256'], esp: ['3des', 'hmac-sha512'] },
  { name: 'AES-128-GCM', version: 2, ike: ['aes128-gcm16', 'sha256', 'x25519'], esp: ['aes128-gcm16'] },
  { name: 'AES-256-GCM', version: 2, ike: ['aes256-gcm16', 'sha384', 'x25519'], esp: ['aes256-gcm16'] },
  {
    ...{ name: 'in UDP', version: 2, ike: ['aes256', 'sha256', 'x25519'], esp: ['aes256', 'hmac-sha256'] },
    more: ['interface.ipsec0.nat-traversal : force'],
  },
  { name: 'main mode', version: 1, ike: ['aes256', 'sha256', 'modp1536'], esp: ['aes256', 'hmac-sha256'] },
  {
    ...{ name: 'main mode, SKEYID_e stretched for AES-256', version: 1, ike: ['aes256', 'sha1', 'modp1536'] },
    esp: ['aes128', 'hmac-sha1'],
  },
  {
    ...{
      name: 'aggressive mode',
      version: 1,
      ike: ['aes256', 'sha256', 'modp1536'],
      esp: ['aes128', 'hmac-sha256'],
    },
    more: ['interface.ipsec0.ike.exchange-mode : aggressive'],
  },
];

describe('tshark reads it all', () => {
  test.each(CASES)('IKEv$version, $name', async (c) => {
    const folder = await captured(c);
    // ESP: both directions, and the integrity is right.
    expect(await dissected(folder, 'icmp.type == 8', 'ip.src')).toMatch(/192\.168\.1\.2/);
    expect(await dissected(folder, 'icmp.type == 0', 'ip.src')).toMatch(/192\.168\.2\.2/);
    expect(await dissected(folder, 'esp.icv_bad == 1', 'frame.number')).toBe('');
    if (c.version === 2) {
      const auth = await dissected(folder, 'isakmp.exchangetype == 35');
      expect(auth).toMatch(/Decrypted Data/);
      expect(auth).toMatch(/Payload: Authentication/);
      expect(auth).toMatch(/ID_IPV4_ADDR: 10\.0\.0\.1|Identification Data:10\.0\.0\.1/);
      return;
    }
    expect(readFileSync(join(folder, 'ikev1_decryption_table'), 'utf8')).toMatch(
      /^[0-9a-f]{16},[0-9a-f]{64}$/m,
    );
    const quick = await dissected(folder, 'isakmp.exchangetype == 32');
    expect(quick).toMatch(/Hash DATA/);
    expect(quick).toMatch(/Protocol ID: IPSEC_ESP \(3\)/);
    if (c.name === 'main mode')
      expect(await dissected(folder, 'isakmp.exchangetype == 2')).toMatch(
        /Payload: Identification[\s\S]*10\.0\.0\.1/,
      );
  });

  test('ChaCha20-Poly1305, whose keys are in the table by the name of newer Wiresharks: they open the packets', async () => {
    const folder = await captured({
      ...{ name: 'ChaCha20', version: 2, ike: ['aes256', 'sha256', 'x25519'] },
      esp: ['chacha20-poly1305'],
    });
    const rows = readFileSync(join(folder, 'esp_sa'), 'utf8').trim().split('\n');
    expect(rows.every((r) => r.includes('"ChaCha20 with Poly1305 [RFC7634]"'))).toBe(true);
    const { stdout } = await net.a.exec(['tshark', '-r', join(folder, 'ipsec0.pcapng'), '-Y', 'esp', '-x'], {
      allowFail: true,
    });
    expect(opened(stdout, rows)).toBeGreaterThan(1);
  });
});

/** How many ESP packets of a hex dump the keys open (RFC 7634 2: the key, then 4 octets of salt). */
function opened(dump: string, rows: readonly string[]): number {
  const packets = dump.split(/\n\n+/).map((part) => {
    const lines = [...part.matchAll(/^[0-9a-f]{4} {2}((?:[0-9a-f]{2} ?)+)/gm)].map((m) =>
      m[1].replaceAll(' ', ''),
    );
    return Buffer.from(lines.join(''), 'hex');
  });
  let count = 0;
  for (const packet of packets) {
    for (const row of rows) {
      const cells = row.slice(1, -1).split('","');
      const spi = Buffer.from(cells[3].slice(2), 'hex');
      const key = Buffer.from(cells[5].slice(2), 'hex');
      const at = packet.indexOf(spi);
      if (at < 0) continue;
      const esp = packet.subarray(at);
      const nonce = Buffer.concat([key.subarray(32), esp.subarray(8, 16)]);
      const decipher = createDecipheriv('chacha20-poly1305', key.subarray(0, 32), nonce, {
        authTagLength: 16,
      });
      decipher.setAAD(esp.subarray(0, 8), { plaintextLength: esp.length - 32 });
      decipher.setAuthTag(esp.subarray(-16));
      try {
        const inner = Buffer.concat([decipher.update(esp.subarray(16, -16)), decipher.final()]);
        if (inner[0] >> 4 === 4) count++;
      } catch {
        // Another SA's.
      }
    }
  }
  return count;
}

describe('guarded', () => {
  test('files are readable by their owner alone, and the log tells who took them', async () => {
    const folder = join(net.lab.tmp, 'guarded');
    const { code, stdout } = await a.cli('export', 'keys', 'to', folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/esp_sa: \d+/);
    for (const name of ['ikev1_decryption_table', 'ikev2_decryption_table', 'esp_sa'])
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(await a.show('log')).toMatch(/warning audit .*keys of all tunnels are exported by root/);
  });

  test('no key is in the log or in any view', async () => {
    const folder = join(net.lab.tmp, 'secrets');
    await a.cli('export', 'keys', 'to', folder);
    const keys = readFileSync(join(folder, 'esp_sa'), 'utf8').match(/0x[0-9a-f]{32,}/g) ?? [];
    expect(keys.length).toBeGreaterThan(1);
    for (const what of [['log'], ['log', 'yamaha'], ['status', 'ipsec'], ['status', 'ike'], ['config']]) {
      const text = (await a.show(...what)) + (await a.show(...what, '--json'));
      for (const key of keys) expect(text).not.toContain(key.slice(2, 34));
    }
  });
});
