// The update service: it verifies what it is given, writes it to the slot that does not run, and knows what is in both.
import { spawn } from 'node:child_process';
import { HostError, run } from './run.ts';

export type Progress = (percent: number, message: string) => void;

export type SlotState = { readonly name: string; readonly good: boolean; readonly version: string };

/** Resolves when the other slot holds the update and starts next. Throws HostError with the service's own reason. */
export function installUpdate(file: string, progress: Progress): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('rauc', ['install', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [rest, reason] = ['', ''];
    const hear = (part: string) => {
      const lines = (rest + part).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, percent, message] = /^\s*(\d+)% (.*)/.exec(line) ?? [];
        if (percent !== undefined) progress(Number(percent), message);
        reason = /LastError: (.*)/.exec(line)?.[1] ?? reason;
      }
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
    child.on('error', (e) => reject(new HostError(e.message)));
    child.on('close', (code) => {
      hear('\n');
      if (code === 0) resolve();
      else reject(new HostError(reason || `the update service ended with ${code}`));
    });
  });
}

/** The slot that runs starts by itself from here on. Throws HostError. */
export async function keepSlot(): Promise<void> {
  await run('rauc', ['status', 'mark-good']);
}

type Slot = {
  readonly bootname: string | null;
  readonly boot_status?: string | null;
  readonly slot_status?: { readonly bundle?: { readonly version?: string } };
};

/** Slots that can be started from, in their order; none where there is no update service. */
export async function listSlots(): Promise<SlotState[]> {
  const out = await run('rauc', ['status', '--detailed', '--output-format=json']).catch(() => '{}');
  const { slots = [] } = JSON.parse(out) as { slots?: readonly Readonly<Record<string, Slot>>[] };
  return slots
    .flatMap((entry) => Object.values(entry))
    .flatMap((slot): SlotState[] =>
      slot.bootname
        ? [
            {
              name: slot.bootname,
              good: slot.boot_status === 'good',
              version: slot.slot_status?.bundle?.version ?? '',
            },
          ]
        : [],
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
