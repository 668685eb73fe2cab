// SEIL's times: plain seconds, or any of hours, minutes and seconds of one or two digits each ("8h", "1h30m").

/** Seconds, or undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  const match = /^(?:(\d{1,2})h)?(?:(\d{1,2})m)?(?:(\d{1,2})s)?$/.exec(text);
  if (!match || text === '') return undefined;
  const [h, m, s] = match.slice(1).map((part) => Number(part ?? 0));
  return h * 3600 + m * 60 + s;
}

/** The shortest of the two spellings that reads back as the same number of seconds. */
export function formatDuration(seconds: number): string {
  const plain = String(seconds);
  const h = Math.floor(seconds / 3600);
  if (h > 99 || seconds === 0) return plain;
  const m = Math.floor((seconds % 3600) / 60);
  const s = seconds % 60;
  const units = `${h ? `${h}h` : ''}${m ? `${m}m` : ''}${s ? `${s}s` : ''}`;
  return units.length < plain.length ? units : plain;
}
