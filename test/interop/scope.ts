// A cleanup stack: what was made last is undone first, also when the process is interrupted half-way.

type Step = { close: () => unknown; abandon: () => unknown };

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const open = new Set<Scope>();

function abandonAll(): void {
  for (const scope of [...open].reverse()) scope.abandon();
}

function onSignal(signal: NodeJS.Signals): void {
  abandonAll();
  // Somebody else's listener gets the same event and decides; alone, we die as if nobody had listened.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function hook(): void {
  process.on('exit', abandonAll);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function unhook(): void {
  process.off('exit', abandonAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

/** Steps to undo, last in first out. Every step must bear being run twice. */
export class Scope {
  #steps: Step[] = [];

  constructor() {
    if (open.size === 0) hook();
    open.add(this);
  }

  /**
   * `close` may be asynchronous. `abandon` runs in its place when the process is about to end, where nothing
   * asynchronous finishes any more. Returns a function that forgets the step.
   */
  defer(close: () => unknown, abandon: () => unknown = close): () => void {
    const step = { close, abandon };
    this.#steps.push(step);
    return () => {
      const at = this.#steps.indexOf(step);
      if (at >= 0) this.#steps.splice(at, 1);
    };
  }

  /** Runs every step even if some fail; the failures arrive together. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.at(-1); step; step = this.#steps.at(-1)) {
      try {
        await step.close(); // still on the stack meanwhile: an interrupt now abandons it
      } catch (error) {
        errors.push(error);
      }
      const at = this.#steps.indexOf(step);
      if (at >= 0) this.#steps.splice(at, 1);
    }
    this.#leave();
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, `cleanup: ${errors.map(String).join('; ')}`);
  }

  abandon(): void {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        Promise.resolve(step.abandon()).catch(() => {});
      } catch {
        // The process is ending: the remaining steps matter more than this one's complaint.
      }
    }
    this.#leave();
  }

  #leave(): void {
    open.delete(this);
    if (open.size === 0) unhook();
  }
}
