/**
 * A latency sketch: how many durations fell into each bucket of a DDSketch, whose buckets are 2 % wide, so that any
 * percentile is right within 1 %.
 *
 * Sparse, because most cells of a minute hold a handful of calls, and made of plain counts, so that sketches can be
 * added and subtracted exactly, in any order.
 */
import { DDSketch } from '@datadog/sketches-js';
import type { ProtobufReader } from '../../decode/protobuf-reader.ts';
import type { Latency } from '../../query/results.ts';
import { readSigned, type ByteWriter } from './byte-writer.ts';

const RELATIVE_ACCURACY = 0.01;
const { mapping } = new DDSketch({ relativeAccuracy: RELATIVE_ACCURACY });
/** What is shorter is counted as this: no clock of a tracer is finer. */
const SHORTEST_MS = 0.001;
/** A thousand years: what is longer is counted as this. */
const LONGEST_MS = 3.2e13;
const LOWEST_BUCKET = mapping.key(SHORTEST_MS);
/** More than there can be. */
export const BUCKET_COUNT = mapping.key(LONGEST_MS) - LOWEST_BUCKET + 1;

/**
 * Counts of a difference may be negative. Plain arrays: a sketch holds a handful of buckets, and there are thousands, each
 * of which would be two blocks of memory outside the heap.
 */
export interface Sketch {
  /** Ascending. */
  readonly buckets: number[];
  /** Of the bucket in the same place. */
  readonly counts: number[];
}

export function emptySketch(): Sketch {
  return { buckets: [], counts: [] };
}

export function bucketOf(durationMs: number): number {
  const held = durationMs > SHORTEST_MS ? Math.min(durationMs, LONGEST_MS) : SHORTEST_MS;
  return mapping.key(held) - LOWEST_BUCKET;
}

/** The duration that stands for all of a bucket, in milliseconds. */
export function durationMsOfBucket(bucket: number): number {
  return mapping.value(bucket + LOWEST_BUCKET);
}

/** No duration of a bucket is longer; the shortest is 2 % shorter. */
export function longestMsOfBucket(bucket: number): number {
  return durationMsOfBucket(bucket) / (1 - RELATIVE_ACCURACY);
}

export function countBucket({ buckets, counts }: Sketch, bucket: number, count: number): void {
  const { length } = buckets;
  if (length === 0 || buckets[length - 1]! < bucket) {
    buckets.push(bucket);
    counts.push(count);
    return;
  }
  const at = placeOf(buckets, bucket);
  if (buckets[at] === bucket) counts[at]! += count;
  else {
    buckets.splice(at, 0, bucket);
    counts.splice(at, 0, count);
  }
}

/** Both lists are ascending, so they are merged in place, from their ends. */
export function addSketch({ buckets, counts }: Sketch, added: Sketch): void {
  let from = buckets.length - 1;
  const missing = countMissing(buckets, added.buckets);
  for (let left = missing; left > 0; left--) {
    buckets.push(0);
    counts.push(0);
  }
  let to = buckets.length - 1;
  for (let next = added.buckets.length - 1; next >= 0; next--) {
    const bucket = added.buckets[next]!;
    for (; from >= 0 && buckets[from]! > bucket; from--, to--) {
      buckets[to] = buckets[from]!;
      counts[to] = counts[from]!;
    }
    const known = from >= 0 && buckets[from] === bucket ? counts[from--]! : 0;
    buckets[to] = bucket;
    counts[to--] = known + added.counts[next]!;
  }
}

export function subtractSketch({ buckets, counts }: Sketch, taken: Sketch): Sketch {
  const left = { buckets: [...buckets], counts: [...counts] };
  taken.buckets.forEach((bucket, at) => countBucket(left, bucket, -taken.counts[at]!));
  return left;
}

