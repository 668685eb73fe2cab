// Candidate, commit, confirm: with a router that only remembers what it was told.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { emptyTree, type Tree } from '../../src/config/tree.ts';
import { Changes } from '../../src/daemon/changes.ts';
import { changeLines, compare, edit } from '../../src/daemon/edit.ts';
import { Log } from '../../src/daemon/log.ts';
import type { Answer, Caller, Request } from '../../src/daemon/protocol.ts';
import { Refused, type Router } from '../../src/daemon/router.ts';
import type { Entry, Store } from '../../src/daemon/store.ts';

const ROOT: Caller = { role: 'admin', name: 'root' };

let router: { tree: Tree; applied: Tree[] };
let changes: Changes;
let kept: Map<number, { tree: Tree; entry: Entry }>;
let startup: Tree | undefined;
let holds = false;
let fails = 0;
let slow: Promise<void> = Promise.resolve();

beforeEach(() => {
  vi.useFakeTimers();
  kept = new Map();
  startup = undefined;
  holds = false;
  fails = 0;
  slow = Promise.resolve();
  const fake = {
    tree: emptyTree,
    applied: [] as Tree[],
    apply: async (tree: Tree) => {
      await slow;
      if (fails-- > 0) throw new Error('the machine is tired');
      if (tree.value('hostname') === 'refused')
        throw new Refused([{ code: 'conflict', message: 'The machine cannot have it.' }]);
      fake.tree = tree;
      fake.applied.push(tree);
      return ['done'];
    },
    preview: async () => ['it would'],
  };
  router = fake;
  const store = {
    record: (tree: Tree, e: Omit<Entry, 'number'>) => {
      const entry = { number: kept.size + 1, ...e };
      kept.set(entry.number, { tree, entry });
      return entry;
    },
    history: () => [...kept.values()].map((k) => k.entry).reverse(),
    revision: (n: number) => kept.get(n)?.tree,
    save: (tree: Tree) => {
      startup = tree;
    },
  };
  const log = new Log(() => {});
  changes = new Changes(
    fake as unknown as Router,
    store as unknown as Store,
    emptyTree,
    log,
    async () => holds,
  );
});
afterEach(() => {
  changes.stop();
  vi.useRealTimers();
});

const ask = (request: Request): Promise<Answer> => edit(changes, request, ROOT);
const ok = async (request: Request) => {
  const answer = await ask(request);
  if (!answer.ok) throw new Error(answer.error);
  return answer;
};
const name = () => router.tree.text('hostname');

describe('the candidate', () => {
  test('gathers settings; nothing happens before the commit', async () => {
    await ok({ command: 'set', line: 'hostname : one' });
    expect([name(), changes.candidate.text('hostname')]).toEqual([undefined, 'one']);
    expect(changes.state()).toEqual({ uncommitted: 1, unsaved: 0 });
    await ok({ command: 'commit', comment: 'first' });
    expect(name()).toBe('one');
    expect(changes.state()).toEqual({ uncommitted: 0, unsaved: 1 });
    await ok({ command: 'save' });
    expect([startup?.text('hostname'), changes.state().unsaved]).toEqual(['one', 0]);
  });

  test('a line with a mistake is refused in a sentence, and changes nothing', async () => {
    const answer = await ask({ command: 'set', line: 'hostnam : one' });
    expect(answer).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^There is no key hostnam: did you mean hostname\?/),
    });
    expect(changes.candidate.size).toBe(0);
  });

  test('a commit that breaks a rule, or that the machine refuses, leaves all as it was', async () => {
    await ok({ command: 'set', line: 'route.ipv4.1.destination : default' });
    expect(await ask({ command: 'commit' })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/add route\.ipv4\.1\.gateway/),
    });
    await ok({ command: 'discard' });
    await ok({ command: 'set', line: 'hostname : refused' });
    expect(await ask({ command: 'commit' })).toEqual({ ok: false, error: 'The machine cannot have it.' });
    expect([name(), kept.size, changes.candidate.text('hostname')]).toEqual([undefined, 0, 'refused']);
  });

  test('keys are deleted one by one, or with all below', async () => {
    for (const line of [
      'interface.ge0.mtu : 1400',
      'interface.ge1.mtu : 1300',
      'interface.ge1.description : x',
    ])
      await ok({ command: 'set', line });
    await ok({ command: 'delete', key: 'interface.ge1.**' });
    expect([...changes.candidate.entries()]).toEqual([['interface.ge0.mtu', 1400]]);
    await ok({ command: 'delete', key: 'interface.ge0.mtu' });
    expect(changes.candidate.size).toBe(0);
    // Twice is as good as once: scripts may be run again.
    expect(await ask({ command: 'delete', key: 'interface.ge0' })).toMatchObject({ ok: true });
    expect(await ask({ command: 'delete', key: 'interfaces' })).toMatchObject({ ok: false });
  });

  test('what the default is need not be said', async () => {
    await ok({ command: 'set', line: 'ike.retry : 5' });
    expect(changes.state().uncommitted).toBe(0);
  });
});

