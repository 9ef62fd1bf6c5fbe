/**
 * Arrays as long as the rows of a fold, used again by whoever needs one next. New ones would be cleared first, and V8 takes
 * memory outside of its heap for a reason to go through all of the heap: a fold needed 50 MB, most of it for a moment. Of
 * 800,000 spans, 17 full collections became 13; the CPU is some 3 % less, with large memory mapped as by `npm start`.
 */

const WORD_BYTES = 4;
/** Shorter ones are not worth keeping; of the others, so many bytes in all: what a fold of usual spans needs at a time. */
const BYTES_WORTH_KEEPING = 1 << 16;
const BYTES_KEPT = 20 << 20;
/** A longer one is left to those who need it. */
const TIMES_LONGER = 4;

/** Longest first. */
const kept: ArrayBuffer[] = [];

/** With anything in them. To be given back, or else left to the garbage collection. */
export function takeWords(count: number): Uint32Array<ArrayBuffer> {
  const bytes = WORD_BYTES * count;
  const at = kept.findLastIndex(({ byteLength }) => byteLength >= bytes);
  if (at < 0 || kept[at]!.byteLength > TIMES_LONGER * bytes) return new Uint32Array(count);
  return new Uint32Array(kept.splice(at, 1)[0]!, 0, count);
}

/** Nobody reads or writes any part of them any more. */
export function giveBackWords(...given: readonly Uint32Array<ArrayBuffer>[]): void {
  for (const { buffer } of given) {
    if (buffer.byteLength >= BYTES_WORTH_KEEPING && buffer.byteLength <= BYTES_KEPT) kept.push(buffer);
  }
  kept.sort((a, b) => b.byteLength - a.byteLength);
  let bytes = kept.reduce((sum, { byteLength }) => sum + byteLength, 0);
  while (bytes > BYTES_KEPT) bytes -= kept.pop()!.byteLength;
}
