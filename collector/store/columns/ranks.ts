/**
 * Numbers the values of a hole: the first that occurs is 0, the next different one 1, and so on.
 *
 *     hole   3 3 7 3 7 7        3: [200, 404]
 *     value  200 200 5 404 5 6  7: [5, 6]        ─▶  ranks 0 0 0 1 0 1
 *
 * Where the values depend on the hole, that is on the class of the row, ranks are nearly always 0.
 */
import { PairMap } from './pair-map.ts';

/** Memory that is used again by every call. */
const known = new PairMap();

export interface Ranked {
  /** Of each value. */
  readonly ranks: Uint32Array;
  /** How many different values each hole has. */
  readonly counts: Uint32Array;
  /** The different values, hole after hole. */
  readonly lists: Uint32Array;
  /** No hole has two. */
  readonly isByClass: boolean;
}

/** As many runs of values are looked at, each a sixteenth of what is up to the next. */
const SAMPLES = 8;

/**
 * Whether more than `most` pairs of hole and value, a quarter of the values, will differ: it looks so where nearly all of a
 * sixteenth do, as 88 in 100 of it do where a quarter of all does. The sixteenth is of places far apart, because ids, and
 * with them the order of the rows, may rise with time; and of rows in a row, because those of a trace are alike.
 */
export function looksBeyond(most: number, values: Uint32Array, holes: Uint32Array | null): boolean {
  if (4 * most > values.length) return false;
  known.clear();
  const stride = Math.floor(values.length / SAMPLES);
  const sampled = stride >>> 4;
  let different = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const from = sample * stride;
    for (let index = from; index < from + sampled; index++) {
      const hole = holes === null ? 0 : holes[index]!;
      if (known.get(hole, values[index]!) >= 0) continue;
      known.set(hole, values[index]!, 0);
      different++;
    }
  }
  return different > 0.92 * SAMPLES * sampled;
}

/** Null when there are more than `most` different pairs of hole and value, or it looks as if there were. */
export function rankValues(
  values: Uint32Array,
  holes: Uint32Array,
  holeCount: number,
  most: number,
): Ranked | null {
  if (looksBeyond(most, values, holes)) return null;
  known.clear();
  const ranks = new Uint32Array(values.length);
  const counts = new Uint32Array(holeCount);
  const pairHole: number[] = [];
  const pairValue: number[] = [];
  let isByClass = true;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    const hole = holes[index]!;
    let rank = known.get(hole, value);
    if (rank < 0) {
      if (pairHole.length === most) return null;
      rank = counts[hole]!++;
      if (rank > 0) isByClass = false;
      known.set(hole, value, rank);
      pairHole.push(hole);
      pairValue.push(value);
    }
    ranks[index] = rank;
  }
  const nexts = new Uint32Array(holeCount);
  for (let hole = 1; hole < holeCount; hole++) nexts[hole] = nexts[hole - 1]! + counts[hole - 1]!;
  const lists = new Uint32Array(pairHole.length);
  for (let pair = 0; pair < lists.length; pair++) lists[nexts[pairHole[pair]!]!++] = pairValue[pair]!;
  return { ranks, counts, lists, isByClass };
}
