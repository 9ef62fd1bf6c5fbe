/**
 * The units that spans are read from: blocks and, while they are not folded into one, segments. What was read of them
 * is kept while there is room, by numbers that are never given twice.
 */
import { openGranule, decodeBlockHeader, type BlockHeader } from '../../columns/read-block.ts';
import { openSegment, traceIdsOfSegment } from '../../columns/segment-granule.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Granule } from '../../columns/granule.ts';
import { openDense, openPart } from '../../columns/part.ts';
import { SLOW, SLOW_ROWS_MIN, SlowRows } from '../../columns/slow-rows.ts';
import { partAt } from '../block-parts.ts';
import { readBlockRows, type BlockRow } from '../block-rows.ts';
import { readSegmentIds } from '../segment-ids.ts';
import type { TimeRange } from '../../store.ts';
import { isCorrupt, type Connection } from '../open-database.ts';
import { LeastRecent } from './least-recent.ts';
import { directoryOf, directoryOfIds, type BlockDirectory, type TraceDirectory } from './trace-directory.ts';

/** Granules that are in order of trace, each trace in one or in several that follow each other. */
export interface Unit {
  readonly name: string;
  readonly granules: number;
  /** Of its spans' starts, epoch milliseconds; infinite where they are scattered. */
  readonly firstStartMs: number;
  readonly lastStartMs: number;
  granule(number: number): Granule;
  /** Where its traces are. */
  directory(): TraceDirectory;
  /** The slowest spans of its operations; null where none are listed. */
  slow(): ListedSlow | null;
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
  counted(): Unit[];
}

const GRANULES_KEPT_MAX = 16;
const SEGMENT_ROWS_KEPT_MAX = 200_000;
const HEADERS_KEPT_MAX = 300;
/** 16 bytes a trace: of some seventy million spans. */
const DIRECTORY_BYTES_KEPT_MAX = 48_000_000;
/** 1.1 bytes a span: of some fifteen million. */
const SLOW_BYTES_KEPT_MAX = 16_000_000;

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
      if (work(unit.granule(number)) === 'done') return;
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

/** Pages that SQLite cannot read are damage of what they hold. */
function readStored<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    throw new DamagedPart((error as Error).message);
  }
}

export function createUnits(database: Connection, onDamage: OnDamage): Units {
  const blockRows = readBlockRows(database);
  const listSegments = readSegmentIds(database, (segmentId, reason) =>
    onDamage(`segment ${segmentId}: ${reason}`),
  );
  const segmentRow = database.prepare<[number], SegmentRow>(
    'SELECT span_count, data FROM segment WHERE segment_id = ?',
  );
  const partRow = database.prepare<[number, string, number], { first_granule: number; data: Buffer }>(
    `SELECT first_granule, data FROM block_part
     WHERE block_id = ? AND column_name = ? AND first_granule <= ? ORDER BY first_granule DESC LIMIT 1`,
  );
  const headers = new LeastRecent<number, BlockHeader>(HEADERS_KEPT_MAX, () => 1);
  const granules = new LeastRecent<string, Granule>(GRANULES_KEPT_MAX, () => 1);
  const segments = new LeastRecent<number, Granule>(SEGMENT_ROWS_KEPT_MAX, ({ rows }) => rows + 1);
  const bytesOf = ({ bytes }: { readonly bytes: number }) => bytes;
  const directories = new LeastRecent<number, BlockDirectory>(DIRECTORY_BYTES_KEPT_MAX, bytesOf);
  const segmentDirectories = new LeastRecent<number, TraceDirectory>(DIRECTORY_BYTES_KEPT_MAX, bytesOf);
  const slowRows = new LeastRecent<number, SlowRows | null>(SLOW_BYTES_KEPT_MAX, (rows) => rows?.bytes ?? 1);
  /** A row holds a column of several granules: the last of each column is read again by the next granule. */
  let rowsOf: { blockId: number; rows: Map<string, { first_granule: number; data: Buffer }> } = {
    blockId: -1,
    rows: new Map(),
  };

  function readPart(blockId: number, name: string, granule: number): Uint8Array | null {
    if (rowsOf.blockId !== blockId) rowsOf = { blockId, rows: new Map() };
    const kept = rowsOf.rows.get(name);
    let part =
      kept === undefined || kept.first_granule > granule
        ? null
        : partAt(kept.data, granule - kept.first_granule);
    if (part !== null) return part;
    const row = readStored(() => partRow.get(blockId, name, granule));
    if (row === undefined) return null;
    rowsOf.rows.set(name, row);
    part = partAt(row.data, granule - row.first_granule);
    return part;
  }

  function headerOf(blockId: number): BlockHeader {
    return headers.get(blockId, () => decodeBlockHeader(neededPart(blockId, 'header', 0)));
  }

  function neededPart(blockId: number, name: string, granule: number): Uint8Array {
    const part = readPart(blockId, name, granule);
    if (part === null) throw new DamagedPart(`its ${name} is missing`);
    return part;
  }

  /** A copy where it is kept: a view would keep the row, with the parts of other granules. */
  function copyOfPart(blockId: number, name: string, granule: number): Uint8Array | null {
    const part = readPart(blockId, name, granule);
    return part === null ? null : new Uint8Array(part);
  }

  function slowOf(row: BlockRow): ListedSlow | null {
    const { blockId, spans } = row;
    if (spans < SLOW_ROWS_MIN) return null;
    const rows = slowRows.get(blockId, () => {
      const part = copyOfPart(blockId, SLOW, 0);
      return part === null ? null : new SlowRows(openPart(SLOW, part));
    });
    if (rows === null) return null;
    return {
      rows,
      traceIdOf(span) {
        const { granule, run } = rows.placeOf(span);
        return blockDirectory(row).idOf(granule, run);
      },
    };
  }

  const blockDirectory = ({ blockId, granules: count }: BlockRow): BlockDirectory =>
    directories.get(blockId, () =>
      directoryOf(count, (number) => openDense('trace', neededPart(blockId, 'trace', number)).bytes),
    );

  function blockUnit(row: BlockRow): Unit {
    const { blockId } = row;
    return {
      name: `block ${blockId}`,
      granules: row.granules,
      firstStartMs: row.firstStartUnixMs ?? -Infinity,
      lastStartMs: row.lastStartUnixMs ?? Infinity,
      granule: (number) =>
        granules.get(`${blockId} ${number}`, () =>
          openGranule(headerOf(blockId), number, (part) => copyOfPart(blockId, part, number)),
        ),
      directory: () => blockDirectory(row),
      slow: () => slowOf(row),
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

  return {
    all() {
      const units = blockRows().map(blockUnit);
      for (const segmentId of segmentIds()) {
        try {
          units.push(segmentUnit(segmentId));
        } catch (error) {
          if (!(error instanceof DamagedPart)) throw error;
          onDamage(`segment ${segmentId}: ${error.message}`);
        }
      }
      return units;
    },
    byTrace: () => [...blockRows().map(blockUnit), ...segmentIds().map(unopenedSegment)],
    counted: () => blockRows().map(blockUnit),
  };
}
