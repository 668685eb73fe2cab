// The walls of the house (house.md, "Who may import whom"), read off the import statements.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = new URL('..', import.meta.url).pathname;

function files(folder: string, endings: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => endings.test(name) && !/(^|\/)build[^/]*\//.test(name))
    .map((name) => join(folder, name));
}

type Import = { readonly file: string; readonly what: string; readonly typeOnly: boolean };

/** Imports and re-exports of a file; those of our own as paths from the root, others as written. */
function imports(file: string): Import[] {
  const source = readFileSync(join(root, file), 'utf8');
  const statement =
    /^(?:import|export)\b([^'";]*?)\bfrom\s*'([^']+)'|^import\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm;
  return [...source.matchAll(statement)].map(([, clause, from, bare, dynamic]) => {
    const what = from ?? bare ?? dynamic;
    const own = what.startsWith('.') ? relative(root, join(root, dirname(file), what)) : what;
    return { file, what: own, typeOnly: clause !== undefined && /^\s*type\b/.test(clause) };
  });
}

const all = [...files('src', /\.ts$/), ...files('cli', /\.ts$/)].flatMap(imports);

/** Imports of a room's files that none of the patterns allows; the room itself is always allowed. */
function trespasses(room: string, allowed: readonly RegExp[], among = all): string[] {
  return among
    .filter((i) => i.file.startsWith(room) && !i.what.startsWith(room))
    .filter((i) => !allowed.some((pattern) => pattern.test(i.what)))
    .map((i) => `${i.file} imports ${i.what}`);
}

const own = all.filter((i) => /^(src|cli)\//.test(i.what));

describe('who may import whom', () => {
  test('the imports are found at all', () => {
    expect(all.length).toBeGreaterThan(200);
    expect(all).toContainEqual({
      file: 'src/config/tree.ts',
      what: 'src/config/schema/index.ts',
      typeOnly: false,
    });
    expect(all).toContainEqual({ file: 'cli/client.ts', what: 'src/daemon/protocol.ts', typeOnly: true });
  });

  test.each([
    ['net', []],
    ['config', [/^src\/net\//]],
    ['dialect', [/^src\/(config|net)\//]],
    ['ike', [/^src\/net\//]],
    [
      'plan',
      [/^src\/(config|net)\//, /^src\/ike\/(policy|crypto\/algorithm)\.ts$/, /^src\/dataplane\/port\.ts$/],
    ],
    ['pki', [/^src\/(net|ike)\//]],
    ['dataplane', [/^src\/(net|ike)\//, /^src\/pki\/x509\.ts$/]],
    ['host', [/^src\/(net|plan)\//]],
    ['show', [/^src\/(net|ike|plan|dataplane)\//]],
    ['explain', [/^src\/(net|ike)\//]],
    ['probe', [/^src\/(net|ike|explain)\//]],
  ])('src/%s', (room, allowed) => {
    expect(trespasses(`src/${room}/`, allowed, own)).toEqual([]);
  });

  // `explain` and `probe` are tools that need no daemon: the command line is all that composes them.
  test('cli: config and dialect, the tools, and of the daemon the types of its protocol', () => {
    const allowed = [/^src\/(config|dialect|explain|net|probe)\//, /^src\/daemon\/protocol\.ts$/];
    expect(trespasses('cli/', allowed, own)).toEqual([]);
    const daemon = all.filter((i) => i.file.startsWith('cli/') && i.what.startsWith('src/daemon/'));
    expect(daemon.filter((i) => !i.typeOnly)).toEqual([]);
  });

  test('plan takes nothing but types from the dataplane', () => {
    const port = all.filter((i) => i.file.startsWith('src/plan/') && i.what.startsWith('src/dataplane/'));
    expect(port.filter((i) => !i.typeOnly)).toEqual([]);
  });

  test('nobody but the daemon imports the daemon, and nothing outside imports test or bench', () => {
    const inward = own.filter(
      (i) => i.what.startsWith('src/daemon/') && !/^(src\/daemon|cli)\//.test(i.file),
    );
    expect(inward).toEqual([]);
    expect(all.filter((i) => /^(test|bench)\//.test(i.what))).toEqual([]);
  });
});

test('of the tools only the socket of the probe touches Node', () => {
  const touching = all.filter((i) => /^src\/(explain|probe)\//.test(i.file) && !/^src\//.test(i.what));
  expect(new Set(touching.map((i) => i.file))).toEqual(new Set(['src/probe/socket.ts']));
});

describe('ike is sans-IO', () => {
  test('of Node it imports cryptography and helpers, of others hashes and curves', () => {
    // Jobs of cryptography run beside the loop: in Node's pool, or in a thread where the pool has no such job.
    const allowed = [/^src\//, /^node:(crypto|util|buffer|worker_threads)$/];
    expect(trespasses('src/ike/', allowed)).toEqual([]);
  });

  test('it asks neither clock nor timer nor chance', () => {
    const forbidden =
      /\b(setTimeout|setInterval|setImmediate|Date\.now|new Date|performance\.|hrtime|Math\.random|randomBytes|process\.)/;
    const found = files('src/ike', /\.ts$/).filter((file) =>
      readFileSync(join(root, file), 'utf8')
        .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
        .match(forbidden),
    );
    expect(found).toEqual([]);
  });
});

test('of the native side only napi/ knows Node', () => {
  const sources = files('native', /\.(cc|h)$/);
  expect(sources.length).toBeGreaterThan(10);
  const knowing = sources.filter((file) =>
    /#\s*include\s*[<"](napi|node_api|js_native_api|node|v8|uv)(-inl)?\.h[">]/.test(
      readFileSync(join(root, file), 'utf8'),
    ),
  );
  expect(knowing.length).toBeGreaterThan(0);
  expect(knowing.filter((file) => !file.startsWith('native/napi/'))).toEqual([]);
});
