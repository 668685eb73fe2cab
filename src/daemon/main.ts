// `sekisho run`: the router in the foreground, in the current network namespace.
import { createWriteStream, fchmodSync, openSync, readFileSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { emptyTree, type Tree } from '../config/tree.ts';
import { validate } from '../config/validate.ts';
import { loadNative, NativeDataplane } from '../dataplane/native.ts';
import { read } from '../dialect/index.ts';
import { reaches } from '../host/path.ts';
import type { LogEntry } from '../show/log/entry.ts';
import { tunnelView } from '../show/view.ts';
import { Changes, type Condition } from './changes.ts';
import { answer } from './commands.ts';
import { listen } from './control.ts';
import { Firmware } from './firmware.ts';
import { firstConfiguration, forgetFirst } from './first.ts';
import { Log } from './log.ts';
import { LogFile } from './log-file.ts';
import { Refused, Router, type RouterOptions } from './router.ts';
import { State } from './state.ts';
import { Store } from './store.ts';
import { stopping as goodbye, ready } from './supervisor.ts';

/** What was sent is on its way before the process goes. */
const GOODBYE_MS = 50;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      ...{ config: text, socket: text, state: text, journal: text, first: text, system: text },
      'keep-clock': { type: 'boolean' },
    },
  });
  const log = new Log(inTurns((text) => process.stderr.write(text)));
  for (const text of loadNative().selftestFailures) {
    log.add({ level: 'error', function: 'data', code: 'selftest', text });
  }
  const state = openState(values.state, log);
  if (state) log.keepIn(new LogFile(state.path('log.jsonl')));
  const store = state && storeOf(state, log);
  const beginning = values.config === undefined ? undefined : fromFile(values.config, log);
  const path = values.socket ?? '/run/sekisho/control.sock';
  let router: Router | undefined;
  let changes: Changes | undefined;
  let firmware: Firmware | undefined;
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    goodbye();
    log.add({ level: 'info', function: 'boot', code: 'stop', text: 'stopping' });
    changes?.stop();
    await router?.stop();
    await new Promise((resolve) => setTimeout(resolve, GOODBYE_MS));
    rmSync(path, { force: true });
    process.exit(0);
  };

  // The socket first: it tells a second router on the same machine from a first one, before anything is touched.
  await listen(path, async (request, caller) =>
    router && changes && firmware
      ? answer({ router, changes, firmware }, request, caller, stop)
      : { ok: false, error: 'The router is starting.' },
  );
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop().catch(die));
  process.on('SIGHUP', () => {}); // a terminal that closes does not take the network with it
  try {
    router = new Router(log, (onEvent) => new NativeDataplane(onEvent), loadNative().x509, {
      ...(state ? { ...crashSecret(state, log), folder: state.path('services') } : {}),
      ...journal(values.journal, log),
      ...(values.system === undefined ? {} : { system: values.system }),
      setsClock: !values['keep-clock'],
    });
    // A file that was named on the command line is meant; what was saved must not keep the router from starting.
    if (beginning) await router.start(beginning);
    else await startWith(router, store, values.first, log);
    const started = router;
    const [kept = emptyTree] = saved(store);
    changes = new Changes(router, store, kept, log, (condition, since) => met(started, condition, since));
    firmware = new Firmware(router, state?.path('update.json') ?? '/nonexistent', log);
  } catch (e) {
    await router?.stop();
    rmSync(path, { force: true });
    throw e;
  }
  log.add({
    level: 'info',
    function: 'boot',
    code: 'ready',
    text: `ready, ${loadNative().kernels[0]}, control at ${path}`,
  });
  ready();
}

/** The lines of one turn of the event loop in one write, which costs as much as one line; the last ones before the end. */
function inTurns(write: (text: string) => void): (line: string) => void {
  let waiting = '';
  const flush = () => {
    const text = waiting;
    waiting = '';
    if (text !== '') write(text);
  };
  process.on('exit', flush);
  return (line) => {
    if (waiting === '') setImmediate(flush);
    waiting += `${line}\n`;
  };
}

/** What fails here is told, and keeps the router from nothing: undefined then. `what` is lost by it. */
function tried<T>(
  run: () => T,
  log: Log | undefined,
  kind: Pick<LogEntry, 'level' | 'function' | 'code'>,
  what?: string,
): T | undefined {
  try {
    return run();
  } catch (e) {
    const { message } = e as Error;
    log?.add({ ...kind, text: what === undefined ? message : `${what}: ${message}` });
    return undefined;
  }
}

const UNREADABLE = { level: 'error', function: 'conf', code: 'unreadable' } as const;

/** A router without a place for its state works all the same: nothing can be saved, and peers find out about a crash late. */
function openState(folder = '/var/lib/sekisho', log: Log): State | undefined {
  const kind = { level: 'warning', function: 'boot', code: 'state' } as const;
  const what = 'nothing can be saved, and peers cannot be told of a crash (RFC 6290)';
  return tried(() => new State(folder), log, kind, what);
}

