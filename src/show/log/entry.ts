// What a log holds; how it reads is a renderer's business.
import type { Event } from '../../ike/event.ts';
import type { Fact } from '../../ike/io.ts';
import type { Reason } from '../../ike/reason.ts';

export type LogEntry = {
  readonly sequence: number;
  readonly time: Date;
  readonly level: Fact['level'];
  /** Which part speaks: ike, host, dataplane, router. */
  readonly function: string;
  readonly connection?: string;
  readonly code: string;
  readonly text: string;
  readonly reason?: Reason;
};

/** A step of the engine, for those who follow it closely: kept, and written nowhere by itself. */
export type TraceEntry = { readonly sequence: number; readonly time: Date; readonly event: Event };