/** How many of `wanted` are not among `buckets`. */
function countMissing(buckets: readonly number[], wanted: readonly number[]): number {
  if (wanted.length === 0) return 0;
  let missing = 0;
  let at = placeOf(buckets, wanted[0]!);
  for (let next = 0; next < wanted.length; next++) {
    while (at < buckets.length && buckets[at]! < wanted[next]!) at++;
    if (buckets[at] !== wanted[next]) missing++;
  }
  return missing;
}

/** Of what the sketch counts, by nearest rank; zeros when it counts nothing. */
export function latencyOfSketch(sketch: Sketch): Latency {
  const total = totalOf(sketch);
  return {
    p50Ms: quantileMs(sketch, total, 0.5),
    p95Ms: quantileMs(sketch, total, 0.95),
    p99Ms: quantileMs(sketch, total, 0.99),
  };
}

/** The same of any other share of them. */
export function quantileOfSketch(sketch: Sketch, share: number): number {
  return quantileMs(sketch, totalOf(sketch), share);
}

export function totalOf(sketch: Sketch): number {
  let total = 0;
  for (const count of sketch.counts) total += count;
  return total;
}

/**
 * How many durations a sketch counts besides `taken`, and what is usual for them, by nearest rank. Of `taken` it need not count
 * all, as when it is of other days.
 */
export function latencyWithout({ buckets, counts }: Sketch, taken: Sketch) {
  const left = [...counts];
  let at = 0;
  for (let next = 0; next < taken.buckets.length; next++) {
    while (at < buckets.length && buckets[at]! < taken.buckets[next]!) at++;
    if (buckets[at] === taken.buckets[next]) left[at] = Math.max(0, left[at]! - taken.counts[next]!);
  }
  const others = { buckets, counts: left };
  const count = totalOf(others);
  const of = (share: number) => quantileMs(others, count, share);
  return { count, p10Ms: of(0.1), p50Ms: of(0.5), p90Ms: of(0.9) };
}

function quantileMs(sketch: Sketch, total: number, share: number): number {
  const rank = Math.max(1, Math.ceil(total * share));
  let seen = 0;
  for (let i = 0; i < sketch.counts.length; i++) {
    seen += sketch.counts[i]!;
    if (seen >= rank) return durationMsOfBucket(sketch.buckets[i]!);
  }
  return 0;
}

/** Buckets counted zero times are left out. */
export function writeSketch(writer: ByteWriter, { buckets, counts }: Sketch): void {
  let filled = 0;
  for (let i = 0; i < counts.length; i++) if (counts[i] !== 0) filled++;
  writer.varint(filled);
  let before = 0;
  for (let i = 0; i < buckets.length; i++) {
    if (counts[i] === 0) continue;
    writer.varint(buckets[i]! - before);
    writer.signed(counts[i]!);
    before = buckets[i]!;
  }
}

/** Of how many buckets the sketch that follows is. */
export function readSketchSize(reader: ProtobufReader): number {
  const size = reader.varint();
  // Each bucket takes two bytes at least: a damaged size must not allocate more than there is.
  if (size > (reader.limit - reader.position) / 2) {
    throw reader.error(reader.position, `a sketch of ${size} buckets`, 'no more than its bytes can hold');
  }
  return size;
}

export function readSketch(reader: ProtobufReader): Sketch {
  const size = readSketchSize(reader);
  const sketch = emptySketch();
  let bucket = 0;
  for (let i = 0; i < size; i++) {
    bucket += reader.varint();
    sketch.buckets.push(bucket);
    sketch.counts.push(readSigned(reader));
  }
  return sketch;
}

export function isZero({ counts }: Sketch): boolean {
  for (let i = 0; i < counts.length; i++) if (counts[i] !== 0) return false;
  return true;
}

/** Where the bucket is or belongs. */
function placeOf(buckets: readonly number[], bucket: number): number {
  let low = 0;
  let high = buckets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (buckets[middle]! < bucket) low = middle + 1;
    else high = middle;
  }
  return low;
}
