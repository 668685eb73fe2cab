// Who started us and wants to hear that we are well: systemd (sd_notify(3)). Elsewhere nobody listens.
import { loadNative } from '../dataplane/native.ts';

/** Begins to say that the event loop turns, twice as often as it is asked for. */
export function ready(): void {
  const { notify } = loadNative();
  if (!notify('READY=1')) return;
  const patience = Number(process.env.WATCHDOG_USEC);
  if (patience > 0) setInterval(() => notify('WATCHDOG=1'), patience / 2000).unref();
}

export function stopping(): void {
  loadNative().notify('STOPPING=1');
}
