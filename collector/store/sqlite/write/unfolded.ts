/** Spans that are in no block yet: rows of a table in memory, and the segments that hold the same rows on disk. */
import { TRACE_ID_BYTES } from '../../columns/codes.ts';
import { createSpanTable, resetTable, tableBytes, type SpanTable } from '../../columns/span-table.ts';
import type { Fingerprint } from './recent-requests.ts';

/**
 * A table is folded when it has so many rows, or so many bytes: what a block is made of at full load. With what is
 * usually in flight, 4 MB of spans, it stays within 131,072: what it has room for before it doubles once more.
 */
export const FOLD_ROWS = 114_688;
export const FOLD_BYTES = 40_000_000;

/** A cleared table keeps the room that it has, unless that is more than this and hardly any of it was used. */
const ROOM_KEPT_ROWS = 32_768;
const USED_SHARE_MIN = 1 / 16;

export class Unfolded {
  table = createSpanTable();
  segmentIds: number[] = [];
  fingerprints: Fingerprint[] = [];
  firstArrivedUnixMs = Infinity;
  lastArrivedUnixMs = -Infinity;
  /** When the first of them came, by `performance.now()`. */
  sinceMs = 0;

  /** How full the table is; beyond 1 it is to be folded before more is taken. */
  get fill(): number {
    return Math.max(this.table.rows / FOLD_ROWS, tableBytes(this.table) / FOLD_BYTES);
  }

  add(segmentId: number, arrivedUnixMs: number, fingerprints: Iterable<Fingerprint>): void {
    if (this.segmentIds.length === 0) this.sinceMs = performance.now();
    this.segmentIds.push(segmentId);
    this.fingerprints.push(...fingerprints);
    this.firstArrivedUnixMs = Math.min(this.firstArrivedUnixMs, arrivedUnixMs);
    this.lastArrivedUnixMs = Math.max(this.lastArrivedUnixMs, arrivedUnixMs);
  }

  clear(): void {
    const room = this.table.shape.length;
    // After a flood, what it took is given back.
    if (room > ROOM_KEPT_ROWS && this.table.rows < room * USED_SHARE_MIN) this.table = createSpanTable();
    else resetTable(this.table);
    this.segmentIds = [];
    this.fingerprints = [];
    this.firstArrivedUnixMs = Infinity;
    this.lastArrivedUnixMs = -Infinity;
  }
}

export function holdsTrace({ traceId, rows }: SpanTable, wanted: Buffer): boolean {
  for (let row = 0; row < rows; row++) {
    const at = row * TRACE_ID_BYTES;
    if (wanted.compare(traceId, at, at + TRACE_ID_BYTES) === 0) return true;
  }
  return false;
}
