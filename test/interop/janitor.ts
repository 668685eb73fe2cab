// The broom for processes that are killed outright, as test runners do with workers: no hook runs then.

import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';

/**
 * Its standard input ends with the process that holds the other end. It then removes what bears that
 * process's number: namespaces, whatever still runs in them, folders. The word "done" spares it the work,
 * and the next lab of the same process a broom in its face.
 */
const SCRIPT = `
trap '' INT TERM HUP
read -r word
[ "$word" = done ] && exit
ip netns list | cut -d' ' -f1 | grep -E "^sk-.+-$1\\.[0-9]+-" | while read -r ns; do
  for pid in $(ip netns pids "$ns"); do kill -KILL "$pid"; done
  ip netns delete "$ns"
done
rm -rf "$2"/sk-*-"$1".*
`;

let janitor: ChildProcess | undefined;
let labs = 0;

/** To be called once a lab; the janitor leaves when the last lab has dismissed it. */
export function engageJanitor(): void {
  labs++;
  if (janitor) return;
  // A session of its own: neither Ctrl-C at a terminal nor the end of our group reaches it.
  const args = ['-c', SCRIPT, 'lab-janitor', String(process.pid), tmpdir()];
  const child = spawn('sh', args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  janitor = child;
}

export function dismissJanitor(): void {
  if (--labs > 0) return;
  janitor?.stdin?.end('done\n');
  janitor = undefined;
}
