// The log beyond the memory of the process: on the disk over restarts, and at servers in three forms.
import { createSocket } from 'node:dgram';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Log } from '../../src/daemon/log.ts';
import { LogFile } from '../../src/daemon/log-file.ts';
import type { LogEntry } from '../../src/show/log/entry.ts';
import { syslogLine } from '../../src/show/log/syslog.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sk-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const say = (log: Log, text: string, level: LogEntry['level'] = 'info') =>
  log.add({ level, function: 'ike', code: 'x', text });

describe('over restarts', () => {
  test('lines come back in their order, numbers go on, debugging does not', () => {
    const file = new LogFile(join(folder, 'log'));
    const first = new Log(() => {});
    first.keepIn(file);
    say(first, 'one');
    say(first, 'noise', 'debug');
    say(first, 'two');
    file.flush();
    const second = new Log(() => {});
    say(second, 'early');
    second.keepIn(new LogFile(join(folder, 'log')));
    say(second, 'late');
    expect(second.entries().map((e) => [e.sequence, e.text])).toEqual([
      [1, 'one'],
      [3, 'two'],
      [4, 'early'],
      [5, 'late'],
    ]);
    expect(second.entries()[0].time).toBeInstanceOf(Date);
  });

  test('a line that was cut off is left out', () => {
    const path = join(folder, 'log');
    const log = new Log(() => {});
    const file = new LogFile(path);
    log.keepIn(file);
    say(log, 'one');
    file.flush();
    appendFileSync(path, '{"sequence":2,"ti');
    expect(new LogFile(path).read().map((e) => e.text)).toEqual(['one']);
  });

  test('the disk does not fill: of two files the older goes', () => {
    const path = join(folder, 'log');
    const log = new Log(() => {});
    const file = new LogFile(path);
    log.keepIn(file);
    for (let i = 0; i < 12; i++) {
      for (let n = 0; n < 200; n++) say(log, `${i} ${'x'.repeat(1000)}`);
      file.flush();
    }
    const kept = new LogFile(path).read();
    expect(kept.at(-1)?.text).toMatch(/^11 /);
    expect(kept.length).toBeLessThan(1600);
    expect(kept.length).toBeGreaterThan(600);
  });
});

describe('at servers', () => {
  const entry: LogEntry = {
    sequence: 7,
    time: new Date(2026, 10, 2, 3, 4, 5, 678),
    level: 'warning',
    function: 'ike',
    connection: 'ipsec0',
    code: 'peer-dead',
    text: 'gone',
  };

  test('in the form of RFC 3164, of RFC 5424, and of priority and text', () => {
    expect(syslogLine(entry, 'rfc3164', 16, 'tokyo')).toBe(
      `<132>Nov  2 03:04:05 tokyo sekisho[${process.pid}]: ike: ipsec0: gone`,
    );
    expect(syslogLine(entry, 'rfc5424', 1, 'tokyo')).toBe(
      `<12>1 ${entry.time.toISOString()} tokyo sekisho ${process.pid} peer-dead - ipsec0: gone`,
    );
    expect(syslogLine(entry, 'yamaha', 1, 'tokyo')).toBe('<12>[IKE] ipsec0: gone');
  });

  test('what is above the level of a server arrives there', async () => {
    const server = createSocket('udp4');
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    const got: string[] = [];
    server.on('message', (m) => got.push(String(m)));
    const log = new Log(() => {});
    const { port } = server.address();
    log.syslog.follow([
      { address: '127.0.0.1', port, facility: 1, hostname: 't', level: 'warning', format: 'yamaha' },
    ]);
    say(log, 'quiet');
    say(log, 'loud', 'error');
    await expect.poll(() => got).toEqual(['<11>[IKE] loud']);
    log.syslog.close();
    server.close();
  });
});
