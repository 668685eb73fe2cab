// `ping`, `traceroute` and `nslookup`: what is reached from here, by the system's own programs, line by line as they tell it.
import { spawn } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { createInterface } from 'node:readline';
import type { Args } from '../../src/dialect/grammar/match.ts';
import type { Outcome, Session } from './session.ts';

const ECHOES = '5';

export function ping(session: Session, { host, from }: Args): Promise<Outcome> {
  const source = from === undefined ? [] : ['-I', String(from)];
  return tell(session, 'ping', ['-n', '-c', ECHOES, ...source, '--', String(host)]);
}

/** tracepath needs no privileges, and says where the way narrows. */
export function traceroute(session: Session, { host }: Args): Promise<Outcome> {
  return tell(session, 'tracepath', ['-n', '--', String(host)]);
}

export async function nslookup(session: Session, args: Args): Promise<Outcome> {
  const host = String(args.host);
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  const { signal } = session;
  const cancel = () => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const asked = /^[\d.]+$|:/.test(host)
    ? [resolver.reverse(host)]
    : [resolver.resolve4(host), resolver.resolve6(host)];
  const answers = await Promise.allSettled(asked);
  signal.removeEventListener('abort', cancel);
  const found = answers.flatMap((a) => (a.status === 'fulfilled' ? a.value : []));
  if (found.length > 0) return { ok: true, text: found.map((line) => `${line}\n`).join('') };
  const why = answers.find((a) => a.status === 'rejected')?.reason as NodeJS.ErrnoException | undefined;
  return { ok: false, text: `${host}: ${WHY[why?.code ?? ''] ?? why?.message ?? 'there is no such name'}\n` };
}

const WHY: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such name.',
  ENODATA: 'the name has no address.',
  ETIMEOUT: 'no name server answered: see resolver.0.address.',
  ECANCELLED: 'nobody waits any more.',
  ECONNREFUSED: 'no name server answered: see resolver.0.address.',
};

/** To a person each line as it comes, to a script all of them at the end. Ctrl-C ends the program. */
function tell(session: Session, command: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    let text = '';
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const { signal } = session;
    const end = () => child.kill('SIGINT');
    signal.addEventListener('abort', end, { once: true });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        if (session.person) session.person.tell(`${line}\n`);
        else text += `${line}\n`;
      });
    child.on('error', (e: NodeJS.ErrnoException) => {
      const why = e.code === 'ENOENT' ? 'is not installed on this machine' : e.message;
      resolve({ ok: false, text: `${command} ${why}.\n` });
    });
    child.on('close', (code) => {
      signal.removeEventListener('abort', end);
      resolve({ ok: true, text, ...(code === 0 ? {} : { failed: true }) });
    });
  });
}
