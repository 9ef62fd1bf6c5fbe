/** Choosing calls by their duration: whole buckets of a histogram, and the query that finds them. Pure. */
import type { EdgeCalls } from '../../collector/serve/wire.ts';

type Bucket = EdgeCalls['durations'][number];

/** First and last of the buckets that a dragged range touches; null when there is none. */
export function bucketsWithin(
  buckets: readonly Bucket[],
  fromMs: number,
  toMs: number,
): readonly [number, number] | null {
  const first = buckets.findIndex((bucket) => bucket.maxMs > fromMs);
  const last = buckets.findLastIndex((bucket) => bucket.minMs < toMs);
  return first === -1 || last < first ? null : [first, last];
}

/** What neighbouring buckets hold together; null of none. */
export function sayDurations(buckets: readonly Bucket[]): Bucket | null {
  const [first, last] = [buckets[0], buckets.at(-1)];
  if (!first || !last) return null;
  const sum = (of: (bucket: Bucket) => number) => buckets.reduce((total, bucket) => total + of(bucket), 0);
  return {
    minMs: first.minMs,
    maxMs: last.maxMs,
    calls: sum((bucket) => bucket.calls),
    errors: sum((bucket) => bucket.errors),
    timeouts: sum((bucket) => bucket.timeouts),
  };
}

/** `edge:a->b`, in quotes where a name has a space or what else would end it. */
export function edgeQuery(from: string, to: string): string {
  const edge = `${from}->${to}`;
  return /[\s()"]/.test(edge) ? `edge:"${edge.replaceAll(/["\\]/g, '\\$&')}"` : `edge:${edge}`;
}

/** Durations in the query language are those of the span, as they are in the histogram. */
export function durationQuery(minMs: number, maxMs: number): string {
  return `duration>=${minMs}ms duration<${maxMs}ms`;
}
