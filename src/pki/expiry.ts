/** How long before its end a certificate is called to mind. */
const REMIND_DAYS = 30;

/**
 * What is to be said of a certificate that ends soon, or has ended: "expires on 2026-12-24, in 9 days".
 * `notAfter` in seconds since 1970, `now` in milliseconds.
 */
export function expiry(notAfter: number, now: number): string | undefined {
  const days = Math.floor((notAfter - now / 1000) / 86_400);
  if (days >= REMIND_DAYS) return undefined;
  const end = new Date(notAfter * 1000).toISOString().slice(0, 10);
  return days < 0 ? `expired on ${end}` : `expires on ${end}, in ${days} days`;
}
