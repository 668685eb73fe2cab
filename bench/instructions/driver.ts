// Which of a kernel's crypto drivers does the work.

/** The driver behind an algorithm, from /proc/crypto: the one of the highest priority. */
export function driverOf(algorithm: string, procCrypto: string): string | undefined {
  const field = (entry: string, name: string) => new RegExp(`^${name} *: (.*)$`, 'm').exec(entry)?.[1];
  const entries = procCrypto.split('\n\n').filter((entry) => field(entry, 'name') === algorithm);
  entries.sort((a, b) => Number(field(b, 'priority')) - Number(field(a, 'priority')));
  return entries.length === 0 ? undefined : field(entries[0], 'driver');
}
