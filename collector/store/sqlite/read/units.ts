/**
 * The units that spans are read from: blocks and, while they are not folded into one, segments. What was read of them
 * is kept while there is room, by numbers that are never given twice.
 */
import { openGranule, decodeBlockHeader, type BlockHeader } from '../../columns/read-block.ts';
import { openSegment, traceIdsOfSegment } from '../../columns/segment-granule.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Granule } from '../../columns/granule.ts';
import { openPart } from '../../columns/part.ts';
import { SLOW, SLOW_ROWS_MIN, SlowRows } from '../../columns/slow-rows.ts';
import { readTraceIds, readTracePrefixes, TRACE_PREFIXES } from '../../columns/trace-prefixes.ts';
import { FILTERED_ROWS_MIN, ValueFilter, VALUES } from '../../columns/value-filter.ts';
import { readBlockRows, type BlockRow } from '../block-rows.ts';
import { readSegmentIds } from '../segment-ids.ts';
import type { TimeRange } from '../../store.ts';
import type { Connection } from '../open-database.ts';
import { LeastRecent } from './least-recent.ts';
import { createPartRows, readStored } from './part-rows.ts';
import {
  directoryOf,
  directoryOfIds,
  traceIdsOf,
  type TraceDirectory,
  type TraceIds,
} from './trace-directory.ts';

/** Whether a granule is read for itself, or one after the other. */
export type ReadOrder = 'alone' | 'in turn';

export const blockName = (blockId: number): string => `block ${blockId}`;

/** Granules that are in order of trace, each trace in one or in several that follow each other. */
export interface Unit {
  readonly name: string;
  readonly granules: number;
  /** Of its spans' starts, epoch milliseconds; infinite where they are scattered. */
  readonly firstStartMs: number;
  readonly lastStartMs: number;
  granule(number: number, order: ReadOrder): Granule;
  /** Where its traces are. */
  directory(): TraceDirectory;
  /** The slowest spans of its operations; null where none are listed. */
  slow(): ListedSlow | null;
  /** Which values its attributes have; null where that is not known without looking through it. */
  values(): ValueFilter | null;
}

export interface ListedSlow {
  readonly rows: SlowRows;
  /** Of a span that is listed. */
  traceIdOf(span: number): Buffer;
}

/** Where traces are looked up. */
export type TraceUnit = Pick<Unit, 'name' | 'granule' | 'directory'>;

interface SegmentRow {
  readonly span_count: number;
  readonly data: Buffer;
}

export interface Units {
  /** Those of this moment; to be called within a transaction, so that it is one moment. */
  all(): Unit[];
  /** Those in which traces are looked up by their ids: a segment is not opened before it may hold one. */
  byTrace(): TraceUnit[];
  /** The blocks: what is in them is in the rollups too. */
  counted(): readonly Unit[];
  /** The segments: what is in them is not yet. */
  uncounted(): TraceUnit[];
  /**
   * Reads where the traces of a few blocks are, the newest first, before one is asked for: of those behind the `known`
   * newest. How many are known then; null when that is all that is kept.
   */
  learnTraces(known: number): number | null;
  /** The same of what searches read of every block without opening it. */
  learnLists(known: number): number | null;
}

/** Whoever asks for something meanwhile waits for as many: some 5 ms. */
const BLOCKS_LEARNT_AT_A_TIME = 8;
const GRANULES_KEPT_MAX = 16;
/** Of a usual block some 250 KB: of ten million spans most. To open one again takes 0.6 ms, and is garbage before long. */
const HEADER_BYTES_KEPT_MAX = 30_000_000;
/** Of who goes through many blocks for one answer. */
export const SEARCHED_HEADER_BYTES_MAX = 64_000_000;
const SEGMENT_ROWS_KEPT_MAX = 200_000;
/** 6 bytes a trace: of some seventy million spans. */
const DIRECTORY_BYTES_KEPT_MAX = 18_000_000;
/** 16 bytes a trace: of some thirty million spans. */
const TRACE_ID_BYTES_KEPT_MAX = 20_000_000;
/** 1.1 bytes a span: of some fifteen million. */
const SLOW_BYTES_KEPT_MAX = 16_000_000;
/** 1.3 bytes a span: of some eighteen million. */
const VALUE_BYTES_KEPT_MAX = 24_000_000;
/** Directories, ids, slow spans and filters together, 3 bytes a span: of some ten million, and of none more than is kept. */
const LIST_BYTES_LEARNT_MAX = 32_000_000;

/** Told of what could not be read; the rest is served. */
export type OnDamage = (what: string) => void;

