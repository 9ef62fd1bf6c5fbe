/** Numbers for people: aligned columns, medians. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Field by field, over objects of the same shape that hold numbers or such objects. */
export function medians<T extends object>(rounds: readonly T[]): T {
  const first = rounds[0]!;
  const entries = Object.keys(first).map((key) => {
    const values = rounds.map((round) => (round as Record<string, unknown>)[key]);
    return [key, typeof values[0] === 'number' ? median(values as number[]) : medians(values as object[])];
  });
  return Object.fromEntries(entries) as T;
}

/** The first column to the left, the others to the right; the first row is the head. */
export function alignTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ');
  return rows.map(line).join('\n');
}

/** With as many digits as mean something. */
export function short(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
