// The time: chronyd, by a configuration that is rendered from the plan.
import type { Clock } from '../plan/services.ts';

export type ChronyPlaces = {
  /** How far the machine's own clock drifts, over restarts. */
  readonly drift: string;
};

/** It steps the clock at the start alone, which a board without a battery needs; then it is never set back by a jump. */
export function chronyConf({ servers, inside }: Clock, places: ChronyPlaces): string {
  const networks = [...new Set(inside.flatMap((i) => i.networks))];
  return [
    ...servers.map((s) => `server ${s} iburst`),
    'makestep 1 3',
    `driftfile ${places.drift}`,
    // Nobody commands it but we, by starting and ending it.
    'cmdport 0',
    'bindcmdaddress /',
    'pidfile /',
    ...(networks.length > 0 ? ['local stratum 10', ...networks.map((n) => `allow ${n}`)] : ['port 0']),
    '',
  ].join('\n');
}