/** Does the work on a unit's granules one by one, until it says that it is done; one that is damaged is left out. */
export function eachGranule(
  unit: Unit,
  onDamage: OnDamage,
  work: (granule: Granule) => 'more' | 'done',
): void {
  for (let number = 0; number < unit.granules; number++) {
    try {
      if (work(unit.granule(number, 'in turn')) === 'done') return;
    } catch (error) {
      if (!(error instanceof DamagedPart)) throw error;
      onDamage(`${unit.name}: ${error.message}`);
    }
  }
}

/** Units with spans in the range; those that end last first. */
export function newestUnits(units: readonly Unit[], { fromUnixMs, toUnixMs }: TimeRange): Unit[] {
  return units
    .filter(({ firstStartMs, lastStartMs }) => lastStartMs >= fromUnixMs && firstStartMs < toUnixMs)
    .toSorted((a, b) => Number(b.lastStartMs > a.lastStartMs) - Number(b.lastStartMs < a.lastStartMs));
}

export function needed(name: string, part: Uint8Array | null): Uint8Array {
  if (part === null) throw new DamagedPart(`its ${name} is missing`);
  return part;
}

/** Reads again only when another connection has committed something. To be called within a transaction. */
function untilChanged<T>(database: Connection, read: () => T): () => T {
  const version = database.prepare<[], number>('PRAGMA data_version').pluck();
  let known: { readonly version: number; readonly value: T } | null = null;
  return () => {
    const now = version.get()!;
    if (known?.version !== now) known = { version: now, value: read() };
    return known.value;
  };
}

