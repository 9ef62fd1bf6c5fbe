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

/** Counts of a difference may be negative. */
export interface Sketch {
  /** Ascending. */
  buckets: Uint16Array;
  counts: Float64Array;
  size: number;
}

const NO_BUCKETS = new Uint16Array(0);
const NO_COUNTS = new Float64Array(0);

export function emptySketch(): Sketch {
  return { buckets: NO_BUCKETS, counts: NO_COUNTS, size: 0 };
}

export function bucketOf(durationMs: number): number {
  const held = durationMs > SHORTEST_MS ? Math.min(durationMs, LONGEST_MS) : SHORTEST_MS;
  return mapping.key(held) - LOWEST_BUCKET;
}

/** The duration that stands for all of a bucket, in milliseconds. */
export function durationMsOfBucket(bucket: number): number {
  return mapping.value(bucket + LOWEST_BUCKET);
}

export function countBucket(sketch: Sketch, bucket: number, count: number): void {
  const isLast = sketch.size === 0 || sketch.buckets[sketch.size - 1]! < bucket;
  const at = isLast ? sketch.size : placeOf(sketch, bucket);
  if (at < sketch.size && sketch.buckets[at] === bucket) {
    sketch.counts[at]! += count;
    return;
  }
  if (sketch.size === sketch.buckets.length) grow(sketch);
  if (!isLast) {
    sketch.buckets.copyWithin(at + 1, at, sketch.size);
    sketch.counts.copyWithin(at + 1, at, sketch.size);
  }
  sketch.buckets[at] = bucket;
  sketch.counts[at] = count;
  sketch.size++;
}

export function addSketch(sum: Sketch, added: Sketch): void {
  for (let i = 0; i < added.size; i++) countBucket(sum, added.buckets[i]!, added.counts[i]!);
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

export function totalOf(sketch: Sketch): number {
  let total = 0;
  for (let i = 0; i < sketch.size; i++) total += sketch.counts[i]!;
  return total;
}

function quantileMs(sketch: Sketch, total: number, share: number): number {
  const rank = Math.max(1, Math.ceil(total * share));
  let seen = 0;
  for (let i = 0; i < sketch.size; i++) {
    seen += sketch.counts[i]!;
    if (seen >= rank) return durationMsOfBucket(sketch.buckets[i]!);
  }
  return 0;
}

/** Buckets counted zero times are left out. */
export function writeSketch(writer: ByteWriter, sketch: Sketch): void {
  let filled = 0;
  for (let i = 0; i < sketch.size; i++) if (sketch.counts[i] !== 0) filled++;
  writer.varint(filled);
  let before = 0;
  for (let i = 0; i < sketch.size; i++) {
    const count = sketch.counts[i]!;
    if (count === 0) continue;
    writer.varint(sketch.buckets[i]! - before);
    writer.signed(count);
    before = sketch.buckets[i]!;
  }
}

export function readSketch(reader: ProtobufReader): Sketch {
  const size = reader.varint();
  // Each bucket takes two bytes at least: a damaged size must not allocate more than there is.
  if (size > (reader.limit - reader.position) / 2) {
    throw reader.error(reader.position, `a sketch of ${size} buckets`, 'no more than its bytes can hold');
  }
  const sketch = { buckets: new Uint16Array(size), counts: new Float64Array(size), size };
  let bucket = 0;
  for (let i = 0; i < size; i++) {
    bucket += reader.varint();
    sketch.buckets[i] = bucket;
    sketch.counts[i] = readSigned(reader);
  }
  return sketch;
}

/** Where the bucket is or belongs. */
function placeOf({ buckets, size }: Sketch, bucket: number): number {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (buckets[middle]! < bucket) low = middle + 1;
    else high = middle;
  }
  return low;
}

function grow(sketch: Sketch): void {
  const length = Math.max(4, sketch.size * 2);
  const buckets = new Uint16Array(length);
  const counts = new Float64Array(length);
  buckets.set(sketch.buckets);
  counts.set(sketch.counts);
  sketch.buckets = buckets;
  sketch.counts = counts;
}
