// What `sekisho diagnose` found, one check after the other; the first that is bad is the culprit.

export type Check = {
  readonly name: string;
  readonly verdict: 'good' | 'bad' | 'unsure';
  readonly text: string;
  /** What to do. */
  readonly hint?: string;
  /** The configuration key to look at. */
  readonly key?: string;
};

const MARKS: Readonly<Record<Check['verdict'], string>> = { good: 'ok  ', bad: 'FAIL', unsure: '?   ' };

export function showDiagnosis(name: string, checks: readonly Check[]): string {
  const width = Math.max(...checks.map((c) => c.name.length));
  const lines = checks.flatMap((c) => [
    `${MARKS[c.verdict]} ${c.name.padEnd(width)}  ${c.text}`,
    ...(c.hint ? [`${' '.repeat(width + 7)}→ ${c.hint}`] : []),
  ]);
  const culprit = checks.find((c) => c.verdict === 'bad');
  const verdict = culprit
    ? `${name} does not work because of: ${culprit.name}${culprit.key ? ` (${culprit.key})` : ''}`
    : `${name}: nothing wrong was found`;
  return [...lines, verdict, ''].join('\n');
}
