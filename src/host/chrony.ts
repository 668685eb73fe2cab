// The time: chronyd, by a configuration that is rendered from the plan.
import type { Clock } from '../plan/services.ts';
import { run } from './run.ts';

export type ChronyPlaces = {
  /** How far the machine's own clock drifts, over restarts. */
  readonly drift: string;
  /** Its number as a process, while it runs. */
  readonly pid: string;
};

/** It steps the clock at the start alone, which a board without a battery needs; then it is never set back by a jump. */
export function chronyConf({ servers, inside }: Clock, places: ChronyPlaces): string {
  const networks = [...new Set(inside.flatMap((i) => i.networks))];
  return [
    ...servers.map((s) => `server ${s} iburst`),
    'makestep 1 3',
    `driftfile ${places.drift}`,
    // Whoever is on this machine may ask it; nobody commands it but we, by starting and ending it.
    'bindcmdaddress 127.0.0.1',
    'bindcmdaddress /',
    `pidfile ${places.pid}`,
    ...(networks.length > 0 ? ['local stratum 10', ...networks.map((n) => `allow ${n}`)] : ['port 0']),
    '',
  ].join('\n');
}

/** What the clock follows. */
export type ClockState = {
  /** A server's address; undefined as long as none has answered. */
  readonly follows?: string;
  /** How far off it is believed to be, at most. */
  readonly seconds: number;
};

/** Fields of `chronyc -c tracking`. */
const FIELD = { reference: 0, server: 1, offset: 4, delay: 10, dispersion: 11 } as const;

/** Of chronyd as it runs here. Throws HostError when it does not answer. */
export async function askClock(): Promise<ClockState> {
  const line = await run('chronyc', ['-n', '-c', '-h', '127.0.0.1', 'tracking']);
  const fields = line.trim().split(',');
  const [offset, delay, dispersion] = [FIELD.offset, FIELD.delay, FIELD.dispersion].map((i) =>
    Number(fields[i]),
  );
  // RFC 5905 11.2: the root distance is what the true time may differ by.
  const seconds = Math.abs(offset) + delay / 2 + dispersion;
  // 7F7F0101 is chronyd's own word that it serves without following anybody.
  const none = /^(?:00000000|7F7F0101)$/.test(fields[FIELD.reference]);
  return none ? { seconds } : { follows: fields[FIELD.server], seconds };
}
