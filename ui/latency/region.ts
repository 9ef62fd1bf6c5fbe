/** The part of the heatmap that was brushed: a time and a range of durations, as the URL and the query language have them. Pure. */

/** Epoch milliseconds, `[fromMs, toMs)`; durations `[minMs, maxMs)`. */
export interface Region {
  readonly fromMs: number;
  readonly toMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}
interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Durations in the URL: buckets end where no decimal number does. */
const DIGITS = 6;

/** Reads `sel` of the URL, `FROM-TO,MIN-MAX`; null when it is none, or none of its time lies in the range. */
export function readRegion(text: string | undefined, range: TimeRange): Region | null {
  const number = String.raw`(\d{1,16}(?:\.\d{1,9})?)`;
  const match = new RegExp(`^(\\d{1,16})-(\\d{1,16}),${number}-${number}$`).exec(text ?? '');
  if (!match) return null;
  const [fromMs = 0, toMs = 0, minMs = 0, maxMs = 0] = match.slice(1).map(Number);
  const isSome = fromMs < toMs && minMs < maxMs;
  return isSome && fromMs < range.toMs && toMs > range.fromMs ? { fromMs, toMs, minMs, maxMs } : null;
}

export function formatRegion({ fromMs, toMs, minMs, maxMs }: Region): string {
  return `${Math.floor(fromMs)}-${Math.ceil(toMs)},${writeMs(minMs)}-${writeMs(maxMs)}`;
}

/** As the URL and the query language take it: without an exponent, and no longer than it has to be. */
export function writeMs(ms: number): string {
  return Number(ms.toPrecision(DIGITS))
    .toFixed(9)
    .replace(/\.?0+$/, '');
}
