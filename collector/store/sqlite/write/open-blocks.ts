/** Opens blocks for the writer: their granules, and which traces are in which; what was read last is kept. */
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Granule } from '../../columns/granule.ts';
import { decodeBlockHeader, openGranule, type BlockHeader } from '../../columns/read-block.ts';
import { readTracePrefixes, type TracePrefixes } from '../../columns/trace-prefixes.ts';
import type { Connection } from '../open-database.ts';
import { LeastRecent } from '../read/least-recent.ts';
import { readStored } from '../read/part-rows.ts';
import { partAt } from '../block-parts.ts';
import type { BlockRow } from '../block-rows.ts';

export interface OpenBlocks {
  granule(block: BlockRow, number: number): Granule;
  /** For who reads all of a block, once: not kept, because it would take the place of all that is. */
  granuleOnce(block: BlockRow, number: number): Granule;
  tracePrefixes(block: BlockRow): TracePrefixes;
  /** Spares reading what the writer has just made. */
  keepTracePrefixes(blockId: number, prefixes: TracePrefixes): void;
  /** Blocks that were deleted. */
  forgetBlocks(blocks: readonly BlockRow[]): void;
  forget(): void;
}

/**
 * Some 80 bytes a row once the rollups have read it. A fold goes through the granules of the last blocks in order: with three
 * times as many at hand, none fewer were opened.
 */
const GRANULE_ROWS_KEPT_MAX = 100_000;
/** What a granule takes beside its rows, in rows: some 50 columns, whatever is in them. */
const GRANULE_BASE_ROWS = 500;
/** Their headers: what their granules share. */
const BLOCKS_KEPT_MAX = 8;
/** 6 bytes a trace: of some hundred million spans. */
const PREFIX_BYTES_KEPT_MAX = 24_000_000;

export function createOpenBlocks(database: Connection): OpenBlocks {
  const selectRow = database.prepare<[number, string, number], { first_granule: number; data: Buffer }>(
    `SELECT first_granule, data FROM block_part
     WHERE block_id = ? AND column_name = ? AND first_granule <= ? ORDER BY first_granule DESC LIMIT 1`,
  );
  const makeGranules = () =>
    new LeastRecent<string, Granule>(GRANULE_ROWS_KEPT_MAX, ({ rows }) => rows + GRANULE_BASE_ROWS);
  const makePrefixes = () =>
    new LeastRecent<number, TracePrefixes>(PREFIX_BYTES_KEPT_MAX, ({ prefixes }) => prefixes.length * 6);
  const makeHeaders = () => new LeastRecent<number, BlockHeader>(BLOCKS_KEPT_MAX, () => 1);
  let granules = makeGranules();
  let headers = makeHeaders();
  let prefixes = makePrefixes();
  /** The rows read last, of one block: each holds a column of several granules. */
  let lastRead = { blockId: -1, rows: new Map<string, { first_granule: number; data: Buffer }>() };

  function readPart(blockId: number, name: string, granule: number): Buffer | null {
    if (lastRead.blockId !== blockId) lastRead = { blockId, rows: new Map() };
    const kept = lastRead.rows.get(name);
    const found =
      kept === undefined || kept.first_granule > granule
        ? null
        : partAt(kept.data, granule - kept.first_granule);
    if (found !== null) return found;
    const row = readStored(() => selectRow.get(blockId, name, granule));
    if (row === undefined) return null;
    lastRead.rows.set(name, row);
    return partAt(row.data, granule - row.first_granule);
  }

  const headerOf = (blockId: number): BlockHeader =>
    headers.get(blockId, () => {
      const data = readPart(blockId, 'header', 0);
      if (data === null) throw new DamagedPart('its header is missing');
      return decodeBlockHeader(data);
    });

  const open = ({ blockId }: BlockRow, number: number): Granule =>
    openGranule(headerOf(blockId), number, (name) => readPart(blockId, name, number));
  const keyOf = ({ blockId }: BlockRow, number: number) => `${blockId} ${number}`;

  return {
    granule: (block, number) => granules.get(keyOf(block, number), () => open(block, number)),
    granuleOnce: (block, number) => granules.peek(keyOf(block, number)) ?? open(block, number),
    tracePrefixes: ({ blockId, spans, granules: count }) =>
      prefixes.get(blockId, () =>
        readTracePrefixes(spans, count, (name, number) => readPart(blockId, name, number)),
      ),
    keepTracePrefixes(blockId, made) {
      prefixes.get(blockId, () => made);
    },
    forgetBlocks(deleted) {
      for (const block of deleted) {
        for (let number = 0; number < block.granules; number++) granules.delete(keyOf(block, number));
        headers.delete(block.blockId);
        prefixes.delete(block.blockId);
        if (lastRead.blockId === block.blockId) lastRead = { blockId: -1, rows: new Map() };
      }
    },
    forget() {
      granules = makeGranules();
      prefixes = makePrefixes();
      lastRead = { blockId: -1, rows: new Map() };
      headers = makeHeaders();
    },
  };
}