describe('a commit that must be confirmed', () => {
  const begin = async (more: object = {}) => {
    await ok({ command: 'set', line: 'hostname : one' });
    await ok({ command: 'commit' });
    await ok({ command: 'set', line: 'hostname : two' });
    await ok({ command: 'commit', confirmWithin: 300, ...more });
    expect([name(), changes.state().confirmWithin]).toEqual(['two', 300]);
  };

  test('is taken back when nobody confirms; the candidate keeps what was tried', async () => {
    await begin();
    await vi.advanceTimersByTimeAsync(299_000);
    expect(name()).toBe('two');
    await vi.advanceTimersByTimeAsync(1001);
    expect([name(), changes.candidate.text('hostname')]).toEqual(['one', 'two']);
    expect(changes.state().confirmWithin).toBeUndefined();
  });

  test('stays when somebody confirms, or saves', async () => {
    for (const command of ['confirm', 'save'] as const) {
      await begin();
      await ok({ command });
      await vi.advanceTimersByTimeAsync(400_000);
      expect(name()).toBe('two');
    }
    expect(await ask({ command: 'confirm' })).toMatchObject({ ok: false });
  });

  test('confirms itself when its condition comes true', async () => {
    await begin({ when: { ping: '192.0.2.1' } });
    await vi.advanceTimersByTimeAsync(5000);
    expect(changes.state().confirmWithin).toBe(295);
    holds = true;
    await vi.advanceTimersByTimeAsync(1100);
    expect(changes.state().confirmWithin).toBeUndefined();
    await vi.advanceTimersByTimeAsync(400_000);
    expect(name()).toBe('two');
  });

  test('further commits meanwhile go back with it', async () => {
    await begin();
    await ok({ command: 'set', line: 'hostname : three' });
    await ok({ command: 'commit' });
    await vi.advanceTimersByTimeAsync(300_001);
    expect(name()).toBe('one');
  });
});

describe('the way back', () => {
  const none = { kind: 'none' } as const;
  const line = (text: string) => ask({ command: 'yamaha', line: text, selection: none });
  const lan = (n: number) => router.tree.text(`interface.ge${n}.ipv4.address`);

  test('comes before whatever is asked meanwhile: that stands on what ran before', async () => {
    await line('ip lan2 address 10.0.0.1/24');
    await ok({ command: 'rollback-timer', seconds: 10 });
    await line('ip lan2 address 99.9.9.9/24');
    let go = () => {};
    slow = new Promise((resolve) => {
      go = resolve;
    });
    await vi.advanceTimersByTimeAsync(10_001);
    const meanwhile = line('ip lan1 address 192.168.1.1/24');
    const saved = ask({ command: 'save' });
    go();
    await Promise.all([meanwhile, saved]);
    expect([lan(0), lan(1)]).toEqual(['10.0.0.1/24', '192.168.1.1/24']);
    expect(startup?.text('interface.ge0.ipv4.address')).toBe('10.0.0.1/24');
  });

  test('is tried again until the machine takes it', async () => {
    await line('ip lan2 address 10.0.0.1/24');
    await ok({ command: 'rollback-timer', seconds: 10 });
    await line('ip lan2 address 99.9.9.9/24');
    fails = 2;
    await vi.advanceTimersByTimeAsync(10_001);
    expect(lan(0)).toBe('99.9.9.9/24');
    await vi.advanceTimersByTimeAsync(11_000);
    expect(lan(0)).toBe('10.0.0.1/24');
    expect(changes.state().confirmWithin).toBeUndefined();
  });

  test('leaves nothing of lines that acted at once for the next commit', async () => {
    await line('ip lan2 address 10.0.0.1/24');
    await ok({ command: 'rollback-timer', seconds: 10 });
    await line('ip lan2 address 99.9.9.9/24');
    await vi.advanceTimersByTimeAsync(10_001);
    await ok({ command: 'set', line: 'hostname : x' });
    await ok({ command: 'commit' });
    expect([lan(0), name()]).toEqual(['10.0.0.1/24', 'x']);
  });
});

