/**
 * What is counted, before it is put into cells: a list of what was seen, sorted at the end.
 *
 *     seen:    cell 7, bucket 300 │ cell 2, bucket 12 │ cell 7, bucket 300 …
 *     sorted:  cell 2: 12 │ cell 7: 300 300 …   ─▶   sketches, each made once and in order
 *
 * A fold sees a hundred thousand durations and has thousands of cells, spread over more memory than the caches hold: to
 * count each at once in its sketch takes three times as long.
 */
import { giveBackWords, takeWords } from '../columns/spare-words.ts';
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
        if (list === undefined) continue;
        const sorted = list.sorted();
        countRuns(sketches, number * CELLS_PER_LIST, sorted, sign);
        giveBackWords(sorted);
      }
    }
    return sketches;
  }
}

/** `seen` rises; the cells in it are counted from `firstCell` on. */
function countRuns(sketches: Map<number, Sketch>, firstCell: number, seen: Uint32Array, sign: 1 | -1): void {
  let cell = -1;
  let sketch = emptySketch();
  for (let first = 0; first < seen.length;) {
    const value = seen[first]!;
    let end = first + 1;
    while (end < seen.length && seen[end] === value) end++;
    if (value >>> BUCKET_BITS !== cell) {
      cell = value >>> BUCKET_BITS;
      const known = sketches.get(firstCell + cell);
      sketch = known ?? emptySketch();
      if (known === undefined) sketches.set(firstCell + cell, sketch);
    }
    countBucket(sketch, value & (BUCKETS - 1), sign * (end - first));
    first = end;
  }
}

const FIRST_LENGTH = 1 << 12;
/** Bits of a pass: its counters stay in the first cache. */
const PASS_BITS = 11;

class SeenList {
  #seen = takeWords(FIRST_LENGTH);
  #length = 0;
  #most = 0;

  push(seen: number): void {
    if (this.#length === this.#seen.length) {
      const larger = takeWords(2 * this.#length);
      larger.set(this.#seen);
      giveBackWords(this.#seen);
      this.#seen = larger;
    }
    this.#seen[this.#length++] = seen;
    if (seen > this.#most) this.#most = seen;
  }

  /** Rising. By digits, the lowest first: the engine's sort takes five times as long. Only once: the list is used up. */
  sorted(): Uint32Array<ArrayBuffer> {
    const mask = (1 << PASS_BITS) - 1;
    let from = this.#seen.subarray(0, this.#length);
    let to = takeWords(this.#length);
    for (let shift = 0; shift < 32 && this.#most >>> shift > 0; shift += PASS_BITS) {
      const nexts = new Uint32Array(mask + 2);
      for (let index = 0; index < from.length; index++) nexts[((from[index]! >>> shift) & mask) + 1]!++;
      for (let digit = 1; digit <= mask; digit++) nexts[digit]! += nexts[digit - 1]!;
      for (let index = 0; index < from.length; index++) {
        const seen = from[index]!;
        to[nexts[(seen >>> shift) & mask]!++] = seen;
      }
      [from, to] = [to, from];
    }
    giveBackWords(to);
    return from;
  }
}