export function createUnits(
  database: Connection,
  onDamage: OnDamage,
  headerBytesMax = HEADER_BYTES_KEPT_MAX,
): Units {
  const blockRows = readBlockRows(database);
  const listSegments = readSegmentIds(database, (segmentId, reason) =>
    onDamage(`segment ${segmentId}: ${reason}`),
  );
  const segmentRow = database.prepare<[number], SegmentRow>(
    'SELECT span_count, data FROM segment WHERE segment_id = ?',
  );
  const parts = createPartRows(database);
  const granules = new LeastRecent<string, Granule>(GRANULES_KEPT_MAX, () => 1);
  const segments = new LeastRecent<number, Granule>(SEGMENT_ROWS_KEPT_MAX, ({ rows }) => rows + 1);
  const bytesOf = ({ bytes }: { readonly bytes: number }) => bytes;
  const headers = new LeastRecent<number, BlockHeader>(headerBytesMax, bytesOf);
  const directories = new LeastRecent<number, TraceDirectory>(DIRECTORY_BYTES_KEPT_MAX, bytesOf);
  const traceIds = new LeastRecent<number, TraceIds>(TRACE_ID_BYTES_KEPT_MAX, bytesOf);
  const segmentDirectories = new LeastRecent<number, TraceDirectory>(DIRECTORY_BYTES_KEPT_MAX, bytesOf);
  const valueFilters = new LeastRecent<number, ValueFilter | null>(
    VALUE_BYTES_KEPT_MAX,
    (filter) => filter?.bytes ?? 1,
  );
  const slowRows = new LeastRecent<number, SlowRows | null>(SLOW_BYTES_KEPT_MAX, (rows) => rows?.bytes ?? 1);

  function headerOf(blockId: number): BlockHeader {
    return headers.get(blockId, () => decodeBlockHeader(needed('header', parts.alone(blockId, 'header', 0))));
  }

  function readPart(blockId: number, name: string, granule: number, order: ReadOrder): Uint8Array | null {
    if (order === 'alone') return parts.alone(blockId, name, granule);
    const part = parts.inTurn(blockId, name, granule);
    // A view that is kept would keep the parts of other granules.
    return part === null ? null : new Uint8Array(part);
  }

  function slowOf(row: BlockRow): ListedSlow | null {
    const { blockId, spans } = row;
    if (spans < SLOW_ROWS_MIN) return null;
    const rows = slowRows.get(blockId, () => {
      const part = parts.alone(blockId, SLOW, 0);
      return part === null ? null : new SlowRows(openPart(SLOW, part));
    });
    if (rows === null) return null;
    return {
      rows,
      traceIdOf(span) {
        const { granule, run } = rows.placeOf(span);
        return traceIdsOfBlock(row).idOf(granule, run);
      },
    };
  }

  function valuesOf({ blockId, spans }: BlockRow): ValueFilter | null {
    if (spans < FILTERED_ROWS_MIN) return null;
    return valueFilters.get(blockId, () => {
      const part = parts.alone(blockId, VALUES, 0);
      return part === null ? null : new ValueFilter(openPart(VALUES, part));
    });
  }

  /** Whole blocks' ids are read in turn. */
  const readTraces =
    ({ blockId }: BlockRow) =>
    (name: string, granule: number): Uint8Array | null =>
      readPart(blockId, name, granule, name === TRACE_PREFIXES ? 'alone' : 'in turn');

  const traceIdsOfBlock = (row: BlockRow): TraceIds =>
    traceIds.get(row.blockId, () => traceIdsOf(readTraceIds(row.granules, readTraces(row))));

  const blockDirectory = (row: BlockRow): TraceDirectory =>
    directories.get(row.blockId, () =>
      directoryOf(readTracePrefixes(row.spans, row.granules, readTraces(row))),
    );

  function blockUnit(row: BlockRow): Unit {
    const { blockId } = row;
    return {
      name: blockName(blockId),
      granules: row.granules,
      firstStartMs: row.firstStartUnixMs ?? -Infinity,
      lastStartMs: row.lastStartUnixMs ?? Infinity,
      granule: (number, order) =>
        granules.get(`${blockId} ${number}`, () =>
          openGranule(headerOf(blockId), number, (name) => readPart(blockId, name, number, order)),
        ),
      directory: () => blockDirectory(row),
      slow: () => slowOf(row),
      values: () => valuesOf(row),
    };
  }

  /** Of this moment. Those that were folded meanwhile are nobody's any more. */
  function segmentIds(): number[] {
    const ids = listSegments();
    const stored = new Set(ids);
    segments.keepOnly(stored);
    segmentDirectories.keepOnly(stored);
    return ids;
  }

  function readSegment(segmentId: number): SegmentRow {
    const row = readStored(() => segmentRow.get(segmentId));
    if (row === undefined) throw new DamagedPart('it is not there');
    return row;
  }

  const openedSegment = (segmentId: number): Granule =>
    segments.get(segmentId, () => openSegment(readSegment(segmentId).data));

  function segmentUnit(segmentId: number): Unit {
    const granule = openedSegment(segmentId);
    return {
      ...unopenedSegment(segmentId),
      granules: 1,
      firstStartMs: granule.zone.minStartMs,
      lastStartMs: granule.zone.maxStartMs,
      slow: () => null,
      values: () => null,
    };
  }

  function unopenedSegment(segmentId: number): TraceUnit {
    const name = `segment ${segmentId}`;
    const makeDirectory = (): TraceDirectory => {
      const { data, span_count: rows } = readSegment(segmentId);
      return directoryOfIds(traceIdsOfSegment(data, rows));
    };
    return {
      name,
      granule: () => openedSegment(segmentId),
      directory: () => segmentDirectories.get(segmentId, makeDirectory),
    };
  }

  const rowsNow = untilChanged(database, blockRows);
  const blocksNow = untilChanged(database, () => rowsNow().map(blockUnit));
  const segmentsNow = untilChanged(database, segmentIds);
  const unopenedSegments = () => segmentsNow().map(unopenedSegment);

  let learntBytes = 0;
  /** `learn` says how much there is to keep of a block. */
  function learnNext(known: number, bytesMax: number, learn: (row: BlockRow) => number): number | null {
    const rows = rowsNow();
    const next = rows.slice(0, Math.max(0, rows.length - known)).slice(-BLOCKS_LEARNT_AT_A_TIME);
    for (const row of next.toReversed()) {
      try {
        learntBytes += learn(row);
      } catch (error) {
        if (!(error instanceof DamagedPart)) throw error;
        onDamage(`${blockName(row.blockId)}: ${error.message}`);
      }
    }
    return next.length < BLOCKS_LEARNT_AT_A_TIME || learntBytes > bytesMax ? null : known + next.length;
  }

  const learnLists = (row: BlockRow): number => {
    const slow = slowOf(row);
    const ids = slow === null ? 0 : traceIdsOfBlock(row).bytes;
    return blockDirectory(row).bytes + ids + (slow?.rows.bytes ?? 0) + (valuesOf(row)?.bytes ?? 0);
  };

  return {
    all() {
      const units = [...blocksNow()];
      for (const segmentId of segmentsNow()) {
        try {
          units.push(segmentUnit(segmentId));
        } catch (error) {
          if (!(error instanceof DamagedPart)) throw error;
          onDamage(`segment ${segmentId}: ${error.message}`);
        }
      }
      return units;
    },
    byTrace: () => [...blocksNow(), ...unopenedSegments()],
    counted: blocksNow,
    uncounted: unopenedSegments,
    learnTraces: (known) =>
      learnNext(known, DIRECTORY_BYTES_KEPT_MAX / 2, (row) => blockDirectory(row).bytes),
    learnLists: (known) => learnNext(known, LIST_BYTES_LEARNT_MAX, learnLists),
  };
}
