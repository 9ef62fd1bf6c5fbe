/** Leaves out spans that are stored already, or twice in the rows at hand: byte for byte, resource and scope included. */
import { spanBytes } from '../../columns/span-bytes.ts';
import type { SpanTable } from '../../columns/span-table.ts';
import {
  LINE_WORDS,
  ROW,
  SPAN_HIGH,
  SPAN_LOW,
  START_HIGH,
  START_LOW,
  type RowLines,
} from '../../rollup/row-lines.ts';
import { attempt, type BlockSearch, type KnownPiece } from './known-traces.ts';

/** Spans of one trace, start and id that a span is compared with; beyond them it is kept, whatever it is. */
const SAME_ID_MAX = 32;

/**
 * Moves the lines of a trace that are no copies, `first` up to `end`, to `to` and on. Returns where the next trace's
 * go. Lines of a trace, and of a piece of it in a block, are ordered by start and span id.
 */
export function leaveOutCopies(
  search: BlockSearch,
  table: SpanTable,
  lines: RowLines,
  first: number,
  end: number,
  stored: RowLines,
  pieces: readonly KnownPiece[],
  to: number,
): number {
  const { words } = lines;
  let next = to;
  for (let line = first; line < end; line++) {
    if (isCopyAbove(table, words, line, to, next)) continue;
    if (isInPieces(search, table, words, line, stored.words, pieces)) continue;
    if (next !== line) moveLine(lines, line, next);
    next++;
  }
  return next;
}

/** Copies stand side by side, so what a line may be a copy of is among the last kept. */
function isCopyAbove(
  table: SpanTable,
  words: Uint32Array,
  line: number,
  firstKept: number,
  next: number,
): boolean {
  const lowest = Math.max(firstKept, next - SAME_ID_MAX);
  for (let above = next - 1; above >= lowest; above--) {
    if (compareSpans(words, above * LINE_WORDS, words, line * LINE_WORDS) !== 0) return false;
    if (isSameContent(table, words[above * LINE_WORDS + ROW]!, words[line * LINE_WORDS + ROW]!)) return true;
  }
  return false;
}

function isSameContent(table: SpanTable, a: number, b: number): boolean {
  return (
    table.resource[a] === table.resource[b] &&
    table.scope[a] === table.scope[b] &&
    spanBytes(table, a).equals(spanBytes(table, b))
  );
}

/** Without a function made for each line, which would be most of what a fold leaves to be collected. */
function isInPieces(
  search: BlockSearch,
  table: SpanTable,
  words: Uint32Array,
  line: number,
  stored: Uint32Array,
  pieces: readonly KnownPiece[],
): boolean {
  for (const piece of pieces) if (isStored(search, table, words, line, stored, piece)) return true;
  return false;
}

function isStored(
  { opened, damage }: BlockSearch,
  table: SpanTable,
  words: Uint32Array,
  line: number,
  stored: Uint32Array,
  { block, granule, from, to }: KnownPiece,
): boolean {
  const at = line * LINE_WORDS;
  const row = words[at + ROW]!;
  const lowest = lowerBound(stored, from, to, words, at);
  const highest = Math.min(to, lowest + SAME_ID_MAX);
  for (let other = lowest; other < highest; other++) {
    if (compareSpans(stored, other * LINE_WORDS, words, at) !== 0) return false;
    const isSame = attempt(damage, block, () => {
      const there = opened.granule(block, granule);
      const rowThere = stored[other * LINE_WORDS + ROW]!;
      const rowClass = there.classes.of[rowThere]!;
      return (
        there.classes.resource[rowClass] === table.resource[row] &&
        there.classes.scope[rowClass] === table.scope[row] &&
        there.spanBytes(rowThere).equals(spanBytes(table, row))
      );
    });
    if (isSame === true) return true;
  }
  return false;
}

/** By start, then by span id. */
function compareSpans(a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
  return (
    a[atA + START_HIGH]! - b[atB + START_HIGH]! ||
    a[atA + START_LOW]! - b[atB + START_LOW]! ||
    a[atA + SPAN_HIGH]! - b[atB + SPAN_HIGH]! ||
    a[atA + SPAN_LOW]! - b[atB + SPAN_LOW]!
  );
}

function lowerBound(stored: Uint32Array, from: number, to: number, words: Uint32Array, at: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareSpans(stored, middle * LINE_WORDS, words, at) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function moveLine({ words, giveUps }: RowLines, from: number, to: number): void {
  words.copyWithin(to * LINE_WORDS, from * LINE_WORDS, (from + 1) * LINE_WORDS);
  const giveUp = giveUps.get(from);
  giveUps.delete(to);
  if (giveUp === undefined) return;
  giveUps.delete(from);
  giveUps.set(to, giveUp);
}