test('a history that cannot be written is told, and the commit is made', async () => {
  const record = vi.spyOn(kept, 'set').mockImplementation(() => {
    throw new Error('no space left');
  });
  await ok({ command: 'set', line: 'hostname : x' });
  await ok({ command: 'commit' });
  expect(name()).toBe('x');
  record.mockRestore();
});

describe('earlier commits', () => {
  test('are compared with, and come back as the candidate', async () => {
    for (const n of ['one', 'two', 'three']) {
      await ok({ command: 'set', line: `hostname : ${n}` });
      await ok({ command: 'commit' });
    }
    expect(changes.compare(2).map((c) => [c.from, c.to])).toEqual([['one', 'three']]);
    expect((await ok({ command: 'rollback', back: 2 })).text).toBe('- hostname : three\n+ hostname : one\n');
    expect(name()).toBe('three');
    await ok({ command: 'commit' });
    expect(name()).toBe('one');
    expect(await ask({ command: 'rollback', back: 9 })).toEqual({
      ok: false,
      error: 'There is no commit 9 back: 0 to 3.',
    });
  });
});

describe('commands that act at once', () => {
  const none = { kind: 'none' } as const;
  const run = (line: string, selection: { kind: 'tunnel'; number: number } | typeof none = none) =>
    ask({ command: 'yamaha', line, selection });

  test('each is a commit; what another edits stays beside', async () => {
    await ok({ command: 'set', line: 'hostname : edited' });
    expect(await run('ip lan1 address 192.168.1.1/24')).toMatchObject({ ok: true });
    expect(router.tree.text('interface.ge1.ipv4.address')).toBe('192.168.1.1/24');
    expect([name(), changes.candidate.text('hostname')]).toEqual([undefined, 'edited']);
  });

  test('a selection is answered, and a tunnel grows line by line', async () => {
    const selected = await run('tunnel select 2');
    expect(selected).toMatchObject({ ok: true, data: { kind: 'tunnel', number: 2 } });
    expect(await run('ip tunnel mtu 1400', { kind: 'tunnel', number: 2 })).toMatchObject({ ok: true });
    expect(await run('tunnel enable 2')).toMatchObject({ ok: true });
    expect(router.tree.text('interface.ipsec1.administration')).toBe('up');
  });

  test('what is not built is refused by name, and nothing is kept of it', async () => {
    expect(await run('l2tp service on')).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^Error: .*l2tp service.* not built yet/),
    });
    expect(router.tree.size).toBe(0);
  });

  test('rollback timer takes back all lines since, unless confirmed', async () => {
    await run('ip lan1 address 192.168.1.1/24');
    await ok({ command: 'rollback-timer', seconds: 120 });
    await run('ip lan1 address 192.168.9.1/24');
    await run('ip lan1 mtu 1400');
    await vi.advanceTimersByTimeAsync(120_001);
    expect(router.tree.text('interface.ge1.ipv4.address')).toBe('192.168.1.1/24');
    expect(router.tree.value('interface.ge1.mtu')).toBeUndefined();
  });
});

test('a secret shows only that it is another', async () => {
  const ends = 'interface.ipsec0.ipv4.source : 10.0.0.1\ninterface.ipsec0.ipv4.destination : 10.0.0.2\n';
  await ok({ command: 'load', file: 'f', source: `${ends}interface.ipsec0.preshared-key : s3cret-one\n` });
  expect(changeLines(changes.compare(0)).slice(0, 1)).toEqual([
    '+ interface.ipsec0.preshared-key : ********',
  ]);
  expect(compare(changes, 0, 'yamaha')).toContain(
    '+ tunnel select 1: ipsec ike pre-shared-key 1 text ********\n',
  );
  await ok({ command: 'commit' });
  await ok({ command: 'set', line: 'interface.ipsec0.preshared-key : s3cret-two' });
  expect(compare(changes, 0, 'yamaha')).toBe(
    ['-', '+'].map((m) => `${m} tunnel select 1: ipsec ike pre-shared-key 1 text ********\n`).join(''),
  );
});
