/**
 * What is counted, before it is put into cells: a list of what was seen, sorted at the end.
 *
 *     seen:    cell 7, bucket 300 │ cell 2, bucket 12 │ cell 7, bucket 300 …
 *     sorted:  cell 2: 12 │ cell 7: 300 300 …   ─▶   sketches, each made once and in order
 *
 * A fold sees a hundred thousand durations and has thousands of cells, spread over more memory than the caches hold: to
 * count each at once in its sketch takes three times as long.
 */
import { countBucket, emptySketch, type Sketch } from './sketch.ts';

/** Buckets are below this. */
const BUCKET_BITS = 11;
const BUCKETS = 1 << BUCKET_BITS;
/** More cells than 21 bits can tell apart are counted in lists of their own. */
const CELLS_PER_LIST = 2 ** (32 - BUCKET_BITS);

/** Durations of cells, by their numbers. */
export class LatencyCounts {
  readonly #added: SeenList[] = [];
  readonly #taken: SeenList[] = [];

  add(cell: number, bucket: number, sign: 1 | -1): void {
    const lists = sign === 1 ? this.#added : this.#taken;
    const number = Math.floor(cell / CELLS_PER_LIST);
    (lists[number] ??= new SeenList()).push((cell % CELLS_PER_LIST) * BUCKETS + bucket);
  }

  /** By cell; cells without a duration have none. */
  sketches(): Map<number, Sketch> {
    const sketches = new Map<number, Sketch>();
    for (const [lists, sign] of [
      [this.#added, 1],
      [this.#taken, -1],
    ] as const) {
      for (const [number, list] of lists.entries()) {
        list?.eachRun((seen, count) => {
          const cell = number * CELLS_PER_LIST + Math.floor(seen / BUCKETS);
          let sketch = sketches.get(cell);
          if (sketch === undefined) sketches.set(cell, (sketch = emptySketch()));
          countBucket(sketch, seen % BUCKETS, sign * count);
        });
      }
    }
    return sketches;
  }
}

const FIRST_LENGTH = 1 << 12;

class SeenList {
  #seen = new Uint32Array(FIRST_LENGTH);
  #length = 0;

  push(seen: number): void {
    if (this.#length === this.#seen.length) {
      const larger = new Uint32Array(2 * this.#length);
      larger.set(this.#seen);
      this.#seen = larger;
    }
    this.#seen[this.#length++] = seen;
  }

  /** In rising order, each with how often it was pushed. */
  eachRun(take: (seen: number, count: number) => void): void {
    const sorted = this.#seen.subarray(0, this.#length).toSorted();
    for (let first = 0; first < sorted.length;) {
      let end = first + 1;
      while (end < sorted.length && sorted[end] === sorted[first]) end++;
      take(sorted[first]!, end - first);
      first = end;
    }
  }
}
