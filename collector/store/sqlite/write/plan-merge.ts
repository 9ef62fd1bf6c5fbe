/**
 * Which small blocks become one. Only small ones do, so that at full load a span is written twice: once as it
 * arrives, once in its block.
 *
 *     spans   0 ─ 7    8 ─ 63    64 ─ 511    512 ─ 4,095    4,096 ─ 32,767    beyond: never merged again
 *     tier      0        1          2             3                4
 *
 * Time of arrival is cut into periods, and only blocks of one period meet: retention drops whole blocks, so it is as
 * exact as a period is long. In a period, eight blocks of a tier become one of the next; when it is over, what is
 * left of it becomes one.
 */
import type { BlockRow } from '../block-rows.ts';

const FAN_IN = 8;
export const SMALL_SPANS = 32_768;
const MERGED_SPANS_MAX = 131_072;
const MERGED_BYTES_MAX = 8_000_000;
const DAY_MS = 24 * 3_600_000;

/** Ids of the blocks to merge next, oldest first; null when there is nothing to do. `blocks` come in any order. */
export function planMerge(
  blocks: readonly BlockRow[],
  periodMs: number,
  nowUnixMs: number,
): readonly number[] | null {
  const periodOf = (unixMs: number) => Math.floor(unixMs / periodMs);
  const small = blocks
    .filter((block) => block.spans < SMALL_SPANS && block.bytes < MERGED_BYTES_MAX / 2)
    .toSorted((a, b) => a.firstArrivedUnixMs - b.firstArrivedUnixMs || a.blockId - b.blockId);
  // Pinned blocks are kept whenever they arrived; late ones keep to the day that their spans are of.
  const groups = Map.groupBy(small, ({ kind, firstStartUnixMs, firstArrivedUnixMs }) =>
    [
      kind,
      kind === 'pinned' ? 0 : periodOf(firstArrivedUnixMs),
      kind === 'late' ? Math.floor((firstStartUnixMs ?? 0) / DAY_MS) : 0,
    ].join(),
  );
  for (const group of groups.values()) {
    const isOver = periodOf(group[0]!.firstArrivedUnixMs) < periodOf(nowUnixMs);
    const tiers = Map.groupBy(group, (block) => Math.floor(Math.log2(block.spans) / Math.log2(FAN_IN)));
    for (const tier of tiers.values()) {
      const full = runsThatFit(tier).find(({ length }, index, { length: runs }) =>
        index < runs - 1 ? length > 1 : length >= FAN_IN,
      );
      if (full !== undefined) return full;
    }
    const rest = isOver ? runsThatFit(group).find(({ length }) => length > 1) : undefined;
    if (rest !== undefined) return rest;
  }
  return null;
}

/** Ids of neighbours that fit into one block. */
function runsThatFit(ordered: readonly BlockRow[]): number[][] {
  const runs: number[][] = [];
  let spans = Infinity;
  let bytes = Infinity;
  for (const block of ordered) {
    spans += block.spans;
    bytes += block.bytes;
    if (spans > MERGED_SPANS_MAX || bytes > MERGED_BYTES_MAX) {
      runs.push([]);
      ({ spans, bytes } = block);
    }
    runs.at(-1)!.push(block.blockId);
  }
  return runs;
}
