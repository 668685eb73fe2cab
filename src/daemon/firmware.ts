// Updates of a box that started from an image of ours: the update service verifies and writes, we say when and judge after.
import * as fs from 'node:fs';
import { existsSync, readFileSync } from 'node:fs';
import pkg from '../../package.json' with { type: 'json' };
import { reaches } from '../host/path.ts';
import { installUpdate, keepSlot, listSlots } from '../host/rauc.ts';
import { tunnelView } from '../show/view.ts';
import { removeFile, replaceFile } from './files.ts';
import { type Condition, missing } from './health.ts';
import type { Log } from './log.ts';
import type { Answer, FirmwareHealth, FirmwareState } from './protocol.ts';
import type { Router } from './router.ts';

export type Slot = 'A' | 'B';

/** An update that is under way: from which slot to which, and what worked before. On the disk while it lasts. */
type Update = {
  readonly from: Slot;
  readonly to: Slot;
  readonly before: Condition;
  /** The start of the machine in which it began. */
  readonly start: string;
  /** False while it is written: the update service goes on with that whatever becomes of us. */
  readonly written: boolean;
  /** What was missing when the new slot was looked at last. */
  readonly missing?: readonly string[];
};

type Installing = { percent: number; message: string; done: boolean; error?: string };

/** Whoever waits for the installation hears of its end before the box goes. */
const GOODBYE_MS = 5000;

/** What the kernel was told of the slot; undefined on a machine that is no box of ours. */
export function slotOf(commandLine: string): Slot | undefined {
  return /(?:^|\s)rauc\.slot=([AB])(?:\s|$)/.exec(commandLine)?.[1] as Slot | undefined;
}

export class Firmware {
  readonly #router: Router;
  readonly #file: string;
  readonly #log: Log;
  readonly slot: Slot | undefined;
  #installing: Installing | undefined;
  /** What became of the last update. */
  #outcome: string | undefined;
  readonly #start: string;

  /** `file`: where an update that is under way is remembered. `start`: another one each time the machine starts. */
  constructor(
    router: Router,
    file: string,
    log: Log,
    slot = slotOf(readFileSync('/proc/cmdline', 'utf8')),
    start = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  ) {
    this.#start = start;
    this.#router = router;
    this.#file = file;
    this.#log = log;
    this.slot = slot;
    const update = this.#update();
    if (update && slot === update.from && start !== update.start) {
      const why = update.missing?.join(', ') || 'it did not start';
      const text = update.written
        ? `slot ${update.to} was left again: ${why}`
        : `the update of slot ${update.to} was cut short: install it again`;
      this.#end(text, 'error');
    }
  }

  /** Begins; how far it is, `state` says. */
  async install(file: string): Promise<Answer> {
    if (this.slot === undefined)
      return {
        ok: false,
        error: 'This machine was not started from an image: there is no slot to write to.',
      };
    if (this.#installing && !this.#installing.done && !this.#installing.error)
      return { ok: false, error: 'An update is being installed already.' };
    if (this.#update()?.to === this.slot)
      return {
        ok: false,
        error: `This start of slot ${this.slot} is on trial itself: wait until it is kept.`,
      };
    if (!file.startsWith('/') || !existsSync(file)) return { ok: false, error: `There is no file ${file}.` };
    const state: Installing = { percent: 0, message: 'begins', done: false };
    this.#installing = state;
    const to = this.slot === 'A' ? 'B' : 'A';
    const before = await this.#condition();
    this.#note('info', `installing ${file} to slot ${to}`);
    void this.#write(file, state, { ...{ from: this.slot, to, before }, start: this.#start, written: false });
    return { ok: true, text: '' };
  }

  async #write(file: string, state: Installing, update: Update): Promise<void> {
    let writing = false;
    // Begun by a router that ended meanwhile; the update service may be at it still, and then takes no other.
    const earlier = this.#update();
    try {
      this.#remember(update);
      await installUpdate(file, (percent, message) => {
        writing ||= /^Copying/.test(message);
        Object.assign(state, { percent, message });
      });
      this.#attempt(() => this.#remember({ ...update, written: true }));
      const message = `slot ${update.to} is written: the box starts from it now`;
      Object.assign(state, { percent: 100, message, done: true });
      this.#note('info', message);
      setTimeout(() => this.#router.reboot(), GOODBYE_MS);
    } catch (e) {
      const after = writing
        ? `what slot ${update.to} held is gone; slot ${update.from} runs on`
        : 'nothing has changed';
      this.#attempt(() => (earlier && !writing ? this.#remember(earlier) : removeFile(fs, this.#file)));
      state.error = `The update is not installed, and ${after}: ${(e as Error).message}`;
      this.#note('error', state.error);
    }
  }

  /** Whether this start may stay, and is kept then. While an update is on trial: whether all works that worked before. */
  async health(): Promise<FirmwareHealth> {
    const update = this.#update();
    const patience = this.#router.tree.number('system.update.patience');
    const trial = update?.to === this.slot ? update : undefined;
    const gone = trial ? missing(trial.before, await this.#condition()) : [];
    if (trial && gone.length > 0) {
      this.#remember({ ...trial, missing: gone });
      return { missing: gone, patience };
    }
    // Another one that was written meanwhile is wanted now.
    const left = update?.from === this.slot && update?.start === this.#start;
    if (this.slot && !left) await keepSlot();
    if (trial) this.#end(`slot ${trial.to} works as slot ${trial.from} did: it is kept`, 'info');
    return { missing: [], patience };
  }

  async state(): Promise<FirmwareState> {
    const update = this.#update();
    const slots = this.slot === undefined ? [] : await listSlots();
    return {
      version: pkg.version,
      ...(this.slot ? { slot: this.slot } : {}),
      slots,
      ...(update && (update.written || update.to === this.slot)
        ? { trial: { from: update.from, to: update.to, missing: update.missing ?? [] } }
        : {}),
      ...(this.#outcome ? { outcome: this.#outcome } : {}),
      ...(this.#installing ? { installing: { ...this.#installing } } : {}),
    };
  }

  async #condition(): Promise<Condition> {
    const { desired, source } = this.#router;
    const defaults = (desired?.routes ?? []).flatMap((r) =>
      /^(default|0\.0\.0\.0\/0|::\/0)$/.test(r.destination) && typeof r.via === 'object' && 'address' in r.via
        ? [r.via.address]
        : [],
    );
    const answers = await Promise.all(defaults.map(reaches));
    return {
      tunnels: tunnelView(source)
        .filter((t) => t.state === 'up')
        .map((t) => t.connection),
      addressed: (desired?.links ?? []).filter((l) => l.addresses.length > 0).map((l) => l.name),
      gateways: defaults.filter((_, i) => answers[i]),
    };
  }

  #update(): Update | undefined {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Update;
    } catch {
      return undefined; // None, or one that was cut short: then the slot before it runs.
    }
  }

  #remember(update: Update): void {
    replaceFile(fs, this.#file, JSON.stringify(update));
  }

  /** Of an update that cannot be remembered the slots know enough. */
  #attempt(write: () => void): void {
    try {
      write();
    } catch (e) {
      this.#note('error', `the update cannot be remembered: ${(e as Error).message}`);
    }
  }

  #end(outcome: string, level: 'info' | 'error'): void {
    this.#attempt(() => removeFile(fs, this.#file));
    this.#outcome = outcome;
    this.#note(level, outcome);
  }

  #note(level: 'info' | 'error', text: string): void {
    this.#log.add({ level, function: 'boot', code: 'firmware', text });
  }
}
