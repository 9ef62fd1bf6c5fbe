/** Adds up many sketches: a count for every bucket there can be. */
import type { ProtobufReader } from '../../decode/protobuf-reader.ts';
import { readSigned } from './byte-writer.ts';
import { BUCKET_COUNT, readSketchSize, type Sketch } from './sketch.ts';

export class SketchSum {
  readonly #counts = new Float64Array(BUCKET_COUNT);
  /** The buckets that were counted lie from here … */
  #first = BUCKET_COUNT;
  /** … to here. */
  #last = -1;

  get isEmpty(): boolean {
    return this.#last < 0;
  }

  clear(): void {
    if (!this.isEmpty) this.#counts.fill(0, this.#first, this.#last + 1);
    this.#first = BUCKET_COUNT;
    this.#last = -1;
  }

  /** What `writeSketch` wrote. */
  add(reader: ProtobufReader): void {
    const counts = this.#counts;
    let bucket = 0;
    for (let left = readSketchSize(reader); left > 0; left--) {
      bucket += reader.varint();
      if (bucket >= BUCKET_COUNT)
        throw reader.error(reader.position, `bucket ${bucket}`, `one below ${BUCKET_COUNT}`);
      counts[bucket]! += readSigned(reader);
      this.#reach(bucket);
    }
  }

  addSketch({ buckets, counts }: Sketch): void {
    if (buckets.length === 0) return;
    for (let at = 0; at < buckets.length; at++) this.#counts[buckets[at]!]! += counts[at]!;
    this.#reach(buckets[0]!);
    this.#reach(buckets.at(-1)!);
  }

  sketch(): Sketch {
    const sketch: Sketch = { buckets: [], counts: [] };
    for (let bucket = this.#first; bucket <= this.#last; bucket++) {
      const count = this.#counts[bucket]!;
      if (count === 0) continue;
      sketch.buckets.push(bucket);
      sketch.counts.push(count);
    }
    return sketch;
  }

  #reach(bucket: number): void {
    if (bucket < this.#first) this.#first = bucket;
    if (bucket > this.#last) this.#last = bucket;
  }
}
