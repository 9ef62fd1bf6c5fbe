/** Puts rows of a table or a granule into lines, for pairing and counting. */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { STRETCH_ROWS } from '../../columns/sorted-rows.ts';
import type { RowGiveUp, SpanTable } from '../../columns/span-table.ts';
import { giveBackWords, takeWords } from '../../columns/spare-words.ts';
import { viewOf } from '../../columns/string-pool.ts';
import { TIMEOUT_PHASES } from '../../rollup/cell.ts';
import {
  CODES,
  createLines,
  END_HIGH,
  END_LOW,
  LINE_WORDS,
  makeRoom,
  OPERATION,
  PARENT_HIGH,
  PARENT_LOW,
  PEER,
  RESOURCE,
  ROW,
  SPAN_HIGH,
  SPAN_LOW,
  START_HIGH,
  START_LOW,
  TRACE_ID,
  type LineGiveUp,
  type RowLines,
} from '../../rollup/row-lines.ts';

/** All rows of a table, in `order`. Goes along the table as it lies and writes each line where it belongs. */
export function linesOfTable(table: SpanTable, order: Uint32Array): RowLines {
  const lines = createLines(order.length);
  lines.count = order.length;
  const lineOf = takeWords(table.rows);
  for (let line = 0; line < order.length; line++) lineOf[order[line]!] = line;
  for (let row = 0; row < table.rows; row += STRETCH_ROWS)
    writeLines(lines.words, table, lineOf, row, Math.min(row + STRETCH_ROWS, table.rows));
  for (const [row, giveUp] of table.giveUps) lines.giveUps.set(lineOf[row]!, lineGiveUp(giveUp));
  giveBackWords(lineOf);
  return lines;
}

/** Of the rows `first` up to `end`. */
function writeLines(
  words: Uint32Array,
  table: SpanTable,
  lineOf: Uint32Array,
  first: number,
  end: number,
): void {
  const traces = viewOf(table.traceId);
  const ids = spanIdsOf(table);
  const { startHigh, startLow, endHigh, endLow, resource, operation, peer, kind, outcome, flags } = table;
  for (let row = first; row < end; row++) {
    const at = lineOf[row]! * LINE_WORDS;
    copyTraceId(words, at, traces, row * TRACE_ID_BYTES);
    copySpanIds(words, at, ids, row);
    words[at + START_HIGH] = startHigh[row]!;
    words[at + START_LOW] = startLow[row]!;
    words[at + END_HIGH] = endHigh[row]!;
    words[at + END_LOW] = endLow[row]!;
    words[at + RESOURCE] = resource[row]!;
    words[at + OPERATION] = operation[row]!;
    words[at + PEER] = peer[row]!;
    words[at + CODES] = kind[row]! | (outcome[row]! << 8) | (flags[row]! << 16);
    words[at + ROW] = row;
  }
}

/**
 * Rows `first` up to `end`, all of one trace. By class, and with the trace's id once: the granule would make an array of a
 * value a row, and keep it.
 */
export function addGranuleLines(
  into: RowLines,
  granule: Granule,
  traceId: Uint8Array,
  first: number,
  end: number,
): void {
  makeRoom(into, end - first);
  const { words } = into;
  const { classes, giveUps, peer, startHigh, startLow, endHigh, endLow } = granule;
  const trace = viewOf(traceId);
  const ids = spanIdsOf(granule);
  for (let row = first; row < end; row++) {
    const line = into.count++;
    const at = line * LINE_WORDS;
    const rowClass = classes.of[row]!;
    copyTraceId(words, at, trace, 0);
    copySpanIds(words, at, ids, row);
    words[at + START_HIGH] = startHigh[row]!;
    words[at + START_LOW] = startLow[row]!;
    words[at + END_HIGH] = endHigh[row]!;
    words[at + END_LOW] = endLow[row]!;
    words[at + RESOURCE] = classes.resource[rowClass]!;
    words[at + OPERATION] = classes.operation[rowClass]!;
    words[at + PEER] = peer[row]!;
    words[at + CODES] =
      classes.kind[rowClass]! | (classes.outcome[rowClass]! << 8) | (classes.flags[rowClass]! << 16);
    words[at + ROW] = row;
    const giveUp = giveUps.size > 0 ? giveUps.get(row) : undefined;
    if (giveUp !== undefined) into.giveUps.set(line, lineGiveUp(giveUp));
  }
}

interface SpanIds {
  readonly spans: DataView;
  readonly parents: DataView;
}

function spanIdsOf(rows: { spanId: Uint8Array; parentSpanId: Uint8Array }): SpanIds {
  return { spans: viewOf(rows.spanId), parents: viewOf(rows.parentSpanId) };
}

function copyTraceId(words: Uint32Array, at: number, traces: DataView, from: number): void {
  for (let word = 0; word < 4; word++) words[at + TRACE_ID + word] = traces.getUint32(from + 4 * word);
}

function copySpanIds(words: Uint32Array, at: number, { spans, parents }: SpanIds, row: number): void {
  words[at + SPAN_HIGH] = spans.getUint32(row * SPAN_ID_BYTES);
  words[at + SPAN_LOW] = spans.getUint32(row * SPAN_ID_BYTES + 4);
  words[at + PARENT_HIGH] = parents.getUint32(row * SPAN_ID_BYTES);
  words[at + PARENT_LOW] = parents.getUint32(row * SPAN_ID_BYTES + 4);
}

function lineGiveUp({ phase, budgetMs }: RowGiveUp): LineGiveUp {
  return { phaseIndex: TIMEOUT_PHASES.indexOf(phase), budgetMs };
}
