// Several values as one: the median, and how far they spread.
export type Summary = { values: number[]; median: number; min: number; max: number };

export function summarize(values: number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { values, median, min: sorted[0], max: sorted.at(-1)! };
}
