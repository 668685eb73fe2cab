// Carries out what the engine wants: packets, SAs, timers, public-key work, notes. The only place with a clock.
import type { Dataplane } from '../dataplane/port.ts';
import type { Effect, Env, Input } from '../ike/io.ts';
import type { Job, JobResult } from '../ike/job.ts';
import type { Log } from './log.ts';
import { RandomPool } from './random.ts';

export class Effects {
  readonly #dataplane: Dataplane;
  readonly #log: Log;
  readonly #work: (job: Job) => Promise<JobResult>;
  readonly #input: (input: Input) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #random = new RandomPool();
  #stopped = false;

  constructor(
    dataplane: Dataplane,
    log: Log,
    work: (job: Job) => Promise<JobResult>,
    input: (input: Input) => void,
  ) {
    this.#dataplane = dataplane;
    this.#log = log;
    this.#work = work;
    this.#input = input;
  }

  /** Milliseconds since the process began: never goes back. */
  get now(): number {
    return performance.now();
  }

  env(): Env {
    return {
      now: this.now,
      random: (octets) => this.#random.take(octets),
      allocateSpi: () => this.#dataplane.allocateSpi(),
    };
  }

  carryOut(effect: Effect): void {
    try {
      this.#do(effect);
    } catch (e) {
      // The dataplane refused: said, and the negotiation goes its way to a timeout and a new try.
      const text = `${effect.kind}: ${(e as Error).message}`;
      this.#log.add({ level: 'error', function: 'data', code: 'effect-failed', text });
    }
  }

  #do(effect: Effect): void {
    const d = this.#dataplane;
    switch (effect.kind) {
      case 'install-in':
        return d.installInbound(effect.sa);
      case 'install-out':
        return d.installOutbound(effect.sa);
      case 'remove-in':
        return d.removeInbound(effect.spi);
      case 'remove-out':
        return d.removeOutbound(effect.tunnel, effect.spi);
      case 'move':
        return d.movePeer(effect.tunnel, effect.remote);
      case 'send':
        return d.sendIke(effect.local, effect.remote, effect.data);
      case 'keepalive':
        return d.sendKeepalive(effect.local, effect.remote);
      case 'arm':
        return this.#arm(effect.id, effect.at);
      case 'cancel':
        clearTimeout(this.#timers.get(effect.id));
        this.#timers.delete(effect.id);
        return;
      case 'job':
        return this.#job(effect.id, effect.job);
      case 'event':
        return this.#log.event(effect.event);
      case 'note':
        return this.#log.fact(effect.fact);
    }
  }

  #arm(id: string, at: number): void {
    clearTimeout(this.#timers.get(id));
    const timer = setTimeout(
      () => {
        if (at - this.now > 1) return this.#arm(id, at);
        this.#timers.delete(id);
        this.#input({ kind: 'timer', id });
      },
      // Longer waits than setTimeout can hold (24.8 days) are made of several.
      Math.min(Math.max(0, at - this.now), 2 ** 31 - 1),
    );
    this.#timers.set(id, timer);
  }

  #job(id: number, job: Job): void {
    this.#work(job).then((result) => {
      if (!this.#stopped) this.#input({ kind: 'job', id, result });
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
