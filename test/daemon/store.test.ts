// Configurations on the disk: whole at any moment, and without a secret that could be read.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isSealed, seal, unseal } from '../../src/config/seal.ts';
import { State } from '../../src/daemon/state.ts';
import { LINE_BY_LINE, Store } from '../../src/daemon/store.ts';
import { parseSeil } from '../../src/dialect/seil/parse.ts';
import { anyTree } from '../config/trees.ts';

const WRITER = fileURLToPath(new URL('./store-writer.ts', import.meta.url));
const KEY = new Uint8Array(32);
const PSK = 'tr0ub4dor and 3';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sk-store-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const tree = (mtu: number) =>
  parseSeil(`interface.ge0.mtu : ${mtu}\ninterface.ipsec0.preshared-key : "${PSK}"\n`).tree;
const entries = (store: Store) => [...(store.startup()?.entries() ?? [])];

describe('a disk that fails in places', () => {
  test('a commit that cannot be read is told, and the others are there', () => {
    const commit = { time: '2026-11-22T00:00:00Z', by: 'root', comment: 'as it was' };
    const lost: string[] = [];
    const store = new Store(folder, KEY, (sentence) => lost.push(sentence));
    for (const mtu of [1400, 1300]) store.record(tree(mtu), commit);
    rmSync(join(folder, 'history/000002.conf'));
    mkdirSync(join(folder, 'history/000002.conf'));
    expect(store.history()).toEqual([
      { number: 2, time: '', by: '', comment: '' },
      { number: 1, ...commit },
    ]);
    expect(lost).toEqual([expect.stringMatching(/^history\/000002\.conf cannot be read: EISDIR/)]);
    expect(() => store.revision(2)).toThrow(/^history\/000002\.conf cannot be read: EISDIR/);
    expect(store.record(tree(1200), commit).number).toBe(3);
  });

  test.each([
    ['cut short', (path: string) => writeFileSync(path, 'short')],
    ['unreadable', (path: string) => mkdirSync(path)],
  ])('a key that is %s is kept beside the new one', (_how, damage) => {
    const state = new State(folder);
    damage(state.path('seal-key'));
    const key = state.secret('seal-key');
    expect(key).toHaveLength(32);
    expect(new State(folder).secret('seal-key')).toEqual(key);
    expect(existsSync(state.path('seal-key.damaged'))).toBe(true);
  });
});

describe('secrets on the disk', () => {
  test('are sealed: for this machine, and for their place', () => {
    const text = seal(KEY, 'interface.ipsec0.preshared-key', PSK);
    expect(isSealed(text)).toBe(true);
    expect(text).not.toContain(PSK);
    expect(unseal(KEY, 'interface.ipsec0.preshared-key', text)).toBe(PSK);
    expect(unseal(KEY, 'interface.ipsec1.preshared-key', text)).toBeUndefined();
    expect(unseal(KEY.fill(1, 0, 1).slice(), 'interface.ipsec0.preshared-key', text)).toBeUndefined();
    KEY.fill(0);
    expect(unseal(KEY, 'interface.ipsec0.preshared-key', `${text.slice(0, -8)}AAAAAAA=`)).toBeUndefined();
  });

  test('are in no file, and come back', () => {
    const store = new Store(folder, KEY);
    store.save(tree(1400));
    store.record(tree(1400), { time: '2026-11-22T00:00:00Z', by: 'root', comment: '' });
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((n) =>
      n.endsWith('.conf'),
    ))
      expect(readFileSync(join(folder, name), 'utf8')).not.toContain(PSK);
    expect(entries(new Store(folder, KEY))).toEqual([...tree(1400).entries()]);
  });

  test('of another machine are told in a sentence, and the rest is there', () => {
    new Store(folder, KEY).save(tree(1400));
    const lost: string[] = [];
    const other = new Store(folder, new Uint8Array(32).fill(7), (sentence) => lost.push(sentence));
    expect([...(other.startup()?.entries() ?? [])]).toEqual([['interface.ge0.mtu', 1400]]);
    expect(lost).toEqual([
      expect.stringMatching(
        /startup\.conf: the secret at interface\.ipsec0\.preshared-key was sealed by another machine/,
      ),
    ]);
  });

  test('what only looks sealed is what it is', () => {
    const store = new Store(folder, KEY);
    const like = parseSeil('interface.ge0.description : sealed:1:x').tree;
    store.save(like);
    expect(entries(store)).toEqual([...like.entries()]);
  });

  test('any configuration comes back as it was', () => {
    const store = new Store(folder, KEY);
    fc.assert(
      fc.property(anyTree, (t) => {
        store.save(t);
        const back = store.startup();
        for (const [path] of t.entries()) expect(back?.value(path)).toBe(t.value(path));
      }),
      { numRuns: 50 },
    );
  });
});

describe('a power failure', () => {
  const write = (step: number, mtu: number, what: string) =>
    spawnSync(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      WRITER,
      folder,
      String(step),
      `interface.ge0.mtu : ${mtu}`,
      what,
    ]);

  test.each(['save', 'record'])(
    'at any step of %s leaves the old configuration or the new one, whole',
    (what) => {
      const store = new Store(folder, KEY);
      store.save(tree(1400));
      store.record(tree(1400), { time: '2026-11-22T00:00:00Z', by: 'root', comment: 'old' });
      const seen = new Set<string>();
      let step = 0;
      for (; step < 40; step++) {
        const { signal, status } = write(step, 1300, what);
        const now = what === 'save' ? store.startup() : store.revision(store.history()[0].number);
        const mtu = now?.value('interface.ge0.mtu');
        expect([1400, 1300]).toContain(mtu);
        seen.add(`${mtu}`);
        if (signal === null) {
          expect([status, mtu]).toEqual([0, 1300]);
          break;
        }
        if (what === 'save') store.save(tree(1400));
      }
      expect(step).toBeGreaterThan(5);
      expect([...seen].sort()).toEqual(['1300', '1400']);
    },
  );

  test('what it left beside does not matter', () => {
    const store = new Store(folder, KEY);
    store.save(tree(1400));
    writeFileSync(join(folder, 'startup.conf.new'), 'interface.ge0.m');
    expect(store.startup()?.value('interface.ge0.mtu')).toBe(1400);
    store.save(tree(1300));
    expect(store.startup()?.value('interface.ge0.mtu')).toBe(1300);
  });
});

describe('the history', () => {
  test('is numbered, newest first, and keeps the last hundred', () => {
    const store = new Store(folder, KEY);
    for (let i = 1; i <= 105; i++)
      store.record(tree(1000 + i), { time: '2026-11-22T00:00:00Z', by: 'root', comment: `c${i}\nx` });
    const history = store.history();
    expect(history).toHaveLength(100);
    expect(history[0]).toEqual({ number: 105, time: '2026-11-22T00:00:00Z', by: 'root', comment: 'c105 x' });
    expect(store.revision(105)?.value('interface.ge0.mtu')).toBe(1105);
    expect(store.revision(5)).toBeUndefined();
  });

  test('single lines in a row are one commit', () => {
    const store = new Store(folder, KEY);
    const line = (time: string, by = 'root') =>
      store.record(tree(1400), { time, by, comment: LINE_BY_LINE }).number;
    expect(line('2026-11-22T00:00:00Z')).toBe(1);
    expect(line('2026-11-22T00:05:00Z')).toBe(1);
    expect(line('2026-11-22T00:06:00Z', 'uid 7')).toBe(2);
    expect(line('2026-11-22T00:30:00Z', 'uid 7')).toBe(3);
  });
});
