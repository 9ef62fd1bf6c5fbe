/** Makes one block of several small ones. Their spans stay as they are: rollups and traces do not change. */
import { appendGranule } from '../../columns/append-granule.ts';
import type { Granule } from '../../columns/granule.ts';
import { orderRows } from '../../columns/row-order.ts';
import {
  createSpanTable,
  markTable,
  tableBytes,
  truncateTable,
  type SpanTable,
} from '../../columns/span-table.ts';
import type { Connection } from '../open-database.ts';
import type { BlockRow } from '../block-rows.ts';
import { portion, type Steps } from './jobs.ts';
import { attempt, type BlockSearch } from './known-traces.ts';
import { makeBlock, type Arrival, type BlockTable } from './make-block.ts';

export interface MergeParts extends BlockSearch {
  readonly database: Connection;
  readonly blocks: BlockTable;
}

/** Of what a block holds, unpacked: packed, much that repeats itself is little. */
const MERGED_RAW_BYTES_MAX = 64 << 20;
const READ_SHARE = 0.4;
/** Of a granule of 8,192, whose columns the first step decodes. */
const ROWS_OF_STEP = 2_048;

/**
 * `blocks` are of one kind. A block that cannot be read is set aside and left out. Gives those that are too large to be merged
 * with their neighbours.
 */
export function* merge(parts: MergeParts, blocks: readonly BlockRow[]): Steps<BlockRow[]> {
  const { database, opened, blocks: stored } = parts;
  const table = createSpanTable(blocks.reduce((sum, { spans }) => sum + spans, 0));
  const merged: BlockRow[] = [];
  const tooLarge: BlockRow[] = [];
  for (const block of blocks) {
    const mark = markTable(table);
    const isWhole = yield* appendBlock(parts, table, block);
    const isTooMuch = tableBytes(table) > MERGED_RAW_BYTES_MAX;
    if (isTooMuch) tooLarge.push(block);
    if (isWhole && !isTooMuch) merged.push(block);
    else truncateTable(table, mark);
    if (isTooMuch) break;
  }
  if (merged.length < 2) return tooLarge.length === 0 ? [] : [...merged, ...tooLarge];
  const order = orderRows(table);
  yield READ_SHARE;
  const made = yield* portion(makeBlock(table, order, merged[0]!.kind), READ_SHARE, 1);
  const blockId = database
    .transaction(() => {
      for (const block of merged) stored.delete(block.blockId);
      return stored.insert(made, arrivalOf(merged));
    })
    .immediate();
  opened.forgetBlocks(merged);
  opened.keepTracePrefixes(blockId, made.prefixes);
  return tooLarge;
}

/** False when the block cannot be read. */
function* appendBlock({ opened, damage }: MergeParts, table: SpanTable, block: BlockRow): Steps<boolean> {
  for (let number = 0; number < block.granules; number++) {
    const granule = attempt(damage, block, () => opened.granuleOnce(block, number));
    if (granule === null) return false;
    for (let first = 0; first < granule.rows; first += ROWS_OF_STEP) {
      if (attempt(damage, block, () => appendRows(table, granule, first)) === null) return false;
      yield READ_SHARE / 2;
    }
  }
  return true;
}

function appendRows(table: SpanTable, granule: Granule, first: number): true {
  appendGranule(table, granule, first, Math.min(first + ROWS_OF_STEP, granule.rows));
  return true;
}

function arrivalOf(blocks: readonly BlockRow[]): Arrival {
  return {
    firstArrivedUnixMs: Math.min(...blocks.map((block) => block.firstArrivedUnixMs)),
    lastArrivedUnixMs: Math.max(...blocks.map((block) => block.lastArrivedUnixMs)),
  };
}
