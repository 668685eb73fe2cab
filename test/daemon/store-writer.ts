// Saves a configuration and is killed before the N-th call to the disk, in the middle of a write: a power failure.
// Arguments: folder, N, text.
import * as fs from 'node:fs';
import type { Disk } from '../../src/daemon/files.ts';
import { Store } from '../../src/daemon/store.ts';
import { parseSeil } from '../../src/dialect/seil/parse.ts';

const [, , folder, step, text, what] = process.argv;
let left = Number(step);

const die = () => process.kill(process.pid, 'SIGKILL');

/** Every call counts; of a write only half is done. */
function failing(): Disk {
  return new Proxy(fs as Disk, {
    get: (target, name: keyof Disk) => {
      const call = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (left-- > 0) return call(...args);
        if (name === 'writeSync')
          fs.writeSync(args[0] as number, args[1] as Buffer, 0, (args[1] as Buffer).length >> 1);
        die();
        return undefined;
      };
    },
  });
}

const store = new Store(folder, new Uint8Array(32), () => {}, failing());
const { tree } = parseSeil(text);
if (what === 'save') store.save(tree);
else store.record(tree, { time: new Date(0).toISOString(), by: 'root', comment: 'new' });
