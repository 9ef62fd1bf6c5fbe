/**
 * Numbers the values of a hole: the first that occurs is 0, the next different one 1, and so on.
 *
 *     hole   3 3 7 3 7 7        3: [200, 404]
 *     value  200 200 5 404 5 6  7: [5, 6]        ─▶  ranks 0 0 0 1 0 1
 *
 * Where the values depend on the hole, that is on the class of the row, ranks are nearly always 0.
 */

const MIX = 0x9e3779b1;

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

let slots = new Uint32Array(0);

/** Null when there are more than `most` different pairs of hole and value. */
export function rankValues(
  values: Uint32Array,
  holes: Uint32Array,
  holeCount: number,
  most: number,
): Ranked | null {
  let size = 1 << 10;
  while (size < 2 * most) size *= 2;
  if (slots.length < size) slots = new Uint32Array(size);
  else slots.fill(0, 0, size);
  const mask = size - 1;
  const pairHole = new Uint32Array(most);
  const pairValue = new Uint32Array(most);
  const pairRank = new Uint32Array(most);
  const ranks = new Uint32Array(values.length);
  const counts = new Uint32Array(holeCount);
  let pairs = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    const hole = holes[index]!;
    let hash = Math.imul(value ^ Math.imul(hole, 0x85ebca6b), MIX);
    hash ^= hash >>> 15;
    let slot = hash & mask;
    let pair = slots[slot]!;
    while (pair !== 0 && (pairHole[pair - 1] !== hole || pairValue[pair - 1] !== value)) {
      slot = (slot + 1) & mask;
      pair = slots[slot]!;
    }
    if (pair === 0) {
      if (pairs === most) return null;
      pairHole[pairs] = hole;
      pairValue[pairs] = value;
      pairRank[pairs] = counts[hole]!++;
      pair = slots[slot] = ++pairs;
    }
    ranks[index] = pairRank[pair - 1]!;
  }
  const firsts = new Uint32Array(holeCount);
  let isByClass = true;
  for (let hole = 0, first = 0; hole < holeCount; hole++) {
    firsts[hole] = first;
    first += counts[hole]!;
    if (counts[hole]! > 1) isByClass = false;
  }
  const lists = new Uint32Array(pairs);
  for (let pair = 0; pair < pairs; pair++)
    lists[firsts[pairHole[pair]!]! + pairRank[pair]!] = pairValue[pair]!;
  return { ranks, counts, lists, isByClass };
}
