// Whether a router works as it did before an update: what was so then, beside what is so now. Plain values.

/** What is compared: what a router's users would miss. */
export type Condition = {
  /** Tunnels that are up. */
  readonly tunnels: readonly string[];
  /** Interfaces that have an address. */
  readonly addressed: readonly string[];
  /** Gateways of default routes that answer. */
  readonly gateways: readonly string[];
};

/** What was and is no more, a sentence each. */
export function missing(before: Condition, now: Condition): string[] {
  const lost = (list: readonly string[], still: readonly string[]) => list.filter((x) => !still.includes(x));
  return [
    ...lost(before.addressed, now.addressed).map((name) => `${name} has no address`),
    ...lost(before.gateways, now.gateways).map((gateway) => `the gateway ${gateway} does not answer`),
    ...lost(before.tunnels, now.tunnels).map((name) => `${name} is not up`),
  ];
}
