// Commits, newest first: how many back, number, when, by whom, why.

export type Commit = {
  readonly number: number;
  /** ISO 8601. */
  readonly time: string;
  readonly by: string;
  readonly comment: string;
};

export function showHistory(commits: readonly Commit[]): string {
  if (commits.length === 0) return '(None)\n';
  return commits
    .map(({ number, time, by, comment }, back) => {
      const when = time.slice(0, 19).replace('T', ' ');
      return `${String(back).padStart(3)}  ${String(number).padStart(6)}  ${when}  ${by.padEnd(10)} ${comment}`.trimEnd();
    })
    .map((line) => `${line}\n`)
    .join('');
}
