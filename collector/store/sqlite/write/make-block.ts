/** Makes blocks of ordered rows, granule by granule, and stores them. */
import { TRACE_ID_BYTES } from '../../columns/codes.ts';
import { GRANULE_ROWS, HEADER, prepareBlock } from '../../columns/encode-granule.ts';
import { SLOW } from '../../columns/slow-rows.ts';
import { startMsOf, tableBytes, type SpanTable } from '../../columns/span-table.ts';
import { giveBackWords, takeWords } from '../../columns/spare-words.ts';
import {
  prefixAt,
  PREFIXED_ROWS_MIN,
  sealTracePrefixes,
  TRACE_PREFIXES,
  type TracePrefixes,
} from '../../columns/trace-prefixes.ts';
import { VALUES } from '../../columns/value-filter.ts';
import type { Connection } from '../open-database.ts';
import { partRows, type PartRow } from '../block-parts.ts';
import type { BlockKind } from '../block-rows.ts';
import { portion, type Steps } from './jobs.ts';

/** A block that is not stored yet. */
export interface MadeBlock {
  readonly kind: BlockKind;
  readonly granules: number;
  readonly spans: number;
  readonly bytes: number;
  readonly firstStartUnixMs: number | null;
  readonly lastStartUnixMs: number | null;
  readonly parts: readonly PartRow[];
  readonly prefixes: TracePrefixes;
}

export interface Arrival {
  readonly firstArrivedUnixMs: number;
  readonly lastArrivedUnixMs: number;
}

/** Granules of large spans have fewer rows, so that reading one trace does not read hundreds of megabytes. */
const GRANULE_BYTES = 4_000_000;

/** Of the work: what comes before the granules, and with them; then comes what is made for all of them. */
const PREPARED_SHARE = 0.3;
const GRANULES_SHARE = 0.75;

/** `order` holds at least one row. The table must keep its rows meanwhile. */
export function* makeBlock(table: SpanTable, order: Uint32Array, kind: BlockKind): Steps<MadeBlock> {
  const rowBytes = tableBytes(table) / table.rows;
  const granuleRows = Math.ceil(Math.min(GRANULE_ROWS, GRANULE_BYTES / rowBytes));
  const block = yield* portion(prepareBlock(table, order, granuleRows), 0, PREPARED_SHARE);
  yield PREPARED_SHARE;
  const granules: Map<string, Uint8Array>[] = [];
  while (granules.length < block.ends.length) {
    granules.push(block.granule(granules.length));
    yield PREPARED_SHARE + ((GRANULES_SHARE - PREPARED_SHARE) * granules.length) / block.ends.length;
  }
  const slow = block.slow();
  if (slow !== null) granules[0]!.set(SLOW, slow);
  yield GRANULES_SHARE;
  const values = block.values();
  if (values !== null) granules[0]!.set(VALUES, values);
  yield 0.9;
  const prefixes = prefixesOf(table, order, block.ends);
  if (order.length >= PREFIXED_ROWS_MIN) granules[0]!.set(TRACE_PREFIXES, sealTracePrefixes(prefixes));
  granules[0]!.set(HEADER, block.finish());
  const parts = partRows(granules);
  const { firstMs, lastMs } = startsOf(table, order);
  // What is done with it is a step of its own.
  yield 0.95;
  return {
    kind,
    granules: granules.length,
    spans: order.length,
    bytes: parts.reduce((sum, { data }) => sum + data.length, 0),
    firstStartUnixMs: kind === 'scattered' ? null : Math.floor(firstMs),
    lastStartUnixMs: kind === 'scattered' ? null : Math.ceil(lastMs),
    parts,
    prefixes,
  };
}

/** Not in the generator, which is compiled anew for each block. */
function startsOf(table: SpanTable, order: Uint32Array): { firstMs: number; lastMs: number } {
  let firstMs = Infinity;
  let lastMs = -Infinity;
  for (let at = 0; at < order.length; at++) {
    const startMs = startMsOf(table, order[at]!);
    if (startMs < firstMs) firstMs = startMs;
    if (startMs > lastMs) lastMs = startMs;
  }
  return { firstMs, lastMs };
}

function prefixesOf(table: SpanTable, order: Uint32Array, ends: readonly number[]): TracePrefixes {
  const prefixes = takeWords(order.length);
  const counts = new Uint32Array(ends.length + 1);
  for (let granule = 0; granule < ends.length; granule++) {
    const rows = order.subarray(granule === 0 ? 0 : ends[granule - 1], ends[granule]);
    counts[granule + 1] = addPrefixes(prefixes, counts[granule]!, table.traceId, rows);
  }
  const granules = new Uint16Array(counts[ends.length]!);
  for (let granule = 0; granule < ends.length; granule++)
    granules.fill(granule, counts[granule], counts[granule + 1]);
  const found = { prefixes: prefixes.slice(0, granules.length), granules };
  giveBackWords(prefixes);
  return found;
}

/** Those of the rows of a granule, from `count` on. Returns how many there are then. */
function addPrefixes(prefixes: Uint32Array, count: number, traceIds: Uint8Array, rows: Uint32Array): number {
  let next = count;
  for (let index = 0; index < rows.length; index++) {
    const prefix = prefixAt(traceIds, rows[index]! * TRACE_ID_BYTES);
    if (next === count || prefix !== prefixes[next - 1]) prefixes[next++] = prefix;
  }
  return next;
}

/** To be used within a transaction. */
export interface BlockTable {
  /** Gives the block's id. */
  insert(block: MadeBlock, arrival: Arrival): number;
  delete(blockId: number): void;
}

export function createBlockTable(database: Connection): BlockTable {
  const insertBlock = database.prepare('INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const insertPart = database.prepare('INSERT INTO block_part VALUES (?, ?, ?, ?)');
  // Never given twice while the store is open: readers remember blocks by it.
  let lastId =
    database
      .prepare<[], number | null>(
        'SELECT max(block_id) FROM (SELECT block_id FROM block UNION SELECT block_id FROM damage)',
      )
      .pluck()
      .get() ?? 0;
  const deletions = ['block', 'block_part', 'damage'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE block_id = ?`),
  );
  return {
    insert(block, { firstArrivedUnixMs, lastArrivedUnixMs }) {
      const blockId = ++lastId;
      insertBlock.run(
        blockId,
        block.kind,
        block.granules,
        block.spans,
        block.prefixes.prefixes.length,
        block.bytes,
        firstArrivedUnixMs,
        lastArrivedUnixMs,
        block.firstStartUnixMs,
        block.lastStartUnixMs,
      );
      for (const { columnName, firstGranule, data } of block.parts) {
        insertPart.run(blockId, columnName, firstGranule, data);
      }
      return blockId;
    },
    delete(blockId) {
      for (const deletion of deletions) deletion.run(blockId);
    },
  };
}
