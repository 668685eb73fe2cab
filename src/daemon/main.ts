// `sekisho run`: the router in the foreground, in the current network namespace.
import { createWriteStream, fchmodSync, openSync, readFileSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadNative, NativeDataplane } from '../dataplane/native.ts';
import { read } from '../dialect/index.ts';
import { answer } from './commands.ts';
import { listen } from './control.ts';
import { Log } from './log.ts';
import { Router, type RouterOptions } from './router.ts';
import { State } from './state.ts';

/** What was sent is on its way before the process goes. */
const GOODBYE_MS = 50;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { config: text, socket: text, state: text, journal: text } });
  const file = values.config ?? '';
  const source = readFileSync(file, 'utf8');
  const parsed = read(source);
  if (parsed.errors.length > 0) {
    for (const mistake of parsed.errors) process.stderr.write(`${parsed.explain(file, mistake)}\n`);
    process.exit(1);
  }
  const log = new Log(inTurns((text) => process.stderr.write(text)));
  for (const text of loadNative().selftestFailures) {
    log.add({ level: 'error', function: 'data', code: 'selftest', text });
  }
  for (const { message } of parsed.warnings) {
    log.add({ level: 'warning', function: 'conf', code: 'weak', text: message });
  }
  const path = values.socket ?? '/run/sekisho/control.sock';
  let router: Router | undefined;
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    log.add({ level: 'info', function: 'boot', code: 'stop', text: 'stopping' });
    await router?.stop();
    await new Promise((resolve) => setTimeout(resolve, GOODBYE_MS));
    rmSync(path, { force: true });
    process.exit(0);
  };

  // The socket first: it tells a second router on the same machine from a first one, before anything is touched.
  await listen(path, async (request, role) =>
    router ? answer(router, request, role, stop) : { ok: false, error: 'The router is starting.' },
  );
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop().catch(die));
  process.on('SIGHUP', () => {}); // a terminal that closes does not take the network with it
  try {
    router = new Router(log, (onEvent) => new NativeDataplane(onEvent), loadNative().x509, {
      ...crashSecret(values.state, log),
      ...journal(values.journal, log),
    });
    await router.start(parsed.tree);
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

/** A router without a place for its state works all the same: its peers find out about a crash by themselves. */
function crashSecret(folder: string | undefined, log: Log): Pick<RouterOptions, 'crashSecret'> {
  try {
    return { crashSecret: new State(folder ?? '/var/lib/sekisho').secret('crash-secret') };
  } catch (e) {
    const text = `peers cannot be told of a crash (RFC 6290): ${(e as Error).message}`;
    log.add({ level: 'warning', function: 'boot', code: 'state', text });
    return {};
  }
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