function crashSecret(state: State, log: Log): Pick<RouterOptions, 'crashSecret'> {
  const kind = { level: 'error', function: 'boot', code: 'state' } as const;
  const what = 'peers cannot be told of a crash (RFC 6290)';
  const secret = tried(() => state.secret('crash-secret'), log, kind, what);
  return secret ? { crashSecret: secret } : {};
}

function storeOf(state: State, log: Log): Store | undefined {
  const lost = (text: string) => log.add({ ...UNREADABLE, text });
  const open = () => new Store(state.path('config'), state.secret('seal-key'), lost);
  return tried(open, log, UNREADABLE, 'what was saved cannot be used, and nothing can be saved');
}

/** What was laid down in the folder for a router that has nothing else, which is then saved; what was saved. */
function* beginnings(store: Store, folder: string | undefined, log: Log): Generator<Tree> {
  const first = folder === undefined ? undefined : firstConfiguration(folder);
  for (const text of first?.mistakes ?? [])
    log.add({ level: 'error', function: 'conf', code: 'first', text });
  if (first && folder !== undefined) {
    store.save(first.tree);
    // Its secrets are sealed now. What was not taken is still its owner's.
    if (first.mistakes.length === 0) forget(folder, log);
    yield first.tree;
  }
  yield* saved(store, log);
}

function forget(folder: string, log: Log): void {
  const kind = { level: 'warning', function: 'conf', code: 'first' } as const;
  tried(() => forgetFirst(folder), log, kind, 'what was laid down for the first start is still there');
}

/**
 * What was saved, and where that cannot be the commits before it; of a router that nobody has configured, nothing. A router
 * that is not reached any more is the worst of all. The log hears of what cannot be read.
 */
function* saved(store: Store | undefined, log?: Log): Generator<Tree> {
  const attempt = (read: () => Tree | undefined) => tried(read, log, UNREADABLE);
  const startup = attempt(() => store?.startup());
  if (startup) yield startup;
  for (const { number } of store?.history() ?? []) {
    const tree = attempt(() => store?.revision(number));
    if (tree) yield tree;
  }
  yield emptyTree;
}

/** Starts with the first that the machine can have. */
async function startWith(
  router: Router,
  store: Store | undefined,
  first: string | undefined,
  log: Log,
): Promise<void> {
  const blank = store?.blank ?? false;
  for (const tree of store ? beginnings(store, blank ? first : undefined, log) : [emptyTree]) {
    try {
      for (const { message } of validate(tree).warnings)
        log.add({ level: 'warning', function: 'conf', code: 'weak', text: message });
      // What could be had instead of a configuration that is there takes nobody's password and key away.
      return await router.start(tree, { patient: true, known: blank || tree !== emptyTree });
    } catch (e) {
      if (!(e instanceof Refused) || tree.size === 0) throw e;
      log.add({ level: 'error', function: 'conf', code: 'refused', text: `not started with: ${e.message}` });
    }
  }
}

/** A configuration in either dialect, in place of what was saved. */
function fromFile(file: string, log: Log): Tree {
  const { tree, errors, warnings, explain } = read(readFileSync(file, 'utf8'));
  if (errors.length > 0) {
    for (const mistake of errors) process.stderr.write(`${explain(file, mistake)}\n`);
    process.exit(1);
  }
  for (const { message } of warnings)
    log.add({ level: 'warning', function: 'conf', code: 'weak', text: message });
  return tree;
}

/** Whether what a commit waits for is so, and shows that the peer was heard since; `since`: by the engine's clock. */
async function met(router: Router, condition: Condition, since: number): Promise<boolean> {
  if ('ping' in condition) return reaches(condition.ping);
  const up = tunnelView(router.source).some((t) => t.connection === condition.tunnel && t.state === 'up');
  const tunnel = router.desired?.tunnels.find((t) => t.name === condition.tunnel);
  const sas = router.engine.connections.get(tunnel?.policy.name ?? '')?.sas ?? [];
  return up && [...sas].some((sa) => sa.lastHeard > since);
}

/** Readable by the router's owner alone: a journal holds keys. */
function journal(file: string | undefined, log: Log): Pick<RouterOptions, 'journal'> {
  if (file === undefined) return {};
  const fd = openSync(file, 'w', 0o600);
  fchmodSync(fd, 0o600); // of one that was there
  const stream = createWriteStream(file, { fd });
  let lost = false;
  stream.on('error', (e) => {
    lost = true;
    log.add({ level: 'error', function: 'boot', code: 'journal', text: `the journal ends: ${e.message}` });
  });
  return { journal: (line) => void (lost || stream.write(`${line}\n`)) };
}

/** One sentence, no stack trace. */
function die(e: Error): never {
  process.stderr.write(`sekisho: ${e.message}\n`);
  process.exit(1);
}

main().catch(die);
