// What Quick Mode says of the traffic comes from several commands, each with one side of it.
import type { Draft } from '../draft.ts';

/** What is configured of the two sides, IPv4's and IPv6's. */
export function pairs(draft: Draft, n: number): readonly (readonly string[])[] {
  const at = `interface.ipsec${n}.ike.proposal.phase2.proxy-id`;
  return [4, 6].map((family) =>
    ['local', 'remote']
      .map((side) => `${at}.ipv${family}.${side}`)
      .filter((path) => draft.configured(path) !== undefined),
  );
}

/** Half a pair waits for the other half. */
export function sendPairs(draft: Draft, n: number, any = false): void {
  const whole = pairs(draft, n).some((pair) => pair.length === 2);
  draft.set(`interface.ipsec${n}.ike.proposal.phase2.proxy-id.send`, any || whole ? 'enable' : 'disable');
}
